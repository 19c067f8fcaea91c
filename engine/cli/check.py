"""The command `check`: whether the servers of a plan can be launched now, in a table that ends with the verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import click
from rich.table import Table

from engine.cli.as_of import as_of_option
from engine.cli.options import checked_text, client, json_option, kind_option, stack_option
from engine.cli.terminal import console, print_json
from engine.client import StartRefused
from engine.core.readiness import Finding, Verdict, age, worst
from engine.core.readiness_check import Question, server_findings

Facts = Mapping[str, Any]
_SIGNS = {Verdict.READY: "✔", Verdict.WARNING: "!", Verdict.BLOCKED: "✘"}
_STYLES = {Verdict.READY: "green", Verdict.WARNING: "yellow", Verdict.BLOCKED: "bold red"}
_BY_NEED = (Verdict.BLOCKED, Verdict.WARNING)
# More servers than this do not fit a screen: then so many rows, and so many findings, fit a terminal of 80 by 24.
_WHOLE_TABLE = 30
_ROWS, _LINES = 6, 5
# In a narrower terminal two ids of DRS leave no room for the other columns.
_FITS_IDS = 76
# Servers with the same finding that its line names in a large plan.
_NAMED = 2


@click.command()
@click.argument("plan_id", callback=checked_text)
@kind_option("Check for a drill (the default).", "Check for a recovery.")
@as_of_option
@json_option
@stack_option
def check(plan_id: str, is_drill: bool, as_of: datetime | None, as_json: bool, stack: str) -> None:
    """Check whether the servers of the plan PLAN_ID can be launched now, without launching them.

    The command reads replication, snapshots, launch settings, jobs and existing instances of each server. BLOCKED: DRS
    cannot launch the server. WARNING: old data, a wait, or a question that was not asked in time. Exit code 1 if a
    server is BLOCKED.
    """
    engine = client(stack)
    try:
        facts = engine.facts(plan_id)
    except StartRefused as refused:
        raise click.ClickException("\n".join(refused.problems)) from refused
    servers = [server["SourceServerId"] for server in facts["Servers"] if server["Exists"]]
    single = engine.inspect(plan_id, servers, as_of)
    now = datetime.fromisoformat(facts["Time"])
    terminates = is_drill and facts.get("TerminateDrillInstances", True)
    question = Question(is_drill, now, as_of, facts.get("RecoveryPointObjectiveSeconds"), terminates)
    findings = server_findings(facts["Servers"], single, question)
    plan = engine.plan_findings(facts)
    verdict = worst([*findings, *plan])
    if as_json:
        print_json(_document(plan_id, facts, single, findings, plan, verdict))
    else:
        _print(facts, single, findings, plan, verdict, now)
    raise click.exceptions.Exit(1 if verdict is Verdict.BLOCKED else 0)


def _document(
    plan_id: str,
    facts: Facts,
    single: Mapping[str, Facts],
    findings: Sequence[Finding],
    plan: Sequence[Finding],
    verdict: Verdict,
) -> dict[str, Any]:
    by_server = _by_server(findings)
    servers = [
        {
            **server,
            **single.get(server["SourceServerId"], {}),
            "Verdict": str(worst(by_server.get(server["SourceServerId"], ()))),
            "Findings": [one.message for one in by_server.get(server["SourceServerId"], ())],
        }
        for server in facts["Servers"]
    ]
    return {
        "PlanId": plan_id,
        "Verdict": str(verdict),
        "Findings": [one.message for one in plan if one.verdict is not Verdict.READY],
        "Checks": [{"Verdict": str(one.verdict), "Message": one.message} for one in plan],
        "Servers": servers,
    }


def _by_server(findings: Sequence[Finding]) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for one in findings:
        found.setdefault(one.source_server_id or "", []).append(one)
    return found


def _print(
    facts: Facts,
    single: Mapping[str, Facts],
    findings: Sequence[Finding],
    plan: Sequence[Finding],
    verdict: Verdict,
    now: datetime,
) -> None:
    terminal, by_server, servers = console(), _by_server(findings), facts["Servers"]
    large = len(servers) > _WHOLE_TABLE
    shown = _worst_first(servers, by_server)[:_ROWS] if large else servers
    if shown:
        terminal.print(_table(shown, single, by_server, now, terminal.width))
    names = {server["SourceServerId"]: server.get("HostName") for server in servers}
    lines = _by_message(findings, names, _NAMED if large else len(servers))
    for finding, text in lines[: _LINES if large else None]:
        terminal.print(f"{_SIGNS[finding]} {text}", style=_STYLES[finding])
    if large:
        hidden = [f"{len(servers) - len(shown)} servers", f"{max(0, len(lines) - _LINES)} findings"]
        terminal.print(f"and {' and '.join(one for one in hidden if one[0] != '0')} more; --json has all", style="dim")
    role = facts.get("RoleArn", "the engine's own role")
    terminal.print(f"✔ DRS in account {facts['AccountId']}, Region {facts['Region']} answers {role}", style="green")
    for one in plan:
        terminal.print(f"{_SIGNS[one.verdict]} {one.message}", style=_STYLES[one.verdict])
    terminal.print(_summary(servers, by_server, plan, verdict), style=_STYLES[verdict])


def _worst_first(servers: Sequence[Facts], by_server: Mapping[str, list[Finding]]) -> list[Facts]:
    """The servers that need attention, the blocked ones first."""
    verdicts = {server: worst(found) for server, found in by_server.items()}
    return [one for wanted in _BY_NEED for one in servers if verdicts.get(one["SourceServerId"]) is wanted]


def _by_message(findings: Sequence[Finding], names: Mapping[str, str | None], limit: int) -> list[tuple[Verdict, str]]:
    """A line for each finding, the blocked ones first; it names at most `limit` of the servers with this finding."""
    together: dict[tuple[Verdict, str], list[str]] = {}
    for one in findings:
        server = one.source_server_id or ""
        together.setdefault((one.verdict, one.message), []).append(names.get(server) or server)
    return [
        (verdict, f"{_listed(servers, limit)}: {message}")
        for wanted in _BY_NEED
        for (verdict, message), servers in together.items()
        if verdict is wanted
    ]


def _listed(names: Sequence[str], limit: int) -> str:
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {more} more" if more > 0 else "")


def _table(
    servers: Sequence[Facts],
    single: Mapping[str, Facts],
    by_server: Mapping[str, list[Finding]],
    now: datetime,
    width: int,
) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("", "Server", "Id", "Replication", "Snapshot", "Instance"):
        # An id on two lines cannot be copied.
        table.add_column(column, overflow="fold", no_wrap=width >= _FITS_IDS and column in ("Id", "Instance"))
    for server in servers:
        verdict = worst(by_server.get(server["SourceServerId"], ()))
        taken = single.get(server["SourceServerId"], {}).get("SnapshotTime")
        table.add_row(
            _SIGNS[verdict],
            server.get("HostName", ""),
            server["SourceServerId"],
            _replication(server),
            age(datetime.fromisoformat(taken), now) if taken else "none",
            server.get("ExistingInstanceId") or ("in a job" if "LiveJobId" in server else ""),
            style=_STYLES[verdict] if verdict is not Verdict.READY else "",
        )
    return table


def _replication(server: Facts) -> str:
    """The state, and the lag (an ISO 8601 duration) unless it is zero."""
    lag: str = server.get("Lag", "")
    state: str = server.get("ReplicationState", "unknown")
    return f"{state} {lag}" if any(digit in lag for digit in "123456789") else state


def _summary(
    servers: Sequence[Facts], by_server: Mapping[str, list[Finding]], plan: Sequence[Finding], verdict: Verdict
) -> str:
    """The verdict with its parts, for example "WARNING: 6 servers, 6 READY; plan: 1 WARNING"."""
    counts = Counter(worst(by_server.get(server["SourceServerId"], ())) for server in servers)
    of_servers = ", ".join([f"{len(servers)} servers", *_counted(counts)])
    of_plan = ", ".join(_counted(Counter(one.verdict for one in plan if one.verdict is not Verdict.READY)))
    return f"{verdict}: {of_servers}" + (f"; plan: {of_plan}" if of_plan else "")


def _counted(counts: Mapping[Verdict, int]) -> list[str]:
    return [f"{counts[one]} {one}" for one in Verdict if counts[one]]
