"""How virtual time goes on while nobody in this process lives through it: N times as fast as real, by jumps or steps.

A client in a call is a guest of the clock; what its call waits for always happens. Between calls:

- `ScaledTime` follows real time, `speed` times as fast.
- `VirtualTime` goes from event to event as soon as all clients have been quiet for a moment: nobody waits in real time.
- `SteppedTime` stands still: time moves only with calls, and when a client asks for the next event.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from simulator.time.clock import SimulatorDefect, VirtualClock

QUIET_SECONDS = 0.02
"""Real seconds without a call after which `VirtualTime` takes it that every client waits."""
FASTEST = 1_000_000.0
"""Times real time; at more, calendars end within a day."""
_LONGEST_LOOK = 3600.0


class TimeMode(Protocol):
    """`clock` is the simulator's; all three are asked again after every turn."""

    name: str

    def may_happen(self, clock: VirtualClock, due: datetime) -> bool:
        """Whether what is due at that moment may happen now."""

    def poll_seconds(self, clock: VirtualClock, due: datetime | None) -> float:
        """Real seconds after which that question has to be asked again if no client calls."""

    def arrival(self, clock: VirtualClock) -> datetime:
        """The virtual moment at which a call that comes in now arrives."""


class ScaledTime:
    def __init__(self, clock: VirtualClock, speed: float) -> None:
        self.name = f"{speed:g} times as fast as real time"
        self._speed = speed
        self._virtual, self._real = clock.now(), time.monotonic()

    def _now(self) -> datetime:
        return self._virtual + timedelta(seconds=(time.monotonic() - self._real) * self._speed)

    def may_happen(self, clock: VirtualClock, due: datetime) -> bool:
        return due <= self._now()

    def poll_seconds(self, clock: VirtualClock, due: datetime | None) -> float:
        return _LONGEST_LOOK if due is None else max(0.0, (due - self._now()).total_seconds() / self._speed)

    def arrival(self, clock: VirtualClock) -> datetime:
        return max(clock.now(), self._now())


class SteppedTime:
    name = "stands still between calls; a client asks for the next event"

    def may_happen(self, clock: VirtualClock, due: datetime) -> bool:
        return clock.external_actors > 0

    def poll_seconds(self, clock: VirtualClock, due: datetime | None) -> float:
        return _LONGEST_LOOK

    def arrival(self, clock: VirtualClock) -> datetime:
        return clock.now()


class VirtualTime(SteppedTime):
    name = "virtual: it jumps to the next event when all clients wait"

    def __init__(self) -> None:
        self._last_call = time.monotonic()

    def may_happen(self, clock: VirtualClock, due: datetime) -> bool:
        if clock.external_actors:
            self._last_call = time.monotonic()
            return True
        return time.monotonic() - self._last_call >= QUIET_SECONDS

    def poll_seconds(self, clock: VirtualClock, due: datetime | None) -> float:
        return _LONGEST_LOOK if due is None else QUIET_SECONDS


class Driver:
    """The clock's main actor as long as the server runs. `stop` may be called from anywhere, also by a signal."""

    def __init__(self, clock: VirtualClock, time_mode: TimeMode, report: Callable[[BaseException], None]) -> None:
        self.time_mode = time_mode
        self._clock = clock
        self._report = report
        self._called = threading.Event()
        self._stopped = False
        clock.on_arrival = self._called.set
        clock.arrival_time = lambda: self.time_mode.arrival(clock)

    def change(self, time_mode: TimeMode) -> None:
        self.time_mode = time_mode
        self._called.set()

    def stop(self) -> None:
        self._stopped = True
        self._called.set()

    def run(self) -> None:
        """Drives until `stop`. A defect of the simulator is reported, and the others go on."""
        while not self._stopped:
            self._called.clear()
            try:
                self._clock.run_others(self._resume_before, "the next call")
            except SimulatorDefect as defect:
                self._report(defect)
            except Exception as error:  # noqa: BLE001 - what a timer or an actor raised: a server outlives it and says so
                self._report(error)
            due = self._clock.next_due()
            if due is None or self._resume_before(due):
                self._called.wait(self.time_mode.poll_seconds(self._clock, due))

    def _resume_before(self, due: datetime) -> bool:
        return self._stopped or not self.time_mode.may_happen(self._clock, due)
