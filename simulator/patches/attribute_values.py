"""Shortcuts for DynamoDB's attribute values, which are trees of hundreds of small structures.

Five passes look up each leaf of an item in the service model: botocore's validation and serialisation, the simulator's
own validation, moto's parsing, and botocore's parsing of the response. A plain attribute value (valid and without
blobs) leaves each pass unchanged, so one quick check replaces them. Any other value takes the library's own path and
raises its errors. A test compares both paths.
"""

from __future__ import annotations

import json
from typing import Any

import botocore.parsers
import botocore.serialize
import botocore.validate
import moto.core.parse

from simulator.patches.item_answers import ITEM_OPERATIONS
from simulator.patches.patching import Patch

LONGEST_NAME = 65535  # the service model's limit for an attribute name
_TEXT = ("S", "N")
_FLAGS = ("BOOL", "NULL")
# Outputs that hold only attribute values and plain JSON. No other service has an output of the same name.
_ITEM_OUTPUTS = frozenset({"BatchGetItemOutput", "GetItemOutput", "QueryOutput", "ScanOutput"})
_BLOBS = (b'"B"', b'"BS"')


def is_plain(value: Any) -> bool:
    """Whether this is an attribute value that satisfies the model and holds neither a blob nor a set."""
    if type(value) is not dict or len(value) != 1:
        return False
    ((kind, content),) = value.items()
    if kind in _TEXT:
        return type(content) is str
    if kind == "M":
        return type(content) is dict and all(
            type(name) is str and len(name) <= LONGEST_NAME and is_plain(item) for name, item in content.items()
        )
    if kind == "L":
        return type(content) is list and all(map(is_plain, content))
    return kind in _FLAGS and type(content) is bool


def is_plain_member(value: Any, shape: Any) -> bool:
    """Whether the model expects an attribute value here, and `value` is a plain one."""
    return bool(shape.name == "AttributeValue") and is_plain(value)


_validate = botocore.validate.ParamValidator._validate
_serialize = botocore.serialize.JSONSerializer._serialize
_read_request = moto.core.parse.JSONParser._do_parse
_read_answer = botocore.parsers.JSONParser._handle_json_body


def _validate_parameter(self: Any, params: Any, shape: Any, errors: Any, name: str) -> None:
    if not is_plain_member(params, shape):
        _validate(self, params, shape, errors, name)


def _serialize_member(self: Any, serialized: Any, value: Any, shape: Any, key: Any = None) -> None:
    if is_plain_member(value, shape):
        serialized[key] = value
    else:
        _serialize(self, serialized, value, shape, key)


def _parse_request(self: Any, request: Any, shape: Any) -> Any:
    operation = self.operation_model
    body = request["body"]
    if operation.name in ITEM_OPERATIONS and operation.service_model.service_name == "dynamodb" and not _blobs(body):
        return _known_members(json.loads(body), shape)
    return _read_request(self, request, shape)


def _parse_answer(self: Any, raw_body: bytes, shape: Any) -> Any:
    if shape.name in _ITEM_OUTPUTS and not _blobs(raw_body):
        return _known_members(self._parse_body_as_json(raw_body), shape)
    return _read_answer(self, raw_body, shape)


def _blobs(body: bytes) -> bool:
    return any(mark in body for mark in _BLOBS)


def _known_members(parsed: dict[str, Any], shape: Any) -> dict[str, Any]:
    """Drops members that the model does not know, and nulls, as the library's parsers do."""
    members = shape.members
    return {name: value for name, value in parsed.items() if name in members and value is not None}


def patches() -> list[Patch]:
    reason = "the library looks up each leaf of an item in the model: half the cost of an item operation"
    return [
        Patch(botocore.validate.ParamValidator, "_validate", _validate_parameter, reason),
        Patch(botocore.serialize.JSONSerializer, "_serialize", _serialize_member, reason),
        Patch(moto.core.parse.JSONParser, "_do_parse", _parse_request, reason),
        Patch(botocore.parsers.JSONParser, "_handle_json_body", _parse_answer, reason),
    ]
