"""The wave timeline: an execution as a picture on the time axis of AWS.

`layout` turns a record, and calls of the engine if they are known, into rows, bars and marks in seconds since its
start; the template only draws them. One row a wave, one a server below it, one for the calls that AWS refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from engine.report.templates import render

WIDTH, LABELS, MARGIN = 1040, 260, 28
ROW, HEAD, TOP, FOOT = 22, 34, 76, 64
MOST_SERVERS = 60
"""Beyond this many servers a picture is no longer read: some of each wave are drawn, the rest counted.

Servers that failed come first. If there is no room for three servers a wave, only they are drawn.
"""

# With fewer servers a wave, the picture shows the failed ones only.
_FEWEST = 3
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800)
_SIGNS = {
    "COMPLETED": "✓",
    "RECOVERED": "✓",
    "FAILED": "✗",
    "SKIPPED": "–",
    "CANCELLED": "–",
    "PENDING": "·",
}


class Call(Protocol):
    """An AWS call of the execution, for its mark in the picture; a record alone has none."""

    @property
    def service(self) -> str: ...
    @property
    def operation(self) -> str: ...
    @property
    def parameters(self) -> Mapping[str, Any]: ...
    @property
    def error_code(self) -> str | None: ...
    @property
    def started(self) -> datetime: ...


@dataclass(frozen=True)
class Bar:
    """A stretch of time, in seconds since the start: kind is wave, wait, launch or health; `word` labels a wait."""

    kind: str
    start: float
    end: float
    title: str
    word: str = "wait"


@dataclass(frozen=True)
class Mark:
    """A moment: kind is request, look, failed or refused."""

    kind: str
    at: float
    title: str


@dataclass
class Row:
    """One line of the picture. `status` is the record's own word, `sign` says it without colour."""

    label: str
    status: str
    head: bool = False
    bars: list[Bar] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    note: str = ""

    @property
    def sign(self) -> str:
        return _SIGNS.get(self.status, "…")


def timeline_svg(record: Mapping[str, Any], calls: Sequence[Call] = ()) -> str:
    """Return the picture of one execution as a self-contained SVG, readable on light and dark ground."""
    rows = layout(record, calls)
    end = max([1.0, *(bar.end for row in rows for bar in row.bars), *(mark.at for row in rows for mark in row.marks)])
    tops = _tops(rows)
    scale = (WIDTH - LABELS - MARGIN) / end
    return render(
        "timeline.svg",
        title=f"{record.get('PlanName', record.get('PlanId', 'Execution'))}: {record['Status']}",
        subtitle=_subtitle(record),
        rows=list(zip(rows, tops, strict=True)),
        ticks=[(LABELS + second * scale, clock(second)) for second in _ticks(end)],
        x=lambda second: round(LABELS + second * scale, 1),
        clock=clock,
        width=WIDTH,
        left=LABELS,
        right=WIDTH - MARGIN,
        top=TOP,
        bottom=(tops[-1] + _height(rows[-1]) if rows else TOP) + 8,
        legend=_legend(rows),
        height=(tops[-1] + _height(rows[-1]) if rows else TOP) + FOOT,
        row_height=ROW,
    )


