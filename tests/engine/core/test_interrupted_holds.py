"""An execution that a person holds: cancelled, timed out or decided in each state, and killed at each action of it.

The kills hit the function; a decision is a write of its own between two ticks. Whatever is killed, the record ends as
without a kill: the held waves launch nothing, no wave stays open, and the drill is cleaned up.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest

from engine.core import approvals
from engine.core.actions import Finish
from engine.core.events import CancelRequest, Decided
from engine.core.plan import ExecutionType
from engine.core.state import Execution
from engine.core.statuses import ApprovalDecision
from tests.engine.core.simulated_aws import SHORT_JOB_SECONDS, START, Killed, World, execution_of, server, wave

OPERATOR = "arn:aws:iam::111122223333:user/operator"
TOPIC = "arn:aws:sns:us-east-1:111122223333:topic"
# Wave 1 ends after about 3 minutes; then wave 2 waits for at most an hour.
HELD, LATER, MUCH_LATER = 900, 1200, 1500

Change = Callable[[Execution, datetime], Execution]


def pause(execution: Execution, now: datetime) -> Execution:
    return approvals.paused(execution, OPERATOR, now)


def go_on(execution: Execution, now: datetime) -> Execution:
    return approvals.continued(execution, OPERATOR, now)


def approve(execution: Execution, now: datetime) -> Execution:
    return approvals.decided(execution, Decided(2, ApprovalDecision.APPROVED, OPERATOR, now), now)


def reject(execution: Execution, now: datetime) -> Execution:
    return approvals.decided(execution, Decided(2, ApprovalDecision.REJECTED, OPERATOR, now), now)


def cancel(execution: Execution, now: datetime) -> Execution:
    return replace(execution, cancel=CancelRequest(now, "cancelled by operator"))


@dataclass(frozen=True)
class Case:
    """What persons do, in seconds after the start, and the end: status, status of each wave, a word of the reason."""

    persons: tuple[tuple[int, Change], ...]
    status: str
    waves: tuple[str, str, str]
    reason: str = ""
    needs_approval: bool = True
    time_out: int = 14400
    launched: int = 1


CASES = {
    "awaits, cancelled": Case(((HELD, cancel),), "CANCELLED", ("COMPLETED", "CANCELLED", "CANCELLED"), "cancelled"),
    "awaits, the plan's time is over": Case((), "FAILED", ("COMPLETED", "SKIPPED", "SKIPPED"), "time", time_out=1800),
    "awaits, its own time is over": Case((), "FAILED", ("COMPLETED", "FAILED", "SKIPPED"), "not approved within 3600"),
    "awaits, rejected": Case(((HELD, reject),), "FAILED", ("COMPLETED", "FAILED", "SKIPPED"), "rejected by"),
    "awaits, approved": Case(((HELD, approve),), "COMPLETED", ("COMPLETED",) * 3, launched=3),
    "awaits, approved, then cancelled at once": Case(
        ((HELD, approve), (HELD, cancel)), "CANCELLED", ("COMPLETED", "CANCELLED", "CANCELLED"), "cancelled"
    ),
    "paused, cancelled": Case(
        ((60, pause), (HELD, cancel)),
        "CANCELLED",
        ("COMPLETED", "CANCELLED", "CANCELLED"),
        "cancelled",
        needs_approval=False,
    ),
    "paused, the plan's time is over": Case(
        ((60, pause),), "FAILED", ("COMPLETED", "SKIPPED", "SKIPPED"), "time", needs_approval=False, time_out=1800
    ),
    "paused, continued": Case(
        ((60, pause), (HELD, go_on)), "COMPLETED", ("COMPLETED",) * 3, needs_approval=False, launched=3
    ),
    "awaits and is paused, cancelled": Case(
        ((HELD, pause), (LATER, cancel)), "CANCELLED", ("COMPLETED", "CANCELLED", "CANCELLED"), "cancelled"
    ),
    "awaits and is paused, its own time is over": Case(
        ((HELD, pause),), "FAILED", ("COMPLETED", "FAILED", "SKIPPED"), "not approved within 3600"
    ),
    "awaits and is paused, rejected": Case(
        ((HELD, pause), (LATER, reject)), "FAILED", ("COMPLETED", "FAILED", "SKIPPED"), "rejected by"
    ),
    "approved while it is paused, cancelled": Case(
        ((HELD, pause), (LATER, approve), (MUCH_LATER, cancel)),
        "CANCELLED",
        ("COMPLETED", "CANCELLED", "CANCELLED"),
        "cancelled",
    ),
    "approved while it is paused, the plan's time is over": Case(
        ((HELD, pause), (LATER, approve)), "FAILED", ("COMPLETED", "SKIPPED", "SKIPPED"), "time", time_out=1800
    ),
    "approved while it is paused, continued": Case(
        ((HELD, pause), (LATER, approve), (MUCH_LATER, go_on)), "COMPLETED", ("COMPLETED",) * 3, launched=3
    ),
}


def play(case: Case, kind: ExecutionType, **kill) -> World:
    approval = {"Approval": {"Required": True, "TimeoutSeconds": 3600}} if case.needs_approval else {}
    waves = wave(1, [server(1)]), wave(2, [server(2)], **approval), wave(3, [server(3)])
    world = World(job_seconds=SHORT_JOB_SECONDS, **kill)
    plan = {"NotificationTopicArn": TOPIC, "TimeoutSeconds": case.time_out}
    world.begin(execution_of(*waves, execution_type=kind, **plan))
    todo = list(case.persons)
    for _ in range(5000):
        try:
            action = world.step()
        except Killed:
            # The state machine invokes the function again.
            world.now += timedelta(seconds=2)
            continue
        if isinstance(action, Finish):
            assert not todo
            return world
        world.now = max(action.until, world.now) + timedelta(milliseconds=160)
        while todo and world.now >= START + timedelta(seconds=todo[0][0]):
            world.change(lambda execution: todo.pop(0)[1](execution, world.now))
    raise AssertionError(f"not settled: {world.record()}")


def require_end(world: World, case: Case, kind: ExecutionType) -> None:
    record = world.record()
    assert record["Status"] == case.status
    assert tuple(one["Status"] for one in record["Waves"]) == case.waves
    assert case.reason in " ".join([record.get("StatusReason", ""), *(one["Message"] for one in record["Errors"])])
    # Exactly once, and nothing of a wave that was held to its end.
    assert [action.source_server_ids for _, action in world.jobs] == [(server(n),) for n in range(1, case.launched + 1)]
    assert not record.keys() & {"PausedSince", "PausedBy"}
    drill = kind is ExecutionType.DRILL
    assert world.terminated == ({f"i-{server(n)[2:]}" for n in range(1, case.launched + 1)} if drill else set())
    assert record["Notification"]["Status"] == "SENT"
    decided = [one["Decision"] for one in record.get("Approvals", ())]
    assert decided == ["APPROVED"] * sum(change is approve for _, change in case.persons) + ["REJECTED"] * sum(
        change is reject for _, change in case.persons
    )


@pytest.mark.parametrize("kind", list(ExecutionType))
@pytest.mark.parametrize("name", CASES)
def test_the_record_ends_right_whatever_is_killed(name, kind):
    case = CASES[name]
    undisturbed = play(case, kind)
    require_end(undisturbed, case, kind)
    for position in range(1, undisturbed.actions + 1):
        for after_effect in (False, True):
            world = play(case, kind, kill_at=position, kill_after_effect=after_effect)
            require_end(world, case, kind)
