"""The state of an execution, read from the items that `engine.core.document` has written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from engine.core.document import parse_timestamp
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
from engine.core.plan import Approval, ExecutionType, HealthCheck, LaunchOrder, Moment, RecoveryTarget
from engine.core.state import Execution, ServerState, WaveState
from engine.core.statuses import (
    ApprovalDecision,
    CleanUpStatus,
    ExecutionStatus,
    NotificationStatus,
    ServerStatus,
    WaveStatus,
)


def _time(item: Mapping[str, Any], name: str) -> datetime | None:
    return parse_timestamp(item[name]) if name in item else None


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
        cancel=CancelRequest(parse_timestamp(cancel["Time"]), cancel["Reason"], cancel.get("SupersededBy"))
        if cancel
        else None,
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
        server_tags=item.get("ServerTags", {}),
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
        waits_for_job_id=item.get("WaitsForJobId"),
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
