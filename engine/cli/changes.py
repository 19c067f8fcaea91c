"""The changes between two records of an execution, as lines for logs and pipes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from engine.cli.wait_description import label, where

Record = Mapping[str, Any]


def changes(before: Record, after: Record, now: datetime) -> list[str]:
    """A line for each changed status, for logs: of the execution, its waves, servers, notification and clean-up.

    Each line begins with the time (UTC) of the change in the record, or `now` if the record has none.
    """
    seen = datetime.fromisoformat(after["EndTime"]) if "EndTime" in after else now
    found = sorted(_changes(before, after), key=lambda change: change[0] or seen)
    return [f"{time or seen:%H:%M:%S}  {line}".rstrip() for time, line in found]


def _changes(before: Record, after: Record) -> Iterator[tuple[datetime | None, str]]:
    known = {wave["WaveNumber"]: wave for wave in before.get("Waves", [])}
    for wave in after["Waves"]:
        yield from _of_wave(known.get(wave["WaveNumber"], {}), wave)
    yield from _of_persons(before, after)
    if after["Status"] != before.get("Status"):
        reason = after.get("StatusReason", "")
        yield _time_of(after), f"execution {after['ExecutionId']}  {after['Status']}  {reason}"
    for warning in after.get("Warnings", ()):
        if warning not in before.get("Warnings", ()):
            yield None, f"warning  {where(warning)}{warning['Message']}"
    notification = after.get("Notification", {})
    if notification.get("Status", "SKIPPED") not in ("SKIPPED", before.get("Notification", {}).get("Status")):
        yield None, f"notification  {notification['Status']}  {notification.get('ErrorMessage', '')}"
    cleaning = after.get("CleanUp", {})
    if cleaning.get("Status") != before.get("CleanUp", {}).get("Status"):
        yield _time_of(cleaning), f"clean-up  {cleaning['Status']}  {cleaning.get('ErrorMessage', '')}"


def _of_wave(old: Record, wave: Record) -> Iterator[tuple[datetime | None, str]]:
    name = f"wave {wave['WaveNumber']} {wave['WaveName']}"
    servers = {server["SourceServerId"]: server["Status"] for server in old.get("ServerResults", [])}
    for server in wave["ServerResults"]:
        status = server["Status"]
        if status != servers.get(server["SourceServerId"], "PENDING"):
            detail = server.get("ErrorMessage") or server.get("Ec2InstanceId") or server.get("DrsJobId", "")
            yield _time_of(server), f"{name}  {label(server)} {status}  {detail}"
    if "AwaitingApprovalSince" in wave and "AwaitingApprovalSince" not in old:
        yield _instant(wave["AwaitingApprovalSince"]), f"{name}  waits for approval"
    if wave["Status"] != old.get("Status", "PENDING"):
        yield _time_of(wave), f"{name}  {wave['Status']}  {wave.get('StatusReason', '')}"


def _of_persons(before: Record, after: Record) -> Iterator[tuple[datetime | None, str]]:
    """Decisions about waves, and pauses."""
    for one in after.get("Approvals", ())[len(before.get("Approvals", ())) :]:
        comment = one.get("Comment", "")
        yield _instant(one["Time"]), f"wave {one['WaveNumber']}  {one['Decision']} by {one['By']}  {comment}"
    if "PausedSince" in after and "PausedSince" not in before:
        yield _instant(after["PausedSince"]), f"paused by {after['PausedBy']}"
    if "PausedSince" in before and "PausedSince" not in after:
        last = after.get("Pauses", ({},))[-1]
        if "ContinuedTime" in last:
            yield _instant(last["ContinuedTime"]), f"continued by {last['ContinuedBy']}"


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _time_of(thing: Record) -> datetime | None:
    """The time of the change to the current Status, if the record has it."""
    name = "FirstHealthCheckTime" if thing["Status"] == "LAUNCHED" else "StartTime"
    # A clean-up that is repeated keeps the start of its first try.
    text = thing.get("EndTime") or thing.get("RequestTime") or thing.get(name)
    return datetime.fromisoformat(text) if text else None
