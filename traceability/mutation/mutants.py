"""Mutants: single small changes of the code under test, made by the operators of cosmic-ray.

The operators and their parser are installed apart (`requirements-mutation.lock`): cosmic-ray's own runner needs a
database and a web framework, its operators need neither. A mutant is applied to a copy of the tree.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from traceability.model.problems import UserProblem
from traceability.mutation import no_mistakes

CODE = "engine"
"""The folder of the code that is mutated."""
OPERATORS_FOLDER = Path("build") / "mutation"
# One replacement for each operator of the language: cosmic-ray has eleven for "+", most of which only raise TypeError.
_OPERATORS = (
    "AddNot",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "NumberReplacer",
    "ZeroIterationForLoop",
    "ExceptionReplacer",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    *(
        f"ReplaceComparisonOperator_{one}"
        for one in ("Is_IsNot", "IsNot_Is", "Eq_NotEq", "NotEq_Eq", "Lt_LtE", "Lt_GtE")
    ),
    *(f"ReplaceComparisonOperator_{one}" for one in ("LtE_Lt", "LtE_Gt", "Gt_GtE", "Gt_LtE", "GtE_Gt", "GtE_Lt")),
    *(f"ReplaceBinaryOperator_{one}" for one in ("Add_Sub", "Sub_Add", "Mul_FloorDiv", "Div_Mul", "FloorDiv_Mul")),
)


class NoOperators(UserProblem):
    """cosmic-ray's operators are not installed; the message names the command that installs them."""


@dataclass(frozen=True)
class Mutant:
    """The occurrence number `index` of an operator in a file; `line` is where it begins, from 1."""

    file: str
    line: int
    operator: str
    index: int

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


def of_tree(root: Path, only: Collection[str] = ()) -> list[Mutant]:
    """Return all mutants of the code, or of the files `only`. Raises NoOperators."""
    files = sorted(path.relative_to(root).as_posix() for path in (root / CODE).rglob("*.py"))
    chosen = [one for one in files if not only or one in only]
    return [one for file in chosen for one in of_source(file, (root / file).read_text(encoding="utf-8"))]


def sample(found: Sequence[Mutant], executed: Mapping[str, Sequence[int]], seed: str) -> list[Mutant]:
    """Return the mutants on executed lines in a random order that depends on `seed` alone: a prefix is a sample."""
    lines = {file: set(some) for file, some in executed.items()}
    chosen = [one for one in found if one.line in lines.get(one.file, ())]
    # By hashes: a line that one trace lacks changes no other place of the order.
    return sorted(chosen, key=lambda one: hashlib.sha256(f"{seed} {one}".encode()).digest())


def of_source(file: str, source: str) -> list[Mutant]:
    """Return the mutants of one file. Raises NoOperators."""
    nodes = list(_ast().ast_nodes(_ast().get_ast(source)))
    return [Mutant(file, line, name, index) for name in _OPERATORS for index, line in _occurrences(name, nodes)]


def mutated(source: str, mutant: Mutant) -> str:
    """Return the source with the mutant applied."""
    tree, operator, count = _ast().get_ast(source), _operators()[mutant.operator](), 0

    def walk(node: Any) -> Any:
        nonlocal count
        for position, _ in enumerate(operator.mutation_positions(node)):
            if count == mutant.index:
                node = operator.mutate(node, position)
            count += 1
        if node is not None and hasattr(node, "children"):
            node.children = [child for child in map(walk, list(node.children)) if child is not None]
        return node

    return str(walk(tree).get_code())


def change(source: str, changed: str) -> tuple[str, str]:
    """Return the first changed line before and after, each without its indentation."""
    for old, new in zip(source.splitlines(), changed.splitlines(), strict=False):
        if old != new:
            return old.strip(), new.strip()
    return "", ""


def _occurrences(name: str, nodes: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Yield number and line of each occurrence that is a mistake; `mutated` counts the others too."""
    operator, index = _operators()[name](), 0
    for node in nodes:
        for (line, _), _ in operator.mutation_positions(node):
            if not no_mistakes.is_none(name, node):
                yield index, line
            index += 1


def _add_to_path() -> None:
    folder = str(OPERATORS_FOLDER.resolve())
    if folder not in sys.path:
        sys.path.append(folder)


@cache
def _operators() -> Any:
    _add_to_path()
    try:
        from cosmic_ray.operators.provider import OperatorProvider
    except ImportError as problem:
        raise NoOperators("the mutation operators are not installed; run `make mutate`") from problem
    return OperatorProvider()


@cache
def _ast() -> Any:
    _operators()
    from cosmic_ray import ast

    return ast
