"""Changes that an operator can make and that are no mistake to notice: each kind with the reason why.

A kind belongs here only if its change can have no effect in any run, or repeats another mutant. That scenarios miss a
kind is no reason.
"""

from __future__ import annotations

from typing import Any


def is_none(operator: str, node: Any) -> bool:
    """Return whether the operator's change at a node of the parser's tree is no mistake of its own."""
    return any(rule(operator, node) for rule in (_no_operator, _only_for_the_type_checker, _frozen, _repeated))


def _no_operator(operator: str, node: Any) -> bool:
    """The star of a signature makes arguments keyword-only; with another sign in its place the file is no Python."""
    return operator.startswith("ReplaceBinaryOperator") and node.parent.type == "parameters"


def _only_for_the_type_checker(operator: str, node: Any) -> bool:
    """The block imports names of annotations, which are never evaluated."""
    return operator == "AddNot" and node.type == "if_stmt" and node.children[1].get_code().strip() == "TYPE_CHECKING"


def _frozen(operator: str, node: Any) -> bool:
    """`@dataclass(frozen=True)` refuses assignments; the type checker has shown that the code makes none."""
    return (
        operator == "ReplaceTrueWithFalse"
        and node.parent.type == "argument"
        and node.parent.children[0].value == "frozen"
    )


def _repeated(operator: str, node: Any) -> bool:
    """`not` before a comparison or before another `not` makes the change that the comparison's own operator makes."""
    if operator != "AddNot":
        return False
    condition = node.children[2 if node.type == "test" else 1]
    if condition.type == "not_test":
        return True
    return condition.type == "comparison" and len(condition.children) == 3 and _sign(condition) in _NEGATED


_NEGATED = ("is", "is not", "==", "!=")
"""Comparisons that another operator turns into their opposite."""


def _sign(comparison: Any) -> str:
    return " ".join(comparison.children[1].get_code().split())
