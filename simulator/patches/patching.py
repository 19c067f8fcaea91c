"""Replaces attributes of libraries while the simulator is entered.

Every replacement is a `Patch` with its reason. All patches are applied together and undone in reverse order, so the
libraries are unchanged afterwards. Written against moto 5.2.5 and botocore 1.44.5; check each patch when a version
changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_INHERITED = object()


@dataclass(frozen=True)
class Patch:
    owner: object
    attribute: str
    replacement: object
    reason: str


@contextmanager
def applied(patches: Iterable[Patch]) -> Iterator[None]:
    undo: list[tuple[object, str, object]] = []
    try:
        for patch in patches:
            # vars(), not getattr(): a staticmethod stays a staticmethod, and an inherited attribute stays inherited
            undo.append((patch.owner, patch.attribute, vars(patch.owner).get(patch.attribute, _INHERITED)))
            setattr(patch.owner, patch.attribute, patch.replacement)
        yield
    finally:
        for owner, attribute, original in reversed(undo):
            if original is _INHERITED:
                delattr(owner, attribute)
            else:
                setattr(owner, attribute, original)
