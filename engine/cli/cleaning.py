"""The command `cleanup`."""

from __future__ import annotations

import click

from engine.cli.options import checked_text, client, json_option, stack_option
from engine.cli.pasting import complete
from engine.cli.terminal import print_json


@click.command()
@click.argument("execution_id", callback=checked_text)
@json_option
@stack_option
def cleanup(execution_id: str, as_json: bool, stack: str) -> None:
    """Terminate the instances of a drill whose plan keeps them, or whose clean-up failed.

    Repeats a clean-up that failed as well: remove its cause first.
    """
    client(stack).cleanup(execution_id)
    if as_json:
        print_json({"ExecutionId": execution_id, "CleanUpRequested": True})
    else:
        click.echo("The engine terminates the instances of this drill now. To follow the clean-up:")
        click.echo(complete(f"  python -m engine status {execution_id} --watch"))
