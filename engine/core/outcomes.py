"""The effect of an action's outcome on the execution: `apply` is the counterpart of `decisions.decide`.

A permanent failure of a call fails the servers of the call, and their results have the message. After the end of the
execution the engine repeats a call that failed transiently until the time limit of the clean-up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import assert_never

from engine.core import policy
from engine.core.actions import (
    ActionOutcome,
    AwsAction,
    Busy,
    CheckInstances,
    Deferred,
    Failed,
    FindJob,
    FindRecoveries,
    FindRecoveryInstances,
    FindReplacements,
    FindServers,
    FindTerminations,
    InstancesSeen,
    InstancesVerified,
    JobLogRead,
    JobNotFound,
    JobsSeen,
    JobStarted,
    Notify,
    PollJobs,
    Published,
    ReadJobLog,
    RecoveriesFound,
    RecoveryInstancesSeen,
    ReplacementsFound,
    ServersFound,
    StartRecovery,
    TerminateInstances,
    TerminationsFound,
    TerminationStarted,
    VerifyInstances,
)
from engine.core.drs_status import DrsJob, JobStatus, UndocumentedStatus, server_job_status
from engine.core.events import Announcement, Deferral, Notification
from engine.core.final_check import apply_look, look_failed, note_replacements
from engine.core.finalization import fail_clean_up
from engine.core.launched_instances import apply_health_checks, see_recovery_instances
from engine.core.plan import Moment
from engine.core.protection import judge_existing
from engine.core.state import Execution, ServerState
from engine.core.statuses import NotificationStatus, ServerStatus
from engine.core.terminations import adopt_terminations, note_refusal, note_termination


class UnexpectedOutcome(TypeError):
    """The shell returned an outcome that does not belong to the action."""

    def __init__(self, action: AwsAction, outcome: ActionOutcome) -> None:
        super().__init__(f"{type(action).__name__} cannot have the outcome {outcome!r}")


def apply(execution: Execution, action: AwsAction, outcome: ActionOutcome, now: datetime) -> Execution:
    """The state after `action` had `outcome` at `now`. Raises UnexpectedOutcome."""
    if isinstance(outcome, Deferred) and isinstance(action, Notify) and action.moment is not Moment.END:
        # No launch waits for an announcement.
        outcome = Failed(outcome.message, transient=True)
    call, before = type(action).__name__, execution.deferral
    same_call = before is not None and before.call == call
    if isinstance(outcome, Deferred):
        # Each kind of call has its own retries: pauses for other calls do not count.
        retries = before.retries + 1 if before is not None and same_call else 1
        if retries <= policy.MAX_RETRIES:
            until = policy.whole_second_after(now + timedelta(seconds=outcome.seconds))
            return replace(execution, deferral=Deferral(until, retries, call))
        outcome = Failed(outcome.message, transient=True)
    # The look before a launch succeeds before each retry of the launch, and leaves the retries counted.
    if same_call or isinstance(outcome, JobStarted):
        execution = replace(execution, deferral=None)
    if isinstance(outcome, Failed):
        return _apply_failure(execution, action, outcome, now)
    return _apply_answer(execution, action, outcome, now)


def _apply_answer(  # noqa: C901 - one case for each action and its answer
    execution: Execution, action: AwsAction, outcome: ActionOutcome, now: datetime
) -> Execution:
    match action, outcome:
        case FindServers(), ServersFound(found):
            return _fail_unknown_servers(execution, action, found, now)
        case FindRecoveries(), RecoveriesFound(existing):
            return judge_existing(execution, existing, now)
        case StartRecovery() | FindJob(), JobStarted(job):
            return _adopt(execution, action, job)
        case StartRecovery(), Busy(reason, jobs):
            return _split_attempt(execution, action, reason, jobs)
        case FindJob(), JobNotFound():
            if _may_still_be_launched(execution, now):
                return execution
            return _each_of_attempt(execution, action, lambda server: replace(server, launch_unconfirmed=False))
        case PollJobs(), JobsSeen(jobs):
            return _follow_jobs(execution, dict(jobs), now)
        case ReadJobLog(job_id), JobLogRead(reasons):
            return _fail_launches(execution, job_id, dict(reasons), now)
        case FindRecoveryInstances(), RecoveryInstancesSeen():
            return see_recovery_instances(execution, action, outcome, now)
        case CheckInstances(), InstancesSeen():
            return apply_health_checks(execution, action, outcome, now)
        case VerifyInstances(), InstancesVerified():
            return apply_look(execution, action, outcome, now)
        case FindReplacements(), ReplacementsFound(instances):
            return note_replacements(execution, action, instances)
        case TerminateInstances(), TerminationStarted(job_id):
            return note_termination(execution, action, job_id, now)
        case FindTerminations(), TerminationsFound(job_ids):
            return adopt_terminations(execution, dict(job_ids))
        case TerminateInstances(), Busy(reason):
            return note_refusal(execution, reason)
        case Notify(), Published():
            return _notified(execution, action, NotificationStatus.SENT)
    raise UnexpectedOutcome(action, outcome)


def _may_still_be_launched(execution: Execution, now: datetime) -> bool:
    """A stopped state machine does not stop its function, which may still be in the middle of a launch."""
    if execution.abnormal_exits == 0 or execution.end_time is None:
        return False
    return policy.elapsed_seconds(execution.end_time, now) < policy.LONGEST_INVOCATION_SECONDS


def _apply_failure(  # noqa: C901 - one case for each action
    execution: Execution, action: AwsAction, failure: Failed, now: datetime
) -> Execution:
    message = failure.message
    match action:
        case FindServers(ids) | FindRecoveries(ids):
            return _fail_servers(execution, lambda server: server.source_server_id in ids, message, now)
        case StartRecovery():
            execution = _fail_servers(execution, _of_attempt(action), message, now)
            # After a transient failure the request may still have taken effect; the clean-up searches for its job.
            return _each_of_attempt(
                execution, action, lambda server: replace(server, launch_unconfirmed=failure.transient)
            )
        case FindJob():
            message = f"it is not known whether DRS took the launch: {message}"
            return _fail_servers(execution, _of_attempt(action), message, now)
        case PollJobs(ids):
            if execution.ended:
                return _clean_up_failed(execution, failure, now)
            return _fail_servers(
                execution, lambda s: s.job_id in ids, lambda s: f"the end of {s.job_id} is not known: {message}", now
            )
        case ReadJobLog(job_id):
            reason = f"the job log of DRS has the reason, but could not be read: {message}"
            return _fail_launches(execution, job_id, {}, now, default=reason)
        case FindRecoveryInstances(ids):
            if execution.ended:
                return _clean_up_failed(execution, failure, now)
            return _fail_servers(execution, lambda server: server.recovery_instance_id in ids, message, now)
        case CheckInstances(ids):
            return _fail_servers(execution, lambda server: server.ec2_instance_id in ids, message, now)
        case VerifyInstances():
            return look_failed(execution, message, now)
        case FindReplacements():
            return note_replacements(execution, action, None)
        case TerminateInstances():
            return _clean_up_failed(execution, failure, now)
        case FindTerminations():
            # The instances are gone; only the id of the job stays unknown.
            return execution
        case Notify():
            return _notified(execution, action, NotificationStatus.FAILED, policy.shortened(message))
    assert_never(action)


def _notified(
    execution: Execution, action: Notify, status: NotificationStatus, message: str | None = None
) -> Execution:
    if action.moment is Moment.END:
        return replace(execution, notification=Notification(status, message))
    announcement = Announcement(action.moment, action.wave, status, message)
    return replace(execution, announcements=(*execution.announcements, announcement))


def _fail_servers(
    execution: Execution,
    chosen: Callable[[ServerState], bool],
    message: str | Callable[[ServerState], str],
    now: datetime,
) -> Execution:
    """Fail the chosen servers that have not ended."""

    def fail(server: ServerState) -> ServerState:
        return server.failed(message if isinstance(message, str) else message(server), now)

    return execution.map_servers(lambda server: not server.ended and chosen(server), fail)


def _clean_up_failed(execution: Execution, failure: Failed, now: datetime) -> Execution:
    if failure.transient:
        return execution
    return fail_clean_up(execution, failure.message, now)


def _fail_unknown_servers(execution: Execution, action: FindServers, found: frozenset[str], now: datetime) -> Execution:
    where = f"account {execution.target.account_id}, Region {execution.target.region}"
    return _fail_servers(
        execution,
        lambda server: server.source_server_id in action.source_server_ids and server.source_server_id not in found,
        lambda server: f"source server {server.source_server_id} does not exist in DRS ({where})",
        now,
    )


def _of_attempt(action: StartRecovery | FindJob) -> Callable[[ServerState], bool]:
    """Selects the servers of the request, without those that failed while the attempt waited."""
    return lambda server: server.launch_attempt == action.attempt and server.launch_unconfirmed


def _each_of_attempt(
    execution: Execution, action: StartRecovery | FindJob, change: Callable[[ServerState], ServerState]
) -> Execution:
    return _each_of_wave(execution, action, _of_attempt(action), change)


def _each_of_wave(
    execution: Execution,
    action: StartRecovery | FindJob,
    chosen: Callable[[ServerState], bool],
    change: Callable[[ServerState], ServerState],
) -> Execution:
    return execution.map_waves(lambda wave: wave.with_servers(chosen, change) if wave.number == action.wave else wave)


def _split_attempt(execution: Execution, action: StartRecovery, reason: str, jobs: Mapping[str, str]) -> Execution:
    """DRS refused the whole request: let its free servers be the next attempt, and those in a job wait.

    If the jobs do not tell a server that is busy, all wait.
    """
    execution = execution.with_wave(action.wave, reason=policy.shortened(f"waiting for DRS: {reason}"))
    attempts = (server.launch_attempt or 0 for server in execution.wave(action.wave).loaded)
    following = 1 + max(attempts)
    in_jobs = jobs.keys() & set(action.source_server_ids)

    def wait(server: ServerState) -> ServerState:
        free = bool(in_jobs) and server.source_server_id not in in_jobs
        return replace(
            server,
            launch_unconfirmed=False,
            launch_attempt=following if free else server.launch_attempt,
            waits_for_job_id=jobs.get(server.source_server_id),
        )

    return _each_of_attempt(execution, action, wait)


def _adopt(execution: Execution, action: StartRecovery | FindJob, job: DrsJob) -> Execution:
    still_waiting = any(
        server.awaits_launch and server.waits_for_job_id for server in execution.wave(action.wave).servers or ()
    )
    if not execution.ended and not still_waiting:
        execution = execution.with_wave(action.wave, reason=None)

    def is_its(server: ServerState) -> bool:
        # A server that left the attempt is in the job if an earlier request of the attempt took effect.
        asked_for = server.launch_unconfirmed or server.source_server_id in job.launch_statuses
        return server.launch_attempt == action.attempt and server.job_id is None and asked_for

    return _each_of_wave(
        execution,
        action,
        is_its,
        lambda server: replace(
            server,
            job_id=job.job_id,
            job_status=JobStatus.PENDING,
            job_created=job.created,
            launch_unconfirmed=False,
        ),
    )


def _follow_jobs(execution: Execution, jobs: dict[str, DrsJob], now: datetime) -> Execution:
    def follow(server: ServerState) -> ServerState:
        job = jobs[server.job_id or ""]
        try:
            status = server_job_status(job, server.source_server_id)
        except UndocumentedStatus as unknown:
            return server if server.ended else server.failed(f"{unknown} for {job.job_id}", now)
        instance = job.recovery_instances.get(server.source_server_id)
        followed = replace(
            server,
            job_status=status,
            job_created=server.job_created or job.created,
            recovery_instance_id=instance or server.recovery_instance_id,
        )
        if status is JobStatus.COMPLETED and followed.recovery_instance_id is None:
            # The id is optional in the DRS model. Without it the engine can neither check nor terminate the instance.
            return replace(followed, job_status=JobStatus.IN_PROGRESS)
        if status is JobStatus.COMPLETED and not server.ended:
            return replace(followed, status=ServerStatus.LAUNCHED)
        return followed

    return execution.map_servers(lambda server: server.job_in_flight and server.job_id in jobs, follow)


def _fail_launches(
    execution: Execution, job_id: str, reasons: dict[str, str], now: datetime, default: str | None = None
) -> Execution:
    fallback = default or f"DRS did not launch the server; the log of {job_id} gives no reason"
    return _fail_servers(
        execution,
        lambda server: server.job_id == job_id and server.job_status is JobStatus.FAILED,
        lambda server: reasons.get(server.source_server_id, fallback),
        now,
    )
