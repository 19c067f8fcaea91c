"""A record states some facts twice. The two statements have to agree, in every version of every record.

Counts agree with the servers they count, durations with their two times, the status of a part with the statuses of its
parts, a reason with the parts that it names, and a judged objective with the times and ages it was judged by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from features.aws_queries import instant
from features.matchers.records import name_of

Document = dict[str, Any]
_NAMED_SERVERS = 10
"""The most servers that the reason of a wave names."""


def disagreements(record: Document) -> Iterator[str]:
    """Yield a line for each two statements of the record that contradict each other."""
    yield from _counts(record)
    yield from _execution_status(record)
    yield from _objectives(record)
    for part in (record, *record["Waves"]):
        yield from _duration(part)
    for wave in record["Waves"]:
        yield from _counts(wave)
        yield from _wave_status(wave)
        for server in wave["ServerResults"]:
            yield from _server_status(server)


def _servers(part: Document) -> list[Document]:
    """The servers of an execution or a wave."""
    waves = part.get("Waves", [part])
    return [server for wave in waves for server in wave["ServerResults"]]


def _counts(part: Document) -> Iterator[str]:
    servers = _servers(part)
    optional = [one for one in servers if one.get("Optional")]
    ended = part["Status"] in ("COMPLETED", "FAILED")
    lost = [one for one in optional if one["Status"] != "RECOVERED"]
    wanted = {"ServerCount": len(servers), "OptionalServerCount": len(optional) or None}
    if ended:
        wanted["OptionalNotRecovered"] = len(lost) or None
    for field, count in wanted.items():
        if part.get(field) != count:
            yield f"{name_of(part)} has {field} {part.get(field)}, its server results say {count}"


def _duration(part: Document) -> Iterator[str]:
    found = part.get("DurationSeconds")
    if "StartTime" in part and "EndTime" in part:
        wanted = int((instant(part["EndTime"]) - instant(part["StartTime"])).total_seconds())
        if found != wanted:
            yield f"{name_of(part)} has DurationSeconds {found}, its times say {wanted}"
    elif found is not None:
        yield f"{name_of(part)} has DurationSeconds {found} and no end"


def _execution_status(record: Document) -> Iterator[str]:
    waves, status = record["Waves"], record["Status"]
    failed = [one for one in waves if one["Status"] == "FAILED"]
    skipped = [one for one in waves if one["Status"] == "SKIPPED" and "SkippedBy" not in one]
    cancelled = [one for one in (*waves, *_servers(record)) if one["Status"] == "CANCELLED"]
    if cancelled and status != "CANCELLED":
        yield f"{name_of(cancelled[0])} is CANCELLED, the execution is {status}"
    if status == "COMPLETED" and (failed or skipped):
        yield f"the execution is COMPLETED, {name_of((failed + skipped)[0])} is {(failed + skipped)[0]['Status']}"
    reason = record.get("StatusReason", "")
    if (status in ("FAILED", "CANCELLED")) != bool(reason):
        yield f"the execution is {status} with the reason {reason!r}"
    if reason.startswith("failed: "):
        wanted = "failed: " + ", ".join(map(_label, failed))
        wanted += f"; waves skipped: {len(skipped)}" if skipped else ""
        if reason != wanted:
            yield f"the execution has the reason {reason!r}, its waves say {wanted!r}"


def _wave_status(wave: Document) -> Iterator[str]:
    status, servers = wave["Status"], _servers(wave)
    missing = [one for one in servers if one["Status"] != "RECOVERED" and not one.get("Optional")]
    missing = [one for one in missing if "SkippedBy" not in one]
    if status == "COMPLETED" and missing:
        yield f"{name_of(wave)} is COMPLETED, {name_of(missing[0])} is {missing[0]['Status']}"
    if status == "PENDING" and "StartTime" in wave:
        yield f"{name_of(wave)} is PENDING, its start: {wave['StartTime']}"
    if re.match(r"\d+ of \d+ servers not recovered", wave.get("StatusReason", "")):
        names = ", ".join(_label(one) for one in missing[:_NAMED_SERVERS])
        names += " and others" if len(missing) > _NAMED_SERVERS else ""
        wanted = f"{len(missing)} of {len(servers)} servers not recovered: {names}"
        if wave["StatusReason"] != wanted:
            yield f"{name_of(wave)} has the reason {wave['StatusReason']!r}, its servers say {wanted!r}"


def _server_status(server: Document) -> Iterator[str]:
    status = server["Status"]
    if ("ErrorMessage" in server) != (status == "FAILED"):
        yield f"{name_of(server)} is {status}, its error: {server.get('ErrorMessage')}"
    if (status in ("SKIPPED", "CANCELLED")) != ("StatusReason" in server):
        yield f"{name_of(server)} is {status}, its reason: {server.get('StatusReason')}"
    ended = status in ("RECOVERED", "FAILED") or (status == "CANCELLED" and "StartTime" in server)
    if ("EndTime" in server) != ended:
        yield f"{name_of(server)} is {status}, its end: {server.get('EndTime')}"
    if status in ("LAUNCHED", "RECOVERED") and "RecoveryInstanceId" not in server:
        yield f"{name_of(server)} is {status} and has no recovery instance"
    if ("HealthChecks" in server) != ("HealthStatus" in server):
        count, last = server.get("HealthChecks"), server.get("HealthStatus")
        yield f"{name_of(server)} has {count} health checks, the last: {last}"


def _objectives(record: Document) -> Iterator[str]:
    if "EndTime" not in record:  # Until then the record has the targets alone.
        return
    found = record.get("Objectives", {})
    required = [one for one in _servers(record) if not one.get("Optional")]
    recovered = [one for one in required if one["Status"] == "RECOVERED"]
    ages = [one["DataAgeSeconds"] for one in recovered if "DataAgeSeconds" in one]
    point, time = found.get("RecoveryPoint", {}), found.get("RecoveryTime", {})
    if found and point.get("WorstSeconds") != max(ages, default=None):
        yield f"the record has WorstSeconds {point.get('WorstSeconds')}, its servers say {max(ages, default=None)}"
    for name, objective, measured in (
        ("RecoveryPoint", point, "WorstSeconds"),
        ("RecoveryTime", time, "ActualSeconds"),
    ):
        if "TargetSeconds" in objective and measured in objective and "Met" in objective:
            in_time = objective[measured] <= objective["TargetSeconds"]
            if objective["Met"] != (in_time and record["Status"] == "COMPLETED"):
                yield f"the record judges {name} wrongly: {objective}, the execution is {record['Status']}"


def _label(part: Document) -> str:
    """As the reasons name a wave or a server: with its name, or with its id alone."""
    if "WaveNumber" in part and "ServerResults" in part:
        return f"wave {part['WaveNumber']}" + (f" ({part['WaveName']})" if "WaveName" in part else "")
    server: str = part["SourceServerId"]
    return f"{part['HostName']} ({server})" if "HostName" in part else server
