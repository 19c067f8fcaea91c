"""The clock that DRS lives by. The simulator puts its virtual clock here; without one DRS refuses to guess the time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What DRS needs of a clock: the time, and a call at a later time."""

    def now(self) -> datetime:
        """The present time, timezone-aware, UTC."""

    def call_at(self, when: datetime, fn: Callable[[], None], name: str) -> object:
        """Call `fn` once the clock reads `when`; `name` says what it is, for traces."""


class ClockMissing(RuntimeError):
    """DRS was used before `simulator.drs.use_clock(...)`."""

    def __init__(self) -> None:
        super().__init__("DRS has no clock: call simulator.drs.use_clock(clock) before the first DRS call")


class _ClockInUse:
    """One holder a process: moto's backends are process-wide as well."""

    clock: Clock | None = None


def use_clock(clock: Clock | None) -> None:
    """Make `clock` the one that all DRS backends read; None takes it away."""
    _ClockInUse.clock = clock


def current_clock() -> Clock:
    if _ClockInUse.clock is None:
        raise ClockMissing
    return _ClockInUse.clock


def now() -> datetime:
    return current_clock().now()


def iso(moment: datetime) -> str:
    """DRS writes times as ISO 8601, UTC, here with milliseconds: 2026-01-31T08:00:00.000Z."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse(text: str) -> datetime:
    """The inverse of `iso`, for any precision that DRS's pattern allows."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
