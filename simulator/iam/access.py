"""The types of the authoriser: a request as seen by a gateway, the accesses it needs, a denial with AWS's message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.utilities.utils import get_partition


@dataclass(frozen=True)
class AwsRequest:
    """One API call. `service` is botocore's name, `parameters` are those of boto3, `account` is where the call lands.

    `principal_arn` is a user, role, assumed-role session or account root, or a service such as `events.amazonaws.com`.
    `via_service` says which service makes the call in the principal's name; `source_arn` is the resource for which a
    service principal acts. `resource_account` names the owner where the ARN does not tell it.
    """

    service: str
    operation: str
    parameters: Mapping[str, Any]
    account: str
    region: str
    principal_arn: str
    resource_account: str | None = None
    via_service: str | None = None
    source_arn: str | None = None

    @property
    def partition(self) -> str:
        return str(get_partition(self.region))

    def arn(self, service: str, resource: str, *, regional: bool = True) -> str:
        """An ARN in the request's account and region."""
        return f"arn:{self.partition}:{service}:{self.region if regional else ''}:{self.account}:{resource}"


# Condition keys and their values; a key that is not here is absent from the request.
Context = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Access:
    """One action on one resource by one principal: the subject of a judgement.

    `resource` is an ARN, "*" for actions that have no resource, or None when this simulator does not know it: then only
    a statement for all resources can be judged.
    """

    principal_arn: str
    action: str
    resource: str | None
    account: str
    region: str
    resource_account: str | None = None
    via_service: str | None = None
    source_arn: str | None = None
    context: Context = field(default_factory=dict)


# Error code and HTTP status of a denial by service; the other services use AccessDeniedException, 403.
_CODES = {
    "cloudformation": "AccessDenied",
    "cloudwatch": "AccessDenied",
    "ec2": "UnauthorizedOperation",
    "iam": "AccessDenied",
    "s3": "AccessDenied",
    "sns": "AuthorizationError",
    "sqs": "AccessDenied",
    "sts": "AccessDenied",
}


@dataclass(frozen=True)
class Denied:
    """A refusal. `reason` ends AWS's sentence: "because no identity-based policy allows the … action" and the like."""

    access: Access
    reason: str

    @property
    def code(self) -> str:
        return _CODES.get(self.access.action.partition(":")[0], "AccessDeniedException")

    @property
    def status(self) -> int:
        return 403

    @property
    def message(self) -> str:
        where = f" on resource: {self.access.resource}" if self.access.resource not in (None, "*") else ""
        text = f"User: {self.access.principal_arn} is not authorized to perform: {self.access.action}{where}"
        if self.reason:
            text += f" {self.reason}"
        return f"You are not authorized to perform this operation. {text}" if self.code.startswith("Unauth") else text
