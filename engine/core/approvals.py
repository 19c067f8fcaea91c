"""Approval and pause: what holds an execution before a wave, and the decisions of persons about it.

A wave that requires approval stays PENDING with AwaitingApprovalSince until it is approved, rejected, or the time for
the decision is over. A paused execution starts no further wave until it is continued. The time-out of the plan runs on
in both cases, and a cancellation ends both.

The functions for persons (`decided`, `paused`, `continued`) return the next state, or raise Refused with the reason.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from engine.core import policy
from engine.core.events import Decided, Failure, Pause
from engine.core.state import Execution, WaveState
from engine.core.statuses import ApprovalDecision, ExecutionStatus, WaveStatus


class Refused(Exception):
    """The decision has no effect; the message says why."""


def hold(execution: Execution, wave: WaveState, now: datetime) -> tuple[Execution, datetime | None] | None:
    """Why the due, pending `wave` must not start now; None: it may start.

    Returns the next state and the end of the time for the approval; None for the end: a pause has no end of its own.
    A rejected wave is FAILED in the next state.
    """
    if wave.approval is not None:
        decision = execution.decision(wave.number)
        if decision is None:
            since = wave.awaiting_approval_since or now
            until = since + timedelta(seconds=wave.approval.timeout_seconds)
            if now < until:
                return execution.with_wave(wave.number, awaiting_approval_since=since), until
            reason = f"not approved within {wave.approval.timeout_seconds} seconds"
            return _rejected(execution, wave, reason, now), None
        if decision.decision is ApprovalDecision.REJECTED:
            comment = f": {decision.comment}" if decision.comment else ""
            return _rejected(execution, wave, f"rejected by {decision.by}{comment}", now), None
    return (execution, None) if execution.pause is not None else None


def _rejected(execution: Execution, wave: WaveState, reason: str, now: datetime) -> Execution:
    reason = policy.shortened(reason)
    failed = execution.with_wave(wave.number, status=WaveStatus.FAILED, reason=reason, end_time=now)
    message = policy.shortened(f"{wave.label}: {reason}")
    return replace(failed, errors=(*failed.errors, Failure(message, now, wave.number)))


def awaited(execution: Execution) -> WaveState | None:
    """The wave that waits for a decision, if any."""
    return next(
        (
            wave
            for wave in execution.waves
            if wave.status is WaveStatus.PENDING
            and wave.awaiting_approval_since is not None
            and execution.decision(wave.number) is None
        ),
        None,
    )


def decided(execution: Execution, decision: Decided, now: datetime) -> Execution:
    """The state with the decision of a person. Raises Refused if its wave does not wait for one: the first wins."""
    _require_running(execution)
    wave = next((one for one in execution.waves if one.number == decision.wave_number), None)
    if wave is None:
        raise Refused(f"execution {execution.execution_id} has no wave {decision.wave_number}")
    if earlier := execution.decision(wave.number):
        when = f"{earlier.time:%Y-%m-%d %H:%M:%S} UTC"
        raise Refused(f"{wave.label} was already {earlier.decision} by {earlier.by} at {when}")
    if awaited(execution) != wave:
        waiting = awaited(execution)
        now_waits = f"{waiting.label} does" if waiting else "no wave does"
        raise Refused(f"{wave.label} does not wait for an approval; {now_waits}")
    if wave.awaiting_approval_since and wave.approval:
        until = wave.awaiting_approval_since + timedelta(seconds=wave.approval.timeout_seconds)
        if now >= until:
            raise Refused(f"the time for the approval of {wave.label} was over at {until:%Y-%m-%d %H:%M:%S} UTC")
    return replace(execution, approvals=(*execution.approvals, decision))


def paused(execution: Execution, by: str, now: datetime) -> Execution:
    """The paused execution; a paused one stays as it is. Raises Refused."""
    _require_running(execution)
    if execution.pause is not None:
        return execution
    return replace(execution, pauses=(*execution.pauses, Pause(now, by)))


def continued(execution: Execution, by: str, now: datetime) -> Execution:
    """The execution without its pause. Raises Refused if it is not paused."""
    _require_running(execution)
    pause = execution.pause
    if pause is None:
        raise Refused(f"execution {execution.execution_id} is not paused")
    over = replace(pause, continued_time=now, continued_by=by)
    return replace(execution, pauses=(*execution.pauses[:-1], over))


def _require_running(execution: Execution) -> None:
    if execution.ended:
        raise Refused(f"execution {execution.execution_id} has already ended: {execution.status}")
    if execution.status is not ExecutionStatus.RUNNING:
        raise Refused(f"execution {execution.execution_id} has not started yet; try again in a moment")
    if execution.cancel is not None:
        raise Refused(f"execution {execution.execution_id} is being cancelled")
