"""The pre-flight of a run: whether this is the intended account, and whether a run can succeed in it.

Each check only reads from AWS. Each problem is one line, and all independent problems are reported together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

from engine.deploy import sweep
from features import testdata
from features.targets.base import TargetRefused
from features.targets.cost_estimate import Demand
from features.targets.guardrails import Allowance

CONCURRENT_JOBS = 20
"""DRS's quota. To read it takes a right that the suite does not need otherwise."""

_READS: dict[str, Callable[[Any], Any]] = {
    "cloudformation": lambda client: client.describe_stacks(),
    "dynamodb": lambda client: client.list_tables(Limit=1),
    "ec2": lambda client: client.describe_instance_status(MaxResults=5),
    "lambda": lambda client: client.list_functions(MaxItems=1),
    "logs": lambda client: client.describe_log_groups(limit=1),
    "s3": lambda client: client.list_buckets(),
    "sns": lambda client: client.list_topics(),
    "stepfunctions": lambda client: client.list_state_machines(maxResults=1),
}


def identity(session: boto3.Session, allowance: Allowance) -> dict[str, Any]:
    """Account and ARN of the caller. Raises TargetRefused unless it is an allowed account."""
    try:
        caller: dict[str, Any] = session.client("sts").get_caller_identity()
    except (NoCredentialsError, PartialCredentialsError) as problem:
        raise TargetRefused(
            f"no credentials: {problem}; set AWS_PROFILE, or AWS_ACCESS_KEY_ID and its secret"
        ) from problem
    except ClientError as problem:
        raise TargetRefused(f"AWS does not accept the credentials: {_text(problem)}; renew them") from problem
    except BotoCoreError as problem:
        raise TargetRefused(f"AWS cannot be reached: {problem}") from problem
    if caller["Account"] not in allowance.accounts:
        allowed = ", ".join(sorted(allowance.accounts))
        raise TargetRefused(
            f"wrong account: the credentials are of {caller['Account']} ({caller['Arn']}), allowed is {allowed}"
        )
    return caller


def check(session: boto3.Session, allowance: Allowance, demand: Demand, stack: str) -> list[str]:
    """The passed checks, one line each. Raises TargetRefused with all problems."""
    if not _has_drs(session, allowance.region):
        raise TargetRefused(
            f"region {allowance.region!r} has no Elastic Disaster Recovery; name one that has (-D region=…)"
        )
    servers = _servers(session, allowance)
    problems = [
        *_not_ready(servers, allowance),
        *_denied(session),
        *_over_budget(demand, allowance),
        *_stack_taken(session, stack),
        *_left_over(session, allowance),
    ]
    live = _live_jobs(session)
    busy = sorted({one["sourceServerID"] for job in live for one in job["participatingServers"]} & set(servers))
    if busy and not allowance.sweeps:
        problems.append(f"DRS is processing {', '.join(busy)} right now; wait until that job has ended")
    if len(live) >= CONCURRENT_JOBS:
        problems.append(f"DRS runs {len(live)} jobs, its quota is {CONCURRENT_JOBS}")
    if problems:
        raise TargetRefused("; ".join(problems))
    return [
        f"{len(servers)} known servers replicate CONTINUOUSly in {allowance.region}",
        f"reading is allowed in {', '.join(['drs', *_READS])}",
        f"{len(live)} of {CONCURRENT_JOBS} concurrent recovery jobs are in use",
    ]


def _has_drs(session: boto3.Session, region: str) -> bool:
    """botocore lists the Regions of a service for each partition: GovCloud, China and the sovereign ones apart."""
    partitions = session.get_available_partitions()
    return any(region in session.get_available_regions("drs", partition) for partition in partitions)


def _servers(session: boto3.Session, allowance: Allowance) -> dict[str, str]:
    """Replication state by id of those known servers that DRS has."""
    known = list(testdata.servers().values())
    try:
        items = session.client("drs").describe_source_servers(filters={"sourceServerIDs": known})["items"]
    except ClientError as problem:
        if problem.response["Error"]["Code"] == "UninitializedAccountException":
            raise TargetRefused(
                f"DRS is not initialised in {allowance.region}; open the DRS console there once, or call "
                "drs:InitializeService"
            ) from problem
        raise TargetRefused(f"DRS does not list its servers: {_text(problem)}") from problem
    return {one["sourceServerID"]: one["dataReplicationInfo"]["dataReplicationState"] for one in items}


def _not_ready(servers: dict[str, str], allowance: Allowance) -> Iterator[str]:
    names = {server: name for name, server in testdata.servers().items()}
    if missing := [f"{names[one]} ({one})" for one in names if one not in servers]:
        yield f"wrong region or servers gone: DRS in {allowance.region} does not know {', '.join(missing)}"
    if stalled := [f"{names[one]} is {state}" for one, state in servers.items() if state != "CONTINUOUS"]:
        yield f"not every known server replicates CONTINUOUSly: {', '.join(stalled)}"


def _denied(session: boto3.Session) -> Iterator[str]:
    for service, read in _READS.items():
        client: Any = session.client(service)
        try:
            read(client)
        except ClientError as problem:
            yield f"the credentials may not read {service}: {_text(problem)}"


def _over_budget(demand: Demand, allowance: Allowance) -> Iterator[str]:
    if demand.launches > allowance.budget:
        yield (
            f"budget too small: the selected scenarios launch {demand.launches} servers, the budget is "
            f"{allowance.budget}; raise it (-D budget=…) or select fewer (--tags)"
        )


def _stack_taken(session: boto3.Session, stack: str) -> Iterator[str]:
    for page in session.client("cloudformation").get_paginator("describe_stacks").paginate():
        for one in page["Stacks"]:
            if one["StackName"] == stack and one["StackStatus"] != "DELETE_COMPLETE":
                yield (
                    f"the stack {stack} exists already, in {one['StackStatus']}; "
                    "delete it, or name another (-D stack=…)"
                )


def _left_over(session: boto3.Session, allowance: Allowance) -> Iterator[str]:
    if allowance.sweeps:
        return
    for left in sweep.find(session):
        yield (
            f"an earlier run is still going on, or was killed and left its {', '.join(left.lines())}; if it is over, "
            "remove that with `python -m engine sweep` or -D sweep=yes"
        )


def _live_jobs(session: boto3.Session) -> list[dict[str, Any]]:
    pages = session.client("drs").get_paginator("describe_jobs").paginate(filters={})
    return [job for page in pages for job in page["items"] if job["status"] != "COMPLETED"]


def _text(problem: ClientError) -> str:
    error = problem.response["Error"]
    return f"{error.get('Code')}: {error.get('Message')}"
