"""The ExecutionHistory table: the records of executions, and the lock that allows one execution of a plan at a time.

The life of a record:

    lock + record (STARTING) -> state machine -> record RUNNING ... record ended ... record settled, lock deleted
    `-- one transaction --'                                             |           `---- one transaction ----'
                                                    a RECOVERY may take over the lock from here on

Each save is conditional on the version that it was made from. The later of two writers gets RecordChanged, reads the
record again and decides again. The SaveId shows that a save took effect whose answer was lost, so that its retry is no
conflict.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.aws.caller import Caller, Refused
from engine.aws.items import failed_conditions, read_items
from engine.aws.tables import from_item, to_item
from engine.core import document, stored_state
from engine.core.document import HEADER_KEY, Item
from engine.core.events import CancelRequest
from engine.core.state import Execution
from engine.core.statuses import ExecutionStatus

LOCK_KEY = "LOCK"
# A record of a STARTING execution has no Status, so that readers do not see it.
_ABOUT_TO_RUN = "attribute_exists(Version) AND attribute_not_exists(#status)"
_NOT_CANCELLED = "attribute_not_exists(CancelRequest)"


class RecordChanged(Exception):
    """Another writer has saved the execution since it was read: read it again and decide again."""


class StartFenced(Exception):
    """The own record has a cancel request, or is no longer STARTING: this start takes no more leases."""


class PlanLocked(Exception):
    """The plan has an execution that is not settled yet."""

    def __init__(self, execution_id: str) -> None:
        super().__init__(f"execution {execution_id} holds the plan")
        self.execution_id = execution_id


def lock_id(plan_id: str) -> str:
    return f"PLAN#{plan_id}"


def _lock(execution: Execution) -> Item:
    return {"ExecutionId": lock_id(execution.plan_id), "ItemKey": LOCK_KEY, "LockedBy": execution.execution_id}


@dataclass(frozen=True)
class ExecutionHistory:
    caller: Caller
    dynamodb: Any
    table: str
    new_save_id: Callable[[], str] = lambda: uuid.uuid4().hex

    def load(self, execution_id: str) -> Execution | None:
        """The execution without its servers; None if it has no record."""
        header = self._header(execution_id)
        return stored_state.parse_header(header) if header is not None else None

    def read_servers(self, execution: Execution, waves: Sequence[int]) -> Execution:
        """The execution with the servers of these waves."""
        keys = [key for number in waves for key in document.part_keys(execution.wave(number))]
        found = {item["ItemKey"]: item for item in self._items(execution, keys)}
        for number in waves:
            parts = [found[key] for key in document.part_keys(execution.wave(number))]
            execution = stored_state.with_servers(execution, number, parts)
        return execution

    def create(self, execution: Execution, *, instead_of: str | None = None, resumes: Execution | None = None) -> None:
        """Lock the plan and write the first record in one transaction. Raises PlanLocked, RecordChanged.

        The lock may be taken over from the execution `instead_of`, which then settles without it. The record of the
        execution that this one `resumes` gets the link to it in the same transaction, if it is as it was read.
        """
        lock = _lock(execution)
        items = [lock, *document.items(execution).values()]
        writes = [self._put(item, "attribute_not_exists(ExecutionId)") for item in items]
        if instead_of is not None:
            free = "attribute_not_exists(ExecutionId) OR LockedBy = :before"
            writes[0] = self._put(lock, free, {":before": instead_of})
        if resumes is not None:
            writes.append(self._link(resumes, execution.execution_id))
        while True:
            try:
                return self._transact(writes)
            except RecordChanged:
                holder = self.holder(execution.plan_id)
                if holder is not None and holder != execution.execution_id:
                    raise PlanLocked(holder) from None
                # The record exists already: the answer to an earlier try was lost, or the client token was used twice.
                if holder is not None or self._header(execution.execution_id) is not None:
                    return None
                now = self.load(resumes.execution_id) if resumes is not None else None
                if resumes is not None and (now is None or now.version != resumes.version):
                    raise
                # The other execution has released the plan; try again.

    def holder(self, plan_id: str) -> str | None:
        """The ExecutionId of the execution that holds the plan's lock, if any."""
        item = self._get(lock_id(plan_id), LOCK_KEY)
        return str(item["LockedBy"]) if item is not None else None

    def save(self, before: Execution, after: Execution) -> Execution:
        """Save the items that differ between `before` (as last read or saved) and `after`; returns the saved execution.

        The save that settles an execution releases the lock of its plan in the same transaction. Raises RecordChanged.
        """
        old, new = document.items(before), document.items(after)
        changed = [item for key, item in new.items() if item != old.get(key)]
        if not changed:
            return after
        saved = replace(after, version=before.version + 1)
        header = document.header_item(saved) | {"SaveId": self.new_save_id()}
        writes = [
            self._put(header, "Version = :version", {":version": before.version}),
            *(self._put(item) for item in changed if item["ItemKey"] != HEADER_KEY),
        ]
        unlock = [self._unlock(after)] if after.settled and not before.settled else []
        try:
            self._write(header, [*writes, *unlock])
        except RecordChanged:
            if not unlock or self.holder(after.plan_id) in (None, after.execution_id):
                raise
            # A recovery has taken over the lock.
            self._write(header, writes)
        return saved

    def reopen(self, before: Execution, after: Execution) -> Execution:
        """Save a settled execution that has work again, and lock its plan. Raises PlanLocked, RecordChanged."""
        saved = replace(after, version=before.version + 1)
        header = document.header_item(saved) | {"SaveId": self.new_save_id()}
        free = "attribute_not_exists(ExecutionId) OR LockedBy = :id"
        lock = self._put(_lock(after), free, {":id": after.execution_id})
        try:
            self._write(header, [self._put(header, "Version = :version", {":version": before.version}), lock])
        except RecordChanged:
            holder = self.holder(after.plan_id)
            if holder not in (None, after.execution_id):
                raise PlanLocked(str(holder)) from None
            raise
        return saved

    def _write(self, header: Item, writes: list[dict[str, Any]]) -> None:
        """All writes, including the header, in one transaction. Raises RecordChanged."""
        try:
            self._transact(writes)
        except RecordChanged:
            if not self._is_saved(header):
                raise

    def request_cancel(self, execution_id: str, request: CancelRequest) -> None:
        """Request the end of a RUNNING or STARTING execution. Raises RecordChanged if it has ended."""
        try:
            self.caller.call(
                self.dynamodb,
                "update_item",
                TableName=self.table,
                Key=self._key(execution_id, HEADER_KEY),
                UpdateExpression="SET CancelRequest = if_not_exists(CancelRequest, :request), Version = Version + :one",
                ConditionExpression=f"#status = :running OR ({_ABOUT_TO_RUN})",
                ExpressionAttributeNames={"#status": "Status"},
                ExpressionAttributeValues=to_item(
                    {
                        ":request": document.cancel_item(request),
                        ":one": 1,
                        ":running": str(ExecutionStatus.RUNNING),
                    }
                ),
            )
        except Refused as error:
            if error.code == "ConditionalCheckFailedException":
                raise RecordChanged from error
            raise

    def fence(self, execution_id: str, version: int, request: CancelRequest, *, by: str) -> None:
        """Request the end of a STARTING execution of this version for the start `by`.

        Raises StartFenced if `by` is fenced itself, RecordChanged if the execution has changed.
        """
        update = {
            "TableName": self.table,
            "Key": self._key(execution_id, HEADER_KEY),
            "UpdateExpression": "SET CancelRequest = :request, Version = Version + :one",
            "ConditionExpression": f"Version = :version AND {_ABOUT_TO_RUN} AND {_NOT_CANCELLED}",
            "ExpressionAttributeNames": {"#status": "Status"},
            "ExpressionAttributeValues": to_item(
                {":request": document.cancel_item(request), ":one": 1, ":version": version}
            ),
        }
        self.transact_as_starting(by, [{"Update": update}])

    def withdraw(self, execution: Execution, blocked_by: dict[str, Any] | None = None) -> None:
        """Delete the STARTING record of a refused start and the lock of its plan; the plan may be locked by another.

        The execution that it was to resume is free for another resumption.

        With `blocked_by`, the condition check of a lease, only a start that is not fenced is deleted. Raises
        StartFenced then, RecordChanged if `blocked_by` fails, or without it if the execution is not STARTING any more.
        """
        keys = [key for wave in execution.waves for key in document.part_keys(wave)]
        parts = [self._delete(execution.execution_id, key) for key in keys]
        header = self._delete(execution.execution_id, HEADER_KEY)
        header["Delete"] |= {"ExpressionAttributeNames": {"#status": "Status"}, "ConditionExpression": _ABOUT_TO_RUN}
        if blocked_by is not None:
            header["Delete"]["ConditionExpression"] += f" AND {_NOT_CANCELLED}"
        unlock = [self._unlock(execution)] if self.holder(execution.plan_id) == execution.execution_id else []
        checks = [blocked_by] if blocked_by is not None else []
        writes = [header, *checks, *unlock, *self._unlink(execution), *parts]
        self._transact_own(writes, fenced=blocked_by is not None)

    def transact_as_starting(self, execution_id: str, writes: list[dict[str, Any]]) -> None:
        """All writes in one transaction, if `execution_id` is STARTING and not fenced.

        Raises StartFenced, or RecordChanged if the condition of a write failed.
        """
        check = {
            "TableName": self.table,
            "Key": self._key(execution_id, HEADER_KEY),
            "ConditionExpression": f"{_ABOUT_TO_RUN} AND {_NOT_CANCELLED}",
            "ExpressionAttributeNames": {"#status": "Status"},
        }
        self._transact_own([{"ConditionCheck": check}, *writes], fenced=True)

    def _transact_own(self, writes: list[dict[str, Any]], *, fenced: bool) -> None:
        """All writes in one transaction; a failed condition of the first raises StartFenced if `fenced`."""
        try:
            self._transact(writes)
        except RecordChanged as changed:
            if fenced and isinstance(changed.__cause__, Refused) and 0 in failed_conditions(changed.__cause__):
                raise StartFenced from changed
            raise

    def _is_saved(self, header: Item) -> bool:
        current = self._header(header["ExecutionId"])
        return current is not None and current.get("SaveId") == header["SaveId"]

    def _header(self, execution_id: str) -> Item | None:
        return self._get(execution_id, HEADER_KEY)

    def _get(self, execution_id: str, item_key: str) -> Item | None:
        response = self.caller.call(
            self.dynamodb,
            "get_item",
            TableName=self.table,
            Key=self._key(execution_id, item_key),
            ConsistentRead=True,
        )
        return from_item(response["Item"]) if "Item" in response else None

    def _items(self, execution: Execution, item_keys: list[str]) -> list[Item]:
        keys = [self._key(execution.execution_id, item_key) for item_key in item_keys]
        return read_items(self.caller, self.dynamodb, self.table, keys)

    def _put(self, item: Item, condition: str | None = None, values: Item | None = None) -> dict[str, Any]:
        put: dict[str, Any] = {"TableName": self.table, "Item": to_item(item)}
        if condition is not None:
            put["ConditionExpression"] = condition
        if values is not None:
            put["ExpressionAttributeValues"] = to_item(values)
        return {"Put": put}

    def _link(self, before: Execution, successor: str) -> dict[str, Any]:
        """The write of ResumedBy; it fails if `before` was saved since: resumed by another execution, or cleaned up."""
        return {
            "Update": {
                "TableName": self.table,
                "Key": self._key(before.execution_id, HEADER_KEY),
                "UpdateExpression": "SET ResumedBy = :new, Version = Version + :one",
                "ConditionExpression": "Version = :version",
                "ExpressionAttributeValues": to_item({":new": successor, ":version": before.version, ":one": 1}),
            }
        }

    def _unlink(self, execution: Execution) -> list[dict[str, Any]]:
        """The write that removes ResumedBy again; none if the execution resumes no other, or that one is deleted."""
        before = self.load(execution.resumed_from) if execution.resumed_from is not None else None
        if before is None or before.resumed_by != execution.execution_id:
            return []
        return [
            {
                "Update": {
                    "TableName": self.table,
                    "Key": self._key(before.execution_id, HEADER_KEY),
                    "UpdateExpression": "REMOVE ResumedBy SET Version = Version + :one",
                    "ConditionExpression": "ResumedBy = :id",
                    "ExpressionAttributeValues": to_item({":id": execution.execution_id, ":one": 1}),
                }
            }
        ]

    def _unlock(self, execution: Execution) -> dict[str, Any]:
        """The write that deletes the plan's lock; it fails if another execution holds the lock."""
        return {
            "Delete": {
                "TableName": self.table,
                "Key": self._key(lock_id(execution.plan_id), LOCK_KEY),
                "ConditionExpression": "LockedBy = :id OR attribute_not_exists(LockedBy)",
                "ExpressionAttributeValues": to_item({":id": execution.execution_id}),
            }
        }

    def _delete(self, execution_id: str, item_key: str) -> dict[str, Any]:
        return {"Delete": {"TableName": self.table, "Key": self._key(execution_id, item_key)}}

    @staticmethod
    def _key(execution_id: str, item_key: str) -> dict[str, Any]:
        return to_item({"ExecutionId": execution_id, "ItemKey": item_key})

    def _transact(self, writes: list[dict[str, Any]]) -> None:
        """All writes in one transaction; a single one as PutItem, which costs half. Raises RecordChanged."""
        try:
            if len(writes) == 1 and "Put" in writes[0]:
                self.caller.call(self.dynamodb, "put_item", **writes[0]["Put"])
            else:
                self.caller.call(self.dynamodb, "transact_write_items", TransactItems=writes)
        except Refused as error:
            if error.code == "ConditionalCheckFailedException" or failed_conditions(error):
                raise RecordChanged from error
            raise
