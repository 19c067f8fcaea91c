"""How a server advances virtual time: at a multiple of real time, by jumps, or in steps.

During a call the client is an external actor on the clock. In virtual and stepped time the events that its call waits
for run at once; in scaled time the call waits in real time too. Between calls:

- `ScaledTime` follows real time, `speed` times as fast.
- `VirtualTime` jumps from event to event once no client has called for a moment, so that no client waits in real time.
- `SteppedTime` stands still: time moves only with calls, and when a client requests the next event.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from simulator.time.clock import SimulatorDefect, VirtualClock

QUIET_SECONDS = 0.02
"""Real seconds without a call after which `VirtualTime` assumes that every client waits."""
FASTEST = 1_000_000.0
"""Virtual seconds in a real second. Above this speed, time would pass the year 9999 within days."""
_LONGEST_LOOK = 3600.0


class TimeMode(Protocol):
    """`clock` is the simulator's. The driver calls all methods but `begin` again after every turn."""

    name: str

    def begin(self, clock: VirtualClock) -> None:
        """Continues from the clock's present time, which another mode may have advanced."""

    def may_happen(self, clock: VirtualClock, due: datetime) -> bool:
        """Whether an event that is due at that moment may run now."""

    def poll_seconds(self, clock: VirtualClock, due: datetime | None) -> float:
        """Real seconds until the next `may_happen`, unless a client calls."""

    def arrival(self, clock: VirtualClock) -> datetime:
        """The virtual moment of a call that arrives now."""


class ScaledTime:
    def __init__(self, clock: VirtualClock, speed: float) -> None:
        self.name = f"{speed:g} times as fast as real time"
        self._speed = speed
        self.begin(clock)

    def begin(self, clock: VirtualClock) -> None:
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
    name = "stands still between calls; a client requests the next event"

    def begin(self, clock: VirtualClock) -> None: ...

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
    """The clock's main actor while the server runs. Any thread and any signal handler may call `stop`."""

    def __init__(self, clock: VirtualClock, time_mode: TimeMode, report: Callable[[BaseException], None]) -> None:
        self.time_mode = time_mode
        self._clock = clock
        self._report = report
        self._called = threading.Event()
        self._stopped = False
        clock.on_arrival = self._called.set
        clock.arrival_time = lambda: self.time_mode.arrival(clock)

    def change(self, time_mode: TimeMode) -> None:
        time_mode.begin(self._clock)
        self.time_mode = time_mode
        self._called.set()

    def stop(self) -> None:
        self._stopped = True
        self._called.set()

    def run(self) -> None:
        """Runs until `stop`. Reports each defect of the simulator and continues."""
        while not self._stopped:
            self._called.clear()
            try:
                self._clock.run_others(self._resume_before, "the next call")
            except SimulatorDefect as defect:
                self._report(defect)
            except Exception as error:  # noqa: BLE001 - an error of a timer or an actor: the server reports and survives it
                self._report(error)
            due = self._clock.next_due()
            if due is None or self._resume_before(due):
                self._called.wait(self.time_mode.poll_seconds(self._clock, due))

    def _resume_before(self, due: datetime) -> bool:
        return self._stopped or not self.time_mode.may_happen(self._clock, due)
