"""The command line of traceability in this process: to start Python and import everything takes most of a command."""

from __future__ import annotations

import io
import sys
from contextlib import chdir, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from traceability.__main__ import entry

PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Ended:
    returncode: int
    stdout: str
    stderr: str


def run_command(*arguments: object) -> Ended:
    """Run `python -m traceability` with the arguments in the folder of the project."""
    out, errors = io.StringIO(), io.StringIO()
    code = 0
    words = ["python -m traceability", *map(str, arguments)]
    with chdir(PROJECT), patch.object(sys, "argv", words), redirect_stdout(out), redirect_stderr(errors):
        try:
            entry()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
    return Ended(code, out.getvalue(), errors.getvalue())
