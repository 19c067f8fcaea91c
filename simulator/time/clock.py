"""One virtual clock for the whole process, and the actors that take turns on it.

Roles
-----
- An **actor** is a thread on the virtual clock: the suite (the thread that entered the simulator), each Step Functions
  execution, each Lambda invocation. Exactly one actor runs at a time: the holder of the *turn token*.
- An actor passes the turn token on only where time can pass: `sleep`, `VirtualEvent.wait`, `Actor.join`. The code
  between two such points is atomic.
- A **timer** (`call_at`) is a function of the simulated AWS, such as the next state of a recovery job. It runs between
  two turns, in the thread that passes the turn token on, and must not wait.

Invariant: time never goes back, and it moves only when every actor waits. Then the earliest scheduled event runs;
events of the same moment run in the order of scheduling. No other rule decides an order, so a run repeats exactly.
"""

from __future__ import annotations

import contextvars
import heapq
import itertools
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine

from simulator.time.actors import Actor, ActorStopped, Deadlock, ScheduledEvent, SimulatorDefect, Timer, VirtualEvent
from simulator.time.real_waits import served

REAL_SECONDS_BEFORE_HANG = 60.0

__all__ = ["Actor", "ActorStopped", "Deadlock", "SimulatorDefect", "Timer", "VirtualClock", "VirtualEvent", "running"]


