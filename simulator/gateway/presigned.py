"""Requests without an Authorization header: presigned URLs, and operations that need no credentials.

A presigned URL carries the signature in its query. `with_header` moves it to the header, where the rest of the
simulator and moto read it. The signature is checked on the original request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from simulator.gateway.http import HttpRequest

SECURITY_HEADER = "X-Amz-Security-Token"
_AUTHENTICATION = frozenset(
    {
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
        SECURITY_HEADER,
    }
)
_ACTION = re.compile(rb"(?:^|[&?])Action=(\w+)")
# The operations that need no credentials (`authtype: none` in the model of STS).
UNSIGNED = {"AssumeRoleWithSAML": "sts", "AssumeRoleWithWebIdentity": "sts"}
"""Operation and service."""


@dataclass(frozen=True)
class QuerySignature:
    credential: str
    signed_headers: str
    signature: str
    date: str
    expires: int

    def has_expired(self, now: datetime) -> bool:
        made = datetime.strptime(self.date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        return now > made + timedelta(seconds=self.expires)


def query_signature(url: str) -> QuerySignature | None:
    """The signature in the query of a presigned URL; None when there is none. Raises ValueError if it is incomplete."""
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    if "X-Amz-Signature" not in query:
        return None
    try:
        return QuerySignature(
            query["X-Amz-Credential"],
            query["X-Amz-SignedHeaders"],
            query["X-Amz-Signature"],
            query["X-Amz-Date"],
            # STS requests signed in the query may lack it; AWS's default is 15 minutes [U].
            int(query.get("X-Amz-Expires", "900")),
        )
    except KeyError as missing:
        raise ValueError(f"the presigned URL lacks {missing.args[0]}") from missing


def with_header(request: HttpRequest) -> HttpRequest:
    """The same request with its signature in the Authorization header, if its query has one."""
    found = query_signature(request.url)
    if found is None:
        return request
    parts = urlsplit(request.url)
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = [(name, value) for name, value in query if name not in _AUTHENTICATION]
    token = {name: value for name, value in query if name == SECURITY_HEADER}
    authorization = (
        f"AWS4-HMAC-SHA256 Credential={found.credential}, SignedHeaders={found.signed_headers}, "
        f"Signature={found.signature}"
    )
    headers = {**request.headers, "Authorization": authorization, "X-Amz-Date": found.date, **token}
    return replace(request, url=parts._replace(query=urlencode(kept)).geturl(), headers=headers)


def unsigned_operation(request: HttpRequest) -> str | None:
    """The operation of a request that needs no credentials; None for every other request."""
    found = _ACTION.search(request.body) or _ACTION.search(urlsplit(request.url).query.encode())
    name = found[1].decode() if found else ""
    return name if name in UNSIGNED else None
