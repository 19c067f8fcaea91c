"""The execution record: the items that store a state in the ExecutionHistory table, and the document for readers.

An execution has several items under its ExecutionId (sort key ItemKey):

- `EXECUTION`: the header, all but the servers. Only this item has PlanId, Status and StartTime, so only this item is in
  the indexes. A start that is not yet running has no Status and StartTime, so that readers do not find it.
- `WAVE#003#PART#000`: up to 50 servers of a wave. No item comes near DynamoDB's limit of 400 KB, and a step reads and
  writes only the servers of the running wave.

Attributes are PascalCase. Times are ISO-8601 UTC with milliseconds. Unknown values are absent.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from engine.core import policy
from engine.core.chunks import chunks
from engine.core.events import (
    Announcement,
    CancelRequest,
    CleanUp,
    Decided,
    Failure,
    FinalCheck,
    Objectives,
    Pause,
    Warned,
)
from engine.core.state import Execution, ServerState, WaveState
from engine.core.statuses import (
    ExecutionStatus,
    ServerStatus,
)

HEADER_KEY = "EXECUTION"
PART_SIZE = 50

Item = dict[str, Any]


def timestamp(time: datetime) -> str:
    """ISO-8601, UTC, milliseconds: 2026-01-05T08:00:00.000Z."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_timestamp(text: str) -> datetime:
    return datetime.fromisoformat(text)


def part_key(wave_number: int, part: int) -> str:
    return f"WAVE#{wave_number:03d}#PART#{part:03d}"


def part_keys(wave: WaveState) -> list[str]:
    """The keys of the items that hold the wave's servers."""
    return [part_key(wave.number, part) for part in range(math.ceil(wave.server_count / PART_SIZE))]


def present(**attributes: Any) -> Item:
    """The attributes without null values; times as text."""
    return {
        name: timestamp(value) if isinstance(value, datetime) else value
        for name, value in attributes.items()
        if value is not None
    }


def items(execution: Execution) -> dict[str, Item]:
    """The header and the items of all waves whose servers have been read, by ItemKey."""
    result = {HEADER_KEY: header_item(execution)}
    for wave in execution.waves:
        for part, servers in enumerate(chunks(wave.servers or (), PART_SIZE)):
            key = part_key(wave.number, part)
            result[key] = {
                "ExecutionId": execution.execution_id,
                "ItemKey": key,
                "ServerResults": [_server_item(server) for server in servers],
            }
    return result


def header_item(execution: Execution) -> Item:
    visible = execution.status is not ExecutionStatus.STARTING
    deferral = execution.deferral
    return present(
        ExecutionId=execution.execution_id,
        ItemKey=HEADER_KEY,
        PlanId=execution.plan_id,
        PlanName=execution.plan_name,
        ExecutionType=str(execution.execution_type),
        Status=str(execution.status) if visible else None,
        StatusReason=execution.reason,
        StartTime=execution.start_time,
        EndTime=execution.end_time,
        DurationSeconds=_duration(execution.start_time, execution.end_time),
        InitiatedBy=execution.initiated_by,
        SourceAccountId=execution.source_account_id,
        TargetAccountId=execution.target.account_id,
        TargetRegion=execution.target.region,
        CrossAccountRoleName=execution.target.role_name,
        ExternalId=execution.target.external_id,
        TimeoutSeconds=execution.timeout_seconds,
        NotificationTopicArn=execution.topic_arn,
        TerminateDrillInstances=execution.terminate_drill_instances,
        ServersPerJob=execution.servers_per_job,
        ServerCount=execution.server_count,
        OptionalServerCount=execution.optional_count or None,
        OptionalNotRecovered=execution.optional_lost or None,
        Errors=[_failure_item(failure) for failure in execution.errors],
        Warnings=[_failure_item(warning) for warning in execution.warnings] or None,
        ResumedFrom=execution.resumed_from,
        ResumedBy=execution.resumed_by,
        FirstStartTime=execution.first_start_time,
        FinalCheck=_final_check_item(execution.final_check),
        Waves=[_wave_item(wave) for wave in execution.waves],
        CancelRequest=cancel_item(execution.cancel) if execution.cancel else None,
        CleanUp=_clean_up_item(execution.clean_up),
        Notification=present(
            Status=str(execution.notification.status), ErrorMessage=execution.notification.error_message
        )
        if execution.notification
        else None,
        Deferral=present(Until=deferral.until, Retries=deferral.retries, Call=deferral.call) if deferral else None,
        Objectives=objectives_item(execution.objectives) or None,
        AsOf=execution.as_of,
        NotifyOn=[str(moment) for moment in execution.notify_on],
        Announcements=[_announcement_item(one) for one in execution.announcements] or None,
        Approvals=[_decided_item(one) for one in execution.approvals] or None,
        PausedSince=execution.pause.since if execution.pause and not execution.ended else None,
        PausedBy=execution.pause.by if execution.pause and not execution.ended else None,
        Pauses=[_pause_item(one) for one in execution.pauses] or None,
        Run=execution.run,
        Deaths=execution.abnormal_exits or None,
        Version=execution.version,
    )


