"""Launch templates and encryption keys of source servers, set as operators set them. Simulated AWS only."""

from __future__ import annotations

import json
from typing import Any

from behave import given
from behave.runner import Context

from features.aws_queries import recovery_client
from features.phrase_values import LAUNCH_SETTINGS
from features.targets.launch_parameters import PROFILE_NAME
from features.world import World


@given('the launch settings of server "{name}" name {setting:LaunchSetting}')
def launch_settings_name(context: Context, name: str, setting: str) -> None:
    world: World = context.world
    server = world.server_id(name)
    if setting == "a customer's encryption key":
        world.drs.set_encryption_key(server, world.encryption_key_arn)
        return
    if setting == "an instance profile":
        provide_profile(world.target.client("iam", world.plan.get("TargetAccountId")))
    drs = recovery_client(world, "drs")
    template = drs.get_launch_configuration(sourceServerID=server)["ec2LaunchTemplateID"]
    place = f"{world.drs.region}:{world.drs.account}"
    fields = json.loads(json.dumps(LAUNCH_SETTINGS[setting]).replace("REGION:ACCOUNT", place))
    add_to_default_version(recovery_client(world, "ec2"), template, fields)


def provide_profile(iam: Any) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    iam.create_role(RoleName=PROFILE_NAME, AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
    iam.create_instance_profile(InstanceProfileName=PROFILE_NAME)
    iam.add_role_to_instance_profile(InstanceProfileName=PROFILE_NAME, RoleName=PROFILE_NAME)


def add_to_default_version(ec2: Any, template: str, settings: dict[str, object]) -> None:
    """Make a new default version with these settings beside the present ones; DRS launches with the default version."""
    versions = ec2.describe_launch_template_versions(LaunchTemplateId=template, Versions=["$Default"])
    data = versions["LaunchTemplateVersions"][0]["LaunchTemplateData"] | settings
    version = ec2.create_launch_template_version(LaunchTemplateId=template, LaunchTemplateData=data)
    number = str(version["LaunchTemplateVersion"]["VersionNumber"])
    ec2.modify_launch_template(LaunchTemplateId=template, DefaultVersion=number)
