"""Recovery plans and protection groups in their DynamoDB tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.aws.caller import Caller
from engine.aws.tables import from_item


@dataclass(frozen=True)
class PlanTables:
    caller: Caller
    dynamodb: Any
    plans_table: str
    groups_table: str

    def plan(self, plan_id: str) -> dict[str, Any] | None:
        return self._get(self.plans_table, "PlanId", plan_id)

    def groups(self, group_ids: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The groups that exist, by GroupId."""
        found = {group_id: self._get(self.groups_table, "GroupId", group_id) for group_id in group_ids}
        return {group_id: group for group_id, group in found.items() if group is not None}

    def _get(self, table: str, key: str, value: str) -> dict[str, Any] | None:
        response = self.caller.call(
            self.dynamodb, "get_item", TableName=table, Key={key: {"S": value}}, ConsistentRead=True
        )
        return from_item(response["Item"]) if "Item" in response else None
