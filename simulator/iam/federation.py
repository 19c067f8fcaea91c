"""AssumeRoleWithWebIdentity and AssumeRoleWithSAML: the role's trust policy judges the claims of a token.

The caller has no credentials, only a token of an identity provider. Its signature is not checked: the simulator has
no connection to the provider. Provider, audience, expiry and the conditions of the trust policy are.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from moto.iam.models import iam_backends

from simulator.iam.access import Access
from simulator.iam.request_context import UnknownConditionKey
from simulator.iam.resource_policies import trust_policy

WEB, SAML = "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"
# Providers that a trust policy names without an ARN.
_KNOWN_PROVIDERS = frozenset(
    {"accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com"}
)
_RECIPIENT = re.compile(r'Recipient="([^"]+)"')


class FederationRefused(Exception):
    """STS refuses the token or the role, with this error."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


@dataclass(frozen=True)
class Identity:
    """The provider as trust policies name it, and the values of its condition keys."""

    provider: str
    values_of: Mapping[str, tuple[str, ...]]
    subject: str = ""
    audience: str = ""

    # The protocol of `conditions.Facts`.

    def values(self, key: str) -> tuple[str, ...] | None:
        prefix = key.rpartition(":")[0].lower()
        if prefix in ("aws", "iam"):
            raise UnknownConditionKey(key)
        return self.values_of.get(key.lower())

    def substitute(self, text: str) -> str:
        return text


def authorise_federation(operation: str, parameters: Mapping[str, Any], now: datetime) -> Identity:
    """The identity that may assume the role. Raises FederationRefused."""
    account = str(parameters["RoleArn"]).split(":")[4]
    identity = _web(parameters, account, now) if operation == WEB else _saml(parameters, account)
    access = Access(identity.provider, f"sts:{operation}", parameters["RoleArn"], account, "us-east-1")
    allowed = False
    for statement in trust_policy(parameters["RoleArn"]) or ():
        if ("Federated", identity.provider) in (statement.principals or ()) and statement.applies(access, identity):
            if not statement.allows:
                allowed = False
                break
            allowed = True
    if not allowed:
        raise FederationRefused("AccessDenied", f"Not authorized to perform sts:{operation}", 403)
    return identity


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JSON Web Token. Raises FederationRefused."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, ValueError, binascii.Error) as problem:
        text = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
        raise FederationRefused("InvalidIdentityToken", text) from problem
    if not isinstance(claims, dict) or "iss" not in claims:
        raise FederationRefused("InvalidIdentityToken", "Missing a required claim: iss")
    return claims


def _web(parameters: Mapping[str, Any], account: str, now: datetime) -> Identity:
    if parameters.get("ProviderId"):  # an opaque token of OAuth 2, whose claims only the provider knows
        return Identity(str(parameters["ProviderId"]), {})
    claims = claims_of(str(parameters["WebIdentityToken"]))
    if "exp" in claims and datetime.fromtimestamp(float(claims["exp"]), UTC) <= now:
        raise FederationRefused("ExpiredTokenException", "Token expired: the time of its exp claim has passed")
    issuer = str(claims["iss"]).removeprefix("https://")
    audience = _texts(claims.get("azp") or claims.get("aud") or "")
    values = {f"{issuer}:{name}".lower(): _texts(value) for name, value in claims.items()}
    provider = issuer if issuer in _KNOWN_PROVIDERS else _provider_arn(account, issuer, audience)
    return Identity(provider, values, str(claims.get("sub", "")), audience[0])


def _provider_arn(account: str, issuer: str, audience: tuple[str, ...]) -> str:
    for provider in iam_backends[account]["aws"].open_id_providers.values():
        if provider.url == issuer:
            if not set(audience) & set(provider.client_id_list):
                raise FederationRefused("InvalidIdentityToken", "Incorrect token audience")
            return str(provider.arn)
    raise FederationRefused(
        "InvalidIdentityToken", f"No OpenIDConnect provider found in your account for https://{issuer}"
    )


def _saml(parameters: Mapping[str, Any], account: str) -> Identity:
    arn = str(parameters["PrincipalArn"])
    if arn not in iam_backends[account]["aws"].saml_providers:
        raise FederationRefused("InvalidIdentityToken", f"No SAML provider {arn} in your account")
    try:
        document = base64.b64decode(str(parameters["SAMLAssertion"]), validate=True).decode()
    except (ValueError, binascii.Error) as problem:
        raise FederationRefused("InvalidIdentityToken", "Invalid base64 SAMLResponse") from problem
    recipient = _RECIPIENT.search(document)
    return Identity(arn, {"saml:aud": (recipient[1],)} if recipient else {})


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else (str(value),)
