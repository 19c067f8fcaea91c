"""The questions of a readiness check about the plan as a whole, asked with the credentials of the operator.

Topic and quotas are no business of the engine's own role. The quotas of another account are not readable from here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from engine.core.chunks import chunks
from engine.core.plan_readiness import (
    DRS_DEFAULTS,
    NotAsked,
    Quotas,
    Topic,
    drs_quota_findings,
    empty_group_findings,
    recommended_types,
    topic_finding,
    vcpu_finding,
)
from engine.core.readiness import Finding

Facts = Mapping[str, Any]

# An end point that cannot be reached, such as in a network without a route to it, costs seconds and no more.
_QUICK = Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2})
_NOT_FOUND = {"NotFound", "NotFoundException"}
_TYPES_A_REQUEST = 100
_T = TypeVar("_T")


def plan_findings(session: Any, facts: Facts) -> list[Finding]:
    """The findings about the plan as a whole; a question that AWS does not answer is a WARNING."""
    return list(_findings(session, facts))


def _findings(session: Any, facts: Facts) -> Iterator[Finding]:
    yield from empty_group_findings(facts)
    arn = facts.get("TopicArn")
    yield topic_finding(arn, _answer(lambda: _topic(session, arn)) if arn else None)
    region = facts["Region"]
    if session.client("sts").get_caller_identity()["Account"] != facts["AccountId"]:
        yield from drs_quota_findings(facts, Quotas(DRS_DEFAULTS, assumed=True))
        return
    yield from drs_quota_findings(facts, _answer(lambda: _quotas(session, region, "drs")))
    if recommended_types(facts):
        vcpus = _answer(lambda: _vcpus(session, region, facts))
        quotas = _answer(lambda: _quotas(session, region, "ec2"))
        yield vcpu_finding(0, vcpus) if isinstance(vcpus, NotAsked) else vcpu_finding(vcpus, quotas)


def _answer(ask: Callable[[], _T]) -> _T | NotAsked:
    try:
        return ask()
    except ClientError as error:
        return NotAsked(f"{error.response['Error']['Code']}: {error.response['Error']['Message']}")
    except BotoCoreError as error:
        return NotAsked(str(error))


def _topic(session: Any, arn: str) -> Topic | None:
    client = session.client("sns", region_name=arn.split(":")[3], config=_QUICK)
    try:
        attributes = client.get_topic_attributes(TopicArn=arn)["Attributes"]
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_FOUND:
            return None
        raise
    return Topic(int(attributes["SubscriptionsConfirmed"]), int(attributes["SubscriptionsPending"]))


def _quotas(session: Any, region: str, service: str) -> Quotas:
    """AWS's defaults, over which the account's own values go: ListServiceQuotas can leave out unchanged ones."""
    client = session.client("service-quotas", region_name=region, config=_QUICK)
    values: dict[str, float] = {}
    for operation in ("list_aws_default_service_quotas", "list_service_quotas"):
        for page in client.get_paginator(operation).paginate(ServiceCode=service):
            values |= {one["QuotaCode"]: one["Value"] for one in page["Quotas"]}
    return Quotas(values)


def _vcpus(session: Any, region: str, facts: Facts) -> int:
    client = session.client("ec2", region_name=region, config=_QUICK)
    counts = recommended_types(facts)
    found = {
        one["InstanceType"]: one["VCpuInfo"]["DefaultVCpus"]
        for some in chunks(sorted(counts), _TYPES_A_REQUEST)
        for one in client.describe_instance_types(InstanceTypes=some)["InstanceTypes"]
    }
    return sum(count * found.get(name, 0) for name, count in counts.items())
