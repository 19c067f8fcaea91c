"""Where output goes: a person's terminal in its width, a pipe in whole lines; colours as NO_COLOR says."""

from __future__ import annotations

import json
import os
from typing import Any

import click
from rich.console import Console

# A pipe has no width: wide enough that no line of a status is ever folded.
_PIPE_WIDTH = 200


def console(*, stderr: bool = False) -> Console:
    found = Console(stderr=stderr, highlight=False, emoji=False, markup=False)
    if not found.is_terminal and "COLUMNS" not in os.environ:
        return Console(stderr=stderr, highlight=False, emoji=False, markup=False, width=_PIPE_WIDTH)
    return found


def print_json(document: Any) -> None:
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
