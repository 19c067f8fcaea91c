"""The command `sweep`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import click

from engine.cli.next_step import DEFAULT_STACK
from engine.cli.options import InputError, account_option, checked_text, require_account, session
from engine.deploy import kept_drills
from engine.deploy import sweep as sweeping
from engine.deploy.kept_drills import KeptDrill


@click.command()
@click.option("--yes", is_flag=True, help="Remove without confirmation.")
@click.option("--look-every", default=10.0, show_default=True, help="Seconds between two polls of jobs in flight.")
@click.option(
    "--drill",
    callback=checked_text,
    metavar="ID",
    help="Terminate only the instances that drill ID of a deleted stack keeps.",
)
@account_option
def sweep(yes: bool, look_every: float, drill: str | None, account: str | None) -> None:
    """Remove the resources of killed runs of the acceptance suite: stacks, code buckets, recovery instances.

    Only touches resources with the label of a test run. Warning: also removes runs in progress. Lists the drills that
    keep their instances as well, and terminates those of a deleted stack with --drill ID.
    """
    aws = session()
    there = f"account {require_account(aws, account)}, Region {aws.region_name}"
    drills = kept_drills.find(aws)
    if drill is not None:
        _end(aws, _named(drills, drill, there), there, yes, look_every)
        return
    found = sweeping.find(aws)
    for line in _lines(drills):
        click.echo(line)
    if not found:
        click.echo(f"No resources of test runs are left in {there}.")
        return
    for left in found:
        click.echo(f"{left.label}:")
        for line in left.lines():
            click.echo(f"  {line}")
    if not yes:
        click.confirm(f"Remove all of this from {there}?", abort=True, err=True)
    for left in found:
        sweeping.remove(aws, left.label, lambda _: time.sleep(look_every), lambda line: click.echo(line, err=True))
        click.echo(f"{left.label}: removed")


def _lines(drills: list[KeptDrill]) -> Iterator[str]:
    """For each kept drill its instances, and the command that terminates them."""
    for one in drills:
        count = f"{len(one.instances)} instance{'s' if len(one.instances) > 1 else ''}"
        where = f"of stack {one.stack}" if one.stack else "of no stack here (deleted, or in another account)"
        yield f"Drill {one.execution_id} {where} keeps {count}:"
        yield from (f"  {instance}" for instance in one.instances)
        yield f"To terminate {'them' if len(one.instances) > 1 else 'it'}: {_command(one)}"


def _command(drill: KeptDrill) -> str:
    if drill.stack is None:
        return f"python -m engine sweep --drill {drill.execution_id}"
    stack = "" if drill.stack == DEFAULT_STACK else f" --stack {drill.stack}"
    return f"python -m engine cleanup {drill.execution_id}{stack}"


def _named(drills: list[KeptDrill], execution_id: str, there: str) -> KeptDrill:
    """Raises InputError if the drill keeps no instance, or has a stack that can clean it up."""
    for one in drills:
        if one.execution_id == execution_id:
            if one.stack is not None:
                raise InputError(f"the stack {one.stack} has the record of that drill: {_command(one)}")
            return one
    raise InputError(f"no drill {execution_id} keeps an instance in {there}; `sweep` lists those that do")


def _end(aws: Any, drill: KeptDrill, there: str, yes: bool, look_every: float) -> None:
    if not yes:
        for instance in drill.instances:
            click.echo(f"  {instance}", err=True)
        click.confirm(f"Terminate the instances of this drill in {there}?", abort=True, err=True)
    kept_drills.terminate(aws, drill.execution_id, lambda _: time.sleep(look_every))
    click.echo(f"{drill.execution_id}: {len(drill.instances)} terminated")
