"""Matchers for the engine's AWS calls, as the call journal (or, on AWS, the engine's log) tells them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hamcrest.core.base_matcher import BaseMatcher
from hamcrest.core.description import Description

from features.targets import EngineCall


def list_calls(calls: Sequence[EngineCall]) -> str:
    return "".join(f"\n            {call.line}" for call in calls) or " none"


class WereMade(BaseMatcher[Sequence[EngineCall]]):
    """Exactly so many calls."""

    def __init__(self, times: int) -> None:
        self.times = times

    def _matches(self, item: Sequence[EngineCall]) -> bool:
        return len(item) == self.times

    def describe_to(self, description: Description) -> None:
        description.append_text(f"exactly {self.times} calls" if self.times else "no call at all")

    def describe_mismatch(self, item: Sequence[EngineCall], mismatch_description: Description) -> None:
        mismatch_description.append_text(f"there were {len(item)}:{list_calls(item)}")


class CameApart(BaseMatcher[Sequence[EngineCall]]):
    """Calls with these pauses between the answer to one and the start of the next, to the hundredth of a second."""

    def __init__(self, pauses: Sequence[float], slack: float) -> None:
        self.pauses = list(pauses)
        self.slack = slack

    def _gaps(self, item: Sequence[EngineCall]) -> list[float]:
        return [(after.started - before.ended).total_seconds() for before, after in pairwise(item)]

    def _matches(self, item: Sequence[EngineCall]) -> bool:
        gaps = self._gaps(item)
        return len(gaps) == len(self.pauses) and all(
            wanted - 0.005 <= gap <= wanted + self.slack + 0.005 for gap, wanted in zip(gaps, self.pauses, strict=True)
        )

    def describe_to(self, description: Description) -> None:
        description.append_text(f"{len(self.pauses) + 1} calls with pauses of {self.pauses} seconds")

    def describe_mismatch(self, item: Sequence[EngineCall], mismatch_description: Description) -> None:
        gaps = [round(gap, 2) for gap in self._gaps(item)]
        mismatch_description.append_text(f"the pauses were {gaps} seconds:{list_calls(item)}")


def were_made(times: int) -> WereMade:
    return WereMade(times)


def came_apart(pauses: Sequence[float], slack: float = 0) -> CameApart:
    return CameApart(pauses, slack)
