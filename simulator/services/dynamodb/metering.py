"""The units that DynamoDB's calls consume, and its limits, by AWS's sizing rules (moto counts each Query as one unit).

An item's size is that of its attribute names and values; a read unit is 4 KB read strongly consistently or 8 KB
eventually; a write unit is 1 KB; a transaction costs double; an index that changes with its item is written as well.
Source: "DynamoDB item sizes and formats" and "Capacity unit consumption" in the DynamoDB developer guide.
"""

from __future__ import annotations

import base64
import copy
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType

from simulator.gateway import dispatch
from simulator.gateway.journal import JournalEntry
from simulator.gateway.requests import IdentifiedCall
from simulator.gateway.service_errors import AwsError

ITEM_LIMIT = 400 * 1024
TRANSACTION_LIMIT = 4 * 1024 * 1024
READ_UNIT = 4 * 1024
WRITE_UNIT = 1024
_CONTAINER_OVERHEAD = 3
_NARROWING = ("FilterExpression", "ProjectionExpression", "Select", "AttributesToGet", "ReturnConsumedCapacity")
_PLACEHOLDER = re.compile(r"[#:][A-Za-z0-9_]+")

Attributes = Mapping[str, Mapping[str, Any]]
ResponseHook = Callable[[dict[str, Any], JournalEntry], None]


# -- sizes -----------------------------------------------------------------------------------------------------------


def item_size(item: Attributes | None) -> int:
    """Bytes of an item in DynamoDB's own notation, {"Name": {"S": "value"}}; 0 for none."""
    return sum(len(name.encode()) + value_size(value) for name, value in (item or {}).items())


def value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "L":
        return _CONTAINER_OVERHEAD + sum(1 + value_size(one) for one in content)
    if kind == "M":
        return _CONTAINER_OVERHEAD + sum(1 + len(name.encode()) + value_size(one) for name, one in content.items())
    if kind in ("SS", "NS", "BS"):
        return sum(_scalar_size(kind[0], one) for one in content)
    return _scalar_size(kind, content)


def _scalar_size(kind: str, content: Any) -> int:
    if kind == "N":
        digits = re.sub(r"[eE].*|[-+.]", "", str(content)).strip("0")
        return math.ceil(len(digits) / 2) + 1
    if kind == "B":
        return len(content) if isinstance(content, bytes) else len(base64.b64decode(content))
    return len(str(content).encode())


def write_units(size: int) -> int:
    return max(1, math.ceil(size / WRITE_UNIT))


def read_units(size: int, *, consistent: bool) -> float:
    return max(1, math.ceil(size / READ_UNIT)) * (1.0 if consistent else 0.5)


# -- stored items ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Table:
    account: str
    region: str
    name: str

    @property
    def moto(self) -> Any:
        return dynamodb_backends[self.account][self.region].tables.get(self.name.rpartition("/")[2])

    @property
    def _key_names(self) -> list[str]:
        return [name for name in (self.moto.hash_key_attr, self.moto.range_key_attr) if name]

    def lacks_key(self, item: Attributes) -> bool:
        return any(name not in item for name in self._key_names)

    def key_of(self, item: Attributes) -> Attributes:
        return {name: item[name] for name in self._key_names}

    def stored(self, key: Attributes) -> dict[str, Any] | None:
        table = self.moto
        values = [DynamoType(dict(key[name])) for name in (table.hash_key_attr, table.range_key_attr) if name in key]
        item = table.get_item(*values)
        return _wire(item) if item is not None and hasattr(item, "attrs") else None


def _wire(item: Any) -> dict[str, Any]:
    return {name: _wire_value(value) for name, value in item.attrs.items()}


def _wire_value(value: Any) -> dict[str, Any]:
    """moto's own conversion copies deeply first; this one only looks."""
    if not isinstance(value, DynamoType):
        return dict(value)
    content = value.value
    if value.is_map():
        return {value.type: {name: _wire_value(one) for name, one in content.items()}}
    if value.is_list():
        return {value.type: [_wire_value(one) for one in content]}
    return {value.type: content}


def _index_units(table: Any, old: Attributes | None, new: Attributes | None) -> int:
    """The write units of the indexes when an item changes from `old` to `new`."""
    units = 0
    for index in table.global_indexes:
        before, after = _projected(table, index, old), _projected(table, index, new)
        if before == after:
            continue
        keys_differ = before and after and any(before[name] != after[name] for name in index.schema_key_attrs)
        if before and (after is None or keys_differ):
            units += write_units(item_size(before))
        if after:
            units += write_units(max(item_size(after), 0 if keys_differ else item_size(before)))
    return units


def _projected(table: Any, index: Any, item: Attributes | None) -> dict[str, Any] | None:
    """The entry of an item in an index; None when it lacks the index's keys."""
    if item is None or any(name not in item for name in index.schema_key_attrs):
        return None
    projection = index.projection.get("ProjectionType", "ALL")
    if projection == "ALL":
        return dict(item)
    names = {*index.schema_key_attrs, table.hash_key_attr, table.range_key_attr}
    names |= set(index.projection.get("NonKeyAttributes", [])) if projection == "INCLUDE" else set()
    return {name: value for name, value in item.items() if name in names}


# -- the inspector ---------------------------------------------------------------------------------------------------


