"""Authenticates the caller of a request: Region, access key, session token, signature, expiry, in this order."""

from __future__ import annotations

from datetime import datetime

from simulator.gateway.direct import DirectRequest
from simulator.gateway.http import HttpRequest
from simulator.gateway.identity import CallingPrincipal
from simulator.gateway.presigned import query_signature
from simulator.gateway.requests import IdentifiedCall
from simulator.gateway.service_errors import AwsError, error_codes
from simulator.gateway.signatures import is_genuine, regions
from simulator.time.clock import real_now


def authenticate(
    call: IdentifiedCall, principal: CallingPrincipal | None, request: HttpRequest | DirectRequest, now: datetime
) -> None:
    """Raises AwsError for credentials that AWS refuses. An operation that needs no credentials has no access key."""
    codes = error_codes(call.service)
    if call.region not in regions():
        code, status = codes.bad_signature
        raise AwsError(code, f"Credential should be scoped to a valid Region, not '{call.region}'.", status)
    if not call.access_key:
        return
    if principal is None or call.session_token != principal.credentials.token:
        # Temporary keys without their token are unknown keys, in field reports. That another session's token, and a
        # token beside a user's keys, get the same answer is a guess [U].
        code, status = codes.unknown_key
        raise AwsError(code, "The security token included in the request is invalid.", status)
    _require_signature(call, principal, request)
    if principal.expires is not None and principal.expires <= now:
        raise expired(call)


def expired(call: IdentifiedCall) -> AwsError:
    code, status = error_codes(call.service).expired_token
    return AwsError(code, "The security token included in the request is expired", status)


def _require_signature(call: IdentifiedCall, principal: CallingPrincipal, request: HttpRequest | DirectRequest) -> None:
    if not _is_signed_with(request, principal.credentials.secret_key):
        code, status = error_codes(call.service).bad_signature
        text = (
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method."
        )
        raise AwsError(code, text, status)
    in_query = query_signature(request.url)
    if in_query is not None and in_query.has_expired(real_now()):
        raise AwsError(error_codes(call.service).access_denied[0], "Request has expired", 403)


def _is_signed_with(request: HttpRequest | DirectRequest, secret_key: str) -> bool:
    """A request on the direct path has no signature, but the secret key that would have made it."""
    if isinstance(request, DirectRequest):
        return request.credentials.secret_key == secret_key
    return is_genuine(request, secret_key)
