"""Identifies the AWS call in an HTTP request from any transport, and parses its response."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from botocore.parsers import create_parser
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol, normalize_request
from moto.core.routing import get_service_router
from moto.core.utils import get_service_model

from simulator.gateway import presigned, service_names
from simulator.gateway.differences import NotOffered
from simulator.gateway.http import HttpRequest, HttpResponse
from simulator.gateway.service_errors import AwsError
from simulator.patches.items import ITEM_OPERATIONS

_SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<name>[^/]+)/aws4_request")
_AWS_HOST = re.compile(r"(?P<name>.+)\.amazonaws\.(com|com\.cn|eu)")
_GLOBAL_HOSTS = {"iam": "iam.amazonaws.com"}


def is_for_aws(url: str) -> bool:
    """Whether the URL has a host name of AWS, in any partition that the simulator offers."""
    return _AWS_HOST.fullmatch(urlsplit(url).hostname or "") is not None


class NotAnAwsRequest(ValueError):
    """The request is not signed for an AWS service, or no operation of that service has its form."""


class MalformedRequest(ValueError):
    """The request names an operation, but its body cannot be read. `error` is the service's answer."""

    def __init__(self, protocol: str, code: str, message: str) -> None:
        super().__init__(message)
        self.protocol, self.error = protocol, AwsError(code, message, 400)


@dataclass(frozen=True)
class IdentifiedCall:
    """`parameters` have boto3's names; `prepared` is the request, addressed to the service's AWS host.

    `normalized` is moto's form of the request, where identifying the call required it. `access_key` is empty for an
    operation that needs no credentials, `session_token` is None for a user's keys.
    """

    service: str
    operation: str
    parameters: dict[str, Any]
    region: str
    access_key: str
    protocol: str
    operation_model: Any
    prepared: AWSPreparedRequest
    normalized: Request | None = None
    session_token: str | None = None

    @property
    def is_item_operation(self) -> bool:
        """DynamoDB's calls on items: their attribute values are deep, and the model does not restrict them."""
        return self.service == "dynamodb" and self.operation in ITEM_OPERATIONS


@dataclass(frozen=True)
class _Scope:
    """The access key, Region and service that a signature names."""

    key: str
    region: str
    name: str


def identify(request: HttpRequest) -> IdentifiedCall:
    try:
        request = presigned.with_header(request)
    except ValueError as problem:
        raise NotAnAwsRequest(str(problem)) from problem
    headers = HTTPHeaders()
    for name, value in request.headers.items():
        headers[name] = value
    scope = _scope(request, headers)
    services = service_names.services_of(scope.name)
    target = headers.get("X-Amz-Target")
    if target:
        service = service_names.of_target(services, target)
        prepared = _prepared(request, headers, service, scope.region)
        normalized = None
        protocol, operation, parameters = _parse_target(service, prepared, target)
    else:
        service, prepared, normalized, (protocol, operation, parameters) = _match(request, headers, services, scope)
    return IdentifiedCall(
        service,
        operation.name,
        parameters,
        scope.region,
        scope.key,
        protocol,
        operation,
        prepared,
        normalized,
        headers.get(presigned.SECURITY_HEADER) or None,
    )


_Parsed = tuple[str, Any, dict[str, Any]]


def _match(
    request: HttpRequest, headers: HTTPHeaders, services: tuple[str, ...], scope: _Scope
) -> tuple[str, AWSPreparedRequest, Request, _Parsed]:
    """The first of the services that has an operation of the request's form. Raises NotAnAwsRequest."""
    problem = NotAnAwsRequest(f"no service that signs as {scope.name} has the API version of {request.url}")
    prepared = _prepared(request, headers, services[0], scope.region)
    normalized = normalize_request(prepared)
    for service in service_names.of_version(services, normalized):
        if service != services[0]:
            prepared = _prepared(request, headers, service, scope.region)
            normalized = normalize_request(prepared)
        if service == "s3":
            normalized.get_data()  # the body of an object stays whole if its content type is that of a form
        try:
            return service, prepared, normalized, _parse(service, normalized)
        except NotAnAwsRequest as mismatch:
            problem = mismatch
    raise problem


