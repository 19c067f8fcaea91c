"""The protocol of a start, explored completely: two executions over two shared servers, killed at every step.

Leases are taken one a transaction, so that two servers show the interleavings of a long list.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.core import start_protocol
from engine.core.start_protocol import (
    Consent,
    Holder,
    RunMachine,
    StartView,
    TakeLeases,
    Withdraw,
    Written,
    next_step,
    observe,
)
from engine.core.statuses import FINAL_EXECUTION
from tests.engine.core.start_worlds import (
    CANCELLED,
    DRILL,
    EVERYTHING,
    RECOVERY,
    RUNNING,
    SERVERS,
    STARTING,
    advance,
    at_rest,
    begin,
    check,
    explore,
    same_plan_start,
    stored,
    third_start,
)


@pytest.fixture(autouse=True)
def one_lease_a_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_protocol, "LEASES_A_TRANSACTION", 1)


KINDS = [{"a": DRILL, "b": DRILL}, {"a": DRILL, "b": RECOVERY}, {"a": RECOVERY, "b": RECOVERY}]
each_kind = pytest.mark.parametrize("types", KINDS, ids=lambda types: "-".join(types.values()))
FAULTS: dict[str, Any] = {"kills": 1, "deaths": 1, "repeats": 1}


@each_kind
def test_no_interleaving_lets_two_executions_launch_one_server(types):
    assert len(explore(begin(types, **FAULTS))) > 10_000


@pytest.mark.parametrize(
    ("kind", "consent"),
    [(DRILL, Consent(cancel_drills=True)), (RECOVERY, Consent(take_over=frozenset("a")))],
    ids=["cancel-drills", "take-over"],
)
def test_no_interleaving_of_a_take_over_lets_two_executions_launch_one_server(kind, consent):
    assert len(explore(begin({"a": kind, "b": RECOVERY}, {"b": consent}, kills=1, deaths=1))) > 3_000


@each_kind
def test_from_every_state_each_start_comes_to_an_answer_by_itself(types):
    for world in explore(begin(types, **FAULTS)):
        for name in world.starts:
            alone = world
            for _ in range(30):
                if name not in alone.starts:
                    break
                alone = advance(alone, name)
            assert name not in alone.starts, world


@each_kind
def test_of_two_starts_at_the_same_moment_exactly_one_starts(types):
    # Neither execution ends meanwhile: an end would let the other start as well.
    ends = [
        world
        for world in explore(begin(types))
        if not world.starts and not any(record.status in FINAL_EXECUTION for record in world.records.values())
    ]
    assert ends
    for world in ends:
        assert sorted(world.answers.values()) == ["refused", "started"], world


@each_kind
def test_from_every_state_one_more_recovery_gets_all_servers(types):
    for world in stored(explore(begin(types, **FAULTS))):
        assert third_start(world, RECOVERY, EVERYTHING) == "started", world


@each_kind
def test_when_all_has_ended_or_died_no_server_stays_taken(types):
    for world in {at_rest(world) for world in stored(explore(begin(types, **FAULTS)))}:
        dead = [one for one in world.records.values() if one.machine == "dead" and not one.settled]
        # A drill waits for the clean-up of a drill, which goes on as soon as the record of a dead one is closed.
        assert dead or third_start(world, DRILL) == "started", world
        assert third_start(world, RECOVERY) == "started", world


@each_kind
@pytest.mark.parametrize("kind", [DRILL, RECOVERY])
def test_a_start_of_the_same_plan_never_joins_a_dead_execution(types, kind):
    answers = set()
    for world in stored(explore(begin(types, **FAULTS))):
        for name, record in world.records.items():
            dead = record.machine == "dead" and (record.status is RUNNING or not record.fenced)
            after, answer = same_plan_start(world, name, kind)
            check(after)
            answers.add((record.status, dead, answer))
            # A closed execution is settled by its next run, so that the plan is free in the end.
            free = kind is RECOVERY or not record.launched
            assert not dead or answer == ("began" if free else "refused"), world
            assert not dead or same_plan_start(at_rest(after), name, kind)[1] == "began", world
            left = after.record(name)
            assert answer != "joined" or left is None or left.machine == "running", world
    for status in (STARTING, RUNNING):
        began = kind is RECOVERY or status is STARTING
        assert (status, True, "began" if began else "refused") in answers
        assert ((status, False, "joined") in answers) == (kind in types.values())


@each_kind
def test_a_refused_start_leaves_neither_record_nor_lease(types):
    for world in explore(begin(types, **FAULTS)):
        for name, answer in world.answers.items():
            record = world.record(name)
            # A state machine that ran already when the start was fenced ends the record as CANCELLED.
            if answer == "refused" and record is None:
                assert name not in world.leases.values(), world
            elif answer == "refused":
                assert record.cancelled
                assert not record.launched


def test_leases_are_taken_in_sorted_order_and_no_transaction_has_more_than_100_writes(monkeypatch):
    monkeypatch.undo()
    servers = tuple(f"s-{number:03}" for number in reversed(range(120)))
    leases = {server: f"gone-{server}" for server in servers}
    view = StartView("a", RECOVERY, servers, leases=leases, holders=dict.fromkeys(leases.values()))
    taken = []
    while isinstance(step := next_step(view), TakeLeases):
        assert 1 + len(step.leases) + len(step.checked) <= 100
        assert step.checked == tuple(owner for _, owner in step.leases)
        taken += [server for server, _ in step.leases]
        view = observe(view, step, Written())
    assert taken == sorted(servers)
    assert step == RunMachine()


def test_a_drill_does_not_wait_for_an_execution_that_has_launched_nothing():
    ended = Holder("b", "plan-b", DRILL, CANCELLED, settled=False, cancelled=True, version=2, launched=False)
    view = StartView("a", DRILL, ("s-1",), leases={"s-1": "b"}, holders={"b": ended})
    assert isinstance(next_step(view), TakeLeases)
    assert isinstance(next_step(replace(view, holders={"b": replace(ended, launched=True)})), Withdraw)


def test_a_refusal_comes_before_any_write_that_stops_another_execution():
    blocking = Holder("b", "plan-b", RECOVERY, RUNNING, False, False, 3, machine_runs=True)
    starting = Holder("c", "plan-c", DRILL, STARTING, False, False, 0)
    leases = {"s-1": "b", "s-2": "c"}
    view = StartView("a", RECOVERY, SERVERS, leases=leases, holders={"b": blocking, "c": starting})
    assert next_step(view) == Withdraw((blocking,), "s-1", "b")
