"""Matchers for moments and spans of time.

Step Functions waits to whole seconds (it cuts the fraction of a timestamp), and each AWS call takes time. So "N seconds
later" means: at least N seconds, and less than N + slack. The slack is the target's: one second on the virtual clock,
more on real AWS.
"""

from __future__ import annotations

from datetime import datetime

from hamcrest.core.base_matcher import BaseMatcher
from hamcrest.core.description import Description


class StartedAfter(BaseMatcher[datetime]):
    """A moment that is this many seconds after another, and later by less than the slack."""

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


class NoLater(BaseMatcher[datetime]):
    """A moment no later than another."""

    def __init__(self, limit: datetime) -> None:
        self.limit = limit

    def _matches(self, item: datetime) -> bool:
        return item <= self.limit

    def describe_to(self, description: Description) -> None:
        description.append_text(f"at most {self.limit:%H:%M:%S.%f}")

    def describe_mismatch(self, item: datetime, mismatch_description: Description) -> None:
        mismatch_description.append_text(f"it was {item:%H:%M:%S.%f}")


class Span(BaseMatcher[float]):
    """A span of time; the subclasses say which."""

    def describe_mismatch(self, item: float, mismatch_description: Description) -> None:
        mismatch_description.append_text(f"it was {item:g} s")


class Lasted(Span):
    """A span of this many seconds, longer or shorter by less than the slack."""

    def __init__(self, seconds: float, slack: float) -> None:
        self.seconds, self.slack = seconds, slack

    def _matches(self, item: float) -> bool:
        return self.seconds - self.slack < item < self.seconds + self.slack

    def describe_to(self, description: Description) -> None:
        description.append_text(f"{self.seconds:g} s, give or take less than {self.slack:g} s")


class IsBetween(Span):
    """A span from `low` to `high` seconds, both included."""

    def __init__(self, low: float, high: float) -> None:
        self.low, self.high = low, high

    def _matches(self, item: float) -> bool:
        return self.low <= item <= self.high

    def describe_to(self, description: Description) -> None:
        description.append_text(f"between {self.low:g} and {self.high:g} s")


class AtMost(Span):
    """A span no longer than this many seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def _matches(self, item: float) -> bool:
        return item <= self.seconds

    def describe_to(self, description: Description) -> None:
        description.append_text(f"at most {self.seconds:g} s")


def started_after(seconds: float, earlier: datetime, slack: float) -> StartedAfter:
    return StartedAfter(seconds, earlier, slack)


def no_later_than(limit: datetime) -> NoLater:
    return NoLater(limit)


def lasted(seconds: float, slack: float) -> Lasted:
    return Lasted(seconds, slack)


def is_between(low: float, high: float) -> IsBetween:
    return IsBetween(low, high)


def at_most(seconds: float) -> AtMost:
    return AtMost(seconds)
