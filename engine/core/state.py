"""The state of one execution, as the execution record stores it.

All values are immutable; `engine.core.decisions` and `engine.core.outcomes` derive each state from the previous one.
A step only reads the servers of the running wave. `WaveState.servers` is None until then, so that the cost of a step
grows with the servers in flight and not with the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.core import policy
from engine.core.drs_status import JobStatus
from engine.core.events import (
    Announcement,
    CancelRequest,
    CleanUp,
    Decided,
    Deferral,
    Failure,
    FinalCheck,
    Notification,
    Objective,
    Objectives,
    Pause,
    Warned,
)
from engine.core.plan import Approval, ExecutionType, HealthCheck, LaunchOrder, Moment, Plan, RecoveryTarget
from engine.core.statuses import (
    FINAL_CLEAN_UP,
    FINAL_EXECUTION,
    FINAL_SERVER,
    JOB_OVER,
    ExecutionStatus,
    ServerStatus,
    WaveStatus,
)


@dataclass(frozen=True)
class ServerState:
    """One server of a wave: its launch (attempt, job, instance), its health, its end."""

    source_server_id: str
    status: ServerStatus = ServerStatus.PENDING
    snapshot_id: str | None = None
    snapshot_time: str | None = None
    launch_attempt: int | None = None
    # The intent to launch is saved and may have taken effect; the engine must search for a job with its tags.
    launch_unconfirmed: bool = False
    # The job of another client that keeps DRS from launching this server now.
    waits_for_job_id: str | None = None
    job_id: str | None = None
    job_status: JobStatus | None = None
    recovery_instance_id: str | None = None
    ec2_instance_id: str | None = None
    health_status: str | None = None
    health_checks: int = 0
    first_health_check: datetime | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    error_message: str | None = None
    termination_job_id: str | None = None
    termination_requested_at: datetime | None = None
    terminated_at: datetime | None = None
    # The real recovery instance that the start showed (in a resumed drill: the instance of the drill that it resumes),
    # and whether the operator confirmed its replacement.
    existing_instance_id: str | None = None
    replace_confirmed: bool = False
    # The instance is one that another job launched: this execution kept it and launched none.
    adopted: bool = False
    # The execution that launched the adopted instance, if its job tells.
    adopted_from: str | None = None
    warning: str | None = None
    # The final check: since when the instance is missing, and what became of it, once two looks have not seen it.
    missing_since: datetime | None = None
    lost: str | None = None
    # The person who skipped the server on a resumption.
    skipped_by: str | None = None
    # The plan can do without the server: its failure is a warning.
    optional: bool = False
    # The name of the server in DRS when the execution started, for people only.
    host_name: str | None = None
    # When DRS created the recovery job; the age of the data counts back from there.
    job_created: datetime | None = None

    @property
    def label(self) -> str:
        return f"{self.host_name} ({self.source_server_id})" if self.host_name else self.source_server_id

    @property
    def ended(self) -> bool:
        return self.status in FINAL_SERVER

    def may_replace(self, recovery_instance_id: str) -> bool:
        """Whether the operator confirmed the replacement of exactly this instance."""
        return self.replace_confirmed and self.existing_instance_id == recovery_instance_id

    @property
    def expected_instance_id(self) -> str | None:
        """The instance that a launch of this server may replace; None: the server must have no instance."""
        return self.existing_instance_id if self.replace_confirmed else None

    @property
    def data_age_seconds(self) -> int | None:
        """The age of the recovered data when the recovery job was created; None if DRS does not tell both times."""
        taken = read_time(self.snapshot_time)
        if taken is None or self.job_created is None:
            return None
        return max(0, policy.elapsed_seconds(taken, self.job_created))

    @property
    def awaits_launch(self) -> bool:
        """The server is due for launch, but DRS has not accepted the request yet (server or quota in use)."""
        return self.status is ServerStatus.IN_PROGRESS and self.job_id is None and not self.launch_unconfirmed

    @property
    def job_in_flight(self) -> bool:
        return self.job_id is not None and self.job_status not in JOB_OVER

    @property
    def awaits_termination(self) -> bool:
        return self.recovery_instance_id is not None and self.terminated_at is None

    def next_check(self, check: HealthCheck) -> datetime | None:
        """The time of the next health check; None: now, for the first time."""
        if self.first_health_check is None:
            return None
        offset = min(check.interval_seconds * self.health_checks, check.timeout_seconds)
        return self.first_health_check + timedelta(seconds=offset)

    def failed(self, message: str, now: datetime) -> ServerState:
        failed = replace(self, status=ServerStatus.FAILED, error_message=policy.shortened(message), end_time=now)
        return failed.warned(f"optional server not recovered: {message}") if self.optional else failed

    def warned(self, message: str) -> ServerState:
        """The server with this warning beside its earlier ones; the same warning is given once."""
        if self.warning is None:
            return replace(self, warning=policy.shortened(message))
        if message in self.warning:
            return self
        return replace(self, warning=policy.shortened(f"{self.warning}; {message}"))


def read_time(text: str | None) -> datetime | None:
    """A time of DRS; None if it is absent or unreadable, because no recovery fails for the age of its data."""
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


@dataclass(frozen=True)
class WaveState:
    """One wave of the plan and its progress."""

    number: int
    name: str
    group_id: str
    launch_order: LaunchOrder
    depends_on: tuple[int, ...]
    wait_seconds: int
    health_check: HealthCheck | None
    server_count: int
    # How many of the servers are optional, and how many of these were not recovered when the wave ended.
    optional_count: int = 0
    optional_lost: int = 0
    # The execution that completed the wave, if this one only resumes it; the person who skipped the wave.
    carried_from: str | None = None
    skipped_by: str | None = None
    status: WaveStatus = WaveStatus.PENDING
    start_time: datetime | None = None
    end_time: datetime | None = None
    reason: str | None = None
    servers: tuple[ServerState, ...] | None = None
    approval: Approval | None = None
    # When the engine asked for the approval of the wave.
    awaiting_approval_since: datetime | None = None
    # The tags by which the protection group selected the servers at the start.
    server_tags: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def label(self) -> str:
        return f"wave {self.number} ({self.name})"

    @property
    def loaded(self) -> tuple[ServerState, ...]:
        """The wave's servers. Raises LookupError if they have not been read, which is a programming error."""
        if self.servers is None:
            raise LookupError(f"the servers of {self.label} have not been read")
        return self.servers

    @property
    def passed(self) -> bool:
        """Waves that depend on this one may start: it is COMPLETED, or a person has skipped it."""
        return self.status is WaveStatus.COMPLETED or self.skipped_by is not None

    def ended_as(self, status: WaveStatus, reason: str | None, now: datetime) -> WaveState:
        """The started wave with its final status; all of its servers have ended."""
        lost = sum(one.optional and one.status is not ServerStatus.RECOVERED for one in self.servers or ())
        return replace(self, status=status, end_time=now, reason=reason, optional_lost=lost)

    def with_servers(
        self, chosen: Callable[[ServerState], bool], change: Callable[[ServerState], ServerState]
    ) -> WaveState:
        return replace(self, servers=tuple(change(server) if chosen(server) else server for server in self.loaded))


