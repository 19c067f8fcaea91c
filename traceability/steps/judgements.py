"""What each Then judges: the sources of the values that its function compares, read from the step files without a run.

The phrase book shows them. So a reader knows what a sentence means, and a comparison that is removed from a step
changes the page, which `make checks` compares.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from traceability.steps.step_definitions import Phrase

ASSERT = "assert_that"
"""The function that judges: value, matcher, and the source of the value."""
_GAP = "…"


@dataclass(frozen=True)
class _StepFile:
    """The functions of a step file by name, and its texts by the name of their constant."""

    functions: Mapping[str, ast.FunctionDef]
    texts: Mapping[str, ast.expr]


def of_phrases(phrases: Sequence[Phrase], root: Path) -> dict[Phrase, tuple[str, ...]]:
    """Return the sources that each Then judges, in the order of the code; a source can occur several times."""
    return {
        phrase: _of_phrase(_read(root / phrase.file), phrase.line)
        for phrase in phrases
        if phrase.kind not in ("given", "when")
    }


def told(sources: Sequence[str]) -> str:
    """Return the sources for a reader, "" without any."""
    counted = Counter(sources)
    return "; ".join(f"{source} ({count} values)" if count > 1 else source for source, count in counted.items())


def calls(function: ast.FunctionDef) -> Iterator[ast.Call]:
    """Yield the comparisons in the body of a function itself."""
    for one in ast.walk(function):
        if isinstance(one, ast.Call) and _name(one) == ASSERT:
            yield one


def of_source(source: str) -> list[tuple[str, ...]]:
    """Return the sources that each function of a step file judges."""
    file = _parsed(source)
    return [tuple(_of_function(file, one, set())) for one in file.functions.values()]


@cache
def _read(path: Path) -> _StepFile:
    return _parsed(path.read_text(encoding="utf-8"))


def _parsed(source: str) -> _StepFile:
    tree = ast.parse(source)
    functions = {one.name: one for one in tree.body if isinstance(one, ast.FunctionDef)}
    return _StepFile(functions, _texts(tree.body))


def _texts(statements: Sequence[ast.stmt]) -> dict[str, ast.expr]:
    """Return the texts that statements give a name."""
    return {
        target.id: one.value
        for one in statements
        if isinstance(one, ast.Assign) and isinstance(one.value, ast.Constant | ast.JoinedStr)
        for target in one.targets
        if isinstance(target, ast.Name)
    }


def _of_phrase(file: _StepFile, line: int) -> tuple[str, ...]:
    for one in file.functions.values():
        first = min([one.lineno, *(decorator.lineno for decorator in one.decorator_list)])
        if first <= line <= (one.end_lineno or 0):
            return tuple(_of_function(file, one, set()))
    return ()


def _of_function(file: _StepFile, function: ast.FunctionDef, seen: set[str]) -> Iterator[str]:
    """Yield the sources of a function, and of the functions of the same file that it calls, each once."""
    seen.add(function.name)
    known = {**file.texts, **_texts(function.body)}
    yield from (_source(known, one) for one in calls(function))
    for one in ast.walk(function):
        if isinstance(one, ast.Call) and _name(one) in file.functions and _name(one) not in seen:
            yield from _of_function(file, file.functions[_name(one)], seen)


def _source(known: Mapping[str, ast.expr], call: ast.Call) -> str:
    # With a text in place of a matcher, the text tells what is judged.
    texts = [" ".join(_text(known, one).split()) for one in reversed(call.args[1:])]
    return next((one for one in texts if one.strip(f"{_GAP} :")), "a value")


def _text(known: Mapping[str, ast.expr], node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.Name) and node.id in known:
        return _text({name: one for name, one in known.items() if name != node.id}, known[node.id])
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(known, one.value if isinstance(one, ast.FormattedValue) else one) for one in node.values)
    return _GAP


def _name(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else ""