class VirtualClock:
    """Virtual time in UTC. The thread that calls `start` becomes the first actor, the suite."""

    def __init__(self, start: datetime, *, real_seconds_before_hang: float = REAL_SECONDS_BEFORE_HANG) -> None:
        if start.tzinfo is None:
            raise ValueError("`start` has no timezone: pass an aware datetime, such as one in datetime.UTC")
        self._now = start
        self._hang_timeout = real_seconds_before_hang
        self._queue: list[ScheduledEvent] = []
        self._sequence = itertools.count()
        self._turns = 0
        # Changes without an AWS call: timers that ran, actors that ended, executions that changed their status.
        self.change_count = 0
        self._lock = threading.Lock()
        self._actors: dict[int, Actor] = {}
        self._running: Actor | None = None
        self._in_timer: str | None = None
        self._stopping = False
        # Set during `run_others`: whether the suite resumes before an event that is due at this moment.
        self._resume_before: Callable[[datetime], bool] | None = None
        # Called, without the turn token, when a foreign thread requests its first turn; a server then decides about it.
        self.on_arrival: Callable[[], object] | None = None
        self.arrival_time: Callable[[], datetime] = self.now
        # Threads that the clock did not start and that are actors now: a server's clients during a call.
        self.external_actors = 0
        self._travel = time_machine.travel(start, tick=False)
        self._traveller: Any = None
        self.main: Actor | None = None
        self.failures: list[BaseException] = []

    def start(self) -> None:
        self._traveller = self._travel.start()
        self.main = Actor(self, "the suite", "suite")
        self.main.thread = threading.current_thread()
        self._actors[threading.get_ident()] = self.main
        self._running = self.main

    def stop(self) -> None:
        """Unwinds every other actor, then restores real time."""
        self._stopping = True
        me = self.current()
        for actor in list(self._actors.values()):
            if actor is not me and actor.thread is not None:
                actor._interrupt = ActorStopped(f"{actor.name} was stopped with the simulator")
                self._running = actor
                actor._turn_token.release()
                actor.left.wait(timeout=5)
        self._queue.clear()
        self._actors.clear()
        self._running = None
        self._travel.stop()

    # -- reading ------------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        return self._now

    def current(self) -> Actor | None:
        """The actor of this thread; None for a thread outside the clock."""
        return self._actors.get(threading.get_ident())

    def next_due(self) -> datetime | None:
        """The moment of the next scheduled event; None when the queue is empty."""
        with self._lock:
            while self._queue and self._queue[0].cancelled:
                heapq.heappop(self._queue)
            return self._queue[0].when if self._queue else None

    # -- for actors ---------------------------------------------------------------------------------------------------

    def sleep(self, seconds: float, why: str = "") -> None:
        """Lets `seconds` of virtual time pass for the calling actor; the other actors run meanwhile."""
        self.sleep_until(self._now + timedelta(seconds=max(0.0, seconds)), why or f"{seconds:g} s to pass")

    def sleep_until(self, when: datetime, why: str = "") -> None:
        self.wait(max(when, self._now), why or f"{when.isoformat()}", None)

    def sleep_until_quiet(self, quiet: timedelta, end: datetime) -> None:
        """For the suite: runs events that follow each other within `quiet`, up to `end`.

        The suite resumes once, before the first longer gap, instead of after each event.
        """
        self.run_others(lambda due: due > min(end, self._now + quiet), "AWS to settle")

    def run_others(self, resume_before: Callable[[datetime], bool], why: str) -> None:
        """For the suite: runs the other actors until `resume_before(moment of the next event)` or an empty queue."""
        self._resume_before = resume_before
        self.wait(None, why, None)

    def serve_threads(self) -> bool:
        """Lets threads that the clock did not start make their calls, if any; False where only the suite may do so."""
        may_wait = self.current() is self._running is self.main and self._in_timer is None and not self._stopping
        if not may_wait or self.on_arrival is not None:
            return False
        if self.external_actors:
            self.run_others(lambda due: not self.external_actors, "the calls of other threads")
        return True

    def call_at(self, when: datetime, fn: Callable[[], object], name: str) -> Timer:
        """Runs `fn` at `when`, or now if `when` has passed, between two turns. `fn` must not wait."""
        return Timer(self.schedule(max(when, self._now), call=fn, name=name))

    def spawn(
        self,
        name: str,
        fn: Callable[[], object],
        *,
        source: str = "suite",
        owner: object = None,
        prepare: Callable[[Actor], object] | None = None,
    ) -> Actor:
        """Starts `fn` as a new actor. Its first turn comes when the caller next waits."""
        actor = Actor(self, name, source, owner)
        if prepare is not None:
            prepare(actor)
        actor.thread = threading.Thread(target=self._run_actor, args=(actor, fn), name=name, daemon=True)
        actor.thread.start()
        with self._lock:
            assert actor.thread.ident is not None
            self._actors[actor.thread.ident] = actor
        self.schedule(self._now, actor=actor, name=f"start of {name}")
        return actor

    @contextmanager
    def external_actor(self, name: str, source: str) -> Iterator[Actor]:
        """Makes the calling thread, which the clock did not start (an HTTP server did), an actor for a while."""
        actor = Actor(self, name, source)
        actor.thread = threading.current_thread()
        with self._lock:
            self._actors[threading.get_ident()] = actor
            self.external_actors += 1
        due = self.schedule(self.arrival_time(), actor=actor, name=name)
        if self.on_arrival is not None:
            self.on_arrival()
        turns = -1
        # The machine may have been suspended: give up only after a second period without any turn.
        while not actor._turn_token.acquire(timeout=self._hang_timeout):
            if self._turns == turns and self._withdrawn(due):
                raise SimulatorDefect(f"{name} got no turn for {self._hang_timeout:g} s: {self.describe()}")
            turns = self._turns
        try:
            if actor._interrupt is not None:
                raise actor._interrupt
            yield actor
        finally:
            with self._lock:
                self.external_actors -= 1
            if self._stopping:
                self._actors.pop(threading.get_ident(), None)
            else:
                self._retire(actor)
            actor.left.set()

    def _withdrawn(self, due: ScheduledEvent) -> bool:
        """Cancels the first turn of an external actor that gives up; False if the turn has already begun."""
        with self._lock:
            if not any(one is due for one in self._queue):
                return False
            due.cancelled = True
            self.external_actors -= 1
            self._actors.pop(threading.get_ident(), None)
        return True

    # -- the turn token -----------------------------------------------------------------------------------------------

    def _run_actor(self, actor: Actor, fn: Callable[[], object]) -> None:
        actor._turn_token.acquire()
        try:
            if actor._interrupt is None:
                actor.result = fn()
        except ActorStopped:
            pass
        except BaseException as error:  # noqa: BLE001 - the outermost frame of a thread: `join` raises it
            actor.error = error
        finally:
            actor.leave_scope()
            if self._stopping:
                self._actors.pop(threading.get_ident(), None)
            else:
                actor.finished.set()
                self._retire(actor)
            actor.left.set()

    def _retire(self, actor: Actor) -> None:
        # The journal counts the calls of functions and state machines; only an actor of the suite may change more.
        self.change_count += actor.source == "suite"
        with self._lock:
            self._actors.pop(threading.get_ident(), None)
        self._pass_turn_token(actor, waits=False)

    def schedule(
        self, when: datetime, *, actor: Actor | None = None, call: Callable[[], object] | None = None, name: str = ""
    ) -> ScheduledEvent:
        with self._lock:
            due = ScheduledEvent(when, next(self._sequence), actor, call, name)
            heapq.heappush(self._queue, due)
        return due

    def wait(self, until: datetime | None, why: str, waiting: list[tuple[ScheduledEvent, Actor]] | None) -> bool:
        """Passes the turn token on. True when `until` came, False when an event woke the actor before."""
        me = self._waiting_actor(why)
        killed_at_wake = me.deadline is not None and (until is None or until > me.deadline)
        wake_at = me.deadline if killed_at_wake else until
        wake = ScheduledEvent(self._now, -1, me) if wake_at is None else self.schedule(wake_at, actor=me, name=why)
        if waiting is not None:
            waiting.append((wake, me))
        me.waiting_for = why
        self._pass_turn_token(me, waits=True)
        woken_by_event, wake.cancelled = wake.cancelled, True
        if killed_at_wake and not woken_by_event:
            assert me.past_deadline is not None
            raise me.kill(me.past_deadline())
        return not woken_by_event

    def _waiting_actor(self, why: str) -> Actor:
        """The calling actor. Raises where the caller must not wait or must end."""
        me = self.current()
        if self._in_timer is not None:
            raise SimulatorDefect(f"timer {self._in_timer!r} tried to wait for {why}; a timer must not wait")
        if me is None:
            raise SimulatorDefect(f"thread {threading.current_thread().name!r} is no actor and cannot wait for {why}")
        if self._stopping and me is not self.main:
            raise ActorStopped(f"{me.name} was stopped with the simulator")
        if me.killed is not None:
            raise me.killed
        return me

    def _pass_turn_token(self, me: Actor, *, waits: bool) -> None:
        while True:
            due = self._take_next()
            if due is None:
                self._report_deadlock(me)
                break
            if due.call is not None:
                me._suspend_scope()
                self._run_timer(due)
                continue
            assert due.actor is not None
            if due.actor is me and waits:
                break
            self._give(due.actor, me)
            if waits:
                self._await_turn_token(me)
            return self._resume(me) if waits else None
        return self._resume(me) if waits else None

    def _take_next(self) -> ScheduledEvent | None:
        with self._lock:
            while self._queue:
                if self._queue[0].cancelled:
                    heapq.heappop(self._queue)
                    continue
                if self._resume_before is not None and self._resume_before(self._queue[0].when):
                    break
                due = heapq.heappop(self._queue)
                self._turns += 1
                if due.when > self._now:
                    self._traveller.shift(due.when - self._now)  # move_to would set the process's timezone each time
                    self._now = due.when
                return due
            if self._resume_before is not None:
                self._resume_before = None
                return ScheduledEvent(self._now, -1, self.main)
        return None

    def _run_timer(self, due: ScheduledEvent) -> None:
        assert due.call is not None
        self.change_count += 1
        self._in_timer = due.name
        try:
            contextvars.Context().run(due.call)
        except BaseException as error:  # noqa: BLE001 - a timer has no caller: the suite's next step raises it
            self.failures.append(error)
        finally:
            self._in_timer = None

    def _give(self, actor: Actor, me: Actor) -> None:
        me._suspend_scope()
        self._running = actor
        actor._turn_token.release()

    def _await_turn_token(self, me: Actor) -> None:
        if me is not self.main:
            me._turn_token.acquire()
            return
        turns = -1
        while not me._turn_token.acquire(timeout=self._hang_timeout):
            if self._turns == turns:
                raise SimulatorDefect(
                    f"no turn ended for {self._hang_timeout:g} real seconds: {self.describe(stacks=True)}"
                )
            turns = self._turns

    def _resume(self, me: Actor) -> None:
        if me._interrupt is not None:
            interrupt, me._interrupt = me._interrupt, None
            raise interrupt
        if self.failures and me is self.main:
            raise self.failures.pop(0)
        me._resume_scope()

    def _report_deadlock(self, me: Actor) -> None:
        """No event is scheduled: raises Deadlock in the suite."""
        self._running = None
        deadlock = Deadlock(f"every actor waits and no event is scheduled: {self.describe()}")
        if me is self.main:
            raise deadlock
        if self.main is not None:
            self.main._interrupt = deadlock
            self._give(self.main, me)
            if me.finished.is_set():
                return
            me._turn_token.acquire()

    def describe(self, *, stacks: bool = False) -> str:
        """The state of each actor, for error messages."""
        lines = [f"virtual time {self._now.isoformat()}"]
        frames = sys._current_frames() if stacks else {}
        for ident, actor in list(self._actors.items()):
            state = "runs" if actor is self._running else f"waits for {actor.waiting_for}"
            lines.append(f"- {actor.name} {state}")
            if stacks and actor is self._running and ident in frames:
                lines.append("".join(traceback.format_stack(frames[ident], limit=12)))
        return "\n".join(lines)


def real_now() -> datetime:
    """The time of the machine, for values that clients in other processes compute with their own clocks."""
    return datetime.fromtimestamp(time_machine.escape_hatch.time.time(), UTC)


# -- time.sleep of the process --
_real_sleep = time.sleep
_active: list[VirtualClock] = []


def virtual_sleep(seconds: float) -> None:
    """Replaces `time.sleep` while a simulator is entered: virtual for actors, real for other threads."""
    clock = _active[-1] if _active else None
    if clock is None or clock.current() is None:
        _real_sleep(seconds)
    else:
        clock.sleep(seconds, f"time.sleep({seconds:g})")


@contextmanager
def running(clock: VirtualClock) -> Iterator[VirtualClock]:
    """Starts the clock, makes `time.sleep` virtual for its actors, and restores both at the end."""
    clock.start()
    _active.append(clock)
    time.sleep = virtual_sleep  # type: ignore[assignment]  # takes any number, as the real one does
    try:
        with served(clock.serve_threads):
            yield clock
    finally:
        try:
            clock.stop()
        finally:
            _active.remove(clock)
            if not _active:
                time.sleep = _real_sleep
