"""Reads a plan and its protection groups from the tables, and checks them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jsonschema  # noqa: F401 - a package without it fails when the function is loaded, not at the first start

from engine.core.plan import Plan, parse_plan, resolve_target
from engine.core.protection import ExistingInstance
from engine.core.validation import named_groups, plan_problems
from engine.function.wiring import Services


class CannotStart(Exception):
    """The plan cannot be started; `problems` has all reasons, `existing` the recovered instances in the way."""

    def __init__(self, problems: list[str], existing: Iterable[ExistingInstance] = ()) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
        self.existing = tuple(existing)


@dataclass(frozen=True)
class LoadedPlan:
    """A valid plan with the documents that it was read from; `groups` is by GroupId."""

    plan: Plan
    document: Mapping[str, Any]
    groups: Mapping[str, Mapping[str, Any]]


def load_plan(services: Services, plan_id: str) -> LoadedPlan:
    """The plan as it is loaded now. Raises CannotStart with all its problems."""
    document = services.plans.plan(plan_id)
    if document is None:
        raise CannotStart([f"plan {plan_id} does not exist; load it with `apply`"])
    groups = services.plans.groups(sorted(named_groups(document)))
    target = resolve_target(document, account_id=services.account_id, region=services.region)
    problems = [str(problem) for problem in plan_problems(document, groups, target)]
    if problems:
        raise CannotStart(problems)
    return LoadedPlan(parse_plan(document, groups, target), document, groups)
