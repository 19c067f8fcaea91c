"""Sequences in parts, for requests and items of limited size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

Member = TypeVar("Member")


def chunks(members: Sequence[Member], size: int) -> Iterator[list[Member]]:
    """`members` in order, in lists of `size`; the last list may be shorter."""
    for start in range(0, len(members), size):
        yield list(members[start : start + size])
