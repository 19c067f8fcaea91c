"""Loading, starting, watching, cancelling and looking up executions."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.live import Live

from engine.cli.options import InputError, client, read_json, stack_option
from engine.cli.views import execution_view, history_view
from engine.client import EngineClient
from engine.core.validation import group_problems

WATCH_SECONDS = 5
STATUSES = ["RUNNING", "COMPLETED", "FAILED", "CANCELLED"]
_CLEANING = {"PENDING", "RUNNING"}

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for other programs.")


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@stack_option
def put(files: tuple[Path, ...], stack: str) -> None:
    """Load recovery plans and protection groups from JSON FILES (one document or a list).

    A document with GroupId is a protection group, one with PlanId a recovery plan. Nothing is loaded if any of them
    is neither.
    """
    documents = [(path, document) for path in files for document in _documents(path)]
    engine = client(stack)
    for path, document in documents:
        if "GroupId" in document:
            engine.put_group(document)
            click.echo(f"{path}: protection group {document['GroupId']}")
        else:
            engine.put_plan(document)
            click.echo(f"{path}: recovery plan {document['PlanId']}")


def _documents(path: Path) -> Iterator[dict[str, Any]]:
    content = read_json(path)
    for document in content if isinstance(content, list) else [content]:
        if not isinstance(document, dict) or not {"GroupId", "PlanId"} & document.keys():
            raise InputError(f"{path}: neither a protection group (GroupId) nor a recovery plan (PlanId)")
        if "GroupId" in document and (problems := group_problems(document)):
            raise InputError("\n".join(f"{path}: {problem}" for problem in problems))
        yield document


@click.command()
@click.argument("plan_id")
@click.option("--drill/--recovery", "is_drill", default=True, help="Rehearse (default), or recover for real.")
@click.option("--token", help="The same token always means the same execution.")
@click.option("--yes", is_flag=True, help="Do not ask before a real recovery.")
@click.option("--watch", is_flag=True, help="Stay and show the execution until it is over.")
@stack_option
def start(plan_id: str, is_drill: bool, token: str | None, yes: bool, watch: bool, stack: str) -> None:
    """Start the recovery plan PLAN_ID and print its ExecutionId."""
    if not is_drill and not yes:
        click.confirm(f"Recover {plan_id} for real? Its servers will be launched for production", abort=True, err=True)
    engine = client(stack)
    execution_id = engine.start(plan_id, "DRILL" if is_drill else "RECOVERY", client_token=token)
    click.echo(execution_id)
    if watch:
        _exit_with(_watch(engine, execution_id))


@click.command()
@click.argument("execution_id")
@click.option("--watch", is_flag=True, help="Follow it live until it is over and cleaned up.")
@json_option
@stack_option
def status(execution_id: str, watch: bool, as_json: bool, stack: str) -> None:
    """Show one execution: its waves, servers, errors and clean-up.

    Exit code 1 when it FAILED or was CANCELLED.
    """
    engine = client(stack)
    if watch and not as_json:
        _exit_with(_watch(engine, execution_id))
        return
    *_, record = _follow(engine, execution_id) if watch else [engine.get(execution_id)]
    if as_json:
        click.echo(json.dumps(record, indent=2, ensure_ascii=False))
    else:
        Console().print(execution_view(record, datetime.now(UTC)))
    _exit_with(record)


def _watch(engine: EngineClient, execution_id: str) -> dict[str, Any]:
    record = engine.get(execution_id)
    with Live(execution_view(record, datetime.now(UTC)), auto_refresh=False) as live:
        for latest in _follow(engine, execution_id):
            record = latest
            live.update(execution_view(record, datetime.now(UTC)), refresh=True)
    return record


def _follow(engine: EngineClient, execution_id: str) -> Iterator[dict[str, Any]]:
    """The record every few seconds, the last one when the execution is over and cleaned up."""
    while True:
        record = engine.get(execution_id)
        yield record
        if _is_over(record):
            return
        # A person's terminal, never the function: nobody is told when a record changes.
        time.sleep(WATCH_SECONDS)


def _is_over(record: dict[str, Any]) -> bool:
    return record["Status"] != "RUNNING" and record.get("CleanUp", {}).get("Status") not in _CLEANING


def _exit_with(record: dict[str, Any]) -> None:
    if record["Status"] in ("FAILED", "CANCELLED"):
        raise click.exceptions.Exit(1)


@click.command()
@click.argument("execution_id")
@click.option("--reason", help="For the audit trail.")
@stack_option
def cancel(execution_id: str, reason: str | None, stack: str) -> None:
    """Cancel a running execution: nothing new is launched, a drill's instances are terminated."""
    client(stack).cancel(execution_id, reason=reason)
    click.echo(f"{execution_id}: cancellation requested; it takes effect within 60 seconds")


@click.command()
@click.option("--plan", "plan_id", help="Executions of this plan.")
@click.option("--status", "state", type=click.Choice(STATUSES), help="Executions with this status.")
@click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]), help="Not older than this (UTC).")
@click.option("--limit", default=25, show_default=True, type=click.IntRange(1, 1000))
@json_option
@stack_option
def history(
    plan_id: str | None, state: str | None, since: datetime | None, limit: int, as_json: bool, stack: str
) -> None:
    """List executions, newest first: of one plan, with one status, or all."""
    items = _newest(client(stack), plan_id, state, since, limit)
    if as_json:
        click.echo(json.dumps(items, indent=2, ensure_ascii=False))
    elif items:
        Console().print(history_view(items))
    else:
        click.echo("No executions.")


def _newest(
    engine: EngineClient, plan_id: str | None, state: str | None, since: datetime | None, limit: int
) -> list[dict[str, Any]]:
    """The newest executions that match. Without a plan the statuses are listed one by one: that is how they lie."""
    oldest = since.replace(tzinfo=UTC) if since else None
    if plan_id is not None:
        found = [item for item in _pages(engine, oldest, limit, plan_id=plan_id) if state in (None, item["Status"])]
    else:
        found = [item for one in ([state] if state else STATUSES) for item in _pages(engine, oldest, limit, state=one)]
    return sorted(found, key=lambda item: str(item["StartTime"]), reverse=True)[:limit]


def _pages(
    engine: EngineClient,
    oldest: datetime | None,
    limit: int,
    *,
    plan_id: str | None = None,
    state: str | None = None,
) -> Iterator[dict[str, Any]]:
    token, count = None, 0
    while count < limit:
        page = (
            engine.list_by_plan(plan_id, page_token=token)
            if plan_id is not None
            else engine.list_by_status(state or "RUNNING", page_token=token)
        )
        for item in page.items:
            if oldest is not None and datetime.fromisoformat(item["StartTime"]) < oldest:
                return
            count += 1
            yield item
        token = page.next_token
        if token is None:
            return
