"""Authorises each call at the gateway, and the actions that AWS services take on their own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from moto.logs.models import logs_backends

from simulator.gateway import identity
from simulator.gateway.identity import CallingPrincipal, Credentials
from simulator.gateway.requests import IdentifiedCall
from simulator.gateway.service_errors import AwsError, error_codes
from simulator.iam import AwsRequest, authorise, federation

SERVICE_NAMES = {"lambda": "lambda.amazonaws.com", "states": "states.amazonaws.com", "events": "events.amazonaws.com"}


class Permissions:
    """With `enforced=False` every valid credential has all permissions."""

    def __init__(self, *, enforced: bool) -> None:
        self._enforced = enforced

    def authorise_call(self, call: IdentifiedCall, principal: CallingPrincipal) -> None:
        """Raises AwsError with the service's access-denied code."""
        if not self._enforced:
            return
        denied = authorise(
            AwsRequest(call.service, call.operation, call.parameters, principal.account, call.region, principal.arn)
        )
        if denied is not None:
            # The called service answers, also if the missing right is one of another service.
            code, status = error_codes(call.service).access_denied
            raise AwsError(code, denied.message, status)

    def authorise_federation(self, call: IdentifiedCall, now: datetime) -> None:
        """Raises AwsError for a token or a role that STS refuses."""
        if not self._enforced:
            return
        try:
            federation.authorise_federation(call.operation, call.parameters, now)
        except federation.FederationRefused as refusal:
            raise AwsError(refusal.code, refusal.message, refusal.status) from refusal

    def service_may_invoke(self, service: str, function_arn: str, source_arn: str) -> bool:
        """Whether a function's resource policy allows a service to invoke it on behalf of `source_arn`."""
        if not self._enforced:
            return True
        account, region = function_arn.split(":")[4], function_arn.split(":")[3]
        parameters = {"FunctionName": function_arn}
        request = AwsRequest(
            "lambda", "Invoke", parameters, account, region, SERVICE_NAMES[service], source_arn=source_arn
        )
        return authorise(request) is None

    def service_credentials(
        self, service: str, role_arn: str, session_name: str, *, source_arn: str, seconds: int | None = None
    ) -> Credentials:
        """Credentials with which a service acts under a role, on behalf of the resource `source_arn`.

        Raises AwsError when the role does not trust the service for that resource.
        """
        self._trusts(service, role_arn, source_arn)
        return identity.service_credentials(role_arn, session_name, seconds=seconds or identity.SERVICE_SESSION_SECONDS)

    def function_may_log(self, function: Any, log_stream: str) -> bool:
        """Whether the function's role allows Lambda to write to its log group, and to create a missing one.

        Without these permissions Lambda still runs the function, and its output is lost.
        """
        if not self._enforced:
            return True
        account, region, group = function.account_id, function.region, function.logs_group_name
        operations = ["CreateLogStream", "PutLogEvents"]
        if group not in logs_backends[account][region].groups:
            operations.append("CreateLogGroup")
        role = function.role.rpartition("/")[2]
        partition = function.role.split(":")[1]
        principal = f"arn:{partition}:sts::{account}:assumed-role/{role}/{function.function_name}"
        parameters = {"logGroupName": group, "logStreamName": log_stream}
        requests = [AwsRequest("logs", one, parameters, account, region, principal) for one in operations]
        return all(authorise(request) is None for request in requests)

    def _trusts(self, service: str, role_arn: str, source_arn: str) -> None:
        if not self._enforced:
            return
        _, partition, _, _, account, _ = role_arn.split(":", 5)
        parameters = {"RoleArn": role_arn, "RoleSessionName": service}
        region = identity.region_of(partition)
        request = AwsRequest(
            "sts", "AssumeRole", parameters, account, region, SERVICE_NAMES[service], source_arn=source_arn
        )
        if authorise(request) is not None:
            raise AwsError(
                "AccessDeniedException", f"The role {role_arn} cannot be assumed by {SERVICE_NAMES[service]}.", 403
            )
