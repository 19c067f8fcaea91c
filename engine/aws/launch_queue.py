"""Whose turn it is when DRS's quota is in use: launches that wait for the same account and Region queue up.

Without a queue, whoever asks at the right moment takes the room that a finished job leaves: an execution that goes from
wave to wave overtakes all that wait, and a large launch starves behind small ones. So a launch that DRS's quota turned
away leaves a ticket in the ExecutionHistory table, and renews it each time it asks again; everybody looks at the
tickets before StartRecovery, and lets older ones go first.

    quota in use -> ticket ... renewed ... turn -> StartRecovery -> ticket gone

The queue is manners, not a lock: DRS's quota decides, and nothing is wrong when two launch at once. A ticket that is no
longer renewed (its execution was cancelled, its function died) counts for nothing, and neither does one so old that
its launch may never fit.
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
    """What the tickets say: `behind` is the ExecutionId to let go first, `ticket` the key of the asker's own ticket."""

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
        # DynamoDB removes what nobody takes back; ExpiresAt is in whole seconds since 1970, as its time to live wants.
        item = _key(target, key) | {"HeldBy": execution_id, "ExpiresAt": int(expires.timestamp())}
        self.caller.call(self.dynamodb, "put_item", TableName=self.table, Item=to_item(item))

    def leave(self, target: RecoveryTarget, turn: Turn) -> None:
        """Give the ticket of `turn` back, if there is one. Raises CallError."""
        if turn.ticket is not None:
            self.caller.call(self.dynamodb, "delete_item", TableName=self.table, Key=to_item(_key(target, turn.ticket)))

    def _tickets(self, target: RecoveryTarget) -> list[dict[str, Any]]:
        """All tickets, the oldest first; there are at most as many as executions."""
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
