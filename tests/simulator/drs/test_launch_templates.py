"""Launch templates and keys of real life: what they demand of the caller of a launch."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from moto.iam.models import iam_backends

import simulator.drs
from simulator.drs import DrsWorld
from tests.simulator.drs.conftest import ACCOUNT

EC2 = f"arn:aws:ec2:us-east-1:{ACCOUNT}"
LICENSE = f"arn:aws:license-manager:us-east-1:{ACCOUNT}:license-configuration:lic-0123456789abcdef0"
GROUP = f"arn:aws:resource-groups:us-east-1:{ACCOUNT}:group/reservations"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/web-server"
# Settings of a launch template, the right that they demand, and its resource, by hand from AWS's references.
SETTINGS: dict[str, tuple[dict[str, Any], str, str]] = {
    "key pair": ({"KeyName": "operations"}, "ec2:RunInstances", f"{EC2}:key-pair/operations"),
    "profile's role": ({"IamInstanceProfile": {"Name": "web-server"}}, "iam:PassRole", ROLE),
    "profile by ARN": (
        {"IamInstanceProfile": {"Arn": f"arn:aws:iam::{ACCOUNT}:instance-profile/web-server"}},
        "iam:PassRole",
        ROLE,
    ),
    "placement group": (
        {"Placement": {"GroupName": "close"}},
        "ec2:RunInstances",
        f"{EC2}:placement-group/close",
    ),
    "capacity reservation": (
        {"CapacityReservationSpecification": {"CapacityReservationTarget": {"CapacityReservationId": "cr-0a"}}},
        "ec2:RunInstances",
        f"{EC2}:capacity-reservation/cr-0a",
    ),
    "group of reservations": (
        {
            "CapacityReservationSpecification": {
                "CapacityReservationTarget": {"CapacityReservationResourceGroupArn": GROUP}
            }
        },
        "ec2:RunInstances",
        GROUP,
    ),
    "license configuration": (
        {"LicenseSpecifications": [{"LicenseConfigurationArn": LICENSE}]},
        "ec2:RunInstances",
        LICENSE,
    ),
    "second network interface": (
        {"NetworkInterfaces": [{"DeviceIndex": 1, "NetworkInterfaceId": "eni-0123456789abcdef0"}]},
        "ec2:RunInstances",
        f"{EC2}:network-interface/eni-0123456789abcdef0",
    ),
}
KEY_RIGHTS = [
    "CreateGrant",
    "Decrypt",
    "DescribeKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
]


@pytest.fixture(autouse=True)
def judging(world: DrsWorld) -> Iterator[None]:
    simulator.drs.judge_callers(True)
    yield
    simulator.drs.judge_callers(False)


@pytest.fixture
def server(world: DrsWorld) -> str:
    return world.add_source_server()


@pytest.fixture
def operator(world: DrsWorld, client: Callable[..., Any]) -> Any:
    """The `drs` client of a user who has each right that the tests do not deny; a profile's role exists."""
    backend = iam_backends[ACCOUNT]["aws"]
    backend.create_user(region_name="aws", user_name="operator")
    iam = client("iam")
    iam.create_role(RoleName="web-server", AssumeRolePolicyDocument=json.dumps({"Statement": []}))
    iam.create_instance_profile(InstanceProfileName="web-server")
    iam.add_role_to_instance_profile(InstanceProfileName="web-server", RoleName="web-server")
    deny()
    return client("drs", key=backend.create_access_key(user_name="operator"))


def deny(action: str = "nothing:ToDeny", resource: str = "*", **conditions: Any) -> None:
    anything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    denied = {"Effect": "Deny", "Action": action, "Resource": resource} | conditions
    document = {"Version": "2012-10-17", "Statement": [anything, denied]}
    iam_backends[ACCOUNT]["aws"].put_user_policy("operator", "rights", json.dumps(document))


