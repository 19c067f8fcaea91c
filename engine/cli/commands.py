"""The commands `start`, `cancel` and `history`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click

from engine.cli.as_of import as_of_option, chosen_as_of, snapshot_option
from engine.cli.confirmation import confirm_recovery, near_plans
from engine.cli.existing import ExistingChoice, confirm_replacement, existing_option
from engine.cli.interruption import note_watched, note_work
from engine.cli.next_step import offering_resumption
from engine.cli.objectives import trend
from engine.cli.options import InputError, checked_text, client, json_option, kind_option, stack_option
from engine.cli.pasting import note_options
from engine.cli.terminal import console, print_json
from engine.cli.times import moment
from engine.cli.views import history_view
from engine.cli.wait_description import held_by
from engine.cli.watching import finish, say_how_to_watch, watch_execution
from engine.client import EngineClient, Started

STATUSES = ["RUNNING", "COMPLETED", "FAILED", "CANCELLED"]


def _checked_texts(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        checked_text(context, parameter, value)
    return values


@click.command()
@click.argument("plan_id", callback=checked_text)
@kind_option("Rehearse the recovery (the default).", "Perform the recovery.")
@click.option(
    "--token", callback=checked_text, help="A client token: the same token always returns the same execution."
)
@click.option("--yes", is_flag=True, help="Start a recovery without confirmation; never confirms a replacement.")
@existing_option
@as_of_option
@snapshot_option
@click.option("--cancel-drills", is_flag=True, help="For --recovery: cancel the drills that hold its servers or plan.")
@click.option(
    "--take-over",
    multiple=True,
    callback=_checked_texts,
    metavar="ID",
    help="For --recovery: cancel execution ID, which holds servers or plan, and do not wait for it.",
)
@click.option("--watch", is_flag=True, help="Show the execution until it has ended.")
@json_option
@stack_option
def start(
    plan_id: str,
    is_drill: bool,
    token: str | None,
    yes: bool,
    existing: ExistingChoice,
    as_of: datetime | None,
    snapshots: dict[str, str],
    cancel_drills: bool,
    take_over: tuple[str, ...],
    watch: bool,
    as_json: bool,
    stack: str,
) -> None:
    """Start the recovery plan PLAN_ID and print its ExecutionId.

    A plan that runs already is not started again: the command prints the running execution and a note (with --json:
    Existed). A running drill is an error for --recovery, and the reverse. --recovery needs --yes, or the id of the plan
    typed again.

    A recovery never replaces the instance of an earlier recovery unless the operator names it. It is refused and lists
    these instances. --existing keep adopts them and launches the other servers only. --existing replace=SERVER,…
    launches these servers again, after a confirmation that shows their instances; SERVER:INSTANCE confirms in advance.

    A server belongs to one execution at a time. A start over a server that another execution holds is refused, and
    names execution, plan and servers. --cancel-drills cancels the drills in the way and starts the recovery in one
    command. --take-over ID is for an execution that does not answer: it can launch no more, but its jobs in DRS go on.
    """
    if is_drill and (cancel_drills or take_over):
        raise InputError("--cancel-drills and --take-over are for --recovery: a drill never stops another execution")
    if is_drill and existing:
        raise InputError("--existing is for --recovery: a drill never replaces the instance of a recovery")
    note_options(
        [
            *(existing.options()),
            *([("--as-of", as_of.isoformat())] if as_of else []),
            *(("--snapshot", f"{server}={snapshot}") for server, snapshot in snapshots.items()),
            *([("--cancel-drills",)] if cancel_drills else []),
            *(("--take-over", one) for one in take_over),
            *([("--token", token)] if token else []),
        ]
    )
    engine, kind = client(stack), "DRILL" if is_drill else "RECOVERY"
    if existing.names_hosts:
        existing = existing.with_ids(engine.facts(plan_id)["Servers"])
    as_of_snapshots = chosen_as_of(engine, plan_id, as_of, snapshots)
    if not is_drill and not yes:
        confirm_recovery(engine, plan_id, cancels_drills=cancel_drills)
    note_work(f"it is not known whether an execution was started; look:\n  python -m engine history --plan {plan_id}")
    with offering_resumption(engine, plan_id):
        if existing.unconfirmed:
            choice = existing
            existing = confirm_replacement(
                lambda: engine.start_or_find(
                    plan_id, "RECOVERY", keep_existing=choice.keep, replace_existing=choice.replacements
                ),
                plan_id,
                choice,
            )
        started = engine.start_or_find(
            plan_id,
            kind,
            client_token=token,
            keep_existing=existing.keep,
            replace_existing=existing.replacements,
            as_of=as_of,
            as_of_snapshots=as_of_snapshots,
            snapshots=snapshots,
            cancel_drills=cancel_drills,
            take_over=take_over,
        )
    execution_id = started.execution_id
    note_watched(execution_id)
    if as_json and not watch:
        print_json({"ExecutionId": execution_id, "Existed": started.existed})
    elif not as_json:
        click.echo(execution_id)
    runs = _tell(engine, plan_id, started, token, "" if as_json else f"Started the {kind.lower()} of {plan_id}.")
    if watch:
        finish(engine, watch_execution(engine, execution_id, as_json=as_json), stack, as_json=as_json)
    elif runs and not as_json:
        say_how_to_watch(execution_id)


def _tell(engine: EngineClient, plan_id: str, started: Started, token: str | None, new: str) -> bool:
    """Print to standard error what was started (`new`) with its warnings, or that nothing was; whether it runs now."""
    if started.existed:
        record = engine.get(started.execution_id)
        click.echo(_nothing_started(plan_id, record, token), err=True)
        return bool(record["Status"] == "RUNNING")
    _warn(engine, plan_id, started)
    if new:
        click.echo(new, err=True)
    return True


def _warn(engine: EngineClient, plan_id: str, started: Started) -> None:
    """Print the warnings about a new execution and its plan; a plan deleted since has none."""
    for warning in started.warnings:
        click.echo(f"Warning: {warning}", err=True)
    if started.warning_count > len(started.warnings):
        click.echo(f"and {started.warning_count - len(started.warnings)} more; `status` lists them", err=True)
    plan = engine.get_plan(plan_id)
    if plan is not None and not engine.problems(plan):
        for problem in engine.warnings(plan):
            click.echo(f"Warning: {problem}", err=True)


def _nothing_started(plan_id: str, record: dict[str, Any], token: str | None) -> str:
    since = f"{moment(record['StartTime'])} by {record['InitiatedBy']}"
    if record["Status"] == "RUNNING":
        return f"Note: no new execution was started: {plan_id} runs already, started {since}."
    return f"Note: no new execution was started: that of token {token} is {record['Status']}, started {since}."


@click.command()
@click.argument("execution_id", callback=checked_text)
@click.option("--reason", help="Reason for the audit trail.")
@json_option
@stack_option
def cancel(execution_id: str, reason: str | None, as_json: bool, stack: str) -> None:
    """Cancel a running execution: no more servers are launched, and the instances of a drill are terminated."""
    engine = client(stack)
    engine.cancel(execution_id, reason=reason)
    record = engine.get(execution_id)
    status = record["Status"]
    if as_json:
        print_json({"ExecutionId": execution_id, "CancellationRequested": True, "Status": status})
    elif status == "CANCELLED":
        click.echo(f"{execution_id}: is CANCELLED")
    else:
        click.echo(f"{execution_id}: cancellation requested; it takes effect within 60 seconds")
        if record["ExecutionType"] == "RECOVERY":
            click.echo("It is a RECOVERY: its instances stay, and launches that DRS has accepted go on.")


def _time(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """An ISO 8601 date or time, UTC without a zone. Raises InputError."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        raise InputError(
            f"--since {value!r} is not an ISO 8601 time, for example 2026-01-05 or 2026-01-05T09:00:01.720Z"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@click.command()
