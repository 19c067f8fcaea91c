"""Traces which lines of the code under test each scenario executes, with one coverage context a scenario.

The function's code runs in the same process, from the folder into which the simulator unpacked its package: a path is
cut before the last folder of the code's name.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from behave.formatter.base import Formatter
from behave.model import Scenario
from coverage import Coverage

from traceability.mutation.mutants import CODE

Trace = dict[str, dict[str, list[int]]]
"""Place of a scenario (file:line) to file to its executed lines."""
FILE = Path("reports") / "trace.json"


class TraceCode(Formatter):
    """A formatter, because behave tells it when a scenario begins; writes `FILE` when the run ends."""

    name = "trace-code"
    description = "Writes which lines each scenario executes"

    def __init__(self, stream_opener: Any, config: Any) -> None:
        super().__init__(stream_opener, config)
        # Code that behave imported before the first scenario has no context: no scenario executes it.
        self._coverage = Coverage(data_file=None, config_file=False, include=[f"*/{CODE}/*", f"*/{CODE}/**/*"])
        self._coverage.start()

    def scenario(self, scenario: Scenario) -> None:
        self._coverage.switch_context(f"{scenario.filename}:{scenario.line}")

    def close(self) -> None:
        self._coverage.stop()
        data = self._coverage.get_data()
        found: dict[str, dict[str, set[int]]] = defaultdict(lambda: defaultdict(set))
        for path in data.measured_files():
            for line, contexts in data.contexts_by_lineno(path).items():
                for context in filter(None, contexts):
                    found[context][_in_tree(path)].add(line)
        lines = {context: {file: sorted(some) for file, some in files.items()} for context, files in found.items()}
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(json.dumps(lines), encoding="utf-8")


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


def _in_tree(path: str) -> str:
    parts = Path(path).parts
    last = len(parts) - 1 - parts[::-1].index(CODE)
    return "/".join(parts[last:])
