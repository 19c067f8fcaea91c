"""Describes the current wait of an execution, from its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

Record = Mapping[str, Any]
_LISTED = 2


def describe_wait(record: Record, now: datetime) -> str:
    """The end of the sentence "Waiting for ..."; empty if the execution does not wait."""
    if record["Status"] != "RUNNING":
        return _clean_up(record)
    if record.get("CancelRequest"):
        return "the cancellation to take effect"
    if held := _held(record):
        return held
    running = next((wave for wave in record["Waves"] if wave["Status"] == "RUNNING"), None)
    return _between_waves(record, now) if running is None else _wave(running)


def awaits_approval(record: Record) -> Record | None:
    """The wave that waits for approval, if any."""
    decided = {one["WaveNumber"] for one in record.get("Approvals", ())}
    waiting = (
        wave
        for wave in record.get("Waves", ())
        if wave["Status"] == "PENDING" and "AwaitingApprovalSince" in wave and wave["WaveNumber"] not in decided
    )
    return next(waiting, None)


def held_by(record: Record) -> str:
    """Why a person keeps the execution from its next wave, in a few words; empty if none does."""
    if wave := awaits_approval(record):
        return f"awaits approval of wave {wave['WaveNumber']}"
    return "paused" if "PausedSince" in record else ""


def _held(record: Record) -> str:
    """What a person has to do before the next wave starts; empty if the execution is not held."""
    if wave := awaits_approval(record):
        since = datetime.fromisoformat(wave["AwaitingApprovalSince"])
        until = since + timedelta(seconds=wave["Approval"]["TimeoutSeconds"])
        number, message = wave["WaveNumber"], wave["Approval"].get("Message")
        asked = f"the approval of wave {number} until {until:%H:%M:%S} UTC{f': {message}' if message else ''}"
        return f"{asked}\n  python -m engine approve {record['ExecutionId']} --wave {number}"
    if "PausedSince" in record and all(wave["Status"] != "RUNNING" for wave in record["Waves"]):
        return f"the end of the pause\n  python -m engine continue {record['ExecutionId']}"
    return ""


def _wave(wave: Record) -> str:
    servers = wave["ServerResults"]
    jobs = [one["DrsJobId"] for one in servers if one["Status"] == "IN_PROGRESS" and "DrsJobId" in one]
    booting = [one.get("HostName") or one["SourceServerId"] for one in servers if one["Status"] == "LAUNCHED"]
    requested = [label(one) for one in servers if one["Status"] == "IN_PROGRESS" and "DrsJobId" not in one]
    parts = []
    if jobs:
        parts.append(f"DRS to launch {_count(len(jobs), 'server')} ({_some(list(dict.fromkeys(jobs)))})")
    if booting:
        parts.append(f"{_some(booting)} to run")
    if requested:
        held = list(dict.fromkeys(one["WaitsForJobId"] for one in servers if "WaitsForJobId" in one))
        until = f" (in {_some(held)})" if held else ""
        parts.append(f"DRS to take the launch of {_some(requested)}{until}")
    return " and ".join(parts) or "the wave to begin"


def _between_waves(record: Record, now: datetime) -> str:
    done = [wave for wave in record["Waves"] if wave["Status"] == "COMPLETED" and "EndTime" in wave]
    following = next((wave for wave in record["Waves"] if wave["Status"] == "PENDING"), None)
    if following is None or not done:
        return "its first step" if following else ""
    # A carried wave can stand between the wave that has just ended and the next one.
    last = max(done, key=_end_of_wait)
    left = max(0, int((_end_of_wait(last) - now).total_seconds()))
    pause = f"the pause after wave {last['WaveNumber']}: {left // 60}:{left % 60:02d} left"
    return f"{pause}, then wave {following['WaveNumber']}"


def _end_of_wait(wave: Record) -> datetime:
    return datetime.fromisoformat(wave["EndTime"]) + timedelta(seconds=wave.get("WaitTimeSeconds", 0))


def _clean_up(record: Record) -> str:
    status = record.get("CleanUp", {}).get("Status")
    if status not in ("PENDING", "RUNNING"):
        return ""
    left = [
        server.get("RecoveryInstanceId", "")
        for wave in record["Waves"]
        for server in wave["ServerResults"]
        if "RecoveryInstanceId" in server and "TerminatedTime" not in server
    ]
    return f"{_count(len(left), 'drill instance')} to be terminated" if left else "the clean-up"


def label(server: Record) -> str:
    """The host name and id of a server; the id alone if the record has no name."""
    return f"{server['HostName']} ({server['SourceServerId']})" if "HostName" in server else server["SourceServerId"]


def where(error: Mapping[str, Any]) -> str:
    """The wave and server of an error or warning, in front of its message."""
    wave = f"wave {error['WaveNumber']}, " if "WaveNumber" in error else ""
    server = f"{label(error)}: " if "SourceServerId" in error else ""
    return wave + server


def _some(names: Sequence[str]) -> str:
    more = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {more} more" if more > 0 else "")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" + ("" if number == 1 else "s")
