"""Sessions of STS that moto answers with fixed keys: of a user, of a federated user, and of a web identity."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends
from moto.sts.responses import TokenResponse
from moto.sts.utils import random_session_token

from simulator.iam.federation import FederationRefused, claims_of
from simulator.patches.patching import Patch

_TWELVE_HOURS = 43_200
_web_identity = TokenResponse.assume_role_with_web_identity
_federation = TokenResponse.get_federation_token


class UserSession:
    """Temporary keys with the form of moto's AssumedRole. `parent_arn` is the user whose policies apply."""

    def __init__(self, account: str, partition: str, arn: str, user_id: str, parent_arn: str, seconds: int) -> None:
        key = iam_backends[account][partition].create_temp_access_key()
        self.account_id, self.partition, self.arn, self.user_id, self.parent_arn = (
            account,
            partition,
            arn,
            user_id,
            parent_arn,
        )
        self.access_key_id, self.secret_access_key = key.access_key_id, key.secret_access_key
        self.session_token = random_session_token()
        self.expiration = utcnow() + timedelta(seconds=seconds)
        self.policy: str | None = None
        sts_backends[account][partition].assumed_roles.append(self)


def _get_session_token(response: Any) -> ActionResult:
    user_id, arn, account = response.backend.get_caller_identity(response.get_access_key(), response.region)
    seconds = response._get_int_param("DurationSeconds", _TWELVE_HOURS)
    return ActionResult({"Credentials": UserSession(account, response.partition, arn, user_id, arn, seconds)})


def _get_federation_token(response: Any) -> ActionResult:
    result = _federation(response)  # it checks the length of the policy
    _, parent, account = response.backend.get_caller_identity(response.get_access_key(), response.region)
    seconds = response._get_int_param("DurationSeconds", _TWELVE_HOURS)
    user = result.result["FederatedUser"]
    session = UserSession(account, response.partition, user["Arn"], user["FederatedUserId"], parent, seconds)
    session.policy = response._get_param("Policy")
    return ActionResult({**result.result, "Credentials": session})


def _assume_role_with_web_identity(response: Any) -> ActionResult:
    result = _web_identity(response)
    role: Any = result.result["Credentials"]
    claims = _claims(response)
    known = {
        "SubjectFromWebIdentityToken": claims.get("sub"),
        "Audience": claims.get("azp") or claims.get("aud"),
        "Provider": response._get_param("ProviderId") or str(claims.get("iss", "")).removeprefix("https://") or None,
    }
    user = {"AssumedRoleId": role.user_id, "Arn": role.arn}
    return ActionResult({**result.result, **known, "AssumedRoleUser": user})


def _claims(response: Any) -> dict[str, Any]:
    try:
        return claims_of(response._get_param("WebIdentityToken"))
    except FederationRefused:  # an opaque token, or IAM is not enforced
        return {}


def patches() -> list[Patch]:
    reason = "moto answers with fixed keys, which belong to no caller"
    return [
        Patch(TokenResponse, "get_session_token", _get_session_token, reason),
        Patch(TokenResponse, "get_federation_token", _get_federation_token, reason),
        Patch(
            TokenResponse,
            "assume_role_with_web_identity",
            _assume_role_with_web_identity,
            "moto omits provider, subject and audience, and invents the id of the role",
        ),
    ]
