"""Starting, cancelling and looking up executions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import click

from engine.cli.options import InputError, checked_text, client, json_option, stack_option
from engine.cli.terminal import console, print_json
from engine.cli.views import history_view, moment
from engine.cli.watching import exit_with, watch_execution
from engine.client import EngineClient

STATUSES = ["RUNNING", "COMPLETED", "FAILED", "CANCELLED"]


@click.command()
@click.argument("plan_id", callback=checked_text)
@click.option("--drill/--recovery", "is_drill", default=True, help="Rehearse (default), or recover for real.")
@click.option("--token", callback=checked_text, help="The same token always means the same execution.")
@click.option("--yes", is_flag=True, help="Do not ask before a real recovery.")
@click.option("--watch", is_flag=True, help="Stay and show the execution until it is over.")
@json_option
@stack_option
def start(plan_id: str, is_drill: bool, token: str | None, yes: bool, watch: bool, as_json: bool, stack: str) -> None:
    """Start the recovery plan PLAN_ID and print its ExecutionId.

    A plan that runs already is not started again: its execution is the answer, and that is said (with --json: Existed),
    unless that is a drill and a real recovery was asked for, or the other way round. A real recovery is started only
    after its id has been typed again, or with --yes.
    """
    if not is_drill and not yes:
        _confirm_recovery(plan_id)
    engine = client(stack)
    started = engine.start_or_find(plan_id, "DRILL" if is_drill else "RECOVERY", client_token=token)
    execution_id = started.execution_id
    if as_json and not watch:
        print_json({"ExecutionId": execution_id, "Existed": started.existed})
    elif not as_json:
        click.echo(execution_id)
    if started.existed:
        click.echo(_nothing_started(plan_id, engine.get(execution_id), token), err=True)
    if watch:
        exit_with(watch_execution(engine, execution_id, as_json=as_json))


def _nothing_started(plan_id: str, record: dict[str, Any], token: str | None) -> str:
    since = f"{moment(record['StartTime'])} by {record['InitiatedBy']}"
    if record["Status"] == "RUNNING":
        return f"Note: nothing new was started: {plan_id} runs already, started {since}."
    return (
        f"Note: nothing new was started: token {token} means an execution that is {record['Status']}, started {since}."
    )


def _confirm_recovery(plan_id: str) -> None:
    typed = click.prompt(
        f"This recovers {plan_id} for real: its servers are launched for production and stay.\n"
        "Type the plan's id to go on",
        err=True,
        default="",
        show_default=False,
    )
    if typed != plan_id:
        raise InputError(f"{typed!r} is not {plan_id!r}; nothing was started (--yes starts without asking)")


@click.command()
@click.argument("execution_id", callback=checked_text)
@click.option("--reason", help="For the audit trail.")
@json_option
@stack_option
def cancel(execution_id: str, reason: str | None, as_json: bool, stack: str) -> None:
    """Cancel a running execution: nothing new is launched, a drill's instances are terminated."""
    engine = client(stack)
    engine.cancel(execution_id, reason=reason)
    status = engine.get(execution_id)["Status"]
    if as_json:
        print_json({"ExecutionId": execution_id, "CancellationRequested": True, "Status": status})
    elif status == "CANCELLED":
        click.echo(f"{execution_id}: is CANCELLED")
    else:
        click.echo(f"{execution_id}: cancellation requested; it takes effect within 60 seconds")


@click.command()
@click.option("--plan", "plan_id", callback=checked_text, help="Executions of this plan.")
@click.option("--status", "state", type=click.Choice(STATUSES), help="Executions in this status.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    metavar="DATE[THH:MM:SS]",
    help="Not older than this (UTC).",
)
@click.option("--limit", default=25, show_default=True, type=click.IntRange(1, 1000), help="At most so many.")
@json_option
@stack_option
def history(
    plan_id: str | None, state: str | None, since: datetime | None, limit: int, as_json: bool, stack: str
) -> None:
    """List executions, newest first: of one plan, with one status, or all."""
    items = _newest(client(stack), plan_id, state, since, limit)
    if as_json:
        print_json(items)
    elif items:
        terminal = console()
        terminal.print(history_view(items, terminal.width))
    else:
        click.echo("No executions.")


def _newest(
    engine: EngineClient, plan_id: str | None, state: str | None, since: datetime | None, limit: int
) -> list[dict[str, Any]]:
    """The newest executions that match. Without a plan the statuses are listed one by one: that is how they lie."""
    oldest = since.replace(tzinfo=UTC) if since else None
    found: list[dict[str, Any]] = []
    for one in [state] if state else STATUSES:
        if plan_id is None:
            found += _pages(engine, oldest, limit, state=one)
    if plan_id is not None:
        found = list(_pages(engine, oldest, limit, plan_id=plan_id, state=state))
    return sorted(found, key=lambda item: str(item["StartTime"]), reverse=True)[:limit]


def _pages(
    engine: EngineClient, oldest: datetime | None, limit: int, *, plan_id: str | None = None, state: str | None = None
) -> Iterator[dict[str, Any]]:
    """At most `limit` executions that match, page by page until there are so many."""
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
