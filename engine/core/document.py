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
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from engine.core import policy
from engine.core.chunks import chunks
from engine.core.drs_status import JobStatus
from engine.core.plan import Approval, ExecutionType, HealthCheck, LaunchOrder, Moment, RecoveryTarget
from engine.core.state import (
    Announcement,
    ApprovalDecision,
    CancelRequest,
    CleanUp,
    CleanUpStatus,
    Decided,
    Deferral,
    Execution,
    ExecutionStatus,
    Failure,
    FinalCheck,
    Notification,
    NotificationStatus,
    Objective,
    Objectives,
    Pause,
    ServerState,
    ServerStatus,
    Warned,
    WaveState,
    WaveStatus,
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


def _present(**attributes: Any) -> Item:
    """The attributes without null values; times as text."""
    return {
        name: timestamp(value) if isinstance(value, datetime) else value
        for name, value in attributes.items()
        if value is not None
    }


def _time(item: Mapping[str, Any], name: str) -> datetime | None:
    return parse_timestamp(item[name]) if name in item else None


# --- state to items --------------------------------------------------------------------------------------------------


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
    return _present(
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
        CancelRequest=_present(Time=execution.cancel.time, Reason=execution.cancel.reason)
        if execution.cancel
        else None,
        CleanUp=_clean_up_item(execution.clean_up),
        Notification=_present(
            Status=str(execution.notification.status), ErrorMessage=execution.notification.error_message
        )
        if execution.notification
        else None,
        Deferral=_present(Until=deferral.until, Retries=deferral.retries, Call=deferral.call) if deferral else None,
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


def _failure_item(failure: Failure | Warned) -> Item:
    return _present(WaveNumber=failure.wave_number, Message=failure.message, Time=failure.time)


def _final_check_item(check: FinalCheck | None) -> Item | None:
    return _present(Time=check.time, Lost=list(check.lost), LostCount=check.lost_count or None) if check else None


def _clean_up_item(clean_up: CleanUp | None) -> Item | None:
    if clean_up is None:
        return None
    return _present(
        Status=str(clean_up.status),
        DrsJobIds=list(clean_up.job_ids),
        StartTime=clean_up.start_time,
        EndTime=clean_up.end_time,
        ErrorMessage=clean_up.error_message,
        RequestTime=clean_up.requested_at,
    )


def _announcement_item(one: Announcement) -> Item:
    return _present(
        Moment=str(one.moment), WaveNumber=one.wave_number, Status=str(one.status), ErrorMessage=one.error_message
    )


def _decided_item(one: Decided) -> Item:
    return _present(
        WaveNumber=one.wave_number,
        Decision=str(one.decision),
        By=one.by,
        Time=one.time,
        Comment=one.comment,
        RequestId=one.request_id,
    )


def _pause_item(one: Pause) -> Item:
    return _present(Since=one.since, By=one.by, ContinuedTime=one.continued_time, ContinuedBy=one.continued_by)


def objectives_item(objectives: Objectives) -> Item:
    """The objectives for record and notification; empty without targets and measured values."""
    point, time = objectives.recovery_point, objectives.recovery_time
    return _present(
        RecoveryTime=_present(TargetSeconds=time.target_seconds, ActualSeconds=time.actual_seconds, Met=time.met)
        or None,
        RecoveryPoint=_present(TargetSeconds=point.target_seconds, WorstSeconds=point.actual_seconds, Met=point.met)
        or None,
    )


def _wave_item(wave: WaveState) -> Item:
    check = wave.health_check
    return _present(
        WaveNumber=wave.number,
        WaveName=wave.name,
        ProtectionGroupId=wave.group_id,
        ExecutionType=str(wave.launch_order),
        DependsOn=list(wave.depends_on),
        WaitTimeSeconds=wave.wait_seconds,
        HealthCheck=_present(
            Enabled=check is not None,
            TimeoutSeconds=check.timeout_seconds if check else None,
            IntervalSeconds=check.interval_seconds if check else None,
        ),
        Approval=_present(Required=True, TimeoutSeconds=wave.approval.timeout_seconds, Message=wave.approval.message)
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
    return _present(
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


# --- items to state --------------------------------------------------------------------------------------------------


def parse_header(item: Mapping[str, Any]) -> Execution:
    """The execution of a header item, without the servers of its waves."""
    clean_up, notification = item.get("CleanUp"), item.get("Notification")
    cancel, deferral, check = item.get("CancelRequest"), item.get("Deferral"), item.get("FinalCheck")
    return Execution(
        execution_id=item["ExecutionId"],
        plan_id=item["PlanId"],
        plan_name=item["PlanName"],
        execution_type=ExecutionType(item["ExecutionType"]),
        initiated_by=item["InitiatedBy"],
        source_account_id=item["SourceAccountId"],
        target=RecoveryTarget(
            account_id=item["TargetAccountId"],
            region=item["TargetRegion"],
            role_name=item.get("CrossAccountRoleName"),
            external_id=item.get("ExternalId"),
        ),
        timeout_seconds=int(item["TimeoutSeconds"]),
        topic_arn=item.get("NotificationTopicArn"),
        terminate_drill_instances=item["TerminateDrillInstances"],
        servers_per_job=int(item["ServersPerJob"]),
        waves=tuple(_parse_wave(wave) for wave in item["Waves"]),
        status=ExecutionStatus(item.get("Status", ExecutionStatus.STARTING)),
        start_time=_time(item, "StartTime"),
        end_time=_time(item, "EndTime"),
        reason=item.get("StatusReason"),
        errors=tuple(Failure(*_parse_note(failure)) for failure in item["Errors"]),
        warnings=tuple(Warned(*_parse_note(warning)) for warning in item.get("Warnings", ())),
        resumed_from=item.get("ResumedFrom"),
        resumed_by=item.get("ResumedBy"),
        first_start_time=_time(item, "FirstStartTime"),
        final_check=FinalCheck(parse_timestamp(check["Time"]), tuple(check["Lost"]), int(check.get("LostCount", 0)))
        if check
        else None,
        cancel=CancelRequest(parse_timestamp(cancel["Time"]), cancel["Reason"]) if cancel else None,
        clean_up=_parse_clean_up(clean_up) if clean_up else None,
        notification=Notification(NotificationStatus(notification["Status"]), notification.get("ErrorMessage"))
        if notification
        else None,
        deferral=Deferral(parse_timestamp(deferral["Until"]), int(deferral["Retries"]), deferral.get("Call", ""))
        if deferral
        else None,
        objectives=_parse_objectives(item.get("Objectives", {})),
        as_of=_time(item, "AsOf"),
        notify_on=tuple(Moment(word) for word in item.get("NotifyOn", [Moment.END])),
        announcements=tuple(_parse_announcement(one) for one in item.get("Announcements", ())),
        approvals=tuple(_parse_decided(one) for one in item.get("Approvals", ())),
        pauses=tuple(_parse_pause(one) for one in item.get("Pauses", ())),
        run=int(item["Run"]),
        abnormal_exits=int(item.get("Deaths", 0)),
        version=int(item["Version"]),
    )


def _parse_wave(item: Mapping[str, Any]) -> WaveState:
    check = item["HealthCheck"]
    return WaveState(
        number=int(item["WaveNumber"]),
        name=item["WaveName"],
        group_id=item["ProtectionGroupId"],
        launch_order=LaunchOrder(item["ExecutionType"]),
        depends_on=tuple(int(number) for number in item["DependsOn"]),
        wait_seconds=int(item["WaitTimeSeconds"]),
        health_check=HealthCheck(int(check["TimeoutSeconds"]), int(check["IntervalSeconds"]))
        if check["Enabled"]
        else None,
        server_count=int(item["ServerCount"]),
        optional_count=int(item.get("OptionalServerCount", 0)),
        optional_lost=int(item.get("OptionalNotRecovered", 0)),
        carried_from=item.get("CarriedFrom"),
        skipped_by=item.get("SkippedBy"),
        status=WaveStatus(item["Status"]),
        start_time=_time(item, "StartTime"),
        end_time=_time(item, "EndTime"),
        reason=item.get("StatusReason"),
        approval=Approval(int(item["Approval"]["TimeoutSeconds"]), item["Approval"].get("Message"))
        if "Approval" in item
        else None,
        awaiting_approval_since=_time(item, "AwaitingApprovalSince"),
    )


def _parse_announcement(item: Mapping[str, Any]) -> Announcement:
    return Announcement(
        Moment(item["Moment"]),
        _whole(item, "WaveNumber"),
        NotificationStatus(item["Status"]),
        item.get("ErrorMessage"),
    )


def _parse_decided(item: Mapping[str, Any]) -> Decided:
    return Decided(
        wave_number=int(item["WaveNumber"]),
        decision=ApprovalDecision(item["Decision"]),
        by=item["By"],
        time=parse_timestamp(item["Time"]),
        comment=item.get("Comment"),
        request_id=item.get("RequestId"),
    )


def _parse_pause(item: Mapping[str, Any]) -> Pause:
    return Pause(parse_timestamp(item["Since"]), item["By"], _time(item, "ContinuedTime"), item.get("ContinuedBy"))


def _parse_note(item: Mapping[str, Any]) -> tuple[str, datetime, int | None]:
    number = item.get("WaveNumber")
    return item["Message"], parse_timestamp(item["Time"]), int(number) if number is not None else None


def _parse_objectives(item: Mapping[str, Any]) -> Objectives:
    def parse(name: str, actual: str) -> Objective:
        found = item.get(name, {})
        return Objective(_whole(found, "TargetSeconds"), _whole(found, actual), found.get("Met"))

    return Objectives(parse("RecoveryTime", "ActualSeconds"), parse("RecoveryPoint", "WorstSeconds"))


def _whole(item: Mapping[str, Any], name: str) -> int | None:
    return int(item[name]) if name in item else None


def _parse_clean_up(item: Mapping[str, Any]) -> CleanUp:
    return CleanUp(
        status=CleanUpStatus(item["Status"]),
        job_ids=tuple(item["DrsJobIds"]),
        start_time=_time(item, "StartTime"),
        end_time=_time(item, "EndTime"),
        error_message=item.get("ErrorMessage"),
        requested_at=_time(item, "RequestTime"),
    )


def with_servers(execution: Execution, wave_number: int, parts: Iterable[Mapping[str, Any]]) -> Execution:
    """The execution with the servers of one wave from its part items, in key order."""
    servers = tuple(_parse_server(server) for part in parts for server in part["ServerResults"])
    return execution.map_waves(lambda w: replace(w, servers=servers) if w.number == wave_number else w)


def _parse_server(item: Mapping[str, Any]) -> ServerState:
    attempt = item.get("LaunchAttempt")
    return ServerState(
        source_server_id=item["SourceServerId"],
        status=ServerStatus(item["Status"]),
        snapshot_id=item.get("SnapshotId"),
        snapshot_time=item.get("SnapshotTime"),
        launch_attempt=int(attempt) if attempt is not None else None,
        launch_unconfirmed=item.get("LaunchUnconfirmed", False),
        existing_instance_id=item.get("ExistingInstanceId"),
        replace_confirmed=item.get("ReplaceConfirmed", False),
        adopted=item.get("Adopted", False),
        adopted_from=item.get("AdoptedFrom"),
        skipped_by=item.get("SkippedBy"),
        optional=item.get("Optional", False),
        warning=item.get("Warning"),
        missing_since=_time(item, "MissingSince"),
        lost=item.get("Lost"),
        host_name=item.get("HostName"),
        job_id=item.get("DrsJobId"),
        job_status=JobStatus(item["JobStatus"]) if "JobStatus" in item else None,
        job_created=_time(item, "JobCreationTime"),
        recovery_instance_id=item.get("RecoveryInstanceId"),
        ec2_instance_id=item.get("Ec2InstanceId"),
        health_status=item.get("HealthStatus"),
        health_checks=int(item.get("HealthChecks", 0)),
        first_health_check=_time(item, "FirstHealthCheckTime"),
        start_time=_time(item, "StartTime"),
        end_time=_time(item, "EndTime"),
        error_message=item.get("ErrorMessage", item.get("StatusReason")),
        termination_job_id=item.get("TerminationJobId"),
        termination_requested_at=_time(item, "TerminationRequestTime"),
        terminated_at=_time(item, "TerminatedTime"),
    )


# --- items to the document for readers -------------------------------------------------------------------------------

_INTERNAL = ("ItemKey", "Version", "SaveId", "Run", "Deaths", "ExternalId", "Deferral", "ServersPerJob")
_SERVER_INTERNAL = ("LaunchUnconfirmed", "TerminationRequestTime")
# The status of a server by the status of its wave, if the wave never started; FAILED: its approval was refused.
_NEVER_LAUNCHED = {"SKIPPED": "SKIPPED", "CANCELLED": "CANCELLED", "FAILED": "SKIPPED"}


def assemble(header: Mapping[str, Any], parts: Mapping[int, list[Item]]) -> Item:
    """The document made of a header item and, by wave number, the part items in key order.

    Servers of a wave that never started are SKIPPED or CANCELLED with the reason of the wave.
    """
    waves = [_reader_wave(wave, parts.get(int(wave["WaveNumber"]), [])) for wave in header["Waves"]]
    errors = [*header["Errors"], *(error for wave in waves for error in _server_errors(wave))]
    warnings = [*header.get("Warnings", ()), *(warning for wave in waves for warning in _server_warnings(wave))]
    document = {name: value for name, value in header.items() if name not in _INTERNAL}
    document |= {"Warnings": warnings} if warnings else {}
    return {**document, "Waves": waves, "Errors": sorted(errors, key=lambda error: error["Time"])}


def _reader_wave(wave: Mapping[str, Any], parts: list[Item]) -> Item:
    results = [
        {name: value for name, value in server.items() if name not in _SERVER_INTERNAL}
        for part in parts
        for server in part["ServerResults"]
    ]
    if wave["Status"] in _NEVER_LAUNCHED and "StartTime" not in wave:
        status = _NEVER_LAUNCHED[wave["Status"]]
        of_wave = _present(Status=status, StatusReason=wave.get("StatusReason"))
        results = [{**server, **of_wave} for server in results]
    return {**wave, "ServerResults": results}


def _server_errors(wave: Mapping[str, Any]) -> Iterator[Item]:
    for server in wave["ServerResults"]:
        if server["Status"] == ServerStatus.FAILED and not server.get("Optional"):
            yield _server_note(wave, server, Message=server["ErrorMessage"], Time=server["EndTime"])
        elif "Lost" in server:
            yield _server_note(wave, server, Message=server["Lost"], Time=server["MissingSince"])


def _server_warnings(wave: Mapping[str, Any]) -> Iterator[Item]:
    for server in wave["ServerResults"]:
        if "Warning" in server:
            yield _server_note(wave, server, Message=server["Warning"])


def _server_note(wave: Mapping[str, Any], server: Mapping[str, Any], **note: Any) -> Item:
    return _present(
        WaveNumber=wave["WaveNumber"],
        SourceServerId=server["SourceServerId"],
        HostName=server.get("HostName"),
        DrsJobId=server.get("DrsJobId"),
        **note,
    )
