"""What an operator reads when a command ends before its work on AWS does: by Ctrl-C, or by an error of AWS.

A command notes what goes on without it, as soon as it knows. The execution never depends on the command.
"""

from __future__ import annotations

import click

from engine.cli.pasting import complete

_NOTED = "engine.cli.interruption"
_UNKNOWN = "AWS may have taken the last request; look at the result before you repeat the command."
_READING = {"check", "history", "plans", "report", "status", "validate"}


def note_work(text: str) -> None:
    """Remember what goes on if the present command ends now: whole sentences, or a command on its own line."""
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta[_NOTED] = text


def note_watched(execution_id: str) -> None:
    """The execution exists, and the command shows it."""
    note_work(f"the execution continues; watch it:\n  python -m engine status {execution_id} --watch")


def interrupted(context: click.Context) -> str:
    """The answer to Ctrl-C."""
    noted = context.meta.get(_NOTED, "" if context.invoked_subcommand in _READING else _UNKNOWN)
    return complete(f"Interrupted: {noted}" if noted else "Interrupted.", context)


def with_work(error: str, context: click.Context) -> str:
    """The error of AWS, and what goes on in spite of it."""
    noted = context.meta.get(_NOTED, "")
    return f"{error}; {noted}" if noted.startswith("the execution continues") else error
