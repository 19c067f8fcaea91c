"""Which lines of the code under test the steps of each scenario execute, and which scenarios are near a line.

The code of a simulated function runs in the same process, from the folder into which the simulator unpacked its
package: a path is cut before the last folder of the code's name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from traceability.mutation.mutants import CODE

Trace = dict[str, dict[str, list[int]]]
"""Place of a scenario (file:line) to file to its executed lines."""


def in_tree(lines: Mapping[str, list[int]], root: Path) -> dict[str, list[int]]:
    """Return the lines by file of the tree; the copies of a file that a process has loaded are one file."""
    found: dict[str, set[int]] = defaultdict(set)
    for path, some in lines.items():
        parts = Path(path).parts
        file = "/".join(parts[len(parts) - 1 - parts[::-1].index(CODE) :])
        # A template that was compiled to Python has lines of its own language.
        if file.endswith(".py") and (root / file).exists():
            found[file].update(some)
    return {file: sorted(some) for file, some in found.items()}


def executed(trace: Trace) -> dict[str, list[int]]:
    """Return the lines that any scenario executes, by file."""
    found: dict[str, set[int]] = defaultdict(set)
    for files in trace.values():
        for file, lines in files.items():
            found[file].update(lines)
    return {file: sorted(lines) for file, lines in found.items()}


def executing(trace: Trace, file: str, line: int) -> list[str]:
    """Return the scenarios that execute a line, nearest first.

    Near is a scenario that executes much of the code around the line and little of the rest.
    """
    reach = {place: len(_near(files, file, line)) for place, files in trace.items() if line in files.get(file, ())}
    whole = {place: sum(map(len, trace[place].values())) for place in reach}
    return sorted(reach, key=lambda place: (-reach[place], whole[place], place))


def _near(files: Mapping[str, list[int]], file: str, line: int) -> list[int]:
    return [one for one in files[file] if abs(one - line) <= 20]
