"""Clients for the target account and Region of a plan, with the engine's role or an assumed role."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import boto3
from botocore.credentials import RefreshableCredentials
from botocore.session import get_session

from engine.aws.caller import CLIENT_CONFIG, AskedToWait, Caller, CallError, CredentialsExpired, Unavailable
from engine.core.document import timestamp
from engine.core.plan import RecoveryTarget

Result = TypeVar("Result")


class RoleNotAssumed(Exception):
    """STS did not let the engine assume the cross-account role; the message has the role and the reason."""

    def __init__(self, role_arn: str, cause: CallError) -> None:
        super().__init__(f"could not assume role {role_arn}: {cause.code}: {cause.message}")
        self.role_arn = role_arn
        self.transient = isinstance(cause, Unavailable)
        # The pause that STS requested, in seconds; 0: none.
        self.retry_after = cause.retry_after if isinstance(cause, AskedToWait) else 0.0


@dataclass
class Accounts:
    """Creates clients for targets; caches them and the assumed credentials for the life of the Lambda environment.

    botocore renews credentials 15 minutes before they expire; `fresh` renews them after AWS reported them as expired.
    """

    caller: Caller
    session: Any
    session_name: str = "drs-execution-engine"
    _assumed: dict[tuple[str, str | None], Any] = field(default_factory=dict)
    _clients: dict[tuple[RecoveryTarget, str], Any] = field(default_factory=dict)

    def client(self, target: RecoveryTarget, service: str) -> Any:
        """A client of `service` in the target's account and Region. Raises RoleNotAssumed."""
        key = (target, service)
        if key not in self._clients:
            session = self._session(target)
            self._clients[key] = session.client(service, region_name=target.region, config=CLIENT_CONFIG)
        return self._clients[key]

    def fresh(self, target: RecoveryTarget, call: Callable[[], Result]) -> Result:
        """The result of `call`, repeated once with new credentials if AWS reports those of the target as expired."""
        try:
            return call()
        except CredentialsExpired:
            if target.role_arn is None:
                raise
            self._forget(target)
            return call()

    def _forget(self, target: RecoveryTarget) -> None:
        self._assumed.pop((target.role_arn or "", target.external_id), None)
        self._clients = {key: client for key, client in self._clients.items() if key[0] != target}

    def _session(self, target: RecoveryTarget) -> Any:
        role_arn = target.role_arn
        if role_arn is None:
            return self.session
        # A plan with a wrong ExternalId must not use the credentials of a plan with the right one.
        key = (role_arn, target.external_id)
        if key not in self._assumed:
            self._assumed[key] = self._assume(role_arn, target)
        return self._assumed[key]

    def _assume(self, role_arn: str, target: RecoveryTarget) -> Any:
        sts = self.session.client("sts", region_name=self.session.region_name, config=CLIENT_CONFIG)
        parameters = {"RoleArn": role_arn, "RoleSessionName": self.session_name}
        if target.external_id is not None:
            parameters["ExternalId"] = target.external_id

        def assume() -> dict[str, str]:
            try:
                credentials = self.caller.call(sts, "assume_role", **parameters)["Credentials"]
            except CallError as error:
                raise RoleNotAssumed(role_arn, error) from error
            return {
                "access_key": credentials["AccessKeyId"],
                "secret_key": credentials["SecretAccessKey"],
                "token": credentials["SessionToken"],
                "expiry_time": timestamp(credentials["Expiration"]),
            }

        core = get_session()
        # botocore has no public way to give a session custom refreshable credentials.
        core._credentials = RefreshableCredentials.create_from_metadata(
            metadata=assume(), refresh_using=assume, method="sts-assume-role"
        )
        return boto3.Session(botocore_session=core)
