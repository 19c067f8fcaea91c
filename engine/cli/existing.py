"""The option --existing of `start`: what a recovery does with the instances of an earlier recovery."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import click

from engine.cli.options import InputError
from engine.cli.server_names import ids_of
from engine.client import StartRefused

# The pattern of the DRS service model.
_SERVER_ID = re.compile(r"s-[0-9A-Za-z]{17}")
_FORM = "keep, or replace=SERVER[:INSTANCE],…"


@dataclass(frozen=True)
class ExistingChoice:
    """The choice of the operator. `replacements`: instance id by server id, "" for an instance not yet confirmed."""

    keep: bool = False
    replacements: dict[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.keep or bool(self.replacements)

    def options(self) -> list[tuple[str, ...]]:
        """The choice as an operator types it."""
        replaced = ",".join(f"{one}:{instance}" if instance else one for one, instance in self.replacements.items())
        choices = ["keep"] if self.keep else []
        choices += [f"replace={replaced}"] if replaced else []
        return [("--existing", choice) for choice in choices]

    def with_ids(self, servers: Iterable[Mapping[str, Any]]) -> ExistingChoice:
        """The same choice with the ids of servers that are named by their host names. Raises InputError."""
        ids = ids_of(self.replacements, servers)
        return replace(self, replacements=dict(zip(ids, self.replacements.values(), strict=True)))

    @property
    def names_hosts(self) -> bool:
        """Whether a server to replace has no id of DRS."""
        return not all(_SERVER_ID.fullmatch(server) for server in self.replacements)

    @property
    def unconfirmed(self) -> list[str]:
        return [server for server, instance in self.replacements.items() if not instance]


def _parse(context: click.Context, parameter: click.Parameter, values: Sequence[str]) -> ExistingChoice:
    choice = ExistingChoice()
    for value in values:
        if value == "keep":
            choice = replace(choice, keep=True)
        elif value.startswith("replace=") and (named := _replacements(value.removeprefix("replace="))):
            choice = replace(choice, replacements=choice.replacements | named)
        else:
            raise click.BadParameter(f"{value!r} must be {_FORM}")
    return choice


def _replacements(text: str) -> dict[str, str]:
    """Instance by server; empty if a server has no name."""
    pairs = [part.strip().partition(":") for part in text.split(",")]
    if not all(server for server, _, _ in pairs):
        return {}
    return {server: instance for server, _, instance in pairs}


existing_option = click.option(
    "--existing",
    multiple=True,
    metavar="CHOICE",
    callback=_parse,
    help=f"Choice about instances of an earlier recovery: {_FORM}. Without it, such a recovery is refused.",
)


def confirm_replacement(ask: Callable[[], object], what: str, choice: ExistingChoice) -> ExistingChoice:
    """Show the instances to replace, and return the choice with their ids after the operator has typed `replace`.

    The engine refuses a start or resumption with an unconfirmed replacement, and its refusal names the instances.
    `ask` requests it from the engine; `what` is the plan or execution. Raises StartRefused if it has other problems,
    InputError without the confirmation.
    """
    try:
        ask()
    except StartRefused as refused:
        found = {one["SourceServerId"]: one for one in refused.existing}
        if not all(server in found for server in choice.unconfirmed):
            raise
    else:
        raise InputError(f"{what} runs already; no instance was replaced")
    typed = click.prompt(
        "DRS DESTROYS these instances before their replacements are known to work:\n"
        + "\n".join(_row(found[server]) for server in choice.unconfirmed)
        + "\nType replace to continue",
        err=True,
        default="",
        show_default=False,
    )
    if typed != "replace":
        raise InputError(
            "no execution was started. A script confirms in advance: --existing replace="
            + ",".join(f"{server}:{found[server]['RecoveryInstanceId']}" for server in choice.unconfirmed)
        )
    confirmed = {server: found[server]["RecoveryInstanceId"] for server in choice.unconfirmed}
    return replace(choice, replacements=choice.replacements | confirmed)


def _row(one: dict[str, Any]) -> str:
    name = f"{one['HostName']} ({one['SourceServerId']})" if "HostName" in one else one["SourceServerId"]
    since = f", since {one['LaunchTime'][:16].replace('T', ' ')} UTC" if "LaunchTime" in one else ""
    return f"  {name}  {one['RecoveryInstanceId']}  {one.get('State', 'state unknown')}{since}"
