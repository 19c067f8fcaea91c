"""TransactWriteItems that fails without a trace, at the price of the items it names.

moto 5.2.5 copies every table that a transaction touches, so as to put it back if an action fails: a cost that grows
with the history. Here the named items are remembered and put back.
"""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

from moto.dynamodb import models
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

from simulator.patches.patching import Patch

_transact = DynamoDBBackend.transact_write_items


def patches() -> list[Patch]:
    reason = "a transaction must not cost a copy of the whole table"
    return [
        Patch(DynamoDBBackend, "transact_write_items", _transact_write_items, reason),
        Patch(models, "copy", SimpleNamespace(deepcopy=_copy_but_for_tables), reason),
    ]


def _copy_but_for_tables(value: Any) -> Any:
    return value if isinstance(value, Table) else copy.deepcopy(value)


def _transact_write_items(backend: Any, transact_items: list[dict[str, Any]]) -> None:
    before = [_stored(backend, body) for action in transact_items for body in action.values()]
    try:
        _transact(backend, transact_items)
    except Exception:
        for table, keys, item in before:
            if table is not None:
                _put_back(table, keys, item)
        raise


def _stored(backend: Any, body: dict[str, Any]) -> tuple[Any, list[DynamoType], Any]:
    table = backend.tables.get(body.get("TableName", "").rpartition("/")[2])
    if table is None:
        return None, [], None
    key = body.get("Key") or body.get("Item", {})
    names = [name for name in (table.hash_key_attr, table.range_key_attr) if name]
    if any(name not in key for name in names):
        return None, [], None  # moto refuses it before any change
    keys = [DynamoType(key[name]) for name in names]
    return table, keys, copy.deepcopy(table.get_item(*keys))


def _put_back(table: Any, keys: list[DynamoType], item: Any) -> None:
    holder = table.items[keys[0]] if len(keys) == 2 else table.items
    if item is not None:
        holder[keys[-1]] = item
    else:
        holder.pop(keys[-1], None)
