"""Completes the commands in a message, so that an operator can paste them: with the stack and the options as given.

The engine names the command that goes on, but it does not know what the operator typed. A pasted command that lost
`--as-of` would recover other data, and one that lost `--stack` would ask another engine.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence

import click

from engine.cli.next_step import DEFAULT_STACK

_COMMAND = re.compile(r"^(?P<before>.*?)python -m engine (?P<name>[a-z]+)(?P<options>.*)$")
_GIVEN = "engine.cli.pasting"
_COLUMNS = 80
# The refusal chooses these itself.
_CHOSEN = ("--existing", "--cancel-drills")

Option = tuple[str, ...]


def note_stack(stack: str) -> None:
    """Remember the stack of the present command for the commands in its messages."""
    if stack != DEFAULT_STACK:
        _note([("--stack", stack)])


def note_options(options: Sequence[Option]) -> None:
    """Remember the options of the present `start`, each with its values."""
    _note(options)


def _note(options: Sequence[Option]) -> None:
    context = click.get_current_context(silent=True)
    if context is not None:
        context.meta.setdefault(_GIVEN, []).extend(options)


def complete(text: str, context: click.Context | None = None) -> str:
    """The text with each command completed; commands on lines of their own are broken at 80 columns.

    `context` is that of the command; by default of the present one.
    """
    context = context or click.get_current_context(silent=True)
    given: list[Option] = context.meta.get(_GIVEN, []) if context else []
    return "\n".join(_completed(line, given) for line in _whole_lines(text))


def _whole_lines(text: str) -> Iterator[str]:
    """The lines; a command that is continued on the next line is one."""
    whole = ""
    for line in text.split("\n"):
        whole += line.strip() if whole else line
        if whole.endswith("\\"):
            whole = whole.removesuffix("\\")
        else:
            yield whole
            whole = ""


def _completed(line: str, given: Sequence[Option]) -> str:
    match = _COMMAND.match(line)
    if match is None:
        return line
    start = match["name"] == "start"
    missing = [one for one in given if (start or one[0] == "--stack") and not _has(match["options"], one)]
    words = [" ".join(map(shlex.quote, option)) for option in missing]
    if match["before"].strip():
        return " ".join([line, *words])
    return _broken([part.strip() for part in re.split(r" (?=--)", line.strip())] + words)


def _has(options: str, option: Option) -> bool:
    return option[0] in options if option[0] in _CHOSEN else " ".join(option) in options


def _broken(parts: Sequence[str]) -> str:
    """A command of several parts, as lines for a shell."""
    lines = [f"  {parts[0]}"]
    for part in parts[1:]:
        if len(f"{lines[-1]} {part} \\") > _COLUMNS:
            lines[-1] += " \\"
            lines.append(f"    {part}")
        else:
            lines[-1] += f" {part}"
    return "\n".join(lines)