def _duration(start: datetime | None, end: datetime | None) -> int | None:
    return policy.elapsed_seconds(start, end) if start is not None and end is not None else None


def cancel_item(request: CancelRequest) -> Item:
    return present(Time=request.time, Reason=request.reason, SupersededBy=request.superseded_by)


def _failure_item(failure: Failure | Warned) -> Item:
    return present(WaveNumber=failure.wave_number, Message=failure.message, Time=failure.time)


def _final_check_item(check: FinalCheck | None) -> Item | None:
    return present(Time=check.time, Lost=list(check.lost), LostCount=check.lost_count or None) if check else None


def _clean_up_item(clean_up: CleanUp | None) -> Item | None:
    if clean_up is None:
        return None
    return present(
        Status=str(clean_up.status),
        DrsJobIds=list(clean_up.job_ids),
        StartTime=clean_up.start_time,
        EndTime=clean_up.end_time,
        ErrorMessage=clean_up.error_message,
        RequestTime=clean_up.requested_at,
    )


def _announcement_item(one: Announcement) -> Item:
    return present(
        Moment=str(one.moment), WaveNumber=one.wave_number, Status=str(one.status), ErrorMessage=one.error_message
    )


def _decided_item(one: Decided) -> Item:
    return present(
        WaveNumber=one.wave_number,
        Decision=str(one.decision),
        By=one.by,
        Time=one.time,
        Comment=one.comment,
        RequestId=one.request_id,
    )


def _pause_item(one: Pause) -> Item:
    return present(Since=one.since, By=one.by, ContinuedTime=one.continued_time, ContinuedBy=one.continued_by)


def objectives_item(objectives: Objectives) -> Item:
    """The objectives for record and notification; empty without targets and measured values."""
    point, time = objectives.recovery_point, objectives.recovery_time
    return present(
        RecoveryTime=present(TargetSeconds=time.target_seconds, ActualSeconds=time.actual_seconds, Met=time.met)
        or None,
        RecoveryPoint=present(TargetSeconds=point.target_seconds, WorstSeconds=point.actual_seconds, Met=point.met)
        or None,
    )


def _wave_item(wave: WaveState) -> Item:
    check = wave.health_check
    return present(
        WaveNumber=wave.number,
        WaveName=wave.name,
        ProtectionGroupId=wave.group_id,
        ServerTags=dict(wave.server_tags) or None,
        ExecutionType=str(wave.launch_order),
        DependsOn=list(wave.depends_on),
        WaitTimeSeconds=wave.wait_seconds,
        HealthCheck=present(
            Enabled=check is not None,
            TimeoutSeconds=check.timeout_seconds if check else None,
            IntervalSeconds=check.interval_seconds if check else None,
        ),
        Approval=present(Required=True, TimeoutSeconds=wave.approval.timeout_seconds, Message=wave.approval.message)
        if wave.approval
        else None,
        AwaitingApprovalSince=wave.awaiting_approval_since,
        ServerCount=wave.server_count,
        OptionalServerCount=wave.optional_count or None,
        OptionalNotRecovered=wave.optional_lost or None,
        CarriedFrom=wave.carried_from,
        SkippedBy=wave.skipped_by,
        Status=str(wave.status),
        StatusReason=wave.reason,
        StartTime=wave.start_time,
        EndTime=wave.end_time,
        DurationSeconds=_duration(wave.start_time, wave.end_time),
    )


def _server_item(server: ServerState) -> Item:
    failed = server.status is ServerStatus.FAILED
    return present(
        SourceServerId=server.source_server_id,
        HostName=server.host_name,
        Status=str(server.status),
        ErrorMessage=server.error_message if failed else None,
        StatusReason=None if failed else server.error_message,
        SnapshotId=server.snapshot_id,
        SnapshotTime=server.snapshot_time,
        DataAgeSeconds=server.data_age_seconds,
        LaunchAttempt=server.launch_attempt,
        LaunchUnconfirmed=True if server.launch_unconfirmed else None,
        WaitsForJobId=server.waits_for_job_id,
        DrsJobId=server.job_id,
        JobStatus=str(server.job_status) if server.job_status else None,
        JobCreationTime=server.job_created,
        RecoveryInstanceId=server.recovery_instance_id,
        Ec2InstanceId=server.ec2_instance_id,
        HealthStatus=server.health_status,
        HealthChecks=server.health_checks or None,
        FirstHealthCheckTime=server.first_health_check,
        StartTime=server.start_time,
        EndTime=server.end_time,
        TerminationJobId=server.termination_job_id,
        TerminationRequestTime=server.termination_requested_at,
        TerminatedTime=server.terminated_at,
        ExistingInstanceId=server.existing_instance_id,
        ReplaceConfirmed=True if server.replace_confirmed else None,
        Adopted=True if server.adopted else None,
        AdoptedFrom=server.adopted_from,
        SkippedBy=server.skipped_by,
        Optional=True if server.optional else None,
        Warning=server.warning,
        MissingSince=server.missing_since,
        Lost=server.lost,
    )
