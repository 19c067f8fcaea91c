"""Checks a request's signature: a known Region, and the secret key of its access key.

botocore computes the signature of the received request again. Its date is not checked: virtual time runs ahead of the
clients' time.
"""

from __future__ import annotations

import functools
import hmac
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials
from botocore.loaders import create_loader

from simulator.gateway.http import HttpRequest
from simulator.gateway.presigned import QuerySignature, query_signature

_UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
_WITHOUT_SIGNATURE = re.compile(r"&X-Amz-Signature=[0-9a-f]+|(?<=\?)X-Amz-Signature=[0-9a-f]+&?")
_SIGNED = re.compile(r"SignedHeaders=(?P<headers>[^,\s]+),?\s*Signature=(?P<signature>[0-9a-f]+)")
_SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/")


@functools.cache
def regions() -> frozenset[str]:
    """The Regions of all partitions that botocore knows."""
    partitions = create_loader().load_data("partitions")["partitions"]
    return frozenset(region for partition in partitions for region in partition["regions"])


class _AsSigned:
    """`request` holds exactly the headers that the client has signed. `payload_hash` replaces the hash of the body."""

    payload_hash = ""

    def headers_to_sign(self, request: Any) -> Any:
        return request.headers

    def payload(self, request: Any) -> str:
        return self.payload_hash or str(super().payload(request))  # type: ignore[misc]  # SigV4Auth has it


class _Signature(_AsSigned, SigV4Auth):  # type: ignore[misc]  # botocore publishes no types
    pass


class _S3Signature(_AsSigned, S3SigV4Auth):  # type: ignore[misc]  # botocore publishes no types
    pass


def is_genuine(request: HttpRequest, secret_key: str) -> bool:
    """Whether the request, with its `target` as sent, is signed with this secret key, in its header or its query."""
    given = {name.lower(): value for name, value in request.headers.items()}
    in_query = query_signature(request.url)
    if in_query is not None:
        return _signed_in_query(request, given, in_query, secret_key)
    authorization = given.get("authorization", "")
    scope, signed = _SCOPE.search(authorization), _SIGNED.search(authorization)
    if scope is None or signed is None:
        return False
    expected = _signature_of(request, given, scope, signed["headers"], given.get("x-amz-date", ""), secret_key)
    return hmac.compare_digest(expected, signed["signature"])


def _signed_in_query(request: HttpRequest, given: Mapping[str, str], found: QuerySignature, secret_key: str) -> bool:
    scope = _SCOPE.search(f"Credential={found.credential}")
    if scope is None:
        return False
    payload = _UNSIGNED_PAYLOAD if scope["service"] == "s3" else ""
    unsigned = replace(request, target=_WITHOUT_SIGNATURE.sub("", request.target))
    expected = _signature_of(unsigned, given, scope, found.signed_headers, found.date, secret_key, payload)
    return hmac.compare_digest(expected, found.signature)


def _signature_of(
    request: HttpRequest,
    given: Mapping[str, str],
    scope: re.Match[str],
    signed_headers: str,
    date: str,
    secret: str,
    payload: str = "",
) -> str:
    """The signature that the secret key gives. `payload` replaces the hash of the body where it is not signed."""
    headers = HTTPHeaders()
    for name in signed_headers.split(";"):
        headers[name] = given.get(name, "")
    kind = _S3Signature if scope["service"] == "s3" else _Signature
    auth = kind(Credentials(scope["key"], secret), scope["service"], scope["region"])
    copy = AWSRequest(request.method, f"http://{headers['host']}{request.target}", headers, request.body)
    copy.context["timestamp"] = date
    auth.payload_hash = payload
    return str(auth.signature(auth.string_to_sign(copy, auth.canonical_request(copy)), copy))
