"""Output: fitted to the width of a terminal, in whole lines for a pipe; NO_COLOR turns colours off."""

from __future__ import annotations

import json
import os
from typing import Any

import click
from rich.console import Console

# The width for pipes, in which no line of a status is folded.
_PIPE_WIDTH = 200


def console(*, stderr: bool = False) -> Console:
    found = Console(stderr=stderr, highlight=False, emoji=False, markup=False)
    if not found.is_terminal and "COLUMNS" not in os.environ:
        return Console(stderr=stderr, highlight=False, emoji=False, markup=False, width=_PIPE_WIDTH)
    return found


def print_json(document: Any) -> None:
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
