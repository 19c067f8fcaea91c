"""Renders executions for a terminal: one execution in detail, and a list.

Ids and statuses are never cut, so that they can be copied. A narrow terminal gets two lines instead of one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from engine.cli.objectives import OLD_DATA_SECONDS, estimate, objective_lines, recovery_time
from engine.cli.pasting import complete
from engine.cli.times import clock, elapsed, moment
from engine.cli.wait_description import describe_wait, where

Record = Mapping[str, Any]

_STYLES = {
    "RUNNING": "cyan",
    "IN_PROGRESS": "cyan",
    "LAUNCHED": "cyan",
    "COMPLETED": "green",
    "RECOVERED": "green",
    "SENT": "green",
    "FAILED": "bold red",
    "CANCELLED": "yellow",
    "SKIPPED": "yellow",
    "PENDING": "dim",
}
# Signs beside the colours, for colour-blind readers and for pipes.
_SIGNS = {
    "COMPLETED": "✔",
    "RECOVERED": "✔",
    "SENT": "✔",
    "FAILED": "✘",
    "RUNNING": "▶",
    "CANCELLED": "■",
    "SKIPPED": "»",
}
_OVER = {"RECOVERED", "FAILED", "SKIPPED", "CANCELLED"}
# From this width on, a list has one line for each execution.
_WIDE = 120
# From this width on, a server has one line: its id, the longest status, a job id, the state of an instance.
_WIDE_SERVERS = 76
# The same with host names, without the longest name and without the state, which may take a line of its own.
_WIDE_NAMED = 64
# Lines of a live view that are kept for servers when there are more waves than lines.
_ROOM_FOR_SERVERS = 7


def status_text(status: str) -> Text:
    return Text(f"{_SIGNS.get(status, '·')} {status}", style=_STYLES.get(status, ""))


# --- one execution ---------------------------------------------------------------------------------------------------


def execution_view(
    record: Record,
    now: datetime,
    width: int,
    *,
    rows: int | None = None,
    note: str = "",
    earlier: Sequence[int] = (),
) -> RenderableType:
    """One execution: headline, progress, current wait, waves with their servers, errors, notification, clean-up.

    `earlier`: the durations in seconds of earlier executions of the plan, for an estimate of the time left.
    If the servers do not fit into `rows` (the height of a live view), it only counts those that need no attention.
    """
    live = rows is not None
    parts: list[RenderableType] = [_headline(record, now, live), _progress(record, width)]
    parts += [Text(line) for line in objective_lines(record, now)]
    if guess := estimate(record, earlier, now):
        parts.append(Text(guess, style="dim"))
    if waiting := describe_wait(record, now):
        parts.append(Text.assemble(("Waiting for ", "dim"), complete(waiting)))
    if "PausedSince" in record and record["Status"] == "RUNNING":
        parts.append(
            Text(f"Paused since {moment(record['PausedSince'])} by {_person(record['PausedBy'], live)}", style="yellow")
        )
    if note:
        parts.append(Text(note, style="yellow"))
    endings = [Text(line, style="dim") for line in _decisions(record)]
    endings += [Text(f"✘ {where(error)}{error['Message']}", style="red") for error in record["Errors"]]
    endings += [Text(f"! {warning}", style="yellow") for warning in _warnings(record)]
    if notification := record.get("Notification"):
        endings.append(_notification(notification, record.get("NotificationTopicArn", "")))
    if clean_up := record.get("CleanUp"):
        endings.append(_clean_up(clean_up))
    if rows is not None and len(endings) > rows // 4:
        kept = rows // 4 - 1
        endings = [*endings[:kept], Text(f"and {len(endings) - kept} more; `status` without --watch lists all")]
    used = sum(_height(part, width) for part in (*parts, *endings))
    room = None if rows is None else rows - used - 1
    return Group(*parts, Text(), *_waves(record, width, room), *endings)


def _decisions(record: Record) -> Iterator[str]:
    for one in record.get("Approvals", ()):
        comment = f": {one['Comment']}" if "Comment" in one else ""
        yield f"Wave {one['WaveNumber']} {one['Decision']} {moment(one['Time'])} by {one['By']}{comment}"


def _warnings(record: Record) -> Iterator[str]:
    for warning in record.get("Warnings", ()):
        yield f"{where(warning)}{warning['Message']}"


def _height(part: RenderableType, width: int) -> int:
    """The lines of a part that is a text or a progress bar."""
    return len(part.wrap(Console(width=width), width)) if isinstance(part, Text) else 1


def _person(arn: str, live: bool) -> str:
    """The ARN of a role's session can take two lines of a live view; `status` without --watch has it in full."""
    return arn.rpartition("/")[2] if live else arn


