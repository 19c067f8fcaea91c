"""Skips work of botocore's clients whose result the simulator does not read, or which never changes.

A signature proves the caller's identity to AWS. For clients of this process the simulator reads only the access key,
Region and service from the Authorization header, as moto does. The replacement writes this header without computing
the signature, which saves a tenth of a call.
"""

from __future__ import annotations

import weakref
from typing import Any

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.compat import get_current_datetime
from botocore.context import get_context
from botocore.exceptions import NoCredentialsError
from botocore.useragent import UserAgentString

from simulator.patches.patching import Patch

_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_UNSIGNED = "0" * 64
# The signers that write this header; presigned URLs keep their real signature.
_HEADER_SIGNERS = (SigV4Auth, S3SigV4Auth)

_add_auth = SigV4Auth.add_auth
_to_string = UserAgentString.to_string
_user_agents: weakref.WeakKeyDictionary[Any, dict[frozenset[str], str]] = weakref.WeakKeyDictionary()


def _add_header(self: Any, request: Any) -> None:
    if type(self) not in _HEADER_SIGNERS:
        _add_auth(self, request)
        return
    if self.credentials is None:
        raise NoCredentialsError()
    request.context["timestamp"] = get_current_datetime().strftime(_TIMESTAMP)
    self._modify_request_before_signing(request)
    credential = f"AWS4-HMAC-SHA256 Credential={self.scope(request)}"
    request.headers["Authorization"] = f"{credential}, SignedHeaders=host, Signature={_UNSIGNED}"


def _user_agent(self: Any) -> str:
    """A client's User-Agent depends only on the features that a call uses."""
    if self._client_config is None:
        return str(_to_string(self))
    context = get_context()
    features = frozenset(self._client_features or ()) | frozenset(context.features if context is not None else ())
    known = _user_agents.setdefault(self, {})
    if features not in known:
        known[features] = _to_string(self)
    return known[features]


def patches() -> list[Patch]:
    return [
        Patch(SigV4Auth, "add_auth", _add_header, "a tenth of a call for a signature that is not verified"),
        Patch(UserAgentString, "to_string", _user_agent, "each call builds its User-Agent twice, 0.1 ms"),
    ]
