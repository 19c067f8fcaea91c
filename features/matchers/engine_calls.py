"""Matchers for the engine's AWS calls, from the simulator's journal or, on AWS, from the engine's log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from hamcrest.core.base_matcher import BaseMatcher
from hamcrest.core.description import Description

from features.targets import EngineCall

# Journal times are exact to a thousandth of a second.
ROUNDING = 0.005


def list_calls(calls: Sequence[EngineCall]) -> str:
    return "".join(f"\n            {call.line}" for call in calls) or " none"


class WereMade(BaseMatcher[Sequence[EngineCall]]):
    """Exactly this number of calls."""

    def __init__(self, times: int) -> None:
        self.times = times

    def _matches(self, item: Sequence[EngineCall]) -> bool:
        return len(item) == self.times

    def describe_to(self, description: Description) -> None:
        description.append_text(f"exactly {self.times} {'call' if self.times == 1 else 'calls'}")

    def describe_mismatch(self, item: Sequence[EngineCall], mismatch_description: Description) -> None:
        mismatch_description.append_text(f"there {'was' if len(item) == 1 else 'were'} {len(item)}:{list_calls(item)}")


@dataclass(frozen=True)
class Pauses:
    """Pauses between calls in seconds; `at_least`: one lower limit for every pause."""

    seconds: list[int]
    at_least: bool


class CameApart(BaseMatcher[Sequence[EngineCall]]):
    """Calls with these pauses from the answer to one until the start of the next.

    A pause may be longer by less than `slack` seconds; one without an upper limit ("at least") by any time.
    """

    def __init__(self, pauses: Pauses, slack: float) -> None:
        self.pauses, self.slack = pauses, slack

    def _gaps(self, item: Sequence[EngineCall]) -> list[float]:
        return [(after.started - before.ended).total_seconds() for before, after in pairwise(item)]

    def _matches(self, item: Sequence[EngineCall]) -> bool:
        gaps, wanted = self._gaps(item), self.pauses.seconds
        if self.pauses.at_least:
            return bool(gaps) and min(gaps) >= wanted[0] - ROUNDING
        return len(gaps) == len(wanted) and all(
            pause - ROUNDING <= gap <= pause + self.slack + ROUNDING for gap, pause in zip(gaps, wanted, strict=True)
        )

    def describe_to(self, description: Description) -> None:
        seconds = ", ".join(map(str, self.pauses.seconds))
        if self.pauses.at_least:
            description.append_text(f"calls with pauses of at least {seconds} seconds")
        else:
            description.append_text(f"{len(self.pauses.seconds) + 1} calls with pauses of {seconds} seconds")

    def describe_mismatch(self, item: Sequence[EngineCall], mismatch_description: Description) -> None:
        gaps = [round(gap, 2) for gap in self._gaps(item)]
        mismatch_description.append_text(f"the pauses were {gaps} seconds:{list_calls(item)}")


def were_made(times: int) -> WereMade:
    return WereMade(times)


def came_apart(pauses: Pauses, slack: float = 0) -> CameApart:
    return CameApart(pauses, slack)
