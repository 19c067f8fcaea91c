"""The options --as-of and --snapshot of `start`, and what they show before a confirmation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import click

from engine.cli.options import InputError
from engine.cli.times import clock
from engine.client import EngineClient
from engine.client.readiness import Chosen

_SHOWN = 12


def _time(context: click.Context, parameter: click.Parameter, value: str | None) -> datetime | None:
    """An ISO 8601 time with a zone: a recovery has no room for a misread hour. Raises InputError."""
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise InputError(f"--as-of {value!r} is not an ISO 8601 time with a zone, for example 2026-01-05T09:00:00Z")
    return found


as_of_option = click.option(
    "--as-of",
    callback=_time,
    metavar="TIME",
    help="Use each server's newest snapshot that is not after this ISO 8601 time with a zone.",
)


def _snapshots(context: click.Context, parameter: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    found = {}
    for value in values:
        server, separator, snapshot = value.partition("=")
        if not (server.startswith("s-") and separator and snapshot.startswith("pit-")):
            raise click.BadParameter(f"{value!r} must be SERVER=SNAPSHOT, for example s-3d75cdc0d9a28a725=pit-…")
        found[server] = snapshot
    return found


snapshot_option = click.option(
    "--snapshot",
    "snapshots",
    multiple=True,
    metavar="SERVER=SNAPSHOT",
    callback=_snapshots,
    help="Launch this server from this snapshot; goes before --as-of and before the plan's snapshots.",
)


def chosen_as_of(engine: EngineClient, plan_id: str, as_of: datetime | None, given: Mapping[str, str]) -> Chosen | None:
    """The snapshots as of a time, shown to the operator; None without a time.

    Raises ClickException if a server has no snapshot.
    """
    if as_of is None:
        return None
    found = engine.snapshots_as_of(plan_id, as_of)
    _, missing = found.with_given(given)
    if missing:
        cure = "choose a later time, or name a snapshot with --snapshot SERVER=SNAPSHOT"
        raise click.ClickException(f"no snapshot at or before {as_of.isoformat()} of {missing}; {cure}")
    click.echo(describe(found, as_of), err=True)
    return found


def describe(chosen: Chosen, as_of: datetime) -> str:
    """The chosen snapshots and their spread, for the operator to read before the confirmation."""
    count = len(chosen.snapshots)
    noun = "server" if count == 1 else "servers"
    spread = clock(chosen.spread_seconds)
    lines = [f"As of {as_of:%Y-%m-%d %H:%M:%S %Z}: snapshots of {count} {noun}, {spread} apart"]
    oldest_first = sorted(chosen.snapshots.items(), key=lambda one: one[1].time)
    for server, snapshot in oldest_first[:_SHOWN]:
        name = chosen.host_names.get(server, server)
        lines.append(f"  {snapshot.time:%Y-%m-%d %H:%M:%S} UTC  {snapshot.snapshot_id}  {name}")
    if count > _SHOWN:
        lines.append(f"  and {count - _SHOWN} newer ones")
    return "\n".join(lines)
