"""Finds and removes the resources that test stacks of the engine left in an account, and no other resources.

All resources and recovery jobs of a test stack have the tag `drs-engine:Label`. The sweep finds the resources of a
killed run by that tag: stacks, code buckets, recovery jobs, and the recovery instances of those jobs. Only a code
bucket whose tagging was cut off is found by its name.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from engine.aws.drs import TAG_LABEL
from engine.deploy.code_bucket import delete_bucket, stack_of
from engine.deploy.deployment import DeploymentFailed, describe, destroy
from engine.deploy.terminations import is_gone, request_terminations

LABEL_PREFIX = "drs-engine-suite-"
"""The prefix of the names and labels of test stacks; a production stack must not use it."""

_LOOK_EVERY_SECONDS = 10.0
_TERMINATION_LIMIT_SECONDS = 3600


@dataclass
class Leftover:
    """The resources of one label. `jobs` still run; `instances` are the DRS ids of recovery instances."""

    label: str
    stacks: list[str] = field(default_factory=list)
    buckets: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    instances: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """One line for each resource."""
        for kind in ("stacks", "buckets", "jobs", "instances"):
            yield from (f"{kind[:-1]} {name}" for name in getattr(self, kind))


def find(session: Any, label: str | None = None) -> list[Leftover]:
    """The labelled resources in the session's account and Region, of all test stacks or of `label`."""
    found: dict[str, Leftover] = {}
    for kind, name, its_label in _labelled(session):
        if its_label is not None and its_label.startswith(LABEL_PREFIX) and label in (None, its_label):
            getattr(found.setdefault(its_label, Leftover(its_label)), kind).append(name)
    return list(found.values())


def remove(session: Any, label: str, pause: Callable[[float], object], tell: Callable[[str], object]) -> None:
    """Remove the resources of one label; may be repeated. `pause` sleeps, `tell` gets a line for each step.

    First stops the executions, then waits for jobs in flight (DRS cannot stop them), terminates their instances, and
    deletes the stack. Raises DeploymentFailed, ClientError.
    """
    for left in find(session, label):
        for stack in left.stacks:
            _stop_executions(session, stack)
    while running := [job for left in find(session, label) for job in left.jobs]:
        tell(f"{label}: waiting for the recovery jobs {', '.join(running)} to end")
        pause(_LOOK_EVERY_SECONDS)
    _terminate(session, label, pause, tell)
    for left in find(session, label):
        for stack in left.stacks:
            tell(f"{label}: deleting the stack {stack}")
            destroy(session, stack)
        for bucket in left.buckets:
            delete_bucket(session, bucket)


def _stop_executions(session: Any, stack: str) -> None:
    states = session.client("stepfunctions")
    # A stack that was never completed may lack the state machine; a run may end meanwhile.
    gone = (DeploymentFailed, states.exceptions.StateMachineDoesNotExist, states.exceptions.ExecutionDoesNotExist)
    with contextlib.suppress(*gone):
        machine = describe(session, stack).outputs.get("StateMachineArn")
        pages = states.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter="RUNNING")
        for one in [one for page in pages for one in page["executions"]]:
            states.stop_execution(executionArn=one["executionArn"], cause="the test stack is removed")


def _terminate(session: Any, label: str, pause: Callable[[float], object], tell: Callable[[str], object]) -> None:
    """Terminate the instances of the label, those that an interrupted clean-up is already terminating included."""
    drs = session.client("drs")
    for _ in range(0, _TERMINATION_LIMIT_SECONDS, int(_LOOK_EVERY_SECONDS)):
        instances = [one for left in find(session, label) for one in left.instances]
        if not instances:
            return
        if request_terminations(drs, instances):
            tell(f"{label}: terminating the recovery instances {', '.join(instances)}")
        pause(_LOOK_EVERY_SECONDS)
    raise DeploymentFailed(
        f"{label}: DRS has not terminated the recovery instances {', '.join(instances)} "
        f"within {_TERMINATION_LIMIT_SECONDS // 60} minutes; terminate them in the console, then run sweep again"
    )


_Labelled = Iterator[tuple[str, str, str | None]]


def _labelled(session: Any) -> _Labelled:
    """(kind, name, label or None) of all resources of these kinds."""
    yield from _stacks(session)
    yield from _buckets(session)
    try:
        yield from _jobs_and_instances(session)
    except ClientError as error:
        # An account without DRS has no jobs and no instances.
        if error.response["Error"]["Code"] != "UninitializedAccountException":
            raise


def _stacks(session: Any) -> _Labelled:
    for page in session.client("cloudformation").get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            if stack["StackStatus"] != "DELETE_COMPLETE":
                yield "stacks", stack["StackName"], _value(stack.get("Tags", []))


def _buckets(session: Any) -> _Labelled:
    s3 = session.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        if name.startswith(LABEL_PREFIX):
            try:
                yield "buckets", name, _value(s3.get_bucket_tagging(Bucket=name)["TagSet"])
            except ClientError as error:
                # A deployment that was killed between creation and tagging leaves a bucket without tags. Its name is
                # that of the stack, which is the label of a test stack.
                code = error.response["Error"]["Code"]
                if code == "NoSuchTagSet":
                    yield "buckets", name, stack_of(session, name)
                elif code != "NoSuchBucket":
                    raise


def _jobs_and_instances(session: Any) -> _Labelled:
    drs = session.client("drs")
    labels: dict[str, str | None] = {}
    for page in drs.get_paginator("describe_jobs").paginate(filters={}):
        for job in page["items"]:
            labels[job["jobID"]] = job.get("tags", {}).get(TAG_LABEL)
            if job["status"] != "COMPLETED":
                yield "jobs", job["jobID"], labels[job["jobID"]]
    ec2 = session.client("ec2")
    for page in drs.get_paginator("describe_recovery_instances").paginate(filters={}):
        for instance in [one for one in page["items"] if not is_gone(ec2, one)]:
            yield "instances", instance["recoveryInstanceID"], labels.get(instance.get("jobID"))


def _value(tags: list[dict[str, str]]) -> str | None:
    return next((tag["Value"] for tag in tags if tag["Key"] == TAG_LABEL), None)