def outcome(record: Record) -> Text:
    """The end of an execution in one line."""
    servers = [server for wave in record["Waves"] for server in wave["ServerResults"]]
    return Text.assemble(
        (f"{_kind(record)} of {record['PlanName']}  ", "bold"),
        status_text(record["Status"]),
        f"  {_recovered(servers, 'servers recovered')}",
    )


def _kind(record: Record) -> str:
    return "Drill" if record["ExecutionType"] == "DRILL" else "Recovery"


def _headline(record: Record, now: datetime, live: bool) -> Text:
    by = _person(record["InitiatedBy"], live)
    return Text.assemble(
        (f"{_kind(record)} of {record['PlanName']}  ", "bold"),
        status_text(record["Status"]),
        f"  {elapsed(record, now)}",
        (f"\n{record['ExecutionId']}", "dim"),
        (f"\nstarted {moment(record['StartTime'])} by {by}", "dim"),
        f"\nas of {moment(record['AsOf'])}" if "AsOf" in record else "",
        f"\n{record['StatusReason']}" if "StatusReason" in record else "",
    )


def _progress(record: Record, width: int) -> RenderableType:
    servers = [server for wave in record["Waves"] for server in wave["ServerResults"]]
    over = sum(server["Status"] in _OVER for server in servers)
    words = f"{_recovered(servers, 'servers recovered')}"
    line = Table.grid(padding=(0, 1))
    bad = any(server["Status"] in _OVER - {"RECOVERED"} for server in servers if not server.get("Optional"))
    style = "red" if bad else "bar.complete"
    length = min(40, width // 2, max(5, width - len(words) - 1))
    line.add_row(ProgressBar(max(record["ServerCount"], 1), over, width=length, complete_style=style), words)
    return line


def _recovered(servers: Sequence[Record], what: str = "") -> str:
    """For example "4 of 5 servers recovered, optional 0 of 1": optional servers are counted apart."""
    groups = [[one for one in servers if bool(one.get("Optional")) is optional] for optional in (False, True)]
    required, optional = (f"{sum(one['Status'] == 'RECOVERED' for one in group)} of {len(group)}" for group in groups)
    return f"{required} {what}".rstrip() + (f", optional {optional}" if groups[1] else "")


def _clean_up(clean_up: Mapping[str, Any]) -> Text:
    jobs = f" by {', '.join(clean_up['DrsJobIds'])}" if clean_up.get("DrsJobIds") else ""
    message = f"  {clean_up['ErrorMessage']}" if "ErrorMessage" in clean_up else ""
    return Text.assemble("Clean-up: ", status_text(clean_up["Status"]), f"{jobs}{message}")


def _notification(notification: Mapping[str, Any], topic_arn: str) -> Text:
    """The status of the notification, dimmed if the plan wants none."""
    if notification["Status"] == "SKIPPED":
        reason = "the plan does not announce its end" if topic_arn else "the plan names no topic"
        return Text(f"Notification: {status_text('SKIPPED')}, {reason}", style="dim")
    topic = f"  topic {topic_arn.rpartition(':')[2]}"
    message = f": {notification['ErrorMessage']}" if "ErrorMessage" in notification else ""
    return Text.assemble("Notification: ", status_text(notification["Status"]), f"{topic}{message}")


def _waves(record: Record, width: int, room: int | None) -> Iterator[RenderableType]:
    waves: Sequence[Record] = record["Waves"]
    names = max((len(one.get("HostName", "")) for wave in waves for one in wave["ServerResults"]), default=0)
    wide = width >= (_WIDE_NAMED + names if names else _WIDE_SERVERS)
    if room is not None and len(waves) > room - _ROOM_FOR_SERVERS:
        # One line counts the other waves.
        waves, others = _waves_to_show(waves, room - _ROOM_FOR_SERVERS - 1)
        counts = ", ".join(f"{count} {status}" for status, count in others.items())
        yield Text(f"Other waves: {counts}", style="dim")
        room -= 1
    shown = _rows_to_show(waves, room, 1 if wide else 2)
    for wave in waves:
        yield _wave_line(wave)
        if servers := shown[wave["WaveNumber"]]:
            yield from _servers(servers, wave, width, names if wide else None)
        hidden = Counter(one["Status"] for one in wave["ServerResults"]) - Counter(one["Status"] for one in servers)
        if hidden and (servers or wave["Status"] == "RUNNING"):
            counts = ", ".join(f"{count} {status}" for status, count in hidden.items())
            yield Text(f"    and {counts}", style="dim")


def _waves_to_show(waves: Sequence[Record], room: int) -> tuple[list[Record], Counter[str]]:
    """The waves at work, the next ones and the failed ones, at most `room`, and the statuses of the others."""
    order = ("RUNNING", "PENDING", "FAILED")
    urgent = sorted(waves, key=lambda wave: order.index(wave["Status"]) if wave["Status"] in order else len(order))
    chosen = {wave["WaveNumber"] for wave in urgent[: max(room, 1)]}
    hidden = Counter(wave["Status"] for wave in waves if wave["WaveNumber"] not in chosen)
    return [wave for wave in waves if wave["WaveNumber"] in chosen], hidden


def _rows_to_show(waves: Sequence[Record], room: int | None, lines: int) -> dict[int, list[Record]]:
    """The servers to list for each wave, in `lines` each: all if there is room, else those at work or failed."""
    servers = [(wave["WaveNumber"], server) for wave in waves for server in wave["ServerResults"]]
    if room is not None and len(servers) * lines > room - len(waves):
        at_work = [one for one in servers if one[1]["Status"] in ("FAILED", "IN_PROGRESS", "LAUNCHED")]
        servers = at_work[: max((room - 2 * len(waves)) // lines, 3)]
    shown: dict[int, list[Record]] = {wave["WaveNumber"]: [] for wave in waves}
    for number, server in servers:
        shown[number].append(server)
    return shown


def _wave_line(wave: Record) -> Text:
    spent = f"  {clock(wave['DurationSeconds'])}" if "DurationSeconds" in wave else ""
    return Text.assemble(
        (f"Wave {wave['WaveNumber']} {wave['WaveName']}  ", "bold"),
        status_text(wave["Status"]),
        f"  {_recovered(wave['ServerResults'])}{spent}",
        f"\n  {wave['StatusReason']}" if wave.get("StatusReason") else "",
    )


def _servers(servers: Sequence[Record], wave: Record, width: int, names: int | None) -> Iterator[RenderableType]:
    """The lines of the servers, without errors (below all waves) and without the reason of the wave.

    `names` is the width of the column of host names; None: a server has two lines, and its name begins the second.
    """
    places = [_place(server) for server in servers]
    longest_status = max(status_text(server["Status"]).cell_len for server in servers)
    longest_place = max(map(len, places))
    for server, place in zip(servers, places, strict=True):
        host, status, note = server.get("HostName", ""), status_text(server["Status"]), _note(server, wave)
        if names is None:
            if host and len(host) + longest_place + len(note) + 10 > width:
                yield Text(f"    {host}")
                host = ""
            yield Text.assemble(f"    {server['SourceServerId']}  ", status)
            line = Text(" " * 6 + (f"{host}  " if host else ""))
        else:
            padding = " " * (longest_status - status.cell_len + 2)
            line = Text.assemble(f"  {host:<{names}}  {server['SourceServerId']}  ", status, padding)
        if place:
            line.append(f"{place:<{longest_place}}  ")
        yield from _with_note(line, note, "  " if place else "", width)


def _note(server: Record, wave: Record) -> str:
    """The reason of the server; if it has none, or that of the wave: health, adoption and age of data."""
    reason = server.get("StatusReason", "")
    if reason not in ("", wave.get("StatusReason")):
        return str(reason)
    adopted = "adopted" if server.get("Adopted") else ""
    health = "terminated" if "TerminatedTime" in server else server.get("HealthStatus", "")
    age = server.get("DataAgeSeconds", 0)
    return ", ".join(filter(None, (adopted, health, f"data {clock(age)} old" if age >= OLD_DATA_SECONDS else "")))


def _with_note(line: Text, note: str, gap: str, width: int) -> Iterator[RenderableType]:
    """The line and the note behind it; a note that does not fit has a line of its own."""
    line.rstrip()
    below = bool(line) and line.cell_len + 2 + len(note) > width
    if note and not below:
        line.append(f"{gap}{note}")
    if line.plain.strip():
        yield line
    if note and below:
        yield Padding(note, (0, 0, 0, 8), expand=False)


def _place(server: Record) -> str:
    return str(server.get("Ec2InstanceId") or server.get("RecoveryInstanceId") or server.get("DrsJobId", ""))


# --- many executions -------------------------------------------------------------------------------------------------


def history_view(items: Iterable[Record], width: int) -> RenderableType:
    return _wide_history(items) if width >= _WIDE else Group(*(_two_lines(item) for item in items))


def _wide_history(items: Iterable[Record]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("Started (UTC)", "Execution", "Status", "Type", "Duration", "Recovery"):
        table.add_column(column, no_wrap=True)
    table.add_column("Servers", justify="right")
    table.add_column("Plan", overflow="fold")
    for item in items:
        table.add_row(
            moment(item["StartTime"], seconds=False),
            item["ExecutionId"],
            Text.assemble(status_text(item["Status"]), (f", {item['Held']}" if item.get("Held") else "", "yellow")),
            item["ExecutionType"],
            _duration(item),
            recovery_time(item),
            _server_count(item),
            item["PlanId"],
        )
    return table


def _two_lines(item: Record) -> Text:
    servers = f"{_server_count(item)} server" + ("" if item["ServerCount"] == 1 else "s")
    status = status_text(item["Status"])
    status.pad_right(max(0, 11 - len(status)))
    return Text.assemble(
        f"{moment(item['StartTime'], seconds=False)}  ",
        status,
        f"  {item['ExecutionType']:<8}  {_duration(item):>8}  {servers:<12} {item['PlanId']}",
        (f"\n  {item['ExecutionId']}", "dim"),
        (f"  recovery {recovery_time(item)}" if recovery_time(item) else "", "dim"),
        (f"  {item['Held']}" if item.get("Held") else "", "yellow"),
    )


def _server_count(item: Record) -> str:
    """For example "5+1 optional, 1 not recovered": optional servers are counted apart."""
    optional, lost = item.get("OptionalServerCount", 0), item.get("OptionalNotRecovered", 0)
    if not optional:
        return str(item["ServerCount"])
    return f"{item['ServerCount'] - optional}+{optional} optional" + (f" ({lost} not recovered)" if lost else "")


def _duration(item: Record) -> str:
    return clock(item["DurationSeconds"]) if "DurationSeconds" in item else ""
