"""The principal behind an access key, and when its credentials expire. Read from moto's IAM and STS backends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import boto3
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition

# The attribute of a session that a service of AWS made for itself, such as Lambda for an execution environment.
_RENEWED = "renewed_by_aws"
SERVICE_SESSION_SECONDS = 365 * 24 * 3600  # AWS renews the sessions of its services
_ADMINISTRATOR = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'


@dataclass(frozen=True)
class Credentials:
    """Keys as boto3 takes them; a user's long-term keys have no token."""

    access_key: str
    secret_key: str
    token: str | None = None

    def session(self, region: str) -> boto3.Session:
        return boto3.Session(self.access_key, self.secret_key, self.token, region_name=region)

    def variables(self) -> dict[str, str]:
        """The environment variables from which AWS clients read credentials by default.

        An empty token hides that of another session in the environment.
        """
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_SESSION_TOKEN": self.token or "",
        }


@dataclass(frozen=True)
class CallingPrincipal:
    """`arn` as in sts:GetCallerIdentity; `expires` is None for the long-term keys of a user."""

    account: str
    arn: str
    credentials: Credentials
    expires: datetime | None = None


def calling_principal(access_key: str) -> CallingPrincipal | None:
    """The principal of the key; None for an unknown key."""
    for account, backend in _made(sts_backends):
        role = backend.get_assumed_role_from_access_key(access_key)
        if role is not None:
            keys = Credentials(access_key, role.secret_access_key, role.session_token)
            return CallingPrincipal(account, role.arn, keys, role.expiration.replace(tzinfo=UTC))
    for account, backend in _made(iam_backends):
        key = backend.access_keys.get(access_key)
        if key is not None and key.user_name:
            keys = Credentials(access_key, key.secret_access_key)
            return CallingPrincipal(account, backend.get_user(key.user_name).arn, keys)
    return None


def end_session(access_key: str, now: datetime) -> None:
    """Let the credentials of an assumed role expire now, for all later calls too; AWS renews those of its services."""
    for _, backend in _made(sts_backends):
        role = backend.get_assumed_role_from_access_key(access_key)
        if role is not None and not hasattr(role, _RENEWED):
            role.expiration = now.replace(tzinfo=None)


def _made(backends: Any) -> Iterator[tuple[str, Any]]:
    """The account and backend of each partition in which a backend exists; moto's own `in` is true for others too."""
    for account, partitions in list(backends.items()):
        yield from ((account, partitions[name]) for name in list(partitions.keys()))


def user_credentials(account: str, region: str, user: str, policy: str | None = None) -> Credentials:
    """Credentials of an IAM user in the Region's partition.

    Creates the user if needed, as an administrator unless `policy` (JSON) is given.
    """
    partition = get_partition(region)
    backend = iam_backends[account][partition]
    if user not in {existing.name for existing in backend.users.values()}:
        backend.create_user(region_name=partition, user_name=user)
        backend.put_user_policy(user, "simulator", policy or _ADMINISTRATOR)
        backend.create_access_key(user_name=user)
    key = backend.list_access_keys(user)[0]
    return Credentials(key.access_key_id, key.secret_access_key)


def region_of(partition: str) -> str:
    """A Region of the partition, for calls that concern the whole of it."""
    return "us-east-1" if partition == "aws" else boto3.Session().get_available_regions("sts", partition)[0]


def service_credentials(role_arn: str, session_name: str, *, seconds: int = SERVICE_SESSION_SECONDS) -> Credentials:
    """Credentials with which an AWS service acts under `role_arn`."""
    _, partition, _, _, account, _ = role_arn.split(":", 5)
    role: Any = sts_backends[account][partition].assume_role(
        region_name=region_of(partition),
        role_session_name=session_name,
        role_arn=role_arn,
        policy="",
        duration=seconds,
        external_id="",
    )
    setattr(role, _RENEWED, True)
    return Credentials(role.access_key_id, role.secret_access_key, role.session_token)
