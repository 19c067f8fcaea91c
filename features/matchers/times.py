"""Matchers for moments and spans.

Step Functions waits to whole seconds (it cuts a timestamp's fraction off), and each AWS call takes a moment. So "N
seconds later" means: not a moment earlier than N seconds, and less than N + slack, where slack is the target's: one
second on the virtual clock, more where a real AWS answers.
"""

from __future__ import annotations

from datetime import datetime

from hamcrest.core.base_matcher import BaseMatcher
from hamcrest.core.description import Description


class StartedAfter(BaseMatcher[datetime]):
    """A moment that lies so many seconds after another, and no later than the slack allows."""

    def __init__(self, seconds: float, earlier: datetime, slack: float) -> None:
        self.seconds, self.earlier, self.slack = seconds, earlier, slack

    def _gap(self, item: datetime) -> float:
        return (item - self.earlier).total_seconds()

    def _matches(self, item: datetime) -> bool:
        return self.seconds <= self._gap(item) < self.seconds + self.slack

    def describe_to(self, description: Description) -> None:
        description.append_text(
            f"{self.seconds:g} s (and less than {self.slack:g} s more) after {self.earlier:%H:%M:%S.%f}"
        )

    def describe_mismatch(self, item: datetime, mismatch_description: Description) -> None:
        mismatch_description.append_text(f"it was {self._gap(item):g} s after it, at {item:%H:%M:%S.%f}")


class Lasted(BaseMatcher[float]):
    """A span of so many whole seconds."""

    def __init__(self, seconds: float, slack: float) -> None:
        self.seconds, self.slack = seconds, slack

    def _matches(self, item: float) -> bool:
        return self.seconds - self.slack < item < self.seconds + self.slack

    def describe_to(self, description: Description) -> None:
        description.append_text(f"{self.seconds:g} s, give or take less than {self.slack:g} s")

    def describe_mismatch(self, item: float, mismatch_description: Description) -> None:
        mismatch_description.append_text(f"it was {item:g} s")


class Within(BaseMatcher[float]):
    """A span no longer than so many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def _matches(self, item: float) -> bool:
        return item <= self.seconds

    def describe_to(self, description: Description) -> None:
        description.append_text(f"at most {self.seconds:g} s")

    def describe_mismatch(self, item: float, mismatch_description: Description) -> None:
        mismatch_description.append_text(f"it was {item:g} s")


def started_after(seconds: float, earlier: datetime, slack: float) -> StartedAfter:
    return StartedAfter(seconds, earlier, slack)


def lasted(seconds: float, slack: float) -> Lasted:
    return Lasted(seconds, slack)


def within(seconds: float) -> Within:
    return Within(seconds)
