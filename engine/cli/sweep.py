"""Removing what killed test runs left."""

from __future__ import annotations

import time

import click

from engine.cli.options import account_option, require_account, session
from engine.deploy import sweep as sweeping


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--look-every", default=10.0, show_default=True, help="Seconds between two looks at jobs in flight.")
@account_option
def sweep(yes: bool, look_every: float, account: str | None) -> None:
    """Remove what killed runs of the acceptance suite left: stacks, code buckets, recovery instances.

    Only what carries a test run's label is touched. A run that is still going on is swept away as well: look before
    you say yes.
    """
    aws = session()
    there = f"account {require_account(aws, account)}, Region {aws.region_name}"
    found = sweeping.find(aws)
    if not found:
        click.echo(f"Nothing of a test run is left in {there}.")
        return
    for left in found:
        click.echo(f"{left.label}:")
        for line in left.lines():
            click.echo(f"  {line}")
    if not yes:
        click.confirm(f"Remove all of this from {there}?", abort=True, err=True)
    for left in found:
        # A person's terminal, never the function: AWS tells nobody when an instance is gone.
        sweeping.remove(aws, left.label, lambda _: time.sleep(look_every), lambda line: click.echo(line, err=True))
        click.echo(f"{left.label}: removed")
