"""Performs the core's actions through AWS, and translates the answers and failures of AWS into outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
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
from engine.core.plan import LaunchOrder, RecoveryTarget
from engine.core.state import Execution

Result = TypeVar("Result")

# Jobs that began earlier are over: AWS's own limit of an execution of a recovery plan is 24 hours.
_LONGEST_JOB = timedelta(days=1)


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
                states = drs.instance_states(ids)
                return InstancesSeen(states, self._left_stopped(drs, execution, states))
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
        except ServersBusy as busy:
            return Busy(str(busy), self._jobs_in_the_way(drs, execution, action, since))
        self._best_effort("the launch queue", lambda: self.queue.leave(execution.target, turn))
        return JobStarted(job)

    def _jobs_in_the_way(
        self, drs: RecoveryService, execution: Execution, action: StartRecovery, since: datetime
    ) -> Mapping[str, str]:
        """The job of each server of a refused launch that has one; a SEQUENTIAL wave waits for each server anyway."""
        if execution.wave(action.wave).launch_order is LaunchOrder.SEQUENTIAL:
            return {}
        jobs = self._best_effort("the jobs in progress", lambda: drs.live_jobs(since - _LONGEST_JOB))
        return {server: job for server, job in (jobs or {}).items() if server in action.source_server_ids}

    def _left_stopped(self, drs: RecoveryService, execution: Execution, states: Mapping[str, str]) -> frozenset[str]:
        """The stopped instances that their launch settings leave stopped."""
        stopped = [
            server
            for _, server in execution.servers()
            if not server.ended and states.get(server.ec2_instance_id or "") == "stopped"
        ]
        settings = {
            server.ec2_instance_id: self._best_effort(
                "launch settings", partial(drs.launch_settings, server.source_server_id)
            )
            for server in stopped
        }
        return frozenset(instance for instance, found in settings.items() if instance and found and found.stopped)

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
        except (CallError, RoleNotAssumed) as error:
            self.log.event(f"Calls for {purpose} failed; the execution continues without them", Cause=str(error))
            return None
