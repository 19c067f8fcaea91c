"""The clock of DRS. The simulator sets its virtual clock here; without a clock, calls that need the time fail."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """The clock that DRS uses: the time, and a call at a later time."""

    def now(self) -> datetime:
        """The present time, timezone-aware, UTC."""

    def call_at(self, when: datetime, fn: Callable[[], None], name: str) -> object:
        """Call `fn` once the clock reads `when`; `name` identifies the call in traces."""


class ClockMissing(RuntimeError):
    """DRS was used before `simulator.drs.use_clock(...)`."""

    def __init__(self) -> None:
        super().__init__("DRS has no clock: call simulator.drs.use_clock(clock) before the first DRS call")


class _ClockInUse:
    """One holder a process: moto's backends are process-wide as well."""

    clock: Clock | None = None


def use_clock(clock: Clock | None) -> None:
    """Set the clock of all DRS backends; None removes it."""
    _ClockInUse.clock = clock


def current_clock() -> Clock:
    if _ClockInUse.clock is None:
        raise ClockMissing
    return _ClockInUse.clock


def now() -> datetime:
    return current_clock().now()


def iso(moment: datetime) -> str:
    """A time in an answer of DRS, with microseconds and offset: 2026-01-31T08:00:00.000000+00:00.

    Field reports of 2024 show this form, although the model of DRS has a pattern that ends with Z.
    """
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def parse(text: str) -> datetime:
    """The inverse of `iso`, for any precision that DRS's pattern allows."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
