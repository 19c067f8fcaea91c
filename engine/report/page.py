"""The report of an execution: one self-contained page, made from the record alone, for screen, phone and A4 paper.

The page makes no request and has no script. It shows outcome, objectives, timeline, waves, servers, errors, warnings,
approvals, pauses and jobs, with host names beside ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from markupsafe import Markup

from engine.report.templates import render
from engine.report.timeline import timeline_svg

Record = Mapping[str, Any]

_SIGNS = {
    "COMPLETED": "✔",
    "RECOVERED": "✔",
    "APPROVED": "✔",
    "SENT": "✔",
    "FAILED": "✘",
    "REJECTED": "✘",
    "CANCELLED": "■",
    "SKIPPED": "»",
}
_DAY = 86_400


def report_page(record: Record) -> str:
    """The HTML of the report of one execution, as the engine's client returns its record."""
    servers = [server for wave in record["Waves"] for server in wave["ServerResults"]]
    return render(
        "report.html",
        record=record,
        kind="Drill" if record["ExecutionType"] == "DRILL" else "Recovery",
        sign=lambda status: _SIGNS.get(status, "·"),
        duration=duration,
        moment=_moment,
        recovered=sum(server["Status"] == "RECOVERED" for server in servers),
        server_total=len(servers),
        objectives=list(_objectives(record)),
        names={server["SourceServerId"]: server["HostName"] for server in servers if "HostName" in server},
        timeline=Markup(timeline_svg(record)),  # noqa: S704 - this package's own template, which escapes every value
    )


def _objectives(record: Record) -> list[dict[str, Any]]:
    objectives, rows = record.get("Objectives", {}), []
    completed = record["Status"] == "COMPLETED"
    for name, field, actual in (
        ("Recovery time", "RecoveryTime", "ActualSeconds"),
        ("Recovery point (oldest data)", "RecoveryPoint", "WorstSeconds"),
    ):
        found = objectives.get(field, {})
        if found:
            target = found.get("TargetSeconds")
            rows.append(
                {
                    "name": name,
                    "target": "none" if target is None else duration(target),
                    "actual": duration(found[actual]) if actual in found else "not known",
                    "verdict": {True: "met", False: "not met"}.get(found.get("Met"), "not judged"),
                    # A short time of the servers that were recovered is no success.
                    "reason": ""
                    if completed or found.get("Met") is not False
                    else f"the execution is {record['Status']}",
                }
            )
    return rows


def duration(seconds: int) -> str:
    """h:mm:ss; from two days on whole days."""
    if seconds >= 2 * _DAY:
        return f"{seconds // _DAY} days"
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def _moment(text: str) -> str:
    """A time of the record to the second, UTC."""
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S}"
