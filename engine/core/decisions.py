"""The next action for a given state of an execution: the heart of the engine.

`decide(execution, performed, now)` moves the state forward as far as it can without an AWS call, and returns the new
state with the next action. The shell saves the state, performs the action, applies its outcome (`engine.core.outcomes`)
and calls `decide` again. Wait or Finish ends the step. If the shell is killed, no fact is lost: from the last saved
state, `decide` requests the missing facts again. `performed` holds the actions that this step has already
performed, so that no step asks AWS the same question twice.

The invariants (`engine.core.invariants`) hold for every state that `decide` returns:

- a wave never starts before every wave it depends on has passed (COMPLETED, or skipped by a person), and waves run one
  at a time, in number order;
- an intent to launch is in the saved state before StartRecovery is called, and stays there until it is resolved;
- statuses only move forward, and no ended execution has a running wave.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from engine.core import announcements, approvals, policy
from engine.core.actions import Action, ReadServers, Wait
from engine.core.final_check import complete
from engine.core.finalization import end, settle
from engine.core.state import Execution, WaveState
from engine.core.statuses import ExecutionStatus, WaveStatus
from engine.core.wave_work import work

Performed = Collection[Action]


@dataclass(frozen=True)
class Decision:
    """The new state, and the action to perform next."""

    execution: Execution
    action: Action


def decide(execution: Execution, performed: Performed, now: datetime) -> Decision:
    """The next state and action at `now`; see the docstring of the module."""
    execution = begin(execution, now)
    if not execution.ended and (unread := _unread_waves(execution)):
        return Decision(execution, ReadServers(unread))
    if not execution.ended:
        execution = _stop_if_due(execution, now)
    if not execution.ended:
        execution, action = _run(execution, performed, now)
        # Work goes first: an announcement only takes the place of a wait.
        if isinstance(action, Wait) and (announcement := announcements.due(execution)):
            action = announcement
        if action is not None:
            return Decision(execution, action)
    return Decision(*settle(execution, performed, now))


def begin(execution: Execution, now: datetime) -> Execution:
    """A STARTING execution is RUNNING from `now`, because its state machine exists; any other stays as it is."""
    if execution.status is not ExecutionStatus.STARTING:
        return execution
    return replace(execution, status=ExecutionStatus.RUNNING, start_time=now)


def _unread_waves(execution: Execution) -> tuple[int, ...]:
    wave = execution.active_wave
    return (wave.number,) if wave is not None and wave.servers is None else ()


def _stop_if_due(execution: Execution, now: datetime) -> Execution:
    if execution.cancel is not None:
        return end(execution, ExecutionStatus.CANCELLED, execution.cancel.reason, now)
    if execution.deadline is not None and now >= execution.deadline:
        reason = f"the execution timed out: it did not end within {execution.timeout_seconds} seconds of its start"
        return end(execution, ExecutionStatus.FAILED, reason, now)
    return execution


def _run(execution: Execution, performed: Performed, now: datetime) -> tuple[Execution, Action | None]:
    """Work on the waves in order until an action or a wait is necessary, or all waves have ended."""
    if execution.deferral is not None and now < execution.deferral.until:
        return execution, Wait(policy.next_wake_up(now, [execution.deferral.until], execution.deadline))
    while True:
        wave = execution.active_wave
        if wave is None:
            execution, action = _next_wave(execution, performed, now)
            if action is not None or execution.active_wave is None:
                return execution, action
        else:
            execution, action = work(execution, wave, performed, now)
            if action is not None:
                return execution, action


def _next_wave(execution: Execution, performed: Performed, now: datetime) -> tuple[Execution, Action | None]:
    """Start the next wave, wait until it may start, skip or reject it, or end the execution.

    Before the execution is COMPLETED, the final check looks at all recovered instances once more.
    """
    wave = next((wave for wave in execution.waves if wave.status is WaveStatus.PENDING), None)
    if wave is None:
        if not all(wave.passed for wave in execution.waves):
            return end(execution, ExecutionStatus.FAILED, None, now), None
        return complete(execution, performed, now)
    if cause := _why_skipped(execution, wave):
        skipped = execution.with_wave(wave.number, status=WaveStatus.SKIPPED, reason=cause)
        return _next_wave(skipped, performed, now)
    start = _earliest_start(execution, wave)
    if start is not None and now < start:
        return execution, Wait(policy.next_wake_up(now, [policy.whole_second_after(start)], execution.deadline))
    if held := approvals.hold(execution, wave, now):
        execution, until = held
        if execution.wave(wave.number).status is WaveStatus.FAILED:
            return _next_wave(execution, performed, now)
        wake_ups = [policy.whole_second_after(until)] if until else []
        return execution, Wait(policy.next_wake_up(now, wake_ups, execution.deadline))
    execution = execution.with_wave(wave.number, status=WaveStatus.RUNNING, start_time=now)
    return execution, ReadServers((wave.number,)) if wave.servers is None else None


def _why_skipped(execution: Execution, wave: WaveState) -> str | None:
    for number in wave.depends_on:
        dependency = execution.wave(number)
        if dependency.status is WaveStatus.FAILED:
            return f"depends on {dependency.label}, which failed"
        if not dependency.passed:
            root = _failed_root(execution, dependency)
            return f"depends on {dependency.label}, which was skipped because {root.label} failed"
    return None


def _failed_root(execution: Execution, wave: WaveState) -> WaveState:
    """The failed wave that made `wave` SKIPPED."""
    blocking = next(execution.wave(number) for number in wave.depends_on if not execution.wave(number).passed)
    return blocking if blocking.status is WaveStatus.FAILED else _failed_root(execution, blocking)


def _earliest_start(execution: Execution, wave: WaveState) -> datetime | None:
    """The end of the wait after the previous wave.

    A wave that a resumption carries over takes no time, so that the wait after the wave before it counts as well.
    """
    index = execution.waves.index(wave)
    if not index:
        return None
    before = execution.waves[index - 1]
    earlier = _earliest_start(execution, before) if before.carried_from is not None else None
    return max(filter(None, (earlier, _end_of_wait(before))), default=None)


def _end_of_wait(before: WaveState) -> datetime | None:
    """Only a COMPLETED wave has a wait."""
    if before.status is not WaveStatus.COMPLETED or before.end_time is None:
        return None
    return before.end_time + timedelta(seconds=before.wait_seconds)
