"""Policies that hang on resources: KMS keys, Lambda permissions, SNS topics, SQS queues, S3 buckets, trust policies.

A policy may name a principal itself, or its account as a whole; the latter only delegates: the account's own identity
policies must allow the access as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from enum import IntEnum
from typing import Any

from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.utils import get_backend as lambda_backend
from moto.kms.models import kms_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends

from simulator.iam import principal_ids
from simulator.iam.access import Access
from simulator.iam.patterns import ARN_PARTS
from simulator.iam.policy import Statement, compile_policy
from simulator.iam.principals import Principal, entity, parse_principal
from simulator.iam.request_context import resource_account


class Named(IntEnum):
    """How a resource policy's statement names a principal."""

    NOT = 0
    ACCOUNT = 1
    DIRECTLY = 2


def statements_for(access: Access) -> tuple[Statement, ...] | None:
    """The policy of the resource that is accessed, or None when it has none or is none that has policies."""
    if access.resource in (None, "*"):
        return None
    assert access.resource is not None
    parts = access.resource.split(":")
    if len(parts) <= ARN_PARTS:
        return None  # a malformed ARN, which the service refuses
    service = parts[2]
    if service == "iam":
        return trust_policy(access.resource) if access.action.lower().startswith("sts:assumerole") else None
    document = _DOCUMENTS[service](access) if service in _DOCUMENTS else None
    return compile_policy(document) if document else None


def trust_policy(role_arn: str) -> tuple[Statement, ...] | None:
    """The trust policy of a role; None if the role does not exist."""
    role = entity(parse_principal(role_arn))
    if role is None or role.arn != role_arn:
        return None
    document = role.assume_role_policy_document
    statements = compile_policy(document if isinstance(document, str) else json.dumps(document))
    return tuple(replace(one, principals=tuple(_meant(role, one.principals or ()))) for one in statements)


def _meant(role: Any, principals: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    return ((kind, principal_ids.meant(role, value) if kind == "AWS" else value) for kind, value in principals)


def names(statement: Statement, principal: Principal) -> Named:
    """The strongest way in which a statement's Principal element names `principal`."""
    return max((_named(kind, value, principal) for kind, value in statement.principals or ()), default=Named.NOT)


def _named(kind: str, value: str, principal: Principal) -> Named:
    if value == "*":
        return Named.DIRECTLY
    if kind == "Service":
        return Named.DIRECTLY if principal.kind == "service" and value == principal.arn else Named.NOT
    if kind != "AWS" or principal.kind == "service":
        return Named.NOT
    if value in (principal.account, principal.account_root):
        return Named.ACCOUNT
    if value == principal.arn:
        return Named.DIRECTLY
    wanted = parse_principal(value) if value.startswith("arn:") else None
    is_its_role = (
        wanted is not None
        and (wanted.kind, wanted.account, wanted.name) == (principal.kind, principal.account, principal.name)
        and not wanted.session
    )
    return Named.DIRECTLY if is_its_role else Named.NOT


def _parts(access: Access) -> tuple[str, str, str]:
    assert access.resource is not None
    _, _, _, region, account, resource = access.resource.split(":", 5)
    return account or resource_account(access), region, resource


def _lambda(access: Access) -> str | None:
    account, region, resource = _parts(access)
    name = resource.removeprefix("function:").split(":")[0]
    try:
        function = lambda_backend(account, region).get_function(name)
    except UnknownFunctionException:
        return None
    statements: Iterable[dict[str, object]] = function.policy.statements
    # A statement's Resource may carry a qualifier, or be the bare function's ARN.
    return json.dumps({"Statement": list(statements)}) if statements else None


def _sns(access: Access) -> str | None:
    account, region, _ = _parts(access)
    topic = sns_backends[account][region].topics.get(access.resource)
    return str(topic.policy) if topic else None


def _sqs(access: Access) -> str | None:
    account, region, name = _parts(access)
    queue = sqs_backends[account][region].queues.get(name)
    policy = queue.policy if queue else None
    return str(policy) if policy else None


def _s3(access: Access) -> str | None:
    _, _, resource = _parts(access)
    name = resource.partition("/")[0]
    owner = s3_backends.bucket_accounts.get(name)
    if owner is None:
        return None
    partition, account = owner
    policy = s3_backends[account][partition].buckets[name].policy
    return policy.decode() if policy else None


def _kms(access: Access) -> str | None:
    account, region, resource = _parts(access)
    key = kms_backends[account][region].keys.get(resource.removeprefix("key/"))
    return str(key.policy) if key else None


_DOCUMENTS = {"kms": _kms, "lambda": _lambda, "sns": _sns, "sqs": _sqs, "s3": _s3}