def _prepared(request: HttpRequest, headers: HTTPHeaders, service: str, region: str) -> AWSPreparedRequest:
    url = _at_aws(request.url, service, region)
    return AWSPreparedRequest(request.method, url, headers, request.body, False)


def _scope(request: HttpRequest, headers: HTTPHeaders) -> _Scope:
    found = _SCOPE.search(headers.get("Authorization", "") or "")
    if found is not None:
        return _Scope(found["key"], found["region"], found["name"])
    operation = presigned.unsigned_operation(request)
    if operation is None:
        raise NotAnAwsRequest(f"{request.method} {request.url} is not signed with AWS signature version 4")
    return _Scope("", "us-east-1", presigned.UNSIGNED[operation])


def _parse_target(service: str, prepared: AWSPreparedRequest, target: str) -> _Parsed:
    """The JSON protocol needs no model to parse. Blobs stay base64 text, as on the wire."""
    name = target.rpartition(".")[2]
    model = get_service_model(service)
    if name not in model.operation_names:
        raise NotOffered(service, name, "json")
    return "json", model.operation_model(name), _json_object(prepared.body)


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body or b"{}")
    except ValueError as problem:
        raise MalformedRequest("json", "SerializationException", f"The body is not JSON: {problem}") from problem
    if not isinstance(document, dict):
        raise MalformedRequest("json", "SerializationException", "The body is not a JSON object")
    return document


def _parse(service: str, wsgi: Request) -> _Parsed:
    try:
        operation, uri_parameters = get_service_router(service).match(wsgi)
    except Exception as error:
        raise NotAnAwsRequest(f"{service} has no operation for {wsgi.method} {wsgi.url}") from error
    protocol = determine_request_protocol(get_service_model(service), wsgi.content_type)
    parameters = PROTOCOL_PARSERS[protocol](operation).parse(
        {
            "method": wsgi.method,
            "values": wsgi.values,
            "headers": wsgi.headers,
            "body": wsgi.data,
            "url_path": wsgi.path,
            "url_params": uri_parameters,
        }
    )
    parsed = dict(parameters)
    if service == "sqs" and len(wsgi.path) > 1 and "QueueUrl" in operation.input_shape.members:
        parsed.setdefault("QueueUrl", wsgi.base_url)  # older SDKs send the request to the queue's URL
    if protocol in ("query", "ec2") and operation.input_shape is not None:
        for name in operation.input_shape.required_members:
            if operation.input_shape.members[name].type_name == "map":
                parsed.setdefault(name, {})  # an empty map leaves no trace on the wire
    return protocol, operation, parsed


def parse_response(call: IdentifiedCall, response: HttpResponse) -> dict[str, Any]:
    """boto3's result for the response: the operation's output or {"Error": …}, with ResponseMetadata."""
    if call.is_item_operation and response.status < 300:
        return dict(json.loads(response.body))  # botocore needs 50 times as long for the same result
    parser = create_parser(call.protocol)
    lower = HTTPHeaders()
    for name, value in response.headers.items():
        lower[name] = str(value)
    # botocore's parser expects a file object for a stream, and decodes bytes as text.
    is_stream = call.operation_model.has_streaming_output and response.status < 300
    body = io.BytesIO(response.body) if is_stream else response.body
    shape = call.operation_model.output_shape
    parsed = dict(parser.parse({"status_code": response.status, "headers": lower, "body": body}, shape))
    return {name: response.body if value is body else value for name, value in parsed.items()} if is_stream else parsed


def _at_aws(url: str, service: str, region: str) -> str:
    """moto recognises services by their AWS host names, so a request to another host gets the AWS host name."""
    parts = urlsplit(url)
    aws = _AWS_HOST.fullmatch(parts.hostname or "")
    if aws is not None:
        # moto does not know the suffixes of every service in China and in the European Sovereign Cloud.
        return parts._replace(netloc=f"{aws['name']}.amazonaws.com").geturl()
    host = _GLOBAL_HOSTS.get(service) or f"{service_names.host_prefix(service)}.{region}.amazonaws.com"
    if service == "s3" and (bucket := (parts.hostname or "").removesuffix(".localhost")) != parts.hostname:
        host = f"{bucket}.{host}"  # the host name may contain the bucket
    return parts._replace(scheme="https", netloc=host).geturl()
