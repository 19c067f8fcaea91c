"""The command line: `python -m traceability COMMAND`; `--help` lists the commands."""

from __future__ import annotations

import sys

from rich.console import Console

from traceability.cli.group import main
from traceability.model.problems import UserProblem


def entry() -> None:
    """Run the command; print one line, not a traceback, for each problem that the user can fix."""
    try:
        main()
    except UserProblem as problem:
        from traceability.reporting import console

        console.problems(Console(stderr=True), problem.lines)
        sys.exit(problem.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    entry()
