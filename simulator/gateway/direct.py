"""The direct path: calls of this process's clients that reach moto's handlers without a request on the wire.

botocore's client serialises, resolves the endpoint, retries and parses as always. Only the request itself is not made:
nothing signs it, reads its signature, finds its operation, or parses it as a form. A `DirectRequest` stands in its
place, through the same gateway. It serves eight of ten calls of the suite; all other calls, and all calls over a
socket, take the HTTP path. A test compares the journals of both.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest
from botocore.client import BaseClient
from botocore.compat import HTTPHeaders
from botocore.endpoint import Endpoint
from moto.core.responses import BaseResponse
from moto.core.utils import utcnow
from moto.dynamodb.responses import DynamoHandler
from moto.iam.models import get_account_id_from, mark_account_as_visited
from moto.stepfunctions.responses import StepFunctionResponse
from moto.utilities.utils import get_partition
from werkzeug.http import http_date

from simulator.drs.responses import DRSResponse
from simulator.gateway.identity import Credentials
from simulator.gateway.requests import IdentifiedCall, is_for_aws
from simulator.patches.items import BLOBS, ITEM_OPERATIONS
from simulator.patches.patching import Patch

_HANDLERS: dict[str, type[BaseResponse]] = {
    "dynamodb": DynamoHandler,
    "drs": DRSResponse,
    "stepfunctions": StepFunctionResponse,
}
_SIGNER = "simulator.signer"

_make_request = BaseClient._make_request
_create_request = Endpoint.create_request


class DirectRequest(AWSPreparedRequest):  # type: ignore[misc]  # botocore publishes no types
    """Has what botocore's handlers and a retry read of a prepared request, and who calls which operation."""

    def __init__(self, params: dict[str, Any], operation_model: Any, credentials: Credentials, region: str) -> None:
        super().__init__(
            params["method"], params["url"], HTTPHeaders.from_dict(params["headers"]), params["body"], False
        )
        self.operation_model, self.credentials, self.region = operation_model, credentials, region

    @property
    def service(self) -> str:
        return str(self.operation_model.service_model.service_name)

    def identify(self) -> IdentifiedCall:
        operation = self.operation_model
        protocol = "rest-json" if self.service == "drs" else "json"
        parameters = json.loads(self.body)
        return IdentifiedCall(
            self.service,
            operation.name,
            parameters,
            self.region,
            self.credentials.access_key,
            protocol,
            operation,
            self,
            session_token=self.credentials.token,
        )


def reply_to(request: DirectRequest) -> tuple[int, dict[str, Any], str | bytes]:
    """(status, headers, body) of moto's handler, set up as its `setup_class` does for such a request."""
    handler: Any = _HANDLERS[request.service]()
    handler.is_werkzeug_request = False
    handler.normalized_request = request
    handler.parsed_url = urlsplit(request.url)
    handler.uri, handler.path, handler.raw_path = request.url, handler.parsed_url.path, handler.parsed_url.path
    handler.method, handler.headers, handler.raw_body = request.method, request.headers, request.body
    handler.form_data = handler.querystring = handler.data = handler.uri_match = {}
    handler.body = request.body.decode()
    if handler.automated_parameter_parsing:
        handler.params = json.loads(request.body)  # the journal holds another copy
    handler.region, handler.partition = request.region, get_partition(request.region)
    handler.response_headers = {"server": "amazon.com", "date": http_date(utcnow())}
    handler._get_action = lambda: request.operation_model.name
    handler.access_key = request.credentials.access_key
    handler.current_account = get_account_id_from(handler.access_key)
    mark_account_as_visited(
        account_id=handler.current_account,
        access_key=handler.access_key,
        service=handler.service_name,
        region=request.region,
    )
    reply: tuple[int, dict[str, Any], str | bytes] = handler.call_action()
    return reply


def _is_served(operation: Any, params: dict[str, Any]) -> bool:
    """Whether the body alone holds the parameters of this operation, as plain JSON: no blobs, no parts in the URL."""
    service = operation.service_model.service_name
    if service not in _HANDLERS or params["method"] != "POST" or not params["body"] or not is_for_aws(params["url"]):
        return False
    if service == "dynamodb":
        return operation.name in ITEM_OPERATIONS and not any(mark in params["body"] for mark in BLOBS)
    return "{" not in operation.http["requestUri"]


def _note_signer(self: Any, operation_model: Any, request_dict: Any, request_context: Any) -> Any:
    request_context[_SIGNER] = self._request_signer
    return _make_request(self, operation_model, request_dict, request_context)


def _make_direct(self: Any, params: dict[str, Any], operation_model: Any = None) -> Any:
    """A request without credentials, or with another signature than AWS's usual one, takes the HTTP path."""
    context: dict[str, Any] = params["context"]
    signer = context.get(_SIGNER)
    if operation_model is None or signer is None or signer._credentials is None:
        return _create_request(self, params, operation_model)
    signature = context.get("auth_type") or signer.signature_version
    if signature != "v4" or not _is_served(operation_model, params):
        return _create_request(self, params, operation_model)
    keys = signer._credentials.get_frozen_credentials()
    credentials = Credentials(keys.access_key, keys.secret_key, keys.token or None)
    region = context.get("signing", {}).get("region") or signer.region_name
    return DirectRequest(params, operation_model, credentials, region)


def patches() -> list[Patch]:
    return [
        Patch(
            BaseClient, "_make_request", _note_signer, "the endpoint makes requests, but does not know who signs them"
        ),
        Patch(Endpoint, "create_request", _make_direct, "a request costs as much as its effect"),
    ]
