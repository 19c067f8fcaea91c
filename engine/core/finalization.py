"""The end of an execution, and the steps after it: notification, then clean-up of the drill instances.

The engine saves the final status first; it never changes again. Then the engine sends the notification, resolves
unconfirmed launches, waits for jobs in flight (DRS cannot stop a job), terminates the instances of a drill and confirms
that they are gone. The engine only touches instances that are in the record of this execution.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from engine.core import announcements, policy
from engine.core.actions import (
    Action,
    FindRecoveryInstances,
    FindTerminations,
    Finish,
    Notify,
    PollJobs,
    ReadServers,
    TerminateInstances,
    Wait,
)
from engine.core.events import CleanUp, Failure, Notification
from engine.core.objectives import measured
from engine.core.plan import Moment
from engine.core.state import Execution, ServerState, WaveState
from engine.core.statuses import (
    FINAL_CLEAN_UP,
    CleanUpStatus,
    ExecutionStatus,
    NotificationStatus,
    ServerStatus,
    WaveStatus,
)
from engine.core.wave_work import unconfirmed_launches

NextStep = tuple[Execution, Action]

_CANCELLED = ExecutionStatus.CANCELLED
# Begins the message of a clean-up that runs on after DRS has refused a termination.
REFUSED = "DRS refuses to terminate: "


def end(execution: Execution, status: ExecutionStatus, reason: str | None, now: datetime) -> Execution:
    """Give the execution its final status, and close its open waves and servers.

    `reason` is None if the last wave has ended. Otherwise the execution was stopped: its running wave becomes FAILED
    (or CANCELLED), its pending waves become SKIPPED (or CANCELLED). Jobs that still run in DRS stay in the record.
    """
    errors = execution.errors
    if reason is not None:
        reason = policy.shortened(reason)
        execution = execution.map_waves(lambda wave: _close_wave(wave, status, reason, now))
        if status is not _CANCELLED:
            errors = (*errors, Failure(reason, now))
    return replace(
        execution,
        status=status,
        end_time=now,
        reason=reason or _wave_failures(execution),
        errors=errors,
        deferral=None,
        clean_up=CleanUp(CleanUpStatus.PENDING),
    )


def _wave_failures(execution: Execution) -> str | None:
    """The failed waves and the number of skipped waves as one reason; None if no wave failed."""
    failed = [wave.label for wave in execution.waves if wave.status is WaveStatus.FAILED]
    skipped = sum(wave.status is WaveStatus.SKIPPED for wave in execution.waves)
    if not failed:
        return None
    return policy.shortened(f"failed: {', '.join(failed)}" + (f"; waves skipped: {skipped}" if skipped else ""))


def _close_wave(wave: WaveState, status: ExecutionStatus, reason: str, now: datetime) -> WaveState:
    cancelled = status is _CANCELLED
    if wave.status is WaveStatus.PENDING:
        return replace(wave, status=WaveStatus.CANCELLED if cancelled else WaveStatus.SKIPPED, reason=reason)
    if wave.status is not WaveStatus.RUNNING:
        return wave
    if wave.servers is not None:
        wave = wave.with_servers(
            lambda server: not server.ended, lambda server: _close_server(server, status, reason, now)
        )
    return wave.ended_as(WaveStatus.CANCELLED if cancelled else WaveStatus.FAILED, reason, now)


def _close_server(server: ServerState, status: ExecutionStatus, reason: str, now: datetime) -> ServerState:
    if status is _CANCELLED:
        return replace(server, status=ServerStatus.CANCELLED, error_message=reason, end_time=now)
    if server.status is ServerStatus.PENDING:
        return replace(server, status=ServerStatus.SKIPPED, error_message=reason)
    return server.failed(reason, now)


def settle(execution: Execution, performed: Collection[Action], now: datetime) -> NextStep:
    """The next step of an ended execution: send the notification, resolve unconfirmed launches, clean up, finish."""
    unread = tuple(wave.number for wave in execution.launched_waves if wave.servers is None)
    if execution.settled:
        return execution, Finish()
    if unread:
        return execution, ReadServers(unread)
    if execution.deferral is not None and now < execution.deferral.until:
        return execution, Wait(policy.next_wake_up(now, [execution.deferral.until]))
    if execution.notification is None:
        execution = measured(execution)
        if announcement := announcements.due(execution):
            return execution, announcement
        if execution.topic_arn is not None and Moment.END in execution.notify_on:
            return execution, Notify(execution.topic_arn)
        execution = replace(execution, notification=Notification(NotificationStatus.SKIPPED))
    return _clean_up(execution, performed, now)


def _clean_up(execution: Execution, performed: Collection[Action], now: datetime) -> NextStep:
    clean_up = _clean_up_of(execution)
    if clean_up.status in FINAL_CLEAN_UP:
        return execution, Finish()
    if _too_late(execution, now):
        return _give_up(execution, now)
    if unresolved := [find for wave in execution.launched_waves for find in unconfirmed_launches(wave)]:
        unsearched = (find for find in unresolved if find not in performed)
        return execution, next(unsearched, _wait(policy.BUSY_WAIT_SECONDS, now))
    wanted = execution.terminate_drill_instances or clean_up.requested_at is not None
    if not (execution.is_drill and wanted):
        return replace(execution, clean_up=CleanUp(CleanUpStatus.SKIPPED)), Finish()
    if clean_up.status is CleanUpStatus.PENDING:
        execution = replace(
            execution.map_servers(_has_inherited, _with_inherited),
            clean_up=replace(
                clean_up, status=CleanUpStatus.RUNNING, start_time=clean_up.start_time or now, error_message=None
            ),
        )
    return _terminate(execution, performed, now)


def _has_inherited(server: ServerState) -> bool:
    """A resumed drill owns an instance of its predecessor that it has neither adopted nor replaced."""
    return server.recovery_instance_id is None and server.existing_instance_id is not None


def _with_inherited(server: ServerState) -> ServerState:
    return replace(server, recovery_instance_id=server.existing_instance_id)


def _clean_up_of(execution: Execution) -> CleanUp:
    """The clean-up of an ended execution; `end` creates it."""
    if execution.clean_up is None:
        raise LookupError(f"execution {execution.execution_id} has not ended")
    return execution.clean_up


def _wait(seconds: float, now: datetime) -> Wait:
    return Wait(policy.next_wake_up(now, [policy.resume_time(now, seconds)]))


def _terminate(execution: Execution, performed: Collection[Action], now: datetime) -> NextStep:
    """Wait for the jobs in flight, terminate the instances, confirm that they are gone, and find lost job ids."""
    servers = [server for _, server in execution.servers()]
    if any(server.job_in_flight for server in servers):
        return execution, _await_jobs(servers, performed, now)
    if remaining := [server for server in servers if server.awaits_termination]:
        return execution, _next_termination(execution, remaining, performed, now)
    # DRS terminates the instances even if the answer to the request is lost; the record must still name the job.
    without_job = tuple(s.source_server_id for s in servers if s.terminated_at and s.termination_job_id is None)
    started = _clean_up_of(execution).start_time
    if without_job and started and not any(isinstance(action, FindTerminations) for action in performed):
        return execution, FindTerminations(without_job, started)
    return _cleaned_up(execution, now), Finish()


def _await_jobs(servers: list[ServerState], performed: Collection[Action], now: datetime) -> Action:
    """Poll the jobs in flight, once in a step."""
    if any(isinstance(action, PollJobs) for action in performed):
        age = now - min(server.start_time for server in servers if server.start_time)
        return _wait(policy.poll_interval(age.total_seconds()), now)
    return PollJobs(tuple(sorted({server.job_id for server in servers if server.job_in_flight and server.job_id})))


def _next_termination(
    execution: Execution, remaining: list[ServerState], performed: Collection[Action], now: datetime
) -> Action:
    """Check which of the remaining instances still exist, then request their termination, then wait."""
    checked = {i for one in performed if isinstance(one, FindRecoveryInstances) for i in one.recovery_instance_ids}
    if unchecked := tuple(_instance_id(server) for server in remaining if _instance_id(server) not in checked):
        return FindRecoveryInstances(unchecked)
    due = tuple(_instance_id(server) for server in remaining if _termination_is_due(server, now))
    requests = [action.recovery_instance_ids for action in performed if isinstance(action, TerminateInstances)]
    request = _next_request(due[: execution.servers_per_job], requests, now)
    return TerminateInstances(request) if request else _wait(policy.LISTING_WAIT_SECONDS, now)


def _next_request(due: tuple[str, ...], requests: list[tuple[str, ...]], now: datetime) -> tuple[str, ...]:
    """The instances of the next request after the `requests` of this step; empty if this step has tried enough."""
    if not any(set(request) & set(due) for request in requests):
        return due
    # DRS terminates all instances of a request or none. One that it refuses must not block the others, so the engine
    # requests them one by one. Each step begins with another one, so that a few refused ones do not fill each step.
    alone = [request[0] for request in requests if len(request) == 1]
    turn = int(now.timestamp()) % len(due)
    untried = [one for one in due[turn:] + due[:turn] if one not in alone]
    return tuple(untried[:1]) if len(alone) < policy.TERMINATIONS_ALONE else ()


def _termination_is_due(server: ServerState, now: datetime) -> bool:
    requested_at, limit = server.termination_requested_at, timedelta(seconds=policy.TERMINATION_LIMIT_SECONDS)
    return server.termination_job_id is None or (requested_at is not None and now >= requested_at + limit)


def _instance_id(server: ServerState) -> str:
    return server.recovery_instance_id or ""


def _cleaned_up(execution: Execution, now: datetime) -> Execution:
    clean_up = _clean_up_of(execution)
    done = replace(clean_up, status=CleanUpStatus.COMPLETED, end_time=now, error_message=None)
    return replace(execution, clean_up=done)


def _too_late(execution: Execution, now: datetime) -> bool:
    limit = timedelta(seconds=policy.CLEAN_UP_LIMIT_SECONDS)
    since = _clean_up_of(execution).requested_at or execution.end_time
    return since is not None and now >= since + limit


def _give_up(execution: Execution, now: datetime) -> NextStep:
    left = [_instance_id(server) for _, server in execution.servers() if server.awaits_termination]
    jobs = sorted({server.job_id for _, server in execution.servers() if server.job_in_flight and server.job_id})
    doubtful = [server.source_server_id for _, server in execution.servers() if server.launch_unconfirmed]
    refusal = _clean_up_of(execution).error_message
    message = (
        f"the clean-up did not end within {policy.CLEAN_UP_LIMIT_SECONDS // 60} minutes of the execution's end; "
        + (f"{policy.shortened(refusal, 120)}; " if refusal else "")
        + f"recovery instances left: {', '.join(left) or 'none known'}; "
        + f"jobs still in flight: {', '.join(jobs) or 'none'}"
        + (f"; not known whether DRS launched: {', '.join(doubtful)}" if doubtful else "")
    )
    return fail_clean_up(execution, message, now), Finish()


def fail_clean_up(execution: Execution, message: str, now: datetime) -> Execution:
    """Close the clean-up as FAILED. An alarm reports it, because remaining instances cost money."""
    clean_up = _clean_up_of(execution)
    failed = replace(
        clean_up,
        status=CleanUpStatus.FAILED,
        start_time=clean_up.start_time or now,
        end_time=now,
        error_message=policy.shortened(message),
    )
    return replace(execution, clean_up=failed)
