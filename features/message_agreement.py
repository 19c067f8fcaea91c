"""A message to the subscribers repeats facts of the record. The two have to agree, in every message that was read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from features.aws_queries import instant

Document = dict[str, Any]
_SAME = ("ExecutionId", "PlanId", "PlanName", "ExecutionType", "ServerCount")
# The record has them only at the end.
_SAME_AT_END = ("Status", "OptionalServerCount", "OptionalNotRecovered", "Objectives")
_OF_ERROR = ("SourceServerId", "HostName", "DrsJobId", "Message", "Time")


def disagreements(message: Document, subject: str, record: Document) -> Iterator[str]:
    """Yield a line for each fact of the message that the record contradicts; the record may be older."""
    at_end = message["Moment"] == "END" and "EndTime" in record
    for field in _SAME + (_SAME_AT_END if at_end else ()):
        yield from _different(field, message.get(field), record.get(field))
    yield from _different("Subject", subject, f"{_headline(message)}: {_kind(record)} of {record['PlanName']}"[:100])
    if at_end:
        yield from _at_end(message, record)
    if "WaveNumber" in message:
        wave = next(one for one in record["Waves"] if one["WaveNumber"] == message["WaveNumber"])
        yield from _different("WaveName", message["WaveName"], wave["WaveName"])
        yield from _about_wave(message, record, wave)


def _at_end(message: Document, record: Document) -> Iterator[str]:
    yield from _different("Duration", message["Duration"], record["DurationSeconds"])
    yield from _different("Reason", message.get("Reason"), record.get("StatusReason"))
    yield from _different("WarningCount", message.get("WarningCount", 0), len(record.get("Warnings", ())))
    errors, known = message.get("Errors", []), [_facts(one) for one in record["Errors"]]
    yield from _different("number of errors", len(errors) + message.get("ErrorsLeftOut", 0), len(known))
    for error in errors:
        if _facts(error) not in known:
            yield f"the message has the error {error}, which the record does not have"
    servers = {one["SourceServerId"] for one in record["Errors"] if "SourceServerId" in one}
    yield from _different("AffectedServers", sorted(message.get("AffectedServers", [])), sorted(servers))


def _about_wave(message: Document, record: Document, wave: Document) -> Iterator[str]:
    approval = message["Moment"] == "APPROVAL"
    time = wave.get("AwaitingApprovalSince" if approval else "EndTime")
    if time is None:
        return
    moment = instant(time)
    wanted = int((moment - instant(record["StartTime"])).total_seconds())
    yield from _different("Duration", message["Duration"], wanted)
    if approval:
        until = moment + timedelta(seconds=wave["Approval"]["TimeoutSeconds"])
        yield from _different("ApproveUntil", instant(message["ApproveUntil"]), until)
        yield from _different("ApprovalMessage", message.get("ApprovalMessage"), wave["Approval"].get("Message"))


def _headline(message: Document) -> str:
    match message["Moment"]:
        case "START":
            return "STARTED"
        case "WAVE":
            return f"Wave {message['WaveNumber']} {message['WaveStatus']}"
        case "APPROVAL":
            return f"Approval needed for wave {message['WaveNumber']}"
    return str(message["Status"])


def _kind(record: Document) -> str:
    return "drill" if record["ExecutionType"] == "DRILL" else "recovery"


def _facts(error: Document) -> tuple[Any, ...]:
    return tuple(error.get(field) for field in _OF_ERROR)


def _different(field: str, found: object, wanted: object) -> Iterator[str]:
    if found != wanted:
        yield f"the message has {field} {found!r}, the record {wanted!r}"
