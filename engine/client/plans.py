"""The recovery plans and protection groups of a deployed engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from engine.aws.tables import from_item, to_item
from engine.client.answers import Document
from engine.client.tables import Tables
from engine.core.plan import RecoveryTarget, resolve_target
from engine.core.schema_errors import is_id
from engine.core.validation import PlanProblem, named_groups, plan_problems, plan_warnings


class Plans(Tables):
    """The stored plans and groups, and the problems of a plan."""

    def get_plan(self, plan_id: str) -> Document | None:
        """The stored recovery plan with this PlanId, if any."""
        return self._one(self._outputs["RecoveryPlansTable"], {"PlanId": plan_id})

    def plans(self) -> list[Document]:
        """All stored recovery plans by PlanId. This reads the whole table, which has plans only."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._outputs["RecoveryPlansTable"], ConsistentRead=True
        )
        found = [from_item(item) for page in pages for item in page["Items"]]
        return sorted(found, key=lambda plan: str(plan["PlanId"]))

    def groups_of(self, plan: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The stored protection groups that the plan names, by GroupId."""
        found = self._groups_of(plan, ())
        return [found[group_id] for group_id in sorted(found)]

    def get_group(self, group_id: str) -> Document | None:
        """The stored protection group with this GroupId, if any."""
        return self._one(self._outputs["ProtectionGroupsTable"], {"GroupId": group_id})

    def problems(self, plan: Mapping[str, Any], groups: Iterable[Mapping[str, Any]] = ()) -> list[PlanProblem]:
        """The problems of the plan that a start would report, without calls to DRS; `groups` replace stored groups."""
        known = self._groups_of(plan, groups)
        return plan_problems(plan, known, self.target_of(plan))

    def target_of(self, plan: Mapping[str, Any]) -> RecoveryTarget:
        """The account and Region that the plan recovers to."""
        _, _, _, region, account, *_ = self._outputs["StateMachineArn"].split(":")
        return resolve_target(plan, account_id=account, region=region)

    def warnings(self, plan: Mapping[str, Any], groups: Iterable[Mapping[str, Any]] = ()) -> list[PlanProblem]:
        """Parts of a plan without problems that its author may not have meant; `groups` replace stored groups."""
        return plan_warnings(plan, self._groups_of(plan, groups))

    def _groups_of(self, plan: Mapping[str, Any], groups: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        known = {group["GroupId"]: group for group in groups if isinstance(group["GroupId"], str)}
        for group_id in named_groups(plan) - known.keys():
            if is_id(group_id) and (group := self.get_group(group_id)) is not None:
                known[group_id] = group
        return known

    def put_plan(self, plan: Mapping[str, Any]) -> None:
        self._dynamodb.put_item(TableName=self._outputs["RecoveryPlansTable"], Item=to_item(plan))

    def put_group(self, group: Mapping[str, Any]) -> None:
        self._dynamodb.put_item(TableName=self._outputs["ProtectionGroupsTable"], Item=to_item(group))

    def delete_plan(self, plan_id: str) -> None:
        self._dynamodb.delete_item(TableName=self._outputs["RecoveryPlansTable"], Key=to_item({"PlanId": plan_id}))

    def delete_group(self, group_id: str) -> None:
        self._dynamodb.delete_item(TableName=self._outputs["ProtectionGroupsTable"], Key=to_item({"GroupId": group_id}))
