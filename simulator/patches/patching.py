"""Replacing an attribute of a library for as long as the simulator is entered.

Every replacement is a `Patch` that says why. They are applied together and undone in reverse order, so nothing of the
simulator stays behind. Written against moto 5.2.5 and botocore 1.44.5; re-check each when a version moves.
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
            # vars(), not getattr(): a staticmethod must come back as one, and what was inherited must be so again
            undo.append((patch.owner, patch.attribute, vars(patch.owner).get(patch.attribute, _INHERITED)))
            setattr(patch.owner, patch.attribute, patch.replacement)
        yield
    finally:
        for owner, attribute, original in reversed(undo):
            if original is _INHERITED:
                delattr(owner, attribute)
            else:
                setattr(owner, attribute, original)
