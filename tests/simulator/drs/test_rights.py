"""DRS launches and terminates with its caller's rights, used through the service."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import iam_backends

import simulator.drs
from simulator import iam
from simulator.drs import DrsWorld
from simulator.drs.rights import LAUNCH_RIGHTS, TERMINATE_RIGHTS

ACCOUNT = "123456789012"
OPERATOR = f"arn:aws:iam::{ACCOUNT}:user/operator"
AWS_POLICY = "AWSElasticDisasterRecoveryConsoleFullAccess_v2"
# Dependent actions of the two operations in AWS's Service Authorization Reference, written down by hand.
STARTS = [
    "drs:CreateRecoveryInstanceForDrs",
    "drs:ListTagsForResource",
    "drs:TagResource",  # not in that reference: of AWS's page on tags of DRS
    "ec2:AttachVolume",
    "ec2:AuthorizeSecurityGroupEgress",
    "ec2:AuthorizeSecurityGroupIngress",
    "ec2:CreateLaunchTemplate",
    "ec2:CreateLaunchTemplateVersion",
    "ec2:CreateSnapshot",
    "ec2:CreateTags",
    "ec2:CreateVolume",
    "ec2:DeleteLaunchTemplateVersions",
    "ec2:DeleteSnapshot",
    "ec2:DeleteVolume",
    "ec2:DescribeAccountAttributes",
    "ec2:DescribeAvailabilityZones",
    "ec2:DescribeImages",
    "ec2:DescribeInstanceAttribute",
    "ec2:DescribeInstanceStatus",
    "ec2:DescribeInstanceTypes",
    "ec2:DescribeInstances",
    "ec2:DescribeLaunchTemplateVersions",
    "ec2:DescribeLaunchTemplates",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSnapshots",
    "ec2:DescribeSubnets",
    "ec2:DescribeVolumes",
    "ec2:DetachVolume",
    "ec2:ModifyInstanceAttribute",
    "ec2:ModifyLaunchTemplate",
    "ec2:RevokeSecurityGroupEgress",
    "ec2:RunInstances",
    "ec2:StartInstances",
    "ec2:StopInstances",
    "ec2:TerminateInstances",
    "iam:PassRole",
]
TERMINATES = [
    "drs:DescribeSourceServers",
    "ec2:DeleteVolume",
    "ec2:DescribeInstances",
    "ec2:DescribeVolumes",
    "ec2:TerminateInstances",
]


@pytest.fixture(autouse=True)
def judging(world: DrsWorld) -> Iterator[None]:
    simulator.drs.judge_callers(True)
    iam.forget_usage()
    yield
    simulator.drs.judge_callers(False)


@pytest.fixture
def server(world: DrsWorld) -> str:
    return world.add_source_server(tags={"Tier": "database"})


@pytest.fixture
def operator(world: DrsWorld, client: Callable[..., Any]) -> Any:
    """The `drs` client of a user without rights."""
    backend = iam_backends[ACCOUNT]["aws"]
    backend.create_user(region_name="aws", user_name="operator")
    key = backend.create_access_key(user_name="operator")
    return client("drs", key=key)


def allow(*statements: dict[str, Any]) -> None:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    iam_backends[ACCOUNT]["aws"].put_user_policy("operator", "rights", json.dumps(document))


def everything_but(*actions: str) -> None:
    anything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    allow(anything, *({"Effect": "Deny", "Action": action, "Resource": "*"} for action in actions))


def launch(client: Any, clock: Any, server: str) -> tuple[str, dict[str, str]]:
    """The launch status and the log, event to raw error, of a drill of `server`."""
    job_id = client.start_recovery(sourceServers=[{"sourceServerID": server}], isDrill=True)["job"]["jobID"]
    return ended(client, clock, job_id)


def ended(client: Any, clock: Any, job_id: str) -> tuple[str, dict[str, str]]:
    clock.advance(1200)
    (job,) = client.describe_jobs(filters={"jobIDs": [job_id]})["items"]
    log = client.describe_job_log_items(jobID=job_id)["items"]
    errors = {one["event"]: one["eventData"]["rawError"] for one in log if "rawError" in one.get("eventData", {})}
    return job["participatingServers"][0]["launchStatus"], errors


def test_the_rights_are_those_that_aws_lists() -> None:
    assert {right.action for rights in LAUNCH_RIGHTS.values() for right in rights} == set(STARTS)
    assert {right.action for right in TERMINATE_RIGHTS} == set(TERMINATES)


def test_awss_own_policy_for_drs_is_enough(operator: Any, server: str, clock: Any) -> None:
    allow(*json.loads(aws_managed_policies_data)[AWS_POLICY]["Document"]["Statement"])
    for _ in range(2):  # the second launch also cleans up after the first
        assert launch(operator, clock, server) == ("LAUNCHED", {})
    instance_id = operator.describe_recovery_instances()["items"][0]["recoveryInstanceID"]
    job_id = operator.terminate_recovery_instances(recoveryInstanceIDs=[instance_id])["job"]["jobID"]
    assert ended(operator, clock, job_id) == ("TERMINATED", {})


@pytest.mark.parametrize("action", STARTS)
def test_without_one_of_the_rights_the_launch_fails_and_names_it(
    operator: Any, server: str, clock: Any, ec2: Any, action: str
) -> None:
    everything_but(action)
    status, errors = launch(operator, clock, server)
    assert status == "FAILED"
    ((event, error),) = errors.items()
    assert event in LAUNCH_RIGHTS
    assert f"when calling the {action.partition(':')[2]} operation" in error
    assert f"{OPERATOR} is not authorized to perform: {action}" in error
    assert ec2.describe_instances()["Reservations"] == []


def test_a_missing_launch_template_right_fails_the_launch_itself(operator: Any, server: str, clock: Any) -> None:
    everything_but("ec2:CreateLaunchTemplateVersion")
    _, errors = launch(operator, clock, server)
    assert list(errors) == ["LAUNCH_FAILED"]


def test_a_first_launch_has_nothing_to_clean_up(operator: Any, server: str, clock: Any) -> None:
    everything_but("ec2:DeleteVolume")
    assert list(launch(operator, clock, server)[1]) == ["CONVERSION_FAIL"]


def test_a_pinned_snapshot_needs_no_right_to_take_one(world: DrsWorld, operator: Any, server: str, clock: Any) -> None:
    everything_but("ec2:CreateSnapshot")
    pinned = {"sourceServerID": server, "recoverySnapshotID": world.add_snapshot(server)}
    job_id = operator.start_recovery(sourceServers=[pinned], isDrill=True)["job"]["jobID"]
    assert ended(operator, clock, job_id) == ("LAUNCHED", {})


def test_cleaning_up_needs_rights_only_when_there_is_something(operator: Any, server: str, clock: Any) -> None:
    everything_but()
    assert launch(operator, clock, server)[0] == "LAUNCHED"
    everything_but("ec2:DescribeVolumes")
    assert list(launch(operator, clock, server)[1]) == ["CLEANUP_FAIL"]
    assert len(operator.describe_recovery_instances()["items"]) == 1


@pytest.mark.parametrize("action", TERMINATES)
def test_without_one_of_the_rights_the_termination_fails(
    operator: Any, server: str, clock: Any, ec2: Any, action: str
) -> None:
    everything_but()
    launch(operator, clock, server)
    instance_id = operator.describe_recovery_instances()["items"][0]["recoveryInstanceID"]
    everything_but(action)
    job_id = operator.terminate_recovery_instances(recoveryInstanceIDs=[instance_id])["job"]["jobID"]
    status, errors = ended(operator, clock, job_id)
    assert status == "FAILED"
    assert action in errors["CLEANUP_FAIL"]
    (found,) = ec2.describe_instance_status(IncludeAllInstances=True)["InstanceStatuses"]
    assert found["InstanceState"]["Name"] == "running"


def test_rights_that_hold_only_through_a_service_are_enough(operator: Any, server: str, clock: Any) -> None:
    through_a_service = {"Bool": {"aws:ViaAWSService": "true"}}
    allow({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": through_a_service})
    assert launch(operator, clock, server) == ("LAUNCHED", {})
    through_another = {"ForAnyValue:StringEquals": {"aws:CalledVia": ["cloudformation.amazonaws.com"]}}
    allow({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": through_another})
    assert launch(operator, clock, server)[0] == "FAILED"


def test_rights_on_another_server_are_not_enough(operator: Any, server: str, clock: Any) -> None:
    everything = {"Effect": "Allow", "NotAction": "drs:CreateRecoveryInstanceForDrs", "Resource": "*"}
    other = f"arn:aws:drs:us-east-1:{ACCOUNT}:source-server/s-{'0' * 17}"
    allow(everything, {"Effect": "Allow", "Action": "drs:CreateRecoveryInstanceForDrs", "Resource": other})
    assert "CreateRecoveryInstanceForDrs" in launch(operator, clock, server)[1]["LAUNCH_FAILED"]
    allow(everything, {"Effect": "Allow", "Action": "drs:*", "Resource": other.replace("0" * 17, "*")})
    assert launch(operator, clock, server)[0] == "LAUNCHED"


def test_the_rights_are_noted_as_used_through_drs(operator: Any, server: str, clock: Any) -> None:
    everything_but()
    launch(operator, clock, server)
    uses = iam.used()
    assert {use.via_service for use in uses} == {"drs.amazonaws.com"}
    assert {use.principal for use in uses} == {OPERATOR}
    # A first launch has no clean-up, so it needs no right of the clean-up.
    assert {use.action for use in uses} == set(STARTS)


def test_without_judging_nobody_needs_rights(operator: Any, server: str, clock: Any) -> None:
    simulator.drs.judge_callers(False)
    assert launch(operator, clock, server) == ("LAUNCHED", {})


def test_a_foreign_job_is_not_judged(world: DrsWorld, drs: Any, server: str, clock: Any) -> None:
    assert ended(drs, clock, world.start_foreign_job([server]))[0] == "LAUNCHED"
