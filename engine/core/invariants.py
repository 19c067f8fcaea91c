"""The invariants of every execution, regardless of the behaviour of AWS. Checked before each save."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

from engine.core.state import Execution, ServerState, WaveState
from engine.core.statuses import (
    FINAL_EXECUTION,
    FINAL_SERVER,
    FINAL_WAVE,
    ApprovalDecision,
    ExecutionStatus,
    ServerStatus,
    WaveStatus,
)

Status = TypeVar("Status", ExecutionStatus, WaveStatus, ServerStatus)

_EXECUTION_RANK = {ExecutionStatus.STARTING: 0, ExecutionStatus.RUNNING: 1}
_WAVE_RANK = {WaveStatus.PENDING: 0, WaveStatus.RUNNING: 1}
_SERVER_RANK = {ServerStatus.PENDING: 0, ServerStatus.IN_PROGRESS: 1, ServerStatus.LAUNCHED: 2}


class InvariantViolated(AssertionError):
    """The engine was about to save an invalid state: a defect of the engine, never of its input."""

    def __init__(self, execution_id: str, violations: list[str]) -> None:
        super().__init__(f"execution {execution_id}: " + "; ".join(violations))


def check(before: Execution, after: Execution) -> None:
    """Raise InvariantViolated, naming every violation, unless `after` may follow `before`."""
    violations = [*_of_state(after), *_of_step(before, after)]
    if violations:
        raise InvariantViolated(after.execution_id, violations)


def _of_state(execution: Execution) -> Iterator[str]:
    running = [wave for wave in execution.waves if wave.status is WaveStatus.RUNNING]
    if len(running) > 1:
        yield f"{running[0].label} and {running[1].label} run at the same time"
    if execution.ended:
        for wave in execution.waves:
            if wave.status not in FINAL_WAVE:
                yield f"{wave.label} is {wave.status} in an execution that is {execution.status}"
    for wave in execution.waves:
        yield from _of_wave(execution, wave)


def _of_wave(execution: Execution, wave: WaveState) -> Iterator[str]:
    # A wave that was carried over has started in an earlier execution, after its dependencies and its approval there.
    if wave.start_time is not None and wave.carried_from is None:
        yield from _of_start(execution, wave)
    if wave.status in FINAL_WAVE and wave.start_time is not None:
        for server in wave.servers or ():
            if not server.ended:
                yield f"{wave.label} is {wave.status} although {server.source_server_id} is {server.status}"
    for server in wave.servers or ():
        if server.job_id is not None and server.launch_attempt is None and not server.adopted:
            yield f"{server.source_server_id} has job {server.job_id} without a saved intent"


def _of_start(execution: Execution, wave: WaveState) -> Iterator[str]:
    for number in wave.depends_on:
        if not execution.wave(number).passed:
            yield f"{wave.label} has started although wave {number} is {execution.wave(number).status}"
    decision = execution.decision(wave.number)
    approved = decision is not None and decision.decision is ApprovalDecision.APPROVED
    if wave.approval is not None and not approved:
        yield f"{wave.label} has started without its approval"


def _of_step(before: Execution, after: Execution) -> Iterator[str]:
    if _backward(before.status, after.status, _EXECUTION_RANK, FINAL_EXECUTION):
        yield f"the execution went from {before.status} to {after.status}"
    for old, new in zip(before.waves, after.waves, strict=True):
        if _backward(old.status, new.status, _WAVE_RANK, FINAL_WAVE):
            yield f"{old.label} went from {old.status} to {new.status}"
        if old.servers is not None and new.servers is not None:
            for was, now in zip(old.servers, new.servers, strict=True):
                yield from _of_server(was, now)


def _of_server(was: ServerState, now: ServerState) -> Iterator[str]:
    if _backward(was.status, now.status, _SERVER_RANK, FINAL_SERVER):
        yield f"{was.source_server_id} went from {was.status} to {now.status}"
    if was.job_id is not None and now.job_id != was.job_id:
        yield f"{was.source_server_id} has a second job: {was.job_id}, then {now.job_id}"


def _backward(was: Status, now: Status, rank: dict[Status, int], final: frozenset[Status]) -> bool:
    if was in final:
        return now is not was
    return now not in final and rank[now] < rank[was]
