"""Performs the core's actions through AWS, and translates the answers and failures of AWS into outcomes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from engine.aws.accounts import RoleNotAssumed
from engine.aws.caller import AskedToWait, CallError, Unavailable
from engine.aws.drs import LaunchInDoubt, QuotaInUse, RecoveryService, ServersBusy, intent_tags
from engine.aws.launch_queue import LaunchQueue, Turn
from engine.aws.log import Log
from engine.aws.notifier import Notifier
from engine.core import notification, policy
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
from engine.core.plan import RecoveryTarget
from engine.core.state import Execution

Result = TypeVar("Result")


@dataclass(frozen=True)
class Executor:
    recovery: Callable[[RecoveryTarget], RecoveryService]
    notifier: Notifier
    queue: LaunchQueue
    log: Log
    # The name of the engine's stack, for the commands in notifications.
    stack: str = notification.DEFAULT_STACK

    def perform(self, execution: Execution, action: AwsAction) -> ActionOutcome:
        """Perform the action. Each AWS failure becomes an outcome; other exceptions pass through."""
        try:
            return self._perform(execution, action)
        except AskedToWait as wait:
            return Deferred(wait.retry_after, str(wait))
        except ServersBusy as busy:
            return Busy(str(busy))
        except LaunchInDoubt as doubt:
            return Failed(str(doubt), transient=True)
        except RoleNotAssumed as refusal:
            if refusal.retry_after:
                return Deferred(refusal.retry_after, str(refusal))
            return Failed(str(refusal), transient=refusal.transient)
        except CallError as error:
            transient = isinstance(error, Unavailable)
            if isinstance(action, Notify):
                self.log.alarm("NotificationFailed", "The notification could not be published", Cause=str(error))
            tried = f" (after {policy.MAX_RETRIES} retries)" if transient else ""
            return Failed(f"{error}{tried}", transient=transient)

    def _perform(self, execution: Execution, action: AwsAction) -> ActionOutcome:  # noqa: C901 - one case for each action
        drs = self.recovery(execution.target)
        match action:
            case FindServers(ids):
                return ServersFound(frozenset(drs.host_names(ids)))
            case FindRecoveries(ids, kept):
                existing = drs.recovered(ids, kept)
                # The description is for the record only; a launch does not wait for it.
                described = (
                    self._best_effort("existing instances", lambda: drs.described(existing)) if existing else None
                )
                return RecoveriesFound(described or existing)
            case StartRecovery():
                return self._launch(drs, execution, action)
            case FindJob(wave, attempt, since):
                job = drs.find_job(intent_tags(execution.execution_id, wave, attempt), since)
                return JobStarted(job) if job else JobNotFound()
            case PollJobs(ids):
                return JobsSeen(drs.jobs(ids))
            case ReadJobLog(job_id):
                return JobLogRead(drs.launch_failures(job_id))
            case FindRecoveryInstances(ids):
                return RecoveryInstancesSeen(drs.recovery_instances(ids))
            case CheckInstances(ids):
                return InstancesSeen(drs.instance_states(ids))
            case VerifyInstances(in_ec2, in_drs):
                return InstancesVerified(drs.instance_states(in_ec2), drs.listed_states(in_drs))
            case FindReplacements(ids):
                return ReplacementsFound(drs.described(drs.newest_instances(ids)))
            case TerminateInstances(ids):
                return TerminationStarted(drs.terminate(ids))
            case FindTerminations(ids, since):
                return TerminationsFound(drs.find_terminations(ids, since))
            case Notify():
                subject, message = (
                    notification.subject(execution, action),
                    notification.message(execution, action, self.stack),
                )
                return Published(self.notifier.publish(action.topic_arn, subject, message))

    def _launch(self, drs: RecoveryService, execution: Execution, action: StartRecovery) -> ActionOutcome:
        """StartRecovery if it is this execution's turn; else, or if a quota is in use, take a ticket in the queue."""
        turn = self._turn(execution)
        if turn.behind is not None:
            self._queue_up(execution, turn)
            return Busy(f"a quota is in use, and execution {turn.behind} has waited for it longer")
        since = min(
            server.start_time
            for server in execution.wave(action.wave).loaded
            if server.launch_attempt == action.attempt and server.start_time
        )
        try:
            job = drs.start_recovery(execution.execution_id, action, since)
        except QuotaInUse:
            self._queue_up(execution, turn)
            raise
        self._best_effort("the launch queue", lambda: self.queue.leave(execution.target, turn))
        return JobStarted(job)

    def _turn(self, execution: Execution) -> Turn:
        return (
            self._best_effort("the launch queue", lambda: self.queue.turn(execution.execution_id, execution.target))
            or Turn()
        )

    def _queue_up(self, execution: Execution, turn: Turn) -> None:
        self._best_effort("the launch queue", lambda: self.queue.wait(execution.execution_id, execution.target, turn))

    def _best_effort(self, purpose: str, call: Callable[[], Result]) -> Result | None:
        """The result of `call`; None if it fails, because a recovery continues without it."""
        try:
            return call()
        except CallError as error:
            self.log.event(f"Calls for {purpose} failed; the execution continues without them", Cause=str(error))
            return None
