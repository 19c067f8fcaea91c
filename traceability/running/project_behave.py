"""behave with the project's own configuration alone: `python -m traceability.running.project_behave ARGUMENTS`.

behave also reads the user's home folder (`~/.behaverc` and four more files), and further files of the project. A line
`tags = not @AC-8.2` there would take a criterion out of every run without a word.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from behave import configuration
from behave.__main__ import main

PROJECT_FILES = ("pyproject.toml", "behave.ini")
"""The files of the project's root that behave reads, the last one wins; both are in the bundle of a run."""


def _project_files() -> Iterator[str]:
    yield from (f"./{name}" for name in PROJECT_FILES if Path(name).is_file())


def run(arguments: list[str]) -> int:
    """Run behave in the current folder; return its exit code."""
    configuration.config_filenames = _project_files
    return int(main(arguments))


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
