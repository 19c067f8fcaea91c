"""Fast responses for DynamoDB's item operations.

moto 5.2.5 sends every response through a serializer that looks up each member in the service model: 25 ms for an item
of a few kilobytes, since an attribute value is a deep structure. The results of item operations already have the wire
format, so one pass converts moto's stored values and writes them as JSON. botocore parses both responses to the same
value (a test compares them).
"""

from __future__ import annotations

import base64
import json
from typing import Any

from moto.core.responses import ActionContext, ActionResult
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.utilities import dynamo_to_dict
from moto.dynamodb.responses import DynamoResult

from simulator.patches.patching import Patch

ITEM_OPERATIONS = frozenset(
    {
        "BatchGetItem",
        "BatchWriteItem",
        "DeleteItem",
        "GetItem",
        "PutItem",
        "Query",
        "Scan",
        "TransactGetItems",
        "TransactWriteItems",
        "UpdateItem",
    }
)
_HEADERS = {"Content-Type": "application/x-amz-json-1.0"}

_execute_result = ActionResult.execute_result
_convert_result = DynamoResult.__init__


def patches() -> list[Patch]:
    return [
        Patch(ActionResult, "execute_result", _answer, "25 ms a response become 0.1 ms"),
        Patch(DynamoResult, "__init__", ActionResult.__init__, "a conversion that `_answer` does anyway"),
    ]


def _answer(self: ActionResult, context: ActionContext) -> Any:
    result = self.result
    is_item = context.service_model.service_name == "dynamodb" and context.operation_model.name in ITEM_OPERATIONS
    if not is_item or not isinstance(result, dict):
        if isinstance(self, DynamoResult):
            self._result = dynamo_to_dict(result)
        return _execute_result(self, context)
    return 200, dict(_HEADERS), json.dumps(_on_the_wire(result), default=_blob)


def _blob(value: bytes) -> str:
    return base64.b64encode(value).decode()


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
