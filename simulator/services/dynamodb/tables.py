"""Direct access to the items of DynamoDB's tables, below the API: fast for years of history, and without calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from moto.core.base_backend import BackendDict
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

Item = Mapping[str, Any]


class TableData:
    """One table of an account and Region. Items and keys as DynamoDB writes them: {"Name": {"S": "value"}}."""

    def __init__(self, account: str, region: str, name: str) -> None:
        backends: BackendDict[Any] = dynamodb_backends
        tables = backends[account][region].tables
        if name not in tables:
            raise LookupError(f"no table {name} in {account}, {region}; there are {', '.join(tables) or 'none'}")
        self._table = tables[name]

    def fill(self, items: Iterable[Item]) -> None:
        """Put these items; one that has the key of another takes its place."""
        for item in items:
            self._table.put_item(dict(item), overwrite=True)

    def remove(self, keys: Iterable[Item]) -> None:
        """Delete the items with these keys; ignores attributes that are not part of the key."""
        names = [name for name in (self._table.hash_key_attr, self._table.range_key_attr) if name]
        for key in keys:
            first, *second = (DynamoType(key[name]) for name in names)
            self._table.delete_item(first, second[0] if second else None)
