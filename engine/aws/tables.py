"""Converts between DynamoDB items and documents of JSON types: no Decimal, no sets, whole numbers as int."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

_serializer = TypeSerializer()
_deserializer = TypeDeserializer()


def to_item(document: Mapping[str, Any]) -> dict[str, Any]:
    """The attribute values of a document."""
    return {name: _serializer.serialize(value) for name, value in document.items()}


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """The document of an item's attribute values."""
    return {name: _plain(_deserializer.deserialize(value)) for name, value in item.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
