"""The tables and doc strings that step definitions read, as their source says: a step has what its phrase reads.

A definition that hands its context to another function may read more than its own source shows; only what its source
shows is demanded of its steps, and nothing is refused.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from traceability.model.feature_files import Scenario, Step, SuiteProblem
from traceability.steps.step_definitions import Phrase, candidates, steps_of


@dataclass(frozen=True)
class Reads:
    """What a step definition reads. `columns` are those that it names; `others`, whether it reads further ones."""

    table: bool = False
    columns: tuple[str, ...] = ()
    others: bool = False
    text: bool = False
    certain: bool = True
    """The source shows everything that the definition reads."""


def check(scenarios: Sequence[Scenario], phrases: Sequence[Phrase]) -> list[SuiteProblem]:
    """Return each step whose table or doc string is not what its phrase reads."""
    known: dict[str, Reads] = {}
    problems = []
    for scenario, step in steps_of(scenarios):
        for phrase in (one for one in candidates(phrases, step) if one.matches(step.name)):
            if phrase.place not in known:
                known[phrase.place] = reads_of(phrase.matcher.func)
            problems += [
                SuiteProblem(scenario.file, step.line, f'"{step.keyword} {step.name}" {wrong}')
                for wrong in _misfits(step, known[phrase.place])
            ]
    return problems


def reads_of(function: Any) -> Reads:
    """Return what a step definition reads from its context."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return Reads(certain=False)
    made = next((one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef)), None)
    if made is None or not made.args.args:
        return Reads(certain=False)
    context = made.args.args[0].arg
    nodes = [node for part in made.body for node in ast.walk(part)]
    attributes = [one for one in nodes if isinstance(one, ast.Attribute) and _is_name(one.value, context)]
    tables = [one for one in attributes if one.attr == "table"]
    handed_on = sum(_is_name(one, context) for one in nodes) > len(attributes)
    columns, whole = _columns(nodes, context)
    return Reads(
        bool(tables),
        tuple(dict.fromkeys(columns)),
        not columns or whole,
        any(one.attr == "text" for one in attributes),
        not handed_on,
    )


def _columns(nodes: Sequence[ast.AST], context: str) -> tuple[list[str], bool]:
    """Return the columns that the rows are asked for, and whether a row or the headings serve otherwise."""
    rows = {
        loop.target.id
        for loop in nodes
        if isinstance(loop, (ast.For, ast.comprehension))
        and isinstance(loop.target, ast.Name)
        and _is_table(loop.iter, context)
    }
    asked = [
        one
        for one in nodes
        if isinstance(one, ast.Subscript) and isinstance(one.value, ast.Name) and one.value.id in rows
    ]
    named = [
        one.slice.value for one in asked if isinstance(one.slice, ast.Constant) and isinstance(one.slice.value, str)
    ]
    uses = sum(isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load) and one.id in rows for one in nodes)
    iterated = sum(isinstance(one, (ast.For, ast.comprehension)) and _is_table(one.iter, context) for one in nodes)
    tables = sum(_is_table(one, context) for one in nodes)
    return named, uses > len(named) or tables > iterated


def _is_table(node: ast.AST, context: str) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "table" and _is_name(node.value, context)


def _is_name(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def _misfits(step: Step, reads: Reads) -> Iterator[str]:
    wanted = f"| {' | '.join(reads.columns)} |" if reads.columns else "below it"
    if reads.table and step.table is None:
        yield f"needs a table {wanted}"
    elif reads.table and step.table is not None:
        missing = [one for one in reads.columns if one not in step.table]
        surplus = [one for one in step.table if one not in reads.columns and not reads.others]
        if missing or surplus:
            yield f"needs a table {wanted}; its table has | {' | '.join(step.table)} |"
    elif step.table is not None and reads.certain:
        yield "takes no table; remove the table below it"
    if reads.text and not step.has_text:
        yield "needs a doc string below it, between lines of three quotation marks"
    elif step.has_text and not reads.text and reads.certain:
        yield "takes no doc string; remove the text below it"