def configure(ec2: Any, template: str, settings: dict[str, Any]) -> None:
    """Make a new default version of a launch template, as the console does."""
    version = ec2.create_launch_template_version(LaunchTemplateId=template, LaunchTemplateData=settings)
    number = str(version["LaunchTemplateVersion"]["VersionNumber"])
    ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion=number)


def launch(client: Any, clock: Any, server: str) -> dict[str, str]:
    """The raw errors in the log of a drill of `server`, by event; empty after a launch."""
    job_id = client.start_recovery(sourceServers=[{"sourceServerID": server}], isDrill=True)["job"]["jobID"]
    clock.advance(1200)
    log = client.describe_job_log_items(jobID=job_id)["items"]
    return {one["event"]: one["eventData"]["rawError"] for one in log if "rawError" in one.get("eventData", {})}


@pytest.mark.parametrize(("settings", "action", "resource"), SETTINGS.values(), ids=SETTINGS)
def test_a_setting_of_the_launch_template_demands_its_right(
    operator: Any, drs: Any, ec2: Any, clock: Any, server: str, settings: dict[str, Any], action: str, resource: str
) -> None:
    deny(action, resource)
    assert launch(operator, clock, server) == {}
    configure(ec2, drs.get_launch_configuration(sourceServerID=server)["ec2LaunchTemplateID"], settings)
    error = launch(operator, clock, server)["LAUNCH_FAILED"]
    assert f"not authorized to perform: {action} on resource: {resource}" in error
    deny()
    assert launch(operator, clock, server) == {}


def test_a_version_that_is_not_the_default_demands_nothing(
    operator: Any, ec2: Any, world: DrsWorld, clock: Any, server: str
) -> None:
    deny("ec2:RunInstances", f"{EC2}:key-pair/*")
    template = world.backend.source_servers[server].launch_template_id
    ec2.create_launch_template_version(LaunchTemplateId=template, LaunchTemplateData={"KeyName": "operations"})
    assert launch(operator, clock, server) == {}


def test_a_template_that_was_deleted_demands_nothing(
    operator: Any, ec2: Any, world: DrsWorld, clock: Any, server: str
) -> None:
    ec2.delete_launch_template(LaunchTemplateId=world.backend.source_servers[server].launch_template_id)
    assert launch(operator, clock, server) == {}


@pytest.mark.parametrize("name", KEY_RIGHTS)
def test_a_customers_key_demands_its_rights(
    operator: Any, client: Callable[..., Any], world: DrsWorld, clock: Any, server: str, name: str
) -> None:
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    deny(f"kms:{name}", key)
    assert launch(operator, clock, server) == {}
    world.set_encryption_key(server, key)
    assert (
        f"not authorized to perform: kms:{name} on resource: {key}"
        in launch(operator, clock, server)["CONVERSION_FAIL"]
    )
    deny()
    assert launch(operator, clock, server) == {}


def test_a_grant_is_made_for_a_service_and_through_ec2(
    operator: Any, client: Callable[..., Any], world: DrsWorld, clock: Any, server: str
) -> None:
    key = client("kms").create_key()["KeyMetadata"]["Arn"]
    world.set_encryption_key(server, key)
    through = {"kms:ViaService": "ec2.us-east-1.amazonaws.com"}
    for_a_service = {"Bool": {"kms:GrantIsForAWSResource": "true"}, "StringEquals": through}
    deny("kms:CreateGrant", key, Condition=for_a_service)
    assert "kms:CreateGrant" in launch(operator, clock, server)["CONVERSION_FAIL"]


def test_identity_policies_do_not_count_for_a_key_that_does_not_name_the_account(
    operator: Any, client: Callable[..., Any], world: DrsWorld, clock: Any, server: str
) -> None:
    kms = client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    world.set_encryption_key(server, key)
    owner = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/owner"}}
    policy = {"Version": "2012-10-17", "Statement": [owner | {"Action": "kms:*", "Resource": "*"}]}
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=json.dumps(policy))
    assert "no resource-based policy allows" in launch(operator, clock, server)["CONVERSION_FAIL"]
