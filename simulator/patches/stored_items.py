"""Computes the size of a stored DynamoDB item once.

moto computes an item's size for each attribute that it adds, and wraps each value again to compute it.
"""

from __future__ import annotations

from typing import Any

from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.utilities import bytesize

from simulator.patches.patching import Patch

MOTO_ITEM_LIMIT = 405_000  # of LimitedSizeDict; `services.dynamodb.metering` checks the exact limit before

_size = DynamoType.size


def _value_size(self: Any) -> int:
    value = self.value
    if self.type == "S" and type(value) is str:
        return len(value.encode())
    if self.type == "M":
        return sum(bytesize(name) + _wrapped(one).size() for name, one in value.items())
    return int(_size(self))


def _wrapped(value: Any) -> Any:
    return value if type(value) is DynamoType else DynamoType(value)


def _make_item(self: Any, hash_key: Any, range_key: Any, attrs: dict[str, Any]) -> None:
    self.hash_key = hash_key
    self.range_key = range_key
    self.attrs = LimitedSizeDict()
    values = {name: DynamoType(value) for name, value in attrs.items()}
    if sum(bytesize(name) + value.size() for name, value in values.items()) > MOTO_ITEM_LIMIT:
        raise ItemSizeTooLarge
    dict.update(self.attrs, values)


def patches() -> list[Patch]:
    return [
        Patch(DynamoType, "size", _value_size, "moto wraps a map again at each level to compute its size"),
        Patch(Item, "__init__", _make_item, "moto computes an item's size for each attribute that it adds"),
    ]
