"""The notifications about an execution: its end, and the other moments that its plan announces."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from engine.core import policy
from engine.core.actions import Notify
from engine.core.document import objectives_item, timestamp
from engine.core.plan import Moment
from engine.core.policy import elapsed_seconds
from engine.core.state import Execution, ServerState, WaveState
from engine.core.statuses import ServerStatus

# SNS accepts 256 KB and bills each 64 KB as one message. The execution record has the details that a message omits.
MAX_MESSAGE_BYTES = 60_000
# SNS refuses a longer subject.
MAX_SUBJECT_LENGTH = 100
# Commands name the stack of the engine unless it is this one.
DEFAULT_STACK = "drs-execution-engine"
_END = Notify("")


def subject(execution: Execution, about: Notify = _END) -> str:
    kind = "drill" if execution.is_drill else "recovery"
    text = f"{_headline(execution, about)}: {kind} of {execution.plan_name}"
    printable = "".join(character if " " <= character <= "~" else "?" for character in text)
    return printable[:MAX_SUBJECT_LENGTH]


def _headline(execution: Execution, about: Notify) -> str:
    match about.moment, about.wave:
        case Moment.START, _:
            return "STARTED"
        case Moment.WAVE, int(number):
            return f"Wave {number} {execution.wave(number).status}"
        case Moment.APPROVAL, int(number):
            return f"Approval needed for wave {number}"
        case _:
            return str(execution.status)


def message(execution: Execution, about: Notify = _END, stack: str = DEFAULT_STACK) -> str:
    """JSON: Moment, ExecutionId, PlanId, Status, Duration (s), ServerCount, Objectives, Errors, AffectedServers.

    Warnings has the first 20 warnings, WarningCount their number.
    """
    content: dict[str, Any] = {
        "Moment": str(about.moment),
        "ExecutionId": execution.execution_id,
        "PlanId": execution.plan_id,
        "PlanName": execution.plan_name,
        "ExecutionType": str(execution.execution_type),
        "Status": str(execution.status),
        "Duration": _duration(execution, about),
        "ServerCount": execution.server_count,
        **_optional(execution),
    }
    if about.wave is not None:
        content |= _about_wave(execution, execution.wave(about.wave), about.moment, stack)
    if objectives := objectives_item(execution.objectives):
        content["Objectives"] = objectives
    if execution.reason is not None:
        content["Reason"] = execution.reason
    if warnings := _warnings(execution):
        content |= {"WarningCount": len(warnings), "Warnings": warnings[: policy.NAMED_IN_HEADER]}
    errors = _errors(execution)
    affected = [server.source_server_id for _, server in execution.servers() if _error(server)]
    return _fitting(content, errors, affected)


def _about_wave(execution: Execution, wave: WaveState, moment: Moment, stack: str) -> dict[str, Any]:
    """The fields about one wave; for an approval the commands that decide, and the end of the time for it."""
    content: dict[str, Any] = {"WaveNumber": wave.number, "WaveName": wave.name, "WaveStatus": str(wave.status)}
    if moment is Moment.APPROVAL and wave.approval and wave.awaiting_approval_since:
        until = wave.awaiting_approval_since + timedelta(seconds=wave.approval.timeout_seconds)
        target = f"{execution.execution_id} --wave {wave.number}"
        target += "" if stack == DEFAULT_STACK else f" --stack {stack}"
        content |= {"ApproveUntil": timestamp(until), "ApproveCommand": f"python -m engine approve {target}"}
        content |= {"RejectCommand": f"python -m engine reject {target}"}
        content |= {"ApprovalMessage": wave.approval.message} if wave.approval.message else {}
    return content


def _duration(execution: Execution, about: Notify) -> int:
    """Seconds from the start to the moment of the message."""
    at = execution.end_time
    if about.wave is not None:
        wave = execution.wave(about.wave)
        at = wave.awaiting_approval_since if about.moment is Moment.APPROVAL else wave.end_time
    if execution.start_time is None or at is None:
        return 0
    return elapsed_seconds(execution.start_time, at)


def _errors(execution: Execution) -> list[dict[str, Any]]:
    own = [{"Message": failure.message, "Time": timestamp(failure.time)} for failure in execution.errors]
    of_servers = [
        {
            "WaveNumber": wave.number,
            "SourceServerId": server.source_server_id,
            **({"HostName": server.host_name} if server.host_name else {}),
            **({"DrsJobId": server.job_id} if server.job_id else {}),
            "Message": message,
            "Time": timestamp(time),
        }
        for wave, server in execution.servers()
        if (message := _error(server)) and (time := server.missing_since or server.end_time)
    ]
    return own + of_servers


def _optional(execution: Execution) -> dict[str, int]:
    count, lost = execution.optional_count, execution.optional_lost
    return {"OptionalServerCount": count, "OptionalNotRecovered": lost} if count else {}


def _error(server: ServerState) -> str | None:
    failed = server.status is ServerStatus.FAILED and not server.optional
    return server.error_message if failed else server.lost


def _warnings(execution: Execution) -> list[dict[str, Any]]:
    own = [{"Message": warning.message, "Time": timestamp(warning.time)} for warning in execution.warnings]
    of_servers = [
        {
            "WaveNumber": wave.number,
            "SourceServerId": server.source_server_id,
            **({"HostName": server.host_name} if server.host_name else {}),
            "Message": server.warning,
        }
        for wave, server in execution.servers()
        if server.warning
    ]
    return own + of_servers


def _fitting(content: dict[str, Any], errors: list[dict[str, Any]], affected: list[str]) -> str:
    """The message with all affected servers and as many errors as fit; ErrorsLeftOut counts the others."""
    shown = len(errors)
    while True:
        body = dict(content)
        if errors or affected:
            body |= {"Errors": errors[:shown], "AffectedServers": affected}
        if shown < len(errors):
            body["ErrorsLeftOut"] = len(errors) - shown
        text = json.dumps(body, ensure_ascii=False)
        if len(text.encode()) <= MAX_MESSAGE_BYTES or shown == 0:
            return text
        shown //= 2
