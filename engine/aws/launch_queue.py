"""The queue of launches that wait for a DRS quota in the same target account and Region.

Without a queue, the first request after the end of a job takes the free quota: an execution with many waves overtakes
waiting ones, and a large launch starves behind small ones. So a launch that DRS refused because of a quota takes a
ticket in the ExecutionHistory table and renews it with each request. Each execution reads the tickets before
StartRecovery and waits for older ones.

    quota in use -> ticket ... renewed ... turn -> StartRecovery -> ticket deleted

The queue is fair use, not a lock: DRS enforces the quota, so two launches at once do no harm. A ticket that is not
renewed any more (its execution was cancelled, its function failed) expires. A ticket of a launch that may never fit
loses its precedence after some time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from engine.aws.caller import Caller
from engine.aws.tables import from_item, to_item
from engine.core import policy
from engine.core.document import parse_timestamp, timestamp
from engine.core.plan import RecoveryTarget


@dataclass(frozen=True)
class Turn:
    """The place in the queue: `behind` is the ExecutionId that goes first, `ticket` the key of the own ticket."""

    behind: str | None = None
    ticket: str | None = None


@dataclass(frozen=True)
class LaunchQueue:
    caller: Caller
    dynamodb: Any
    table: str
    now: Callable[[], datetime]

    def turn(self, execution_id: str, target: RecoveryTarget) -> Turn:
        """Whether it is the execution's turn to launch in `target`. Raises CallError."""
        behind, own = None, None
        for ticket in self._tickets(target):
            if ticket["HeldBy"] == execution_id:
                own = ticket["ItemKey"]
                break
            if behind is None and self._counts(ticket):
                behind = ticket["HeldBy"]
        return Turn(behind, own)

    def wait(self, execution_id: str, target: RecoveryTarget, turn: Turn) -> None:
        """Take a ticket, or renew the one of `turn`. Raises CallError."""
        now = self.now()
        key = turn.ticket or f"TICKET#{timestamp(now)}#{execution_id}"
        expires = now + timedelta(seconds=policy.TICKET_SECONDS)
        # DynamoDB deletes expired tickets; its time to live requires ExpiresAt in whole seconds since 1970.
        item = _key(target, key) | {"HeldBy": execution_id, "ExpiresAt": int(expires.timestamp())}
        self.caller.call(self.dynamodb, "put_item", TableName=self.table, Item=to_item(item))

    def leave(self, target: RecoveryTarget, turn: Turn) -> None:
        """Delete the ticket of `turn`, if it has one. Raises CallError."""
        if turn.ticket is not None:
            self.caller.call(self.dynamodb, "delete_item", TableName=self.table, Key=to_item(_key(target, turn.ticket)))

    def _tickets(self, target: RecoveryTarget) -> list[dict[str, Any]]:
        """All tickets, oldest first; at most one for each execution."""
        answer = self.caller.call(
            self.dynamodb,
            "query",
            TableName=self.table,
            KeyConditionExpression="ExecutionId = :queue",
            ExpressionAttributeValues=to_item({":queue": _queue(target)}),
            ConsistentRead=True,
        )
        return [from_item(item) for item in answer["Items"]]

    def _counts(self, ticket: dict[str, Any]) -> bool:
        now = self.now()
        taken = parse_timestamp(ticket["ItemKey"].split("#")[1])
        return now.timestamp() < ticket["ExpiresAt"] and now < taken + timedelta(seconds=policy.PRECEDENCE_SECONDS)


def _queue(target: RecoveryTarget) -> str:
    return f"QUEUE#{target.account_id}#{target.region}"


def _key(target: RecoveryTarget, ticket: str) -> dict[str, Any]:
    return {"ExecutionId": _queue(target), "ItemKey": ticket}
