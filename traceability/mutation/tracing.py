"""Which lines of the code under test the steps of each scenario execute, and which scenarios are near a line.

The code of a simulated function runs in the same process, from the folder into which the simulator unpacked its
package: a path is cut before the last folder of the code's name.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from traceability.mutation.mutants import CODE

Lines = dict[str, list[int]]
"""Lines by file."""
Trace = dict[str, Lines]
"""Place of a scenario (file:line) to its executed lines."""
_Line = tuple[str, int]
_AROUND = 20
"""Lines before and after a line of a function that are near it."""
_WORD = re.compile(r"\w+")


def in_tree(lines: Mapping[str, list[int]], root: Path) -> Lines:
    """Return the lines by file of the tree; the copies of a file that a process has loaded are one file."""
    found: dict[str, set[int]] = defaultdict(set)
    for path, some in lines.items():
        parts = Path(path).parts
        file = "/".join(parts[len(parts) - 1 - parts[::-1].index(CODE) :])
        # A template that was compiled to Python has lines of its own language.
        if file.endswith(".py") and (root / file).exists():
            found[file].update(some)
    return {file: sorted(some) for file, some in found.items()}


class Reach:
    """Which scenarios of a trace execute each line of the tree at `root`, and how near they are to it.

    A line outside all functions runs when its file is imported, which can be in every scenario or before all of them.
    So the scenarios that use the name which it defines, such as a limit, execute it too, and are near it.
    """

    def __init__(self, trace: Trace, root: Path) -> None:
        self._root = root
        self._scenarios: dict[_Line, set[str]] = defaultdict(set)
        self._size = {place: sum(map(len, files.values())) for place, files in trace.items()}
        for place, files in trace.items():
            for file, some in files.items():
                for line in some:
                    self._scenarios[file, line].add(place)

    def executed(self) -> Lines:
        """Return the lines that any scenario executes, by file."""
        found: dict[str, set[int]] = defaultdict(set)
        for file, line in self._scenarios:
            found[file].add(line)
        for file, names in self._defined.items():
            found[file].update(line for line, name in names.items() if name in self._uses)
        return {file: sorted(lines) for file, lines in found.items() if lines}

    def executing(self, file: str, line: int) -> list[str]:
        """Return the scenarios that execute a line, nearest first.

        Near is a scenario that executes lines around it which few scenarios execute, and little of the rest.
        """
        name = self._defined[file].get(line) if file in self._defined else None
        around = self._uses.get(name, []) if name else [(file, line + one) for one in range(-_AROUND, _AROUND + 1)]
        weight = dict.fromkeys(self._scenarios.get((file, line), ()), 0.0)
        for one in around:
            executing = self._scenarios.get(one, set())
            for place in executing if name else executing & weight.keys():
                weight[place] = weight.get(place, 0.0) + 1 / len(executing)
        return sorted(weight, key=lambda place: (-weight[place], self._size[place], place))

    def varied(self, places: Collection[str], count: int) -> list[str]:
        """Return so many of the scenarios, chosen for the variety of the code that they execute."""
        return [one for one in self._by_variety if one in places][:count]

    @cached_property
    def _by_variety(self) -> list[str]:
        """All scenarios: each executes the most lines that none before it executes."""
        left = {place: set[_Line]() for place in self._size}
        for line, places in self._scenarios.items():
            for place in places:
                left[place].add(line)
        found = []
        while left:
            best = max(left, key=lambda place: (len(left[place]), -self._size[place], place))
            new = left.pop(best)
            found.append(best)
            for one in left.values():
                one -= new
        return found

    @cached_property
    def _defined(self) -> dict[str, dict[int, str]]:
        """By file and line, the name that a statement outside all functions defines."""
        return {
            path.relative_to(self._root).as_posix(): dict(_definitions(ast.parse(path.read_text(encoding="utf-8"))))
            for path in (self._root / CODE).rglob("*.py")
        }

    @cached_property
    def _uses(self) -> dict[str, list[_Line]]:
        """By name, the executed lines of functions that use it."""
        names = {name for some in self._defined.values() for name in some.values()}
        found: dict[str, list[_Line]] = defaultdict(list)
        for file, defined in self._defined.items():
            for line, text in enumerate((self._root / file).read_text(encoding="utf-8").splitlines(), start=1):
                if (file, line) in self._scenarios and line not in defined:
                    for name in names.intersection(_WORD.findall(text)):
                        found[name].append((file, line))
        return found


def _definitions(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield the lines of each assignment of a module or a class, with the assigned name."""
    for scope in (one for one in ast.walk(tree) if isinstance(one, (ast.Module, ast.ClassDef))):
        for one in scope.body:
            match one:
                case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                    yield from ((line, name) for line in range(one.lineno, (one.end_lineno or one.lineno) + 1))
