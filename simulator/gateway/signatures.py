"""Checks a request's signature: a known Region, and the secret key of its access key.

botocore computes the signature of the received request again. Its date is not checked: virtual time runs ahead of the
clients' time.
"""

from __future__ import annotations

import functools
import hmac
import re
from typing import Any

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials
from botocore.loaders import create_loader

from simulator.gateway.requests import HttpRequest

_SIGNED = re.compile(r"SignedHeaders=(?P<headers>[^,\s]+),?\s*Signature=(?P<signature>[0-9a-f]+)")
_SCOPE = re.compile(r"Credential=(?P<key>[^/]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/")


@functools.cache
def regions() -> frozenset[str]:
    """The Regions of all partitions that botocore knows."""
    partitions = create_loader().load_data("partitions")["partitions"]
    return frozenset(region for partition in partitions for region in partition["regions"])


class _AsSigned:
    """`request` holds exactly the headers that the client has signed."""

    def headers_to_sign(self, request: Any) -> Any:
        return request.headers


class _Signature(_AsSigned, SigV4Auth):  # type: ignore[misc]  # botocore publishes no types
    pass


class _S3Signature(_AsSigned, S3SigV4Auth):  # type: ignore[misc]  # botocore publishes no types
    pass


def is_genuine(request: HttpRequest, secret_key: str) -> bool:
    """Whether the request, with its `target` as sent, is signed with this secret key."""
    given = {name.lower(): value for name, value in request.headers.items()}
    authorization = str(given.get("authorization", ""))
    scope, signed = _SCOPE.search(authorization), _SIGNED.search(authorization)
    if scope is None or signed is None:
        return False
    headers = HTTPHeaders()
    for name in signed["headers"].split(";"):
        headers[name] = str(given.get(name, ""))
    kind = _S3Signature if scope["service"] == "s3" else _Signature
    auth = kind(Credentials(scope["key"], secret_key), scope["service"], scope["region"])
    copy = AWSRequest(request.method, f"http://{headers['host']}{request.target}", headers, request.body)
    copy.context["timestamp"] = str(given.get("x-amz-date", ""))
    expected = auth.signature(auth.string_to_sign(copy, auth.canonical_request(copy)), copy)
    return hmac.compare_digest(expected, signed["signature"])
