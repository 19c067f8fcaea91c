"""The virtual clock: exact, ordered, one actor at a time, and never silent about a hang."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from simulator.time.clock import ActorStopped, Deadlock, SimulatorDefect, VirtualClock, VirtualEvent, running
from tests.simulator.real_time import really_wait

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[VirtualClock]:
    with running(VirtualClock(START, real_seconds_before_hang=0.5)) as clock:
        yield clock


def seconds(clock: VirtualClock) -> float:
    return (clock.now() - START).total_seconds()


def test_three_actors_interleave_by_their_wake_up_times(clock: VirtualClock) -> None:
    turns: list[tuple[str, float]] = []

    def worker(name: str, pause: float) -> str:
        for _ in range(3):
            clock.sleep(pause)
            turns.append((name, seconds(clock)))
        return name

    actors = [clock.spawn(name, partial(worker, name, pause)) for name, pause in (("a", 20), ("b", 30), ("c", 45))]
    assert [actor.join() for actor in actors] == ["a", "b", "c"]
    assert turns == [
        ("a", 20), ("b", 30), ("a", 40), ("c", 45), ("b", 60), ("a", 60), ("c", 90), ("b", 90), ("c", 135),
    ]  # fmt: skip  # at 60 and at 90 the one that asked first goes first


def test_all_of_pythons_clocks_but_monotonic_move_together(clock: VirtualClock) -> None:
    real = time.monotonic()
    time.sleep(3600)
    assert datetime.now(tz=UTC) == START + timedelta(hours=1)
    assert time.time() == (START + timedelta(hours=1)).timestamp()
    assert time.monotonic() - real < 1


def test_timers_run_between_turns_in_order_of_time_then_of_asking(clock: VirtualClock) -> None:
    seen: list[tuple[str, float]] = []

    def note(name: str) -> None:
        seen.append((name, seconds(clock)))

    for name, delay in (("late", 10), ("first", 5), ("second", 5)):
        clock.call_at(START + timedelta(seconds=delay), partial(note, name), name)
    cancelled = clock.call_at(START + timedelta(seconds=6), lambda: seen.append(("never", 0)), "cancelled")
    cancelled.cancel()
    clock.sleep(20)
    assert seen == [("first", 5), ("second", 5), ("late", 10)]


def test_a_timer_for_the_past_runs_now_and_time_never_goes_back(clock: VirtualClock) -> None:
    clock.sleep(100)
    seen: list[float] = []
    clock.call_at(START, lambda: seen.append(seconds(clock)), "belated")
    clock.sleep(1)
    assert seen == [100]


def test_a_timer_that_waits_is_a_defect_of_the_simulator(clock: VirtualClock) -> None:
    clock.call_at(START, lambda: clock.sleep(1), "sleepy")
    with pytest.raises(SimulatorDefect, match="'sleepy' tried to wait"):
        clock.sleep(1)


def test_an_error_in_a_timer_reaches_the_suite(clock: VirtualClock) -> None:
    def broken() -> None:
        raise KeyError("in a timer")

    clock.call_at(START, broken, "broken")
    with pytest.raises(KeyError, match="in a timer"):
        clock.sleep(1)


def test_an_event_wakes_who_waits_even_when_it_is_cleared_at_once(clock: VirtualClock) -> None:
    event = VirtualEvent(clock, "news")
    waiter = clock.spawn("waiter", lambda: (event.wait(100), seconds(clock)))
    clock.sleep(7)
    event.set()
    event.clear()
    assert waiter.join() == (True, 7)


def test_waiting_for_an_event_ends_with_its_timeout(clock: VirtualClock) -> None:
    assert VirtualEvent(clock, "news").wait(30) is False
    assert seconds(clock) == 30


def test_join_raises_what_the_actor_raised(clock: VirtualClock) -> None:
    def broken() -> None:
        raise ValueError("in an actor")

    with pytest.raises(ValueError, match="in an actor"):
        clock.spawn("broken", broken).join()


def test_past_its_deadline_an_actor_dies_where_it_waits_and_stays_dead(clock: VirtualClock) -> None:
    class Dead(BaseException):
        pass

    trace: list[str] = []

    def worker() -> None:
        actor = clock.current()
        assert actor is not None
        actor.deadline, actor.past_deadline = START + timedelta(seconds=10), Dead
        try:
            clock.sleep(4)
            trace.append("in time")
            clock.sleep(7)
            trace.append("too late")
        finally:
            clock.sleep(1)
            trace.append("after death")

    actor = clock.spawn("worker", worker)
    with pytest.raises(Dead):
        actor.join()
    assert trace == ["in time"]
    assert seconds(clock) == 10


def test_when_nothing_can_ever_happen_the_suite_is_told_who_waits_for_what(clock: VirtualClock) -> None:
    lost = VirtualEvent(clock, "the answer")
    clock.spawn("worker", lambda: lost.wait())
    with pytest.raises(Deadlock, match="worker waits for the answer"):
        VirtualEvent(clock, "something else").wait()


def test_a_real_hang_ends_with_an_error_that_names_the_culprit(clock: VirtualClock) -> None:
    release = threading.Event()
    clock.spawn("stuck", lambda: release.wait(10))
    try:
        with pytest.raises(SimulatorDefect, match="stuck runs"):
            clock.sleep(1)
    finally:
        release.set()


def test_leaving_unwinds_actors_that_still_wait() -> None:
    left: list[str] = []

    def worker(clock: VirtualClock) -> None:
        try:
            clock.sleep(1_000_000)
        except ActorStopped:
            left.append("unwound")
            raise

    real_sleep = time.sleep
    with running(VirtualClock(START)) as clock:
        actor = clock.spawn("worker", lambda: worker(clock))
        clock.sleep(1)
    assert left == ["unwound"]
    assert actor.thread is not None
    assert not actor.thread.is_alive()
    assert time.sleep is real_sleep
    assert abs(time.time() - datetime.now(tz=UTC).timestamp()) < 1


def test_a_foreign_thread_gets_its_turn_when_the_suite_waits(clock: VirtualClock) -> None:
    seen: list[float] = []

    def foreign() -> None:
        with clock.external_actor("a request", "suite"):
            clock.sleep(5)
            seen.append(seconds(clock))

    thread = threading.Thread(target=foreign)
    thread.start()
    while clock.next_due() is None:
        really_wait(0.001)
    clock.sleep(10)
    thread.join()
    assert seen == [5]


def guest(clock: VirtualClock, told: list[object]) -> threading.Thread:
    """A foreign thread that has arrived and waits for its turn; `told` gets the moment of it, or the defect."""

    def foreign() -> None:
        try:
            with clock.external_actor("a request", "suite"):
                told.append(seconds(clock))
        except SimulatorDefect as defect:
            told.append(str(defect))

    thread = threading.Thread(target=foreign)
    thread.start()
    while clock.next_due() is None:
        really_wait(0.001)
    return thread


def test_a_guest_outlives_a_machine_that_stood_still(clock: VirtualClock) -> None:
    told: list[object] = []
    waiting = guest(clock, told)
    really_wait(0.75)
    clock.sleep(10)
    waiting.join()
    assert told == [0]


def test_the_suite_can_wait_for_threads_that_call(clock: VirtualClock) -> None:
    def call(number: int) -> float:
        for _ in range(3):
            with clock.external_actor(f"call of thread {number}", "suite"):
                clock.sleep(5)
        return seconds(clock)

    clock.call_at(START + timedelta(hours=1), lambda: None, "a later event")
    with ThreadPoolExecutor(4) as pool:
        assert len(list(pool.map(call, range(20)))) == 20
    # Time passed for the calls alone.
    assert 15 <= seconds(clock) <= 20 * 3 * 5
    thread = threading.Thread(target=call, args=(1,))
    thread.start()
    thread.join()
    ended = threading.Event()

    def call_and_tell() -> None:
        call(2)
        ended.set()

    threading.Thread(target=call_and_tell).start()
    assert ended.wait()
    assert not threading.Event().wait(0.01)


def test_the_error_of_a_thread_reaches_the_suite(clock: VirtualClock) -> None:
    def fail() -> None:
        with clock.external_actor("a call", "suite"):
            raise ValueError("the thread failed")

    with ThreadPoolExecutor(1) as pool, pytest.raises(ValueError, match="the thread failed"):
        pool.submit(fail).result()


def test_a_guest_that_gave_up_stands_in_nobodys_way(clock: VirtualClock) -> None:
    told: list[object] = []
    waiting = guest(clock, told)
    held = threading.Lock()
    held.acquire()
    held.acquire(timeout=2)  # a real wait during which no thread gets a turn
    waiting.join()
    assert "a request got no turn for 0.5 s" in str(told)
    clock.sleep(10)
    waiting = guest(clock, told)
    clock.sleep(10)
    waiting.join()
    assert told[1:] == [10]
    assert clock.external_actors == 0


def test_the_clock_needs_an_aware_start() -> None:
    with pytest.raises(ValueError, match="timezone"):
        VirtualClock(datetime(2026, 1, 1))  # noqa: DTZ001 - the mistake under test
