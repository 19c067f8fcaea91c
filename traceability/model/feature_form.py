"""The form of a feature file: what Gherkin allows and a run would pass over without a word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from behave.model import Feature, ScenarioOutline

_ORDER = ("given", "when", "then")

Found = tuple[int, str]
"""Line, and the message that names the cure."""


_ENCODING = "not UTF-8; save it as UTF-8"
_TAG = re.compile(r"@?(?:[A-Z]{2}-\d+\.\d+|moto|aws)")


def decoded(content: bytes) -> tuple[str | None, list[Found]]:
    """Return the text of a file with LF at each line end, None if it has none, and the problems of its encoding."""
    if content.startswith(b"\xef\xbb\xbf"):
        return None, [(1, "begins with a byte-order mark; save it as UTF-8 without BOM")]
    # UTF-16 has a NUL beside each ASCII letter; without its mark, much of it decodes as UTF-8.
    if b"\0" in content:
        return None, [(1, _ENCODING)]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as problem:
        return None, [(content.count(b"\n", 0, problem.start) + 1, _ENCODING)]
    if "\r" not in text:
        return text, []
    line = text.partition("\r")[0].count("\n") + 1
    return text.replace("\r\n", "\n").replace("\r", "\n"), [(line, "ends with CR; save the file with LF line ends")]


def tags_without_sign(text: str) -> Iterator[Found]:
    """Yield each line of tags, above a scenario, where a tag lacks its @: behave takes the line for a description."""
    lines = text.splitlines()
    for number, (line, below) in enumerate(pairwise([*lines, ""]), 1):
        words = line.split()
        bare = [word for word in words if not word.startswith("@")]
        is_above = below.strip().startswith(("@", "Scenario"))
        if (
            is_above
            and bare
            and any(map(_TAG.fullmatch, words))
            and all(re.fullmatch(r"@?[\w.-]+", one) for one in words)
        ):
            yield number, f"a tag begins with @; write @{bare[0]}"


def problems(feature: Feature, text: str) -> Iterator[Found]:
    """Yield the problems of one feature file."""
    yield from _tabs(text)
    yield from _indentation(feature, text)
    for one in feature.walk_scenarios(with_outlines=True):
        if isinstance(one, ScenarioOutline):
            yield from _examples(one)
        elif not one.name.strip():
            yield one.line, "a scenario without a name; say in its name what it shows"


def order(kinds: Iterable[str]) -> str:
    """Return the kind of step that comes too late in a scenario, such as a When behind a Then; "" if none does."""
    reached = 0
    for kind in kinds:
        here = _ORDER.index(kind)
        if here < reached:
            return kind.capitalize()
        reached = here
    return ""


def malformed_table(text: str, line: int) -> str:
    """Return the number of cells that a table row should have, and has."""
    lines = text.splitlines()
    first = line - 1
    while first > 0 and lines[first - 1].strip().startswith("|"):
        first -= 1
    found, wanted = _cells(lines[line - 1]), _cells(lines[first])
    return f"a table row has {found} cells, the first row has {wanted}; add or remove cells"


def _cells(row: str) -> int:
    return len(re.findall(r"(?<!\\)\|", row)) - 1


def _examples(outline: ScenarioOutline) -> Iterator[Found]:
    if not outline.name.strip():
        yield outline.line, "a scenario outline without a name; say in its name what it shows"
    if not outline.examples:
        yield outline.line, f'scenario outline "{outline.name}" has no Examples, so it never runs; add rows'
    for examples in outline.examples:
        if examples.table is None or not examples.table.rows:
            yield examples.line, f'Examples of "{outline.name}" have no row, so they never run; add rows or remove them'
    seen: dict[tuple[tuple[str, str], ...], int] = {}
    for row in (row for examples in outline.examples if examples.table for row in examples.table.rows):
        cells = tuple(sorted(zip(row.headings, row.cells, strict=True)))
        if cells in seen:
            yield row.line, f"the row of line {seen[cells]} again; change or remove one of them"
        seen.setdefault(cells, row.line)


def _tabs(text: str) -> Iterator[Found]:
    quoted = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip().startswith(('"""', "'''")):
            quoted = not quoted
        if not quoted and "\t" in line[: len(line) - len(line.lstrip())]:
            yield number, "a tab in the indentation; indent with spaces"


def _indentation(feature: Feature, text: str) -> Iterator[Found]:
    lines = text.splitlines()
    for number, wanted in sorted(set(_depths(feature))):
        line = lines[number - 1]
        depth = len(line) - len(line.lstrip())
        if depth != wanted and "\t" not in line[:depth]:
            yield number, f"indented by {depth} spaces; indent {line.split()[0]} by {wanted}"


def _depths(feature: Feature) -> Iterator[tuple[int, int]]:
    """Yield line and indentation of each keyword."""
    yield feature.line, 0
    for one in filter(None, [feature.background, *feature.scenarios]):
        yield one.line, 2
        yield from ((step.line, 4) for step in one.steps)
        yield from ((examples.line, 4) for examples in getattr(one, "examples", ()))
