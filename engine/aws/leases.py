"""The leases of servers: one item for each server in the ExecutionHistory table, with the ExecutionId of its holder.

    start: taken, 49 a transaction -> execution -> settled: deleted, if the execution still owns them

A lease is only a name. Whether its execution still counts is decided from the record (`engine.core.start_protocol`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.aws.caller import Caller, Refused
from engine.aws.execution_history import ExecutionHistory, RecordChanged
from engine.aws.items import failed_conditions, read_items
from engine.aws.tables import to_item
from engine.core.chunks import chunks
from engine.core.document import HEADER_KEY
from engine.core.plan import RecoveryTarget

LEASE_KEY = "LEASE"
_RELEASES_A_TRANSACTION = 99  # of 100 writes; one is the check of the record


def lease_id(target: RecoveryTarget, server: str) -> str:
    """The partition key of a server's lease; source server ids are known in one account and Region."""
    return f"SERVER#{target.account_id}#{target.region}#{server}"


@dataclass(frozen=True)
class Leases:
    caller: Caller
    dynamodb: Any
    table: str
    history: ExecutionHistory

    def owners(self, target: RecoveryTarget, servers: Iterable[str]) -> dict[str, str]:
        """The ExecutionId of the owner by server; free servers are left out."""
        keys = [_key(target, server) for server in servers]
        items = read_items(self.caller, self.dynamodb, self.table, keys)
        return {item["ExecutionId"].rpartition("#")[2]: item["LeasedBy"] for item in items}

    def take(
        self,
        target: RecoveryTarget,
        execution_id: str,
        leases: Iterable[tuple[str, str | None]],
        checked: Iterable[str],
    ) -> None:
        """Take leases from the owners that were read (None: free), all or none, for a STARTING execution.

        The records of the owners `checked` must be absent or have a cancel request. Raises StartFenced, RecordChanged.
        """
        puts = [self._take(target, execution_id, server, owner) for server, owner in leases]
        checks = [
            self._check(
                to_item({"ExecutionId": owner, "ItemKey": HEADER_KEY}),
                "attribute_not_exists(ExecutionId) OR attribute_exists(CancelRequest)",
            )
            for owner in checked
        ]
        self.history.transact_as_starting(execution_id, [*puts, *checks])

    def take_back(self, target: RecoveryTarget, execution_id: str, leases: Iterable[tuple[str, str | None]]) -> None:
        """Take leases for an execution that has ended and has work again, all or none. Raises RecordChanged."""
        puts = [self._take(target, execution_id, server, owner) for server, owner in leases]
        try:
            self.caller.call(self.dynamodb, "transact_write_items", TransactItems=puts)
        except Refused as error:
            if failed_conditions(error):
                raise RecordChanged from error
            raise

    def owned_by(self, target: RecoveryTarget, server: str, owner: str) -> dict[str, Any]:
        """The condition check that `owner` still has the lease of `server`."""
        return self._check(_key(target, server), "LeasedBy = :owner", {":owner": owner})

    def release(
        self, target: RecoveryTarget, execution_id: str, servers: Sequence[str], *, withdrawn: bool = False
    ) -> None:
        """Delete the leases of these servers that the execution owns.

        `withdrawn`: only while it has no record, because a start with the same client token may create it again.
        """
        absent = self._check(
            to_item({"ExecutionId": execution_id, "ItemKey": HEADER_KEY}), "attribute_not_exists(ExecutionId)"
        )
        checks = [absent] if withdrawn else []
        for some in chunks(sorted(servers), _RELEASES_A_TRANSACTION):
            self._release([*checks, *(self._delete(target, execution_id, server) for server in some)], len(checks))

    def _release(self, writes: list[dict[str, Any]], checks: int) -> None:
        """Delete what the execution still owns: leases that others have taken over drop out of the transaction."""
        while len(writes) > checks:
            try:
                self.caller.call(self.dynamodb, "transact_write_items", TransactItems=writes)
            except Refused as error:
                failed = failed_conditions(error)
                if not failed:
                    raise
                if min(failed) < checks:
                    return
                writes = [write for place, write in enumerate(writes) if place not in failed]
            else:
                return

    def _take(self, target: RecoveryTarget, execution_id: str, server: str, owner: str | None) -> dict[str, Any]:
        put = {"TableName": self.table, "Item": _key(target, server) | to_item({"LeasedBy": execution_id})}
        if owner is None:
            return {"Put": put | {"ConditionExpression": "attribute_not_exists(ExecutionId)"}}
        values = to_item({":owner": owner})
        return {"Put": put | {"ConditionExpression": "LeasedBy = :owner", "ExpressionAttributeValues": values}}

    def _delete(self, target: RecoveryTarget, execution_id: str, server: str) -> dict[str, Any]:
        return {
            "Delete": {
                "TableName": self.table,
                "Key": _key(target, server),
                "ConditionExpression": "attribute_not_exists(ExecutionId) OR LeasedBy = :id",
                "ExpressionAttributeValues": to_item({":id": execution_id}),
            }
        }

    def _check(
        self, key: dict[str, Any], condition: str, values: dict[str, str] | None = None
    ) -> dict[str, dict[str, Any]]:
        check = {"TableName": self.table, "Key": key, "ConditionExpression": condition}
        return {"ConditionCheck": check | ({"ExpressionAttributeValues": to_item(values)} if values else {})}


def _key(target: RecoveryTarget, server: str) -> dict[str, Any]:
    return to_item({"ExecutionId": lease_id(target, server), "ItemKey": LEASE_KEY})
