"""The Condition element: operators, set qualifiers, IfExists, absent keys.

All operators and keys of a block must hold; of one key's values any may match, and for a negated operator none may. An
absent key fails a condition, unless the operator is negated, ends in IfExists, or is ForAllValues. An unknown operator
is a SimulatorDefect: a silent allow would invalidate every test that depends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from simulator.iam.patterns import arn_like, like
from simulator.time.clock import SimulatorDefect

ALL, ANY = "ForAllValues:", "ForAnyValue:"


class Facts(Protocol):
    """The input of conditions: the values of a key, None if the request lacks it, and texts with variables."""

    def values(self, key: str) -> tuple[str, ...] | None: ...

    def substitute(self, text: str) -> str: ...


class UnknownConditionOperator(SimulatorDefect):
    def __init__(self, operator: str) -> None:
        super().__init__(f"the simulator does not know the IAM condition operator {operator!r}")


def _fold_equal(wanted: str, value: str) -> bool:
    return wanted.casefold() == value.casefold()


# Each compares a value of the policy with one of the request.
_POSITIVE: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda wanted, value: wanted == value,
    "StringEqualsIgnoreCase": _fold_equal,
    "StringLike": lambda wanted, value: like(wanted, value),
    "ArnEquals": arn_like,
    "ArnLike": arn_like,
    "Bool": _fold_equal,
    "NumericEquals": lambda wanted, value: float(value) == float(wanted),
    "NumericLessThan": lambda wanted, value: float(value) < float(wanted),
    "NumericLessThanEquals": lambda wanted, value: float(value) <= float(wanted),
    "NumericGreaterThan": lambda wanted, value: float(value) > float(wanted),
    "NumericGreaterThanEquals": lambda wanted, value: float(value) >= float(wanted),
}
_NEGATED = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
    "NumericNotEquals": "NumericEquals",
}


@dataclass(frozen=True)
class Condition:
    """One operator on one key. `qualifier` is "", ForAllValues: or ForAnyValue:."""

    qualifier: str
    operator: str
    if_exists: bool
    key: str
    wanted: tuple[str, ...]

    def holds(self, facts: Facts) -> bool:
        values = facts.values(self.key)
        if self.operator == "Null":
            return any(_fold_equal(one, "true") == (values is None) for one in self.wanted)
        if not values:
            return self.if_exists or self.qualifier == ALL or (self.operator in _NEGATED and self.qualifier != ANY)
        wanted = tuple(facts.substitute(one) for one in self.wanted)
        matches = [self._matches(wanted, value) for value in values]
        if self.qualifier == ALL:
            return all(matches)
        if self.qualifier == ANY:
            return any(matches)
        if len(matches) > 1:
            raise SimulatorDefect(f"{self.key} has several values: the policy must say {ALL} or {ANY}")
        return matches[0]

    def _matches(self, wanted: Iterable[str], value: str) -> bool:
        negated = self.operator in _NEGATED
        compare = _POSITIVE[_NEGATED.get(self.operator, self.operator)]
        return any(compare(one, value) for one in wanted) != negated


def parse_conditions(block: Mapping[str, Mapping[str, Any]]) -> tuple[Condition, ...]:
    """The Condition element of a statement. Raises UnknownConditionOperator when one of them is judged, see `parse`."""
    return tuple(_parse(operator, key, wanted) for operator, keys in block.items() for key, wanted in keys.items())


def _parse(operator: str, key: str, wanted: Any) -> Condition:
    qualifier = next((one for one in (ALL, ANY) if operator.startswith(one)), "")
    name = operator.removeprefix(qualifier)
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    values = wanted if isinstance(wanted, list) else [wanted]
    return Condition(qualifier, name, if_exists, key, tuple(_text(one) for one in values))


def check_operator(condition: Condition) -> None:
    if condition.operator not in _POSITIVE and condition.operator not in _NEGATED and condition.operator != "Null":
        raise UnknownConditionOperator(condition.operator)


def all_hold(conditions: Iterable[Condition], facts: Facts) -> bool:
    for condition in conditions:
        check_operator(condition)
        if not condition.holds(facts):
            return False
    return True


def _text(value: Any) -> str:
    """JSON's true and 1 are "true" and "1" to IAM."""
    return str(value).lower() if isinstance(value, bool) else str(value)
