"""The command `resume`."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence

import click

from engine.cli.confirmation import confirm_resumption
from engine.cli.existing import ExistingChoice, confirm_replacement, existing_option
from engine.cli.interruption import note_watched, note_work
from engine.cli.options import checked_text, client, json_option, stack_option
from engine.cli.server_names import ids_of, of_record
from engine.cli.terminal import print_json
from engine.cli.watching import finish, say_how_to_watch, watch_execution

_SNAPSHOT = re.compile(r"(s-[0-9A-Za-z]{17})=(pit-[0-9A-Za-z]{17})")


def _snapshots(context: click.Context, parameter: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for value in values:
        match = _SNAPSHOT.fullmatch(value)
        if match is None:
            raise click.BadParameter(f"{value!r} must be SERVER=SNAPSHOT, for example s-…=pit-…")
        if match[1] in found:
            raise click.BadParameter(f"server {match[1]} is given twice")
        found[match[1]] = match[2]
    return found


@click.command()
@click.argument("execution_id", callback=checked_text)
@click.option("--skip-wave", "skip_waves", multiple=True, type=int, metavar="N", help="Treat wave N as passed.")
@click.option(
    "--skip-server",
    "skip_servers",
    multiple=True,
    metavar="SERVER",
    help="Do not launch this server (id or host name).",
)
@click.option(
    "--snapshot",
    "snapshots",
    multiple=True,
    metavar="SERVER=SNAPSHOT",
    callback=_snapshots,
    help="Launch this server from another snapshot.",
)
@existing_option
@click.option("--token", callback=checked_text, help="A client token: it always returns the same successor.")
@click.option("--yes", is_flag=True, help="Resume without confirmation; never confirms a replacement.")
@click.option("--watch", is_flag=True, help="Show the execution until it has ended.")
@json_option
@stack_option
def resume(
    execution_id: str,
    skip_waves: tuple[int, ...],
    skip_servers: tuple[str, ...],
    snapshots: dict[str, str],
    existing: ExistingChoice,
    token: str | None,
    yes: bool,
    watch: bool,
    as_json: bool,
    stack: str,
) -> None:
    """Continue the FAILED or CANCELLED execution EXECUTION_ID and print the ExecutionId of its successor.

    Recovered servers stay, the others are launched in the order of the plan. COMPLETED waves are not repeated if their
    instances exist. --skip-wave lets the waves run that depend on a failed wave; --skip-server leaves a server out.

    A drill can be resumed while its instances exist: its plan has TerminateDrillInstances: false.
    """
    engine = client(stack)
    # A refused call that only shows the instances to replace, and the confirmed one, are the same request.
    token = token or str(uuid.uuid4())

    if skip_servers or existing:
        servers = of_record(engine.get(execution_id))
        skip_servers, existing = tuple(ids_of(skip_servers, servers)), existing.with_ids(servers)

    def request(choice: ExistingChoice) -> str:
        return engine.resume(
            execution_id,
            skip_waves=skip_waves,
            skip_servers=skip_servers,
            snapshots=snapshots,
            replace_existing=choice.replacements,
            client_token=token,
        )

    if not yes:
        confirm_resumption(engine, execution_id)
    note_work(f"it is not known whether it was resumed; look:\n  python -m engine status {execution_id}")
    if existing.unconfirmed:
        choice = existing
        existing = confirm_replacement(lambda: request(choice), execution_id, choice)
    successor = request(existing)
    note_watched(successor)
    if as_json and not watch:
        print_json({"ExecutionId": successor, "ResumedFrom": execution_id})
    elif not as_json:
        click.echo(successor)
        click.echo(f"Started the resumption of {execution_id}.", err=True)
    if watch:
        finish(engine, watch_execution(engine, successor, as_json=as_json), stack, as_json=as_json)
    elif not as_json:
        say_how_to_watch(successor)
