"""The request context: the values of condition keys for one access.

Keys of AWS that this simulator never sets are listed as absent; a key that is in neither list is a SimulatorDefect, so
that no condition passes or fails unnoticed.
"""

from __future__ import annotations

import re
from typing import Any

from moto.backends import get_backend
from moto.ec2.models import ec2_backends
from moto.s3.models import s3_backends

from simulator.iam import principals
from simulator.iam.access import Access
from simulator.iam.patterns import ARN_PARTS
from simulator.iam.principals import Principal, entity_arn
from simulator.time.clock import SimulatorDefect

_VARIABLE = re.compile(r"\$\{([^}]+)\}")
# Real keys that these requests do not carry, or that a simulated account does not have.
_ABSENT = {
    "aws:multifactorauthpresent",
    "aws:principalorgid",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:tokenissuetime",
    "drs:ec2instancearn",
    "lambda:principal",
}
# Keys that only some requests have: the accesses of those requests bring the values along.
_CARRIED = {
    "aws:requesttag",
    "aws:tagkeys",
    "cloudwatch:namespace",
    "drs:createaction",
    "ec2:createaction",
    "iam:awsservicename",
    "iam:passedtoservice",
    "iam:policyarn",
    "kms:grantisforawsresource",
    "kms:viaservice",
    "lambda:functionarn",
    "s3:prefix",
    "sns:endpoint",
    "sns:protocol",
    "sts:externalid",
    "sts:rolesessionname",
    "sts:transitivetagkeys",
}
_RESOURCE_TAG_PREFIXES = ("aws:resourcetag/", "ec2:resourcetag/")


class UnknownConditionKey(SimulatorDefect):
    def __init__(self, key: str) -> None:
        super().__init__(f"the simulator does not know the IAM condition key {key!r}")


class RequestFacts:
    """Condition keys of one access; keys ignore case, tag names do not."""

    def __init__(self, access: Access, principal: Principal) -> None:
        self.access, self.principal = access, principal
        self._carried = {_fold(key): values for key, values in access.context.items()}

    def values(self, key: str) -> tuple[str, ...] | None:
        folded = _fold(key)
        if folded in self._carried:
            return self._carried[folded]
        if folded.partition("/")[0] in _CARRIED or folded in _ABSENT:
            return None
        prefix, _, name = key.partition("/")
        if prefix.lower() + "/" in _RESOURCE_TAG_PREFIXES:
            return _one(resource_tags(self.access.resource).get(name))
        if prefix.lower() == "aws:principaltag":
            return _one(principals.tags(self.principal).get(name))
        found = getattr(self, "_" + folded.replace(":", "_").replace("-", "_"), None)
        if found is None:
            raise UnknownConditionKey(key)
        value: tuple[str, ...] | None = found()
        return value

    def substitute(self, text: str) -> str:
        """Fill in policy variables such as ${aws:username}; ${*}, ${?} and ${$} are literal characters."""
        if "${" not in text:
            return text

        def fill(match: re.Match[str]) -> str:
            if match[1] in ("*", "?", "$"):
                return match[1]
            values = self.values(match[1])
            # A pattern with a variable without a value never matches: no name contains a NUL.
            return values[0] if values else "\0"

        return _VARIABLE.sub(fill, text)

    # One method a key: `aws:ViaAWSService` is `_aws_viaawsservice`.

    def _aws_principalarn(self) -> tuple[str, ...] | None:
        return _one(entity_arn(self.principal) if self.principal.kind != "service" else None)

    def _aws_principalaccount(self) -> tuple[str, ...] | None:
        return _one(self.principal.account)

    def _aws_principaltype(self) -> tuple[str, ...]:
        kinds = {"root": "Account", "user": "User", "role": "AssumedRole", "federated-user": "FederatedUser"}
        return (kinds.get(self.principal.kind, "Service"),)

    def _aws_principalisawsservice(self) -> tuple[str, ...]:
        return (_bool(self.principal.kind == "service"),)

    def _aws_principalservicename(self) -> tuple[str, ...] | None:
        return _one(self.principal.arn if self.principal.kind == "service" else None)

    def _aws_username(self) -> tuple[str, ...] | None:
        return _one(self.principal.name if self.principal.kind == "user" else None)

    def _aws_requestedregion(self) -> tuple[str, ...]:
        return (self.access.region,)

    def _aws_resourceaccount(self) -> tuple[str, ...]:
        return (resource_account(self.access),)

    def _aws_viaawsservice(self) -> tuple[str, ...]:
        return (_bool(self.access.via_service is not None),)

    def _aws_calledvia(self) -> tuple[str, ...] | None:
        return _one(self.access.via_service)

    _aws_calledviafirst = _aws_calledvialast = _aws_calledvia

    def _aws_sourcearn(self) -> tuple[str, ...] | None:
        return _one(self.access.source_arn)

    def _aws_sourceaccount(self) -> tuple[str, ...] | None:
        return _one(self.access.source_arn.split(":")[4] if self.access.source_arn else None)

    # The owner of the resource a service acts for; SNS's default topic policy asks for the caller's account by it.
    def _aws_sourceowner(self) -> tuple[str, ...] | None:
        return self._aws_sourceaccount() or _one(self.principal.account)

    def _aws_securetransport(self) -> tuple[str, ...]:
        return ("true",)


def resource_account(access: Access) -> str:
    """The resource's account: from the request, its ARN, the bucket's owner, or else the account of the call."""
    if access.resource_account:
        return access.resource_account
    if access.resource is None or access.resource.count(":") < ARN_PARTS:
        return access.account
    _, _, service, _, named, resource = access.resource.split(":", ARN_PARTS)
    if service == "s3":
        _, owner = s3_backends.bucket_accounts.get(resource.partition("/")[0], ("", ""))
        return owner or access.account
    return named if named.isdigit() else access.account


def resource_tags(arn: str | None) -> dict[str, str]:
    """Tags of an existing resource, from the backend that holds it. Services not listed are a SimulatorDefect."""
    if arn is None or arn == "*":
        return {}
    _, partition, service, region, account, resource = arn.split(":", 5)
    kind, _, name = resource.partition("/")
    if service == "ec2":
        return {
            one["key"]: one["value"] for one in ec2_backends[account][region].describe_tags({"resource-id": [name]})
        }
    if service == "drs":
        return _drs_tags(account, region, arn)
    if service == "iam" and kind in ("role", "user"):
        return principals.tags(principals.parse_principal(f"arn:{partition}:iam::{account}:{resource}"))
    raise SimulatorDefect(f"the simulator cannot read the tags of {arn} for a policy's aws:ResourceTag")


def _drs_tags(account: str, region: str, arn: str) -> dict[str, str]:
    tags: dict[str, str] = get_backend("drs")[account][region].find_tags(arn)
    return tags


def _fold(key: str) -> str:
    """The part before a slash ignores case, a tag's name after it does not."""
    prefix, slash, name = key.partition("/")
    return prefix.lower() + slash + name


def _one(value: Any) -> tuple[str, ...] | None:
    return (str(value),) if value else None


def _bool(value: bool) -> str:
    return "true" if value else "false"
