"""Reads a plan and its protection groups from the tables, and checks them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import jsonschema  # noqa: F401 - a package without it fails when the function is loaded, not at the first start

from engine.aws.accounts import RoleNotAssumed
from engine.aws.caller import CallError
from engine.core.plan import Document, Plan, RecoveryTarget, parse_plan, resolve_target
from engine.core.protection import ExistingInstance
from engine.core.server_tags import empty_group_problems, resolved, select_by_tags
from engine.core.validation import named_groups, plan_problems, resolved_problems
from engine.function.wiring import Services


class CannotStart(Exception):
    """The plan cannot be started; `problems` has all reasons, `existing` the recovered instances in the way."""

    def __init__(self, problems: list[str], existing: Iterable[ExistingInstance] = ()) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems
        self.existing = tuple(existing)


@dataclass(frozen=True)
class LoadedPlan:
    """A valid plan with the documents that it was read from; `groups` is by GroupId.

    `empty_groups` has a line for each wave whose group selects by tag and finds no server.
    """

    plan: Plan
    document: Document
    groups: Mapping[str, Document]
    empty_groups: tuple[str, ...] = ()

    @property
    def by_tags(self) -> bool:
        return select_by_tags(self.groups)


def load_plan(services: Services, plan_id: str, *, resolve: bool = True) -> LoadedPlan:
    """The plan as it is loaded now. Raises CannotStart with all its problems.

    Groups by tag have the servers that the tags select now; without `resolve` their waves have no servers.
    """
    document = services.plans.plan(plan_id)
    if document is None:
        raise CannotStart([f"plan {plan_id} does not exist; `plans` lists all plans, `apply` loads one"])
    groups = services.plans.groups(sorted(named_groups(document)))
    target = resolve_target(document, account_id=services.account_id, region=services.region)
    problems = [str(problem) for problem in plan_problems(document, groups, target)]
    if problems:
        raise CannotStart(problems)
    if not resolve or not select_by_tags(groups):
        return LoadedPlan(parse_plan(document, groups, target), document, groups)
    return _resolved(services, document, groups, target)


def _resolved(
    services: Services, document: Document, groups: Mapping[str, Document], target: RecoveryTarget
) -> LoadedPlan:
    try:
        found = resolved(groups, services.recovery(target).all_source_servers())
    except (CallError, RoleNotAssumed) as error:
        raise CannotStart([drs_unanswered(document["PlanId"], error)]) from error
    if problems := [str(problem) for problem in resolved_problems(document, found)]:
        raise CannotStart(problems)
    empty = tuple(str(problem) for problem in empty_group_problems(document, found, target))
    return LoadedPlan(parse_plan(document, found, target), document, found, empty)


def drs_unanswered(plan_id: str, error: CallError | RoleNotAssumed) -> str:
    """Why the servers of the plan are unknown, with the remedy if there is a known one."""
    uninitialized = isinstance(error, CallError) and error.code == "UninitializedAccountException"
    remedy = "; initialise DRS in that account and Region: aws drs initialize-service" if uninitialized else ""
    return f"plan {plan_id}: its source servers could not be checked: {error}{remedy}"
