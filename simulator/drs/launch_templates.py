"""EC2 launch templates of source servers, and what their settings demand of the caller of a launch.

Each source server has a launch template in moto's EC2, which any EC2 call can read and change. DRS launches with its
default version. Sources of the demands: AWS's Service Authorization Reference, "Actions defined by Amazon EC2", for the
resource types of RunInstances; the EC2 user guide, "Grant permissions to pass an IAM role to instances"; the EBS user
guide, "Requirements for Amazon EBS encryption". The DRS user guide, "Key considerations for EC2 launch templates": DRS
manages the primary network interface and passes further ones through; the key of recovery volumes is that of the EBS
encryption in the replication settings, not of the template.

Guesses [U]: a launch needs the rights in the phase in which DRS runs the instance; EC2 calls KMS with the caller's
rights in the name of DRS.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.ec2.models import ec2_backends
from moto.ec2.models.launch_templates import LaunchTemplate
from moto.iam.models import iam_backends

from simulator.drs.resources import SourceServer

MANAGED = "AWSElasticDisasterRecoveryManaged"
# KMS actions of a launch with volumes that a customer's key encrypts.
_KEY_ACTIONS = (
    "DescribeKey",
    "CreateGrant",
    "Decrypt",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
)


@dataclass(frozen=True)
class Demand:
    """One action on one resource that the caller must be allowed; `context` has its condition keys."""

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def create(server: SourceServer) -> None:
    """Add the launch template that DRS makes for a new source server; one that exists stays."""
    templates = ec2_backends[server.account][server.region].launch_templates
    if server.launch_template_id in templates:
        return
    template = LaunchTemplate(
        ec2_backends[server.account][server.region],
        f"created-and-used-by-drs-{server.source_server_id}",
        {"InstanceType": "m5.large"},
        "",
        {"launch-template": {MANAGED: "drs.amazonaws.com"}},
    )
    template.id = server.launch_template_id
    templates[template.id] = template
    ec2_backends[server.account][server.region].launch_template_name_to_ids[template.name] = template.id


def change(server: SourceServer, settings: Mapping[str, Any]) -> None:
    """Make a new default version of a server's launch template, with the settings beside those of the present one."""
    template = ec2_backends[server.account][server.region].launch_templates[server.launch_template_id]
    version = template.create_version({**template.default_version().data, **settings}, "")
    template.default_version_number = version.number


def demands(server: SourceServer) -> Iterator[Demand]:
    """What the default version of a server's launch template demands, beyond the demands of every launch."""
    templates = ec2_backends[server.account][server.region].launch_templates
    if server.launch_template_id not in templates:
        return  # deleted: DRS makes a new one with default values
    data = templates[server.launch_template_id].default_version().data
    for role in _passed_roles(server, data.get("IamInstanceProfile") or {}):
        yield Demand("iam:PassRole", role, {"iam:PassedToService": ("ec2.amazonaws.com",)})
    for resource in _resources(server, data):
        yield Demand("ec2:RunInstances", resource)


def key_demands(server: SourceServer) -> Iterator[Demand]:
    """What the customer's key of the replication settings demands; the AWS managed key demands nothing."""
    if not server.encryption_key_arn:
        return
    context = {"kms:ViaService": (f"ec2.{server.region}.amazonaws.com",)}
    for action in _KEY_ACTIONS:
        granted = {"kms:GrantIsForAWSResource": ("true",)} if action == "CreateGrant" else {}
        yield Demand(f"kms:{action}", server.encryption_key_arn, context | granted)


def _passed_roles(server: SourceServer, profile: Mapping[str, str]) -> Iterator[str]:
    """The role of an instance profile; an unknown profile has none, and EC2 refuses it later."""
    name = profile.get("Name") or profile.get("Arn", "").rpartition("/")[2]
    partition = server.arn.split(":")[1]
    profiles = iam_backends[server.account][partition].instance_profiles.values()
    for one in profiles:
        if one.name == name:
            yield from (str(role.arn) for role in one.roles)


def _resources(server: SourceServer, data: Mapping[str, Any]) -> Iterator[str]:
    """The optional resources of RunInstances that the settings name."""
    _, partition, _, region, account, _ = server.arn.split(":")
    ec2 = f"arn:{partition}:ec2:{region}:{account}"
    target = (data.get("CapacityReservationSpecification") or {}).get("CapacityReservationTarget") or {}
    named = (
        ("key-pair", data.get("KeyName")),
        ("placement-group", (data.get("Placement") or {}).get("GroupName")),
        ("capacity-reservation", target.get("CapacityReservationId")),
        *(("network-interface", one.get("NetworkInterfaceId")) for one in data.get("NetworkInterfaces") or ()),
        *(("security-group", one) for one in data.get("SecurityGroupIds") or ()),
    )
    yield from (f"{ec2}:{kind}/{name}" for kind, name in named if name)
    if group := target.get("CapacityReservationResourceGroupArn"):
        yield str(group)
    for license_ in data.get("LicenseSpecifications") or ():
        yield str(license_["LicenseConfigurationArn"])
