"""The findings of a readiness check about the plan as a whole: its groups, its topic, the quotas of the target account.

`facts` are those of `engine.core.readiness_check`, with JobsInProgress and ServersInProgress (of all live jobs in the
account and Region), ServersPerJob (of the stack), EmptyGroups, TopicArn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.core.readiness import Finding, Verdict

Facts = Mapping[str, Any]

# Codes of Service Quotas. Those of DRS are in its own ServiceQuotaExceededException; that of EC2 counts the vCPUs of
# running On-Demand instances of the families A, C, D, H, I, M, R, T and Z.
CONCURRENT_JOBS, SERVERS_PER_JOB, SERVERS_IN_ALL_JOBS = "L-D88FAC3A", "L-B827C881", "L-05AFA8C6"
STANDARD_VCPUS = "L-1216C47A"
_STANDARD_FAMILIES = "acdhimrtz"
# The defaults of AWS, for an account whose quotas cannot be read.
DRS_DEFAULTS = {CONCURRENT_JOBS: 20, SERVERS_PER_JOB: 100, SERVERS_IN_ALL_JOBS: 500}


@dataclass(frozen=True)
class NotAsked:
    """A question that has no answer: `reason` for the operator."""

    reason: str


@dataclass(frozen=True)
class Topic:
    """The subscriptions of an existing topic by their state."""

    confirmed: int
    pending: int


@dataclass(frozen=True)
class Quotas:
    """Values by code. `assumed`: AWS's defaults, because the account's own values are not readable from here."""

    values: Mapping[str, float]
    assumed: bool = False


def empty_group_findings(facts: Facts) -> Iterator[Finding]:
    """The groups by tag that select no server."""
    for line in facts.get("EmptyGroups", ()):
        yield Finding(Verdict.BLOCKED, line)


def topic_finding(arn: str | None, topic: Topic | NotAsked | None) -> Finding:
    """Whether a person hears of the end of an execution; `topic` is None if it does not exist."""
    if arn is None:
        return Finding(Verdict.WARNING, "the plan names no topic: no message tells the end of an execution")
    name = f"topic {arn.rpartition(':')[2]}"
    if topic is None:
        return Finding(Verdict.WARNING, f"{name} does not exist: no message will arrive ({arn})")
    if isinstance(topic, NotAsked):
        return Finding(Verdict.WARNING, f"{name} was not checked: {topic.reason}")
    if topic.confirmed:
        return Finding(Verdict.READY, f"{name} has {_counted(topic.confirmed, 'confirmed subscription')}")
    pending = f", {topic.pending} not confirmed yet" if topic.pending else ""
    return Finding(Verdict.WARNING, f"{name} has no confirmed subscription{pending}: no person gets a message")


def drs_quota_findings(facts: Facts, quotas: Quotas | NotAsked) -> Iterator[Finding]:
    """The quotas of DRS against the jobs in progress and the largest wave."""
    if isinstance(quotas, NotAsked):
        yield Finding(Verdict.WARNING, f"the quotas of DRS were not checked: {quotas.reason}")
        return
    jobs, servers, in_job = (
        int(quotas.values.get(code, DRS_DEFAULTS[code]))
        for code in (CONCURRENT_JOBS, SERVERS_IN_ALL_JOBS, SERVERS_PER_JOB)
    )
    found = list(_used_quotas(facts, jobs, servers, in_job))
    yield from found
    if not found:
        used = f"{facts['JobsInProgress']} of {jobs} jobs, {facts['ServersInProgress']} of {servers} servers in jobs"
        source = f" (AWS's defaults; those of account {facts['AccountId']} are not readable)" if quotas.assumed else ""
        yield Finding(Verdict.READY, f"quotas of DRS: {used}{source}")


def _used_quotas(facts: Facts, jobs: int, servers: int, in_job: int) -> Iterator[Finding]:
    if facts["JobsInProgress"] >= jobs:
        message = f"{_counted(facts['JobsInProgress'], 'job')} in progress, DRS allows {jobs} ({CONCURRENT_JOBS})"
        yield Finding(Verdict.WARNING, f"{message}: the launches wait")
    largest = max(Counter(server["WaveNumber"] for server in facts["Servers"]).values(), default=0)
    free = max(0, servers - facts["ServersInProgress"])
    if largest > free:
        message = f"the largest wave has {largest} servers, DRS has room for {free} of {servers} in all jobs"
        yield Finding(Verdict.WARNING, f"{message} ({SERVERS_IN_ALL_JOBS}): the others wait")
    if min(largest, facts["ServersPerJob"]) > in_job:
        message = f"the stack launches {facts['ServersPerJob']} servers in a job, DRS allows {in_job}"
        cure = f"deploy -p ServersPerJob={in_job}"
        yield Finding(Verdict.WARNING, f"{message} ({SERVERS_PER_JOB}): {cure}")


def recommended_types(facts: Facts) -> Counter[str]:
    """How many servers of the plan DRS recommends each instance type for, of the families with a common quota."""
    types = (server.get("RecommendedInstanceType", "") for server in facts["Servers"])
    return Counter(one for one in types if one[:1] in _STANDARD_FAMILIES and one)


def vcpu_finding(needed: int, quotas: Quotas | NotAsked) -> Finding:
    """EC2's quota of vCPUs against the vCPUs of the types that DRS recommends; launch templates may name others."""
    if isinstance(quotas, NotAsked) or STANDARD_VCPUS not in quotas.values:
        reason = quotas.reason if isinstance(quotas, NotAsked) else f"no value of {STANDARD_VCPUS} is known"
        return Finding(Verdict.WARNING, f"the vCPU quota of EC2 was not checked: {reason}")
    allowed = int(quotas.values[STANDARD_VCPUS])
    if needed > allowed:
        message = f"the plan needs about {needed} vCPUs, by the types that DRS recommends, and EC2 allows {allowed}"
        return Finding(Verdict.WARNING, f"{message} ({STANDARD_VCPUS}): launches fail; request an increase")
    message = f"quota of EC2: needs about {needed} of {allowed} vCPUs, by the types that DRS recommends"
    return Finding(Verdict.READY, message)


def _counted(count: int, thing: str) -> str:
    return f"{count} {thing}{'' if count == 1 else 's'}"
