"""Requests for several items of a DynamoDB table: batched reads, and the failed conditions of a transaction."""

from __future__ import annotations

from typing import Any

from engine.aws.caller import Caller, Refused, Unavailable
from engine.aws.tables import from_item
from engine.core.chunks import chunks

_ITEMS_A_REQUEST = 100  # BatchGetItem


def read_items(caller: Caller, dynamodb: Any, table: str, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The items of these keys that exist, in any order, read consistently. Unprocessed keys count as throttled."""
    found: list[dict[str, Any]] = []
    for some in chunks(keys, _ITEMS_A_REQUEST):
        found += _read(caller, dynamodb, table, some)
    return found


def _read(caller: Caller, dynamodb: Any, table: str, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []

    def attempt() -> None:
        nonlocal keys
        request = {table: {"Keys": keys, "ConsistentRead": True}}
        answer = caller.once(dynamodb, "batch_get_item", RequestItems=request)
        found.extend(from_item(item) for item in answer["Responses"][table])
        keys = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
        if keys:
            raise Unavailable("dynamodb:BatchGetItem", "UnprocessedKeys", f"{len(keys)} left", may_have_worked=False)

    caller.retry(attempt)
    return found


def failed_conditions(error: Refused) -> list[int]:
    """The places of the writes of a cancelled transaction whose condition failed, counted from 0."""
    if error.code != "TransactionCanceledException":
        return []
    reasons = error.response.get("CancellationReasons", [])
    return [place for place, reason in enumerate(reasons) if reason.get("Code") == "ConditionalCheckFailed"]
