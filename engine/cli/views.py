"""How executions look in a terminal: a table of waves and servers, and a line an execution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

_STYLES = {
    "RUNNING": "cyan",
    "IN_PROGRESS": "cyan",
    "LAUNCHED": "cyan",
    "COMPLETED": "green",
    "RECOVERED": "green",
    "FAILED": "bold red",
    "CANCELLED": "yellow",
    "SKIPPED": "yellow",
    "PENDING": "dim",
}
# Signs beside the colours, for those who do not see them and for pipes.
_SIGNS = {"COMPLETED": "✔", "RECOVERED": "✔", "FAILED": "✘", "RUNNING": "▶", "CANCELLED": "■", "SKIPPED": "»"}


def status_text(status: str) -> Text:
    return Text(f"{_SIGNS.get(status, '·')} {status}", style=_STYLES.get(status, ""))


def execution_view(record: Mapping[str, Any], now: datetime) -> RenderableType:
    """One execution: headline, progress, waves with their servers, errors, clean-up."""
    parts: list[RenderableType] = [_headline(record, now), _waves(record)]
    parts += [Text(f"✘ {_where(error)}{error['Message']}", style="red") for error in record["Errors"]]
    if clean_up := record.get("CleanUp"):
        message = clean_up.get("ErrorMessage", "")
        parts.append(Text.assemble("Clean-up: ", status_text(clean_up["Status"]), f" {message}".rstrip()))
    return Group(*parts)


def _where(error: Mapping[str, Any]) -> str:
    wave = f"wave {error['WaveNumber']}, " if "WaveNumber" in error else ""
    server = f"{error['SourceServerId']}: " if "SourceServerId" in error else ""
    return wave + server


def _headline(record: Mapping[str, Any], now: datetime) -> Text:
    done = sum(server["Status"] == "RECOVERED" for wave in record["Waves"] for server in wave["ServerResults"])
    kind = "Drill" if record["ExecutionType"] == "DRILL" else "Recovery"
    return Text.assemble(
        (f"{kind} of {record['PlanName']} ", "bold"),
        status_text(record["Status"]),
        f"  {elapsed(record, now)}  {done} of {record['ServerCount']} servers recovered\n",
        (f"{record['ExecutionId']}  started {record['StartTime']} by {record['InitiatedBy']}", "dim"),
        f"\n{record['StatusReason']}" if "StatusReason" in record else "",
    )


def _waves(record: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("Wave", "Status", "Server", "", "Instance", "Note"):
        table.add_column(column, overflow="fold")
    for wave in record["Waves"]:
        title = f"{wave['WaveNumber']} {wave['WaveName']}"
        table.add_row(title, status_text(wave["Status"]), _counts(wave), "", "", wave.get("StatusReason", ""))
        for server in wave["ServerResults"]:
            note = server.get("ErrorMessage", server.get("HealthStatus", ""))
            table.add_row(
                "", "", server["SourceServerId"], status_text(server["Status"]), server.get("Ec2InstanceId", ""), note
            )
    return table


def _counts(wave: Mapping[str, Any]) -> str:
    counts = Counter(server["Status"] for server in wave["ServerResults"])
    return f"{counts['RECOVERED']}/{len(wave['ServerResults'])} recovered"


def history_view(items: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("Started", "Execution", "Plan", "Type", "Status", "Duration", "Servers"):
        table.add_column(column, overflow="fold")
    for item in items:
        table.add_row(
            item["StartTime"],
            item["ExecutionId"],
            item["PlanName"],
            item["ExecutionType"],
            status_text(item["Status"]),
            _clock(item["DurationSeconds"]) if "DurationSeconds" in item else "",
            str(item["ServerCount"]),
        )
    return table


def elapsed(record: Mapping[str, Any], now: datetime) -> str:
    if "DurationSeconds" in record:
        return _clock(record["DurationSeconds"])
    return _clock(max(0, int((now.astimezone(UTC) - datetime.fromisoformat(record["StartTime"])).total_seconds())))


def _clock(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