@dataclass(frozen=True)
class Execution:
    """One run of a plan, with a copy of the plan from the start of the run."""

    execution_id: str
    plan_id: str
    plan_name: str
    execution_type: ExecutionType
    initiated_by: str
    source_account_id: str
    target: RecoveryTarget
    timeout_seconds: int
    topic_arn: str | None
    terminate_drill_instances: bool
    # The DRS quota in the target account; a wave with more servers needs several jobs.
    servers_per_job: int
    waves: tuple[WaveState, ...]
    status: ExecutionStatus = ExecutionStatus.STARTING
    start_time: datetime | None = None
    end_time: datetime | None = None
    reason: str | None = None
    errors: tuple[Failure, ...] = ()
    warnings: tuple[Warned, ...] = ()
    final_check: FinalCheck | None = None
    # The execution that this one resumes, the one that resumes this one, and the start of the first of the chain.
    resumed_from: str | None = None
    resumed_by: str | None = None
    first_start_time: datetime | None = None
    cancel: CancelRequest | None = None
    clean_up: CleanUp | None = None
    notification: Notification | None = None
    deferral: Deferral | None = None
    objectives: Objectives = field(default_factory=Objectives)
    # The point in time that the servers are recovered as of; None: the latest data, or the plan's snapshots.
    as_of: datetime | None = None
    notify_on: tuple[Moment, ...] = (Moment.END,)
    announcements: tuple[Announcement, ...] = ()
    approvals: tuple[Decided, ...] = ()
    # All pauses, oldest first; only the last one can be open.
    pauses: tuple[Pause, ...] = ()
    # The number of the current run of the state machine, and the number of runs that failed or were stopped.
    run: int = 1
    abnormal_exits: int = 0
    version: int = 0

    @property
    def is_drill(self) -> bool:
        return self.execution_type is ExecutionType.DRILL

    @property
    def ended(self) -> bool:
        return self.status in FINAL_EXECUTION

    @property
    def settled(self) -> bool:
        """Ended, notified and cleaned up: the engine has no more work, and the plan may be started again."""
        notified = self.notification is not None
        cleaned = self.clean_up is not None and self.clean_up.status in FINAL_CLEAN_UP
        return self.ended and notified and cleaned

    @property
    def deadline(self) -> datetime | None:
        return self.start_time + timedelta(seconds=self.timeout_seconds) if self.start_time else None

    @property
    def server_count(self) -> int:
        return sum(wave.server_count for wave in self.waves)

    @property
    def optional_count(self) -> int:
        return sum(wave.optional_count for wave in self.waves)

    @property
    def optional_lost(self) -> int:
        """The optional servers that were not recovered by the waves that have ended."""
        return sum(wave.optional_lost for wave in self.waves)

    @property
    def active_wave(self) -> WaveState | None:
        return next((wave for wave in self.waves if wave.status is WaveStatus.RUNNING), None)

    @property
    def launched_waves(self) -> tuple[WaveState, ...]:
        """Waves that can have jobs and instances: those that have started, and all of a drill that resumes another."""
        inherits = self.is_drill and self.resumed_from is not None
        return tuple(wave for wave in self.waves if inherits or wave.start_time is not None)

    def warned(self, message: str, now: datetime, wave_number: int | None = None) -> Execution:
        """The execution with a warning about itself or a whole wave."""
        return replace(self, warnings=(*self.warnings, Warned(policy.shortened(message), now, wave_number)))

    @property
    def pause(self) -> Pause | None:
        """The pause that holds the execution now, if any."""
        last = self.pauses[-1] if self.pauses else None
        return last if last is not None and last.continued_time is None else None

    def decision(self, wave_number: int) -> Decided | None:
        """The decision about the wave, if it was made."""
        return next((one for one in self.approvals if one.wave_number == wave_number), None)

    def wave(self, number: int) -> WaveState:
        return next(wave for wave in self.waves if wave.number == number)

    def servers(self) -> Iterator[tuple[WaveState, ServerState]]:
        """The servers that have been read, each with its wave."""
        for wave in self.waves:
            for server in wave.servers or ():
                yield wave, server

    def with_wave(self, number: int, **changes: Any) -> Execution:
        return self.map_waves(lambda wave: replace(wave, **changes) if wave.number == number else wave)

    def replace_wave(self, changed: WaveState) -> Execution:
        return self.map_waves(lambda wave: changed if wave.number == changed.number else wave)

    def map_waves(self, change: Callable[[WaveState], WaveState]) -> Execution:
        return replace(self, waves=tuple(change(wave) for wave in self.waves))

    def map_servers(
        self, chosen: Callable[[ServerState], bool], change: Callable[[ServerState], ServerState]
    ) -> Execution:
        """Change the chosen servers; only servers that have been read can be chosen."""
        return self.map_waves(lambda wave: wave if wave.servers is None else wave.with_servers(chosen, change))


