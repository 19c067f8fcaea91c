"""Policy documents, compiled once and kept: parsing costs more than judging."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from simulator.iam.access import Access
from simulator.iam.conditions import Condition, Facts, all_hold, parse_conditions
from simulator.iam.patterns import arn_like, like
from simulator.time.clock import SimulatorDefect


class ResourceNotMapped(SimulatorDefect):
    """A policy speaks of single resources, but the simulator does not know which one the request names."""

    def __init__(self, action: str) -> None:
        super().__init__(
            f"the simulator does not know the resource of {action}; add it to simulator/iam/action_table.py"
        )


@dataclass(frozen=True)
class Statement:
    """`principals` is None in identity policies; otherwise the Principal element as (type, value) pairs."""

    allows: bool
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    conditions: tuple[Condition, ...]
    principals: tuple[tuple[str, str], ...] | None
    sid: str

    def applies(self, access: Access, facts: Facts) -> bool:
        """Whether action, resource and conditions fit; the principal is the caller's business."""
        return (
            self.names_action(access.action)
            and self._names_resource(access, facts)
            and all_hold(self.conditions, facts)
        )

    def names_action(self, action: str) -> bool:
        if self.not_actions:
            return not _any_names(self.not_actions, action)
        return _any_names(self.actions, action)

    def _names_resource(self, access: Access, facts: Facts) -> bool:
        if self.not_resources:
            return not self._in(self.not_resources, access, facts)
        # Trust policies have no Resource element: they speak of the role they hang on.
        return not self.resources or self._in(self.resources, access, facts)

    @staticmethod
    def _in(patterns: tuple[str, ...], access: Access, facts: Facts) -> bool:
        if "*" in patterns:
            return True
        if access.resource is None:
            raise ResourceNotMapped(access.action)
        if access.resource == "*":
            return False
        return any(arn_like(facts.substitute(one), access.resource) for one in patterns)


@lru_cache(maxsize=65536)
def _any_names(patterns: tuple[str, ...], action: str) -> bool:
    return any(like(one, action, ignore_case=True) for one in patterns)


@lru_cache(maxsize=4096)
def compile_policy(document: str) -> tuple[Statement, ...]:
    """The statements of a policy document in JSON."""
    parsed: dict[str, Any] = json.loads(document)
    return tuple(_statement(one) for one in _listed(parsed.get("Statement", [])))


def _statement(raw: Mapping[str, Any]) -> Statement:
    if "NotPrincipal" in raw:
        raise SimulatorDefect("the simulator does not judge NotPrincipal")
    principal = raw.get("Principal")
    return Statement(
        allows=raw["Effect"] == "Allow",
        actions=tuple(_listed(raw.get("Action", []))),
        not_actions=tuple(_listed(raw.get("NotAction", []))),
        resources=tuple(_listed(raw.get("Resource", []))),
        not_resources=tuple(_listed(raw.get("NotResource", []))),
        conditions=parse_conditions(raw.get("Condition", {})),
        principals=None if principal is None else _principals(principal),
        sid=raw.get("Sid", ""),
    )


def _principals(principal: str | Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    if isinstance(principal, str):
        return (("AWS", principal),)
    return tuple((kind, value) for kind, values in principal.items() for value in _listed(values))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
