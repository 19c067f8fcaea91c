"""The engine's check of each state before it is saved: every violation has its line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from engine.core.invariants import InvariantViolated, check
from engine.core.state import Execution
from engine.core.statuses import ExecutionStatus, ServerStatus, WaveStatus
from tests.engine.core.simulated_aws import START, execution_of, server, wave

JOB, OTHER_JOB = "drsjob-1", "drsjob-2"
LAUNCHING = {"status": ServerStatus.IN_PROGRESS, "launch_attempt": 1, "job_id": JOB}
RUNNING = {"status": WaveStatus.RUNNING, "start_time": START}
COMPLETED = {"status": WaveStatus.COMPLETED, "start_time": START}


def state(
    first: dict[str, Any], server_of_first: dict[str, Any], second: dict[str, Any] | None = None, **execution: Any
) -> Execution:
    """Two waves of one server, the second one depends on the first; the fields to change of each part."""
    made = execution_of(wave(1, [server(1)]), wave(2, [server(2)], DependsOn=[1]))
    changed = tuple(replace(one, **server_of_first) for one in made.waves[0].loaded)
    made = made.with_wave(1, servers=changed, **first).with_wave(2, **(second or {}))
    return replace(made, **({"status": ExecutionStatus.RUNNING} | execution))


PENDING = state({}, {})
BETWEEN = state(RUNNING, LAUNCHING)
RECOVERED = state(COMPLETED, LAUNCHING | {"status": ServerStatus.RECOVERED}, RUNNING)

VIOLATIONS = [
    (BETWEEN, state(RUNNING, LAUNCHING, RUNNING), "wave 1 (Tier 1) and wave 2 (Tier 2) run at the same time"),
    (BETWEEN, state(RUNNING, LAUNCHING, RUNNING), "wave 2 (Tier 2) has started although wave 1 is RUNNING"),
    (
        BETWEEN,
        state(RUNNING, LAUNCHING, status=ExecutionStatus.COMPLETED),
        "wave 1 (Tier 1) is RUNNING in an execution that is COMPLETED",
    ),
    (BETWEEN, state(COMPLETED, LAUNCHING), f"wave 1 (Tier 1) is COMPLETED although {server(1)} is IN_PROGRESS"),
    (
        BETWEEN,
        state(RUNNING, LAUNCHING | {"launch_attempt": None}),
        f"{server(1)} has job {JOB} without a saved intent",
    ),
    (
        BETWEEN,
        state(RUNNING, LAUNCHING | {"job_id": OTHER_JOB}),
        f"{server(1)} has a second job: {JOB}, then {OTHER_JOB}",
    ),
    (BETWEEN, state(RUNNING, {}), f"{server(1)} went from IN_PROGRESS to PENDING"),
    (
        state(RUNNING, LAUNCHING | {"status": ServerStatus.LAUNCHED}),
        BETWEEN,
        f"{server(1)} went from LAUNCHED to IN_PROGRESS",
    ),
    (
        state(RUNNING, LAUNCHING | {"status": ServerStatus.RECOVERED}),
        state(RUNNING, LAUNCHING | {"status": ServerStatus.FAILED}),
        f"{server(1)} went from RECOVERED to FAILED",
    ),
    (BETWEEN, state({}, LAUNCHING), "wave 1 (Tier 1) went from RUNNING to PENDING"),
    (
        RECOVERED,
        state(RUNNING, LAUNCHING | {"status": ServerStatus.RECOVERED}),
        "wave 1 (Tier 1) went from COMPLETED to RUNNING",
    ),
    (PENDING, state({}, {}, status=ExecutionStatus.STARTING), "the execution went from RUNNING to STARTING"),
    (state({}, {}, status=ExecutionStatus.FAILED), PENDING, "the execution went from FAILED to RUNNING"),
]


@pytest.mark.parametrize(("before", "after", "violation"), VIOLATIONS)
def test_each_violation_has_its_line(before: Execution, after: Execution, violation: str) -> None:
    with pytest.raises(InvariantViolated) as refused:
        check(before, after)
    assert violation in str(refused.value)


@pytest.mark.parametrize(("before", "after"), [(PENDING, BETWEEN), (BETWEEN, RECOVERED), (RECOVERED, RECOVERED)])
def test_a_state_may_follow_the_state_before_it(before: Execution, after: Execution) -> None:
    check(before, after)


def test_servers_that_were_not_read_are_not_compared() -> None:
    unread = BETWEEN.with_wave(1, servers=None)
    check(unread, BETWEEN)
    check(BETWEEN, unread)