def new_execution(
    plan: Plan,
    *,
    execution_id: str,
    execution_type: ExecutionType,
    initiated_by: str,
    source_account_id: str,
    servers_per_job: int = policy.SERVERS_PER_JOB,
    host_names: Mapping[str, str | None] | None = None,
) -> Execution:
    """The first state of a run of `plan`: all waves and servers are PENDING. `host_names` is by source server id."""
    names = host_names or {}
    return Execution(
        execution_id=execution_id,
        plan_id=plan.plan_id,
        plan_name=plan.name,
        execution_type=execution_type,
        initiated_by=initiated_by,
        source_account_id=source_account_id,
        target=plan.target,
        timeout_seconds=plan.timeout_seconds,
        topic_arn=plan.topic_arn,
        terminate_drill_instances=plan.terminate_drill_instances,
        servers_per_job=servers_per_job,
        notify_on=plan.notify_on,
        objectives=Objectives(
            Objective(plan.recovery_time_objective_seconds), Objective(plan.recovery_point_objective_seconds)
        ),
        waves=tuple(
            WaveState(
                number=wave.number,
                name=wave.name,
                group_id=wave.group_id,
                launch_order=wave.launch_order,
                depends_on=wave.depends_on,
                wait_seconds=wave.wait_seconds,
                health_check=wave.health_check,
                approval=wave.approval,
                server_tags=wave.server_tags,
                server_count=len(wave.servers),
                optional_count=len(plan.optional_servers.intersection(wave.servers)),
                servers=tuple(
                    ServerState(
                        server,
                        snapshot_id=wave.snapshots.get(server),
                        host_name=names.get(server),
                        optional=server in plan.optional_servers,
                    )
                    for server in wave.servers
                ),
            )
            for wave in plan.waves
        ),
    )
