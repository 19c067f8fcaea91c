"""The tables of a deployed engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.aws.tables import from_item, to_item
from engine.client.answers import Document


class Tables:
    """Reads single items. `outputs` of the stack name the tables, `session` is the caller's boto3 session."""

    def __init__(self, session: Any, outputs: Mapping[str, str]) -> None:
        self._outputs = outputs
        self._dynamodb = session.client("dynamodb")

    def _one(self, table: str, key: Mapping[str, str]) -> Document | None:
        response = self._dynamodb.get_item(TableName=table, Key=to_item(key), ConsistentRead=True)
        return from_item(response["Item"]) if "Item" in response else None
