"""Actors on the virtual clock, the events that they wait for, and the errors of the clock."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol


class SimulatorDefect(Exception):
    """The simulator has a defect, or its caller misuses it; never a mistake of the program under test."""


class ActorStopped(BaseException):
    """Unwinds a waiting actor when the simulator stops. Not an Exception, so that no handler catches it."""


class Deadlock(SimulatorDefect):
    """Every actor waits, and no event is scheduled."""


class Scope(Protocol):
    """State of the process that only one actor's code may see; `leave` removes it before another actor's turn."""

    def enter(self) -> None: ...
    def leave(self) -> None: ...


@dataclass(order=True)
class ScheduledEvent:
    when: datetime
    sequence: int
    actor: Actor | None = field(compare=False, default=None)
    call: Callable[[], object] | None = field(compare=False, default=None)
    name: str = field(compare=False, default="")
    cancelled: bool = field(compare=False, default=False)


class Scheduler(Protocol):
    """The part of the virtual clock that actors and events use."""

    def now(self) -> datetime: ...

    def schedule(
        self, when: datetime, *, actor: Actor | None = None, call: Callable[[], object] | None = None, name: str = ""
    ) -> ScheduledEvent: ...

    def wait(self, until: datetime | None, why: str, waiting: list[tuple[ScheduledEvent, Actor]] | None) -> bool: ...


class Timer:
    """A scheduled call; `cancel()` before its time removes it."""

    def __init__(self, due: ScheduledEvent) -> None:
        self._due = due

    @property
    def when(self) -> datetime:
        return self._due.when

    def cancel(self) -> None:
        self._due.cancelled = True


class Actor:
    """A thread on the virtual clock. `source` stands in the call journal; `owner` is an object of its creator."""

    def __init__(self, clock: Scheduler, name: str, source: str, owner: object = None) -> None:
        self.clock = clock
        self.name = name
        self.source = source
        self.owner = owner
        self.scope: Scope | None = None
        self.deadline: datetime | None = None
        self.past_deadline: Callable[[], BaseException] | None = None
        self.killed: BaseException | None = None
        self.waiting_for = "its first turn"
        self.thread: threading.Thread | None = None
        self.result: Any = None
        self.error: BaseException | None = None
        self.finished = VirtualEvent(clock, f"the end of {name}")
        self.left = threading.Event()  # set when the thread has left the clock for good
        self._turn_token = threading.Semaphore(0)
        self._interrupt: BaseException | None = None
        self._scope_entered = False
        self._outside = 0

    def kill(self, reason: BaseException) -> BaseException:
        """Marks the actor as dead: each later wait and each later AWS call raises `reason` again."""
        self.killed = reason
        return reason

    def enter_scope(self, scope: Scope) -> None:
        self.scope = scope
        self._resume_scope()

    def leave_scope(self) -> None:
        self._suspend_scope()
        self.scope = None

    def _suspend_scope(self) -> None:
        if self.scope is not None and self._scope_entered:
            self._scope_entered = False
            self.scope.leave()

    def _resume_scope(self) -> None:
        if self.scope is not None and not self._scope_entered and not self._outside:
            self._scope_entered = True
            self.scope.enter()

    @contextmanager
    def outside_scope(self) -> Iterator[None]:
        """For the simulator's own code on this actor's thread, such as an AWS call."""
        self._suspend_scope()
        self._outside += 1
        try:
            yield
        finally:
            self._outside -= 1
            self._resume_scope()

    def join(self) -> Any:
        """Waits for the end; returns the function's result or raises its exception."""
        self.finished.wait()
        if self.error is not None:
            raise self.error
        return self.result


class VirtualEvent:
    """`threading.Event` on the virtual clock; a `set` that is cleared at once still wakes the waiting actors."""

    def __init__(self, clock: Scheduler, name: str = "an event") -> None:
        self._clock = clock
        self._name = name
        self._set = False
        self._waiting: list[tuple[ScheduledEvent, Actor]] = []

    def is_set(self) -> bool:
        return self._set

    def clear(self) -> None:
        self._set = False

    def set(self) -> None:
        self._set = True
        woken, self._waiting = self._waiting, []
        for due, actor in woken:
            if not due.cancelled:
                due.cancelled = True
                self._clock.schedule(self._clock.now(), actor=actor, name=f"{self._name} happened")

    def wait(self, timeout: float | None = None) -> bool:
        """True when the event happened, False after `timeout` virtual seconds."""
        if self._set:
            return True
        until = None if timeout is None else self._clock.now() + timedelta(seconds=timeout)
        return not self._clock.wait(until, self._name, self._waiting)