@click.option("--plan", "plan_id", callback=checked_text, help="Only executions of this plan.")
@click.option("--status", "state", type=click.Choice(STATUSES), help="Only executions with this status.")
@click.option(
    "--since",
    callback=_time,
    metavar="TIME",
    help="Only executions that started at or after this ISO 8601 date or time (UTC unless it has a zone).",
)
@click.option(
    "--limit", default=25, show_default=True, type=click.IntRange(1, 1000), help="Maximum number of executions."
)
@json_option
@stack_option
def history(
    plan_id: str | None, state: str | None, since: datetime | None, limit: int, as_json: bool, stack: str
) -> None:
    """List executions, newest first: of one plan, with one status, or all."""
    engine = client(stack)
    items = _newest(engine, plan_id, state, since, limit)
    details = engine.details([item["ExecutionId"] for item in items])
    items = [item | details.get(item["ExecutionId"], {}) for item in items]
    if as_json:
        print_json(items)
    elif items:
        running = [item["ExecutionId"] for item in items if item["Status"] == "RUNNING"]
        held = engine.details(running, ("Approvals", "PausedSince", "Waves"))
        items = [item | {"Held": held_by(held.get(item["ExecutionId"], {}))} for item in items]
        terminal = console()
        terminal.print(history_view(items, terminal.width))
        for line in trend(items) if plan_id else ():
            terminal.print(line, style="dim")
    elif plan_id is not None and engine.get_plan(plan_id) is None:
        click.echo(f"No executions, and no plan {plan_id}; {near_plans(engine, plan_id)}")
    else:
        click.echo("No executions.")


def _newest(
    engine: EngineClient, plan_id: str | None, state: str | None, since: datetime | None, limit: int
) -> list[dict[str, Any]]:
    """The newest executions that match. Without a plan this is one query for each status, because of the indexes."""
    if plan_id is not None:
        found = list(_pages(engine, since, limit, plan_id=plan_id, state=state))
    else:
        found = [item for one in ([state] if state else STATUSES) for item in _pages(engine, since, limit, state=one)]
    return sorted(found, key=lambda item: str(item["StartTime"]), reverse=True)[:limit]


def _pages(
    engine: EngineClient, oldest: datetime | None, limit: int, *, plan_id: str | None = None, state: str | None = None
) -> Iterator[dict[str, Any]]:
    """The executions that match, newest first, in as many pages as `limit` executions need."""
    token, count = None, 0
    while True:
        page = (
            engine.list_by_plan(plan_id, page_token=token)
            if plan_id is not None
            else engine.list_by_status(state or "RUNNING", page_token=token)
        )
        for item in page.items:
            if oldest is not None and datetime.fromisoformat(item["StartTime"]) < oldest:
                return
            if state in (None, item["Status"]):
                count += 1
                yield item
        token = page.next_token
        if token is None or count >= limit:
            return
