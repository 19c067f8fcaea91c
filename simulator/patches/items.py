"""Shortcuts for DynamoDB's items, which are trees of hundreds of small attribute values.

botocore and moto look up each leaf of an item in the service model. A plain attribute value (valid and without blobs)
leaves these passes unchanged, so one quick check replaces them. moto's results of item operations already have the
wire format, so one pass writes them as JSON. Any other value takes the library's own path. Tests compare both paths.
"""

from __future__ import annotations

import base64
import json
from typing import Any

from botocore.parsers import JSONParser
from botocore.validate import ParamValidator
from moto.core.responses import ActionContext, ActionResult
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.utilities import bytesize, dynamo_to_dict
from moto.dynamodb.responses import DynamoResult

from simulator.patches.patching import Patch

_SINGLE = ("DeleteItem", "GetItem", "PutItem", "Query", "Scan", "UpdateItem")
_MANY = ("BatchGetItem", "BatchWriteItem", "TransactGetItems", "TransactWriteItems")
ITEM_OPERATIONS = frozenset(_SINGLE + _MANY)
BLOBS = (b'"B"', b'"BS"')
LONGEST_NAME = 65535  # the service model's limit for an attribute name
MOTO_ITEM_LIMIT = 405_000  # of LimitedSizeDict; `services.dynamodb.metering` checks the exact limit before
# Outputs that hold only attribute values and plain JSON. No other service has an output of the same name.
_ITEM_OUTPUTS = frozenset({"BatchGetItemOutput", "GetItemOutput", "QueryOutput", "ScanOutput"})

_validate = ParamValidator._validate
_read_answer = JSONParser._handle_json_body
_execute_result = ActionResult.execute_result
_convert_result = DynamoResult.__init__


def is_plain(value: Any) -> bool:
    """Whether this is an attribute value that satisfies the model and holds neither a blob nor a set."""
    if type(value) is not dict or len(value) != 1:
        return False
    ((kind, content),) = value.items()
    if kind in ("S", "N"):
        return type(content) is str
    if kind == "M":
        return type(content) is dict and all(
            type(name) is str and len(name) <= LONGEST_NAME and is_plain(item) for name, item in content.items()
        )
    if kind == "L":
        return type(content) is list and all(map(is_plain, content))
    return kind in ("BOOL", "NULL") and type(content) is bool


def is_plain_member(value: Any, shape: Any) -> bool:
    """Whether the model expects an attribute value here, and `value` is a plain one."""
    return bool(shape.name == "AttributeValue") and is_plain(value)


def _validate_parameter(self: Any, params: Any, shape: Any, errors: Any, name: str) -> None:
    if not is_plain_member(params, shape):
        _validate(self, params, shape, errors, name)


def _parse_answer(self: Any, raw_body: bytes, shape: Any) -> Any:
    if shape.name not in _ITEM_OUTPUTS or any(mark in raw_body for mark in BLOBS):
        return _read_answer(self, raw_body, shape)
    parsed = self._parse_body_as_json(raw_body)
    return {name: value for name, value in parsed.items() if name in shape.members and value is not None}


def _answer(self: ActionResult, context: ActionContext) -> Any:
    result = self.result
    is_item = context.service_model.service_name == "dynamodb" and context.operation_model.name in ITEM_OPERATIONS
    if not is_item or not isinstance(result, dict):
        if isinstance(self, DynamoResult):
            self._result = dynamo_to_dict(result)
        return _execute_result(self, context)
    body = json.dumps(_on_the_wire(result), default=lambda blob: base64.b64encode(blob).decode())
    return 200, {"Content-Type": "application/x-amz-json-1.0"}, body


def _on_the_wire(value: Any) -> Any:
    """Stored values in the wire format. moto stores None for an absent member; the wire format omits it."""
    kind = type(value)
    if kind is str:
        return value
    if kind is DynamoType:
        return _attribute(value.type, value.value)
    if isinstance(value, dict):
        return {key: _on_the_wire(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_on_the_wire(item) for item in value]
    return _on_the_wire(value.to_json()) if hasattr(value, "to_json") else value


def _attribute(kind: str, content: Any) -> dict[str, Any]:
    if kind in ("S", "N"):
        return {kind: content}
    if kind == "B":
        return {kind: content if isinstance(content, bytes) else base64.b64decode(content)}
    if kind == "BS":
        return {kind: [one if isinstance(one, bytes) else base64.b64decode(one) for one in content]}
    return {kind: _on_the_wire(content)}


def _make_item(self: Any, hash_key: Any, range_key: Any, attrs: dict[str, Any]) -> None:
    self.hash_key, self.range_key, self.attrs = hash_key, range_key, LimitedSizeDict()
    values = {name: DynamoType(value) for name, value in attrs.items()}
    if sum(bytesize(name) + value.size() for name, value in values.items()) > MOTO_ITEM_LIMIT:
        raise ItemSizeTooLarge
    dict.update(self.attrs, values)


def patches() -> list[Patch]:
    return [
        Patch(ParamValidator, "_validate", _validate_parameter, "botocore checks each leaf of an item"),
        Patch(JSONParser, "_handle_json_body", _parse_answer, "botocore reads each leaf of an item"),
        Patch(ActionResult, "execute_result", _answer, "moto's serialiser takes half the time of an item operation"),
        Patch(DynamoResult, "__init__", ActionResult.__init__, "a conversion that `_answer` does anyway"),
        Patch(Item, "__init__", _make_item, "moto computes an item's size for each attribute that it adds"),
    ]
