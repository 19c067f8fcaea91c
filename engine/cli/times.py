"""Times and durations for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

_DAY = 86_400


def elapsed(record: Mapping[str, Any], now: datetime) -> str:
    if "DurationSeconds" in record:
        return clock(record["DurationSeconds"])
    return clock(max(0, int((now.astimezone(UTC) - datetime.fromisoformat(record["StartTime"])).total_seconds())))


def moment(text: str, *, seconds: bool = True) -> str:
    """A time of a record (UTC) in readable form."""
    return f"{text[:10]} {text[11:19]} UTC" if seconds else f"{text[:10]} {text[11:16]}"


def clock(seconds: int) -> str:
    """h:mm:ss; from two days on whole days."""
    if seconds >= 2 * _DAY:
        return f"{seconds // _DAY} days"
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