class Meter:
    """Enforces DynamoDB's limits before a call and records its consumed units in the journal."""

    def inspect(self, call: IdentifiedCall, account: str) -> ResponseHook | None:
        writes = list(_writes(call, account))
        if writes:
            return _watch_writes(writes, factor=2 if call.operation == "TransactWriteItems" else 1)
        if call.operation in _READS:
            return lambda answer, entry: _READS[call.operation](call, answer, entry)
        return None


@dataclass(frozen=True)
class _Write:
    table: _Table
    key: Attributes
    item: Attributes | None = None
    is_check: bool = False


def _writes(call: IdentifiedCall, account: str) -> Iterator[_Write]:
    for kind, body in _actions(call):
        table = _Table(account, call.region, body["TableName"])
        if table.moto is None:
            continue  # moto reports this error itself
        item = body.get("Item")
        given = body.get("Key", {}) if item is None else item
        if table.lacks_key(given):
            continue  # and this one
        yield _Write(table, table.key_of(given), item, is_check=kind == "ConditionCheck")


def _actions(call: IdentifiedCall) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(Put, Update, Delete or ConditionCheck; its parameters) of every write in the call."""
    parameters = call.parameters
    if call.operation in ("PutItem", "UpdateItem", "DeleteItem"):
        yield call.operation.removesuffix("Item"), parameters
    elif call.operation == "TransactWriteItems":
        for action in parameters["TransactItems"]:
            yield from action.items()
    elif call.operation == "BatchWriteItem":
        for name, requests in parameters["RequestItems"].items():
            for request in requests:
                for kind, body in request.items():
                    yield kind.removesuffix("Request"), {"TableName": name, **body}


def _watch_writes(writes: list[_Write], factor: int) -> ResponseHook:
    sizes = [item_size(write.item) for write in writes]
    if any(size > ITEM_LIMIT for size in sizes):
        raise AwsError("ValidationException", "Item size has exceeded the maximum allowed size", 400)
    if factor == 2 and sum(sizes) > TRANSACTION_LIMIT:
        text = "Transaction size has exceeded the maximum allowed size: 4 MB of items"
        raise AwsError("ValidationException", text, 400)
    before = [write.table.stored(write.key) for write in writes]

    def note(_: dict[str, Any], entry: JournalEntry) -> None:
        units = written = 0
        for write, old in zip(writes, before, strict=True):
            new = write.table.stored(write.key)
            size = max(item_size(old), item_size(new))
            written += 0 if write.is_check else size
            units += factor * write_units(size)
            units += 0 if write.is_check else factor * _index_units(write.table.moto, old, new)
        entry.consumed = {"read_units": 0.0, "write_units": float(units), "bytes": written}

    return note


def _read(entry: JournalEntry, sizes: list[int], *, consistent: bool) -> None:
    """Each size is rounded up by itself: an item that was got, or all that a Query went through."""
    units = sum(read_units(size, consistent=consistent) for size in sizes)
    entry.consumed = {"read_units": units, "write_units": 0.0, "bytes": sum(sizes)}


def _note_get(call: IdentifiedCall, answer: dict[str, Any], entry: JournalEntry) -> None:
    item = answer.get("Item")
    if item is not None and any(name in call.parameters for name in _NARROWING):
        item = _Table(entry.account, call.region, call.parameters["TableName"]).stored(call.parameters["Key"])
    _read(entry, [item_size(item)], consistent=bool(call.parameters.get("ConsistentRead")))


def _note_batch_get(call: IdentifiedCall, answer: dict[str, Any], entry: JournalEntry) -> None:
    sizes, consistent = [], False
    for name, request in call.parameters["RequestItems"].items():
        consistent = consistent or bool(request.get("ConsistentRead"))
        found = answer["Responses"].get(name, [])
        if any(narrowing in request for narrowing in _NARROWING):
            table = _Table(entry.account, call.region, name)
            found = [item for key in request["Keys"] if (item := table.stored(key)) is not None]
        sizes += [item_size(item) for item in found] + [0] * (len(request["Keys"]) - len(found))
    _read(entry, sizes, consistent=consistent)


def _note_query(call: IdentifiedCall, answer: dict[str, Any], entry: JournalEntry) -> None:
    """A filter or a projection narrows the answer, not the read units: so this reads again without them."""
    items = _read_again(call) if any(name in call.parameters for name in _NARROWING) else answer["Items"]
    _read(entry, [sum(item_size(item) for item in items)], consistent=bool(call.parameters.get("ConsistentRead")))


def _read_again(call: IdentifiedCall) -> list[Attributes]:
    body = {name: value for name, value in json.loads(call.prepared.body).items() if name not in _NARROWING}
    used = set(_PLACEHOLDER.findall(body.get("KeyConditionExpression", "")))
    for name in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        kept = {key: value for key, value in body.pop(name, {}).items() if key in used}
        if kept:
            body[name] = kept
    request = copy.copy(call.prepared)
    request.body = json.dumps(body).encode()
    reply = dispatch.process(request)
    assert reply is not None
    items: list[Attributes] = json.loads(reply[2])["Items"]
    return items


_READS: dict[str, Callable[[IdentifiedCall, dict[str, Any], JournalEntry], None]] = {
    "GetItem": _note_get,
    "BatchGetItem": _note_batch_get,
    "Query": _note_query,
    "Scan": _note_query,
}
