"""The commands `approve`, `reject`, `pause` and `continue`."""

from __future__ import annotations

import click

from engine.cli.options import checked_text, client, json_option, stack_option
from engine.cli.pasting import complete
from engine.cli.terminal import print_json

_wave_option = click.option("--wave", required=True, type=click.IntRange(1), help="Number of the wave that waits.")
_comment_option = click.option("--comment", callback=checked_text, help="Comment for the record.")


@click.command()
@click.argument("execution_id", callback=checked_text)
@_wave_option
@_comment_option
@json_option
@stack_option
def approve(execution_id: str, wave: int, comment: str | None, as_json: bool, stack: str) -> None:
    """Approve a wave that waits for it; the wave starts within a minute."""
    engine = client(stack)
    engine.approve(execution_id, wave, comment=comment)
    starts = "it starts within 60 seconds"
    if "PausedSince" in engine.get(execution_id):
        starts = complete(f"the execution is paused; to start it:\n  python -m engine continue {execution_id}")
    _tell(as_json, f"{execution_id}: wave {wave} is approved; {starts}", execution_id, wave=wave)


@click.command()
@click.argument("execution_id", callback=checked_text)
@_wave_option
@_comment_option
@json_option
@stack_option
def reject(execution_id: str, wave: int, comment: str | None, as_json: bool, stack: str) -> None:
    """Reject a wave that waits for approval: it ends FAILED, and the waves that depend on it are SKIPPED."""
    client(stack).reject(execution_id, wave, comment=comment)
    _tell(as_json, f"{execution_id}: wave {wave} is rejected", execution_id, wave=wave)


@click.command()
@click.argument("execution_id", callback=checked_text)
@json_option
@stack_option
def pause(execution_id: str, as_json: bool, stack: str) -> None:
    """Hold a running execution before its next wave, until `continue`; the plan's time-out runs on."""
    client(stack).pause(execution_id)
    _tell(as_json, f"{execution_id}: paused; the running wave ends, and no other wave starts", execution_id)


@click.command("continue")
@click.argument("execution_id", callback=checked_text)
@json_option
@stack_option
def continue_(execution_id: str, as_json: bool, stack: str) -> None:
    """End the pause of an execution; its next wave starts within a minute."""
    client(stack).continue_(execution_id)
    _tell(as_json, f"{execution_id}: continues within 60 seconds", execution_id)


def _tell(as_json: bool, text: str, execution_id: str, wave: int | None = None) -> None:
    if as_json:
        print_json({"ExecutionId": execution_id, **({"WaveNumber": wave} if wave is not None else {})})
    else:
        click.echo(text)
