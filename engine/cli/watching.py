"""The command `status`: a live view in a terminal, one line for each change in a pipe, JSON for other programs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import click
from rich.console import Console
from rich.live import Live

from engine.cli.changes import changes
from engine.cli.interruption import note_watched
from engine.cli.next_step import next_step
from engine.cli.options import checked_text, client, json_option, stack_option
from engine.cli.pasting import complete
from engine.cli.terminal import console, print_json
from engine.cli.views import execution_view, outcome
from engine.client import EngineClient
from engine.deploy.connection import retry_on_connection_error

# Seconds between two reads of the record; the clock on the screen is redrawn each second.
WATCH_SECONDS = 5
# The most earlier executions that an estimate of the time left is made from.
_ESTIMATED_BY = 10
_CLEANING = {"PENDING", "RUNNING"}

Record = dict[str, Any]


def pause(seconds: float) -> None:
    """Sleep between two reads of the record; only the command line does."""
    time.sleep(seconds)


@click.command()
@click.argument("execution_id", callback=checked_text)
@click.option("--watch", is_flag=True, help="Watch it until it is cleaned up; --json prints a line for each change.")
@json_option
@stack_option
def status(execution_id: str, watch: bool, as_json: bool, stack: str) -> None:
    """Show one execution: its waves, servers, current wait, errors and clean-up.

    Exit code 1 if it FAILED or was CANCELLED.
    """
    engine = client(stack)
    if watch:
        finish(engine, watch_execution(engine, execution_id, as_json=as_json), stack, as_json=as_json)
        return
    record = engine.get(execution_id)
    if as_json:
        print_json(record)
    else:
        terminal = console()
        earlier = _earlier(engine, record)
        terminal.print(execution_view(record, engine.now(), terminal.width, earlier=earlier))
    finish(engine, record, stack, as_json=as_json)


def finish(engine: EngineClient, record: Record, stack: str, *, as_json: bool) -> None:
    """End the command: say how to continue a failed recovery, and exit with 1 if it FAILED or was CANCELLED."""
    if not as_json and (line := next_step(engine, record, stack)):
        click.echo(line)
    if record["Status"] in ("FAILED", "CANCELLED"):
        raise click.exceptions.Exit(1)


def say_how_to_watch(execution_id: str) -> None:
    """Print the command that shows the execution; to standard error, because standard output has its id alone."""
    click.echo(complete(f"To watch it:\n  python -m engine status {execution_id} --watch"), err=True)


def watch_execution(engine: EngineClient, execution_id: str, *, as_json: bool = False) -> Record:
    """Show the execution until it has ended and is cleaned up; returns its last record."""
    terminal = console()
    if as_json:
        return _as_json_lines(engine, execution_id)
    if terminal.is_terminal:
        return _as_picture(engine, execution_id, terminal)
    return _as_lines(engine, execution_id)


def _as_json_lines(engine: EngineClient, execution_id: str) -> Record:
    last: Record = {}
    for record in _follow(engine, execution_id, _say_lost):
        if record != last:
            click.echo(json.dumps(record, ensure_ascii=False))
        last = record
    return last


def _as_lines(engine: EngineClient, execution_id: str) -> Record:
    last: Record = {}
    for record in _follow(engine, execution_id, _say_lost):
        for line in changes(last, record, engine.now()):
            click.echo(line)
        last = record
    return last


def _as_picture(engine: EngineClient, execution_id: str, terminal: Console) -> Record:
    note = ""

    def lost(seconds: int) -> None:
        nonlocal note
        note = f"No connection to AWS for {seconds} s; the execution continues; trying again"
        draw()

    def draw() -> None:
        height = max(terminal.height - 1, 10)
        view = execution_view(record, engine.now(), terminal.width, rows=height, note=note, earlier=earlier)
        live.update(view, refresh=True)

    record = engine.get(execution_id)
    earlier = _earlier(engine, record)
    with Live(console=terminal, auto_refresh=False) as live:
        for latest in _follow(engine, execution_id, lost, tick=lambda: draw()):
            record, note = latest, ""
            draw()
        # The last view stays on the screen, so it is complete.
        view = execution_view(record, engine.now(), terminal.width)
        live.update(view, refresh=True)
    if len(terminal.render_lines(view)) >= terminal.height:
        # The headline is above the screen now.
        terminal.print(outcome(record))
    return record


def _earlier(engine: EngineClient, record: Record) -> list[int]:
    """The durations in seconds of the plan's last completed executions of the same type, for a running one."""
    if record["Status"] != "RUNNING":
        return []
    return [
        item["DurationSeconds"]
        for item in engine.list_by_plan(record["PlanId"]).items
        if item["ExecutionType"] == record["ExecutionType"] and item["Status"] == "COMPLETED"
    ][:_ESTIMATED_BY]


def _say_lost(seconds: int) -> None:
    if seconds == 0:
        click.echo("No connection to AWS; the execution continues; trying again", err=True)


def _follow(
    engine: EngineClient, execution_id: str, lost: Callable[[int], object], tick: Callable[[], object] = lambda: None
) -> Iterator[Record]:
    """The record every few seconds, until the execution has ended and is cleaned up."""
    while True:
        record = retry_on_connection_error(lambda: engine.get(execution_id), sleep=pause, lost=lost)
        note_watched(execution_id)
        yield record
        if _is_over(record):
            return
        for _ in range(WATCH_SECONDS):
            pause(1)
            tick()


def _is_over(record: Record) -> bool:
    return record["Status"] != "RUNNING" and record.get("CleanUp", {}).get("Status") not in _CLEANING
