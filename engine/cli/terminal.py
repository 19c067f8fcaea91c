"""Output: fitted to the width of a terminal, in whole lines for a pipe; NO_COLOR turns colours off."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
from typing import Any

import click
from rich.console import Console

# The width for pipes, in which no line of a status is folded.
_PIPE_WIDTH = 200


# ASCII signs of the same width, for streams that cannot encode the others (PYTHONIOENCODING=ascii, LANG=C).
_ASCII = {"✔": "+", "✘": "x", "▶": ">", "■": "#", "»": ">", "·": "-", "…": "~", "–": "-"}


def replace_missing_characters() -> None:
    """Let standard output and error replace the characters that their encoding does not have."""
    codecs.register_error("engine-ascii", _replacement)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="engine-ascii")


def _replacement(error: UnicodeError) -> tuple[str, int]:
    """ASCII signs for the engine's own, and the escapes of JSON for all others, so that JSON stays valid."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_ASCII.get(one) or json.dumps(one)[1:-1] for one in missing), error.end


def console(*, stderr: bool = False) -> Console:
    found = Console(stderr=stderr, highlight=False, emoji=False, markup=False)
    if not found.is_terminal and "COLUMNS" not in os.environ:
        return Console(stderr=stderr, highlight=False, emoji=False, markup=False, width=_PIPE_WIDTH)
    return found


def print_json(document: Any) -> None:
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
