"""The command `sweep`."""

from __future__ import annotations

import time

import click

from engine.cli.options import account_option, require_account, session
from engine.deploy import sweep as sweeping


@click.command()
@click.option("--yes", is_flag=True, help="Remove without confirmation.")
@click.option("--look-every", default=10.0, show_default=True, help="Seconds between two polls of jobs in flight.")
@account_option
def sweep(yes: bool, look_every: float, account: str | None) -> None:
    """Remove the resources of killed runs of the acceptance suite: stacks, code buckets, recovery instances.

    Only touches resources with the label of a test run. Warning: also removes runs in progress.
    """
    aws = session()
    there = f"account {require_account(aws, account)}, Region {aws.region_name}"
    found = sweeping.find(aws)
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
