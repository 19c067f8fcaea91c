"""Run scenarios in this process and write the journals of all of them, over HTTP or on the direct path.

python -m tests.simulator.gateway.journals_of_features http|direct FILE TAGS
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from behave.__main__ import main

from simulator import Simulator
from simulator.gateway import direct

_exit = Simulator.__exit__


def run(path: str, file: str, tags: str) -> int:
    if path == "http":
        direct.patches = list
    with Path(file).open("w", encoding="utf-8") as journals:

        def leave(aws: Simulator, *error: Any) -> None:
            journals.write(aws.journal.to_json_lines())
            _exit(aws, *error)

        Simulator.__exit__ = leave  # type: ignore[method-assign]  # the replacement is the purpose
        return int(main(["-f", "null", "--no-summary", "--tags", tags]))


if __name__ == "__main__":
    sys.exit(run(*sys.argv[1:]))