def layout(record: Mapping[str, Any], calls: Sequence[Call]) -> list[Row]:
    """Return the rows of the picture, all times in seconds since the record's StartTime."""
    origin = _moment(record["StartTime"])
    waves = record.get("Waves", [])
    large = sum(len(one.get("ServerResults", [])) for one in waves) > MOST_SERVERS
    rows: list[Row] = []
    previous_end: float | None = None
    for wave in waves:
        head = _wave_row(wave, origin, previous_end)
        rows.append(head)
        results = wave.get("ServerResults", [])
        shown = _chosen(results, MOST_SERVERS // len(waves)) if large else results
        rows += [_server_row(result, origin, calls) for result in shown]
        if len(shown) < len(results):
            left = len(results) - len(shown)
            head.note = f"{left} more servers not drawn" if shown else f"{left} servers"
        previous_end = max((bar.end for bar in head.bars), default=previous_end or 0.0)
    refused = _refused_row(origin, calls)
    return [*rows, refused] if refused.marks else rows


def _chosen(results: Sequence[Mapping[str, Any]], budget: int) -> list[Mapping[str, Any]]:
    failed = [one for one in results if one["Status"] == "FAILED"]
    others = [one for one in results if one["Status"] != "FAILED"] if budget >= _FEWEST else []
    return [*failed, *others][: max(budget, _FEWEST)]


def clock(seconds: float) -> str:
    """Return m:ss, or h:mm:ss from an hour on; a second that is not over does not count."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _wave_row(wave: Mapping[str, Any], origin: datetime, previous_end: float | None) -> Row:
    name = wave.get("WaveName") or ""
    row = Row(f"Wave {wave['WaveNumber']}{' ' + name if name else ''}", wave["Status"], head=True)
    if "StartTime" not in wave:
        row.note = wave.get("StatusReason", "")
        return row
    start = _since(origin, wave["StartTime"])
    end = _since(origin, wave["EndTime"]) if "EndTime" in wave else _latest(wave, origin, start)
    if previous_end is not None and start - previous_end >= 1:
        title = f"{clock(start - previous_end)} between the waves"
        word = "approval" if "AwaitingApprovalSince" in wave else "wait"
        row.bars.append(Bar("wait", previous_end, start, title, word))
    row.bars.append(Bar("wave", start, end, f"{row.label}: {clock(start)} to {clock(end)}, {wave['Status']}"))
    return row


def _latest(wave: Mapping[str, Any], origin: datetime, start: float) -> float:
    """The last moment that an unfinished wave's servers speak of."""
    moments = [
        _since(origin, result[key])
        for result in wave.get("ServerResults", [])
        for key in ("StartTime", "FirstHealthCheckTime", "EndTime")
        if key in result
    ]
    return max([start, *moments])


def _server_row(result: Mapping[str, Any], origin: datetime, calls: Sequence[Call]) -> Row:
    server = result["SourceServerId"]
    row = Row(
        result.get("HostName", server),
        result["Status"],
        note="" if "StartTime" in result else result.get("ErrorMessage", ""),
    )
    row.marks += [
        Mark("request", _call_time(origin, call), f"StartRecovery of {server}")
        for call in calls
        if call.operation == "StartRecovery" and not call.error_code and _names_server(call, server)
    ]
    if "StartTime" not in result:
        return row
    start = _since(origin, result["StartTime"])
    looks = _looks(result, origin, calls)
    end = _since(origin, result["EndTime"]) if "EndTime" in result else max([start, *(mark.at for mark in looks)])
    healthy_from = _since(origin, result["FirstHealthCheckTime"]) if "FirstHealthCheckTime" in result else None
    launched = end if healthy_from is None else healthy_from
    row.bars.append(Bar("launch", start, launched, f"{server}: recovery job, {clock(launched - start)}"))
    if healthy_from is not None:
        row.bars.append(Bar("health", healthy_from, end, f"{server}: health check, {clock(end - healthy_from)}"))
    row.marks += looks
    if result["Status"] == "FAILED":
        row.marks.append(Mark("failed", end, result.get("ErrorMessage", "FAILED")))
    return row


def _looks(result: Mapping[str, Any], origin: datetime, calls: Sequence[Call]) -> list[Mark]:
    instance = result.get("Ec2InstanceId")
    return [
        Mark("look", _call_time(origin, call), f"DescribeInstanceStatus of {instance} at {call.started:%H:%M:%S}")
        for call in calls
        if instance
        and call.operation == "DescribeInstanceStatus"
        and instance in call.parameters.get("InstanceIds", [])
    ]


def _names_server(call: Call, server: str) -> bool:
    return any(item.get("sourceServerID") == server for item in call.parameters.get("sourceServers", []))


def _refused_row(origin: datetime, calls: Sequence[Call]) -> Row:
    failed = [call for call in calls if call.error_code and call.started >= origin]
    row = Row("Calls that AWS refused", f"{len(failed)}", head=True)
    row.marks += [
        Mark("refused", _call_time(origin, call), f"{call.service} {call.operation}: {call.error_code}")
        for call in failed
    ]
    return row


# What the picture explains below itself, with the width of each entry: kind of bar or mark, words.
_LEGEND = {
    "request": ("launch request", 112),
    "launch": ("recovery job", 114),
    "health": ("health check", 114),
    "look": ("each look", 80),
    "wait": ("wait", 74),
    "refused": ("refused by AWS", 114),
    "failed": ("failed", 60),
}


def _legend(rows: Sequence[Row]) -> list[tuple[str, str, int]]:
    """Kind, words and position of each kind of bar and mark that the picture has."""
    there = {bar.kind for row in rows for bar in row.bars} | {mark.kind for row in rows for mark in row.marks}
    entries, left = [], LABELS
    for kind, (words, width) in _LEGEND.items():
        if kind in there:
            entries.append((kind, words, left))
            left += width
    return entries


def _subtitle(record: Mapping[str, Any]) -> str:
    start = f"from {_moment(record['StartTime']):%Y-%m-%d %H:%M:%S} UTC"
    parts = [str(record.get("ExecutionType", "")), str(record["ExecutionId"]), start]
    if "DurationSeconds" in record:
        parts.append(clock(record["DurationSeconds"]))
    return "  ·  ".join(part for part in parts if part)


def _tops(rows: Sequence[Row]) -> list[int]:
    tops, top = [], TOP + 6
    for row in rows:
        tops.append(top)
        top += _height(row)
    return tops


def _height(row: Row) -> int:
    return HEAD if row.head else ROW


def _ticks(end: float) -> list[int]:
    step = next((step for step in _STEPS if end / step <= 10), _STEPS[-1])
    return list(range(0, int(end) + 1, step))


def _call_time(origin: datetime, call: Call) -> float:
    return max(0.0, (call.started - origin).total_seconds())


def _since(origin: datetime, moment: str) -> float:
    return max(0.0, (_moment(moment) - origin).total_seconds())


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(value)
