"""Recovery instances are EC2 instances in moto's EC2 backend: any EC2 call sees them, tags and states included.

moto runs an instance at once. Here it is pending until it has booted, as EC2 has it, by setting its state.
"""

from __future__ import annotations

from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance

from simulator.drs.resources import SourceServer

STATE_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64, "stopped": 80}
# The image does not matter to DRS, which puts converted volumes below an instance; any id that EC2 could issue will do.
LAUNCH_INTO_TAG, LAUNCH_INTO_VALUE = "AWSDRS", "AllowLaunchingIntoThisInstance"
CONVERTED_IMAGE = "ami-0d125a1c0ff1ce000"


def launch(account: str, region: str, server: SourceServer, job_id: str) -> Instance:
    """Run the recovery instance of `server`, pending, with the tags that DRS sets.

    `AWSElasticDisasterRecovery…` tags come from the launch template, `drs.amazonaws.com-…` from the job that ran it;
    the source server's own tags are copied (launch configuration `copyTags`).
    """
    tags = server.tags | {
        "Name": server.hostname,
        "AWSElasticDisasterRecoveryManaged": "drs.amazonaws.com",
        "AWSElasticDisasterRecoverySourceServerID": server.source_server_id,
        "drs.amazonaws.com-source-server": server.source_server_id,
        "drs.amazonaws.com-job": job_id,
    }
    reservation = ec2_backends[account][region].run_instances(
        CONVERTED_IMAGE,
        1,
        None,
        [],
        instance_type="m5.large",
        is_instance_type_default=True,  # moto would search its list of offerings each time
        region_name=region,
        tags={"instance": tags},
    )
    instance: Instance = reservation.instances[0]
    _set_state(instance, "pending")
    return instance


def launch_into(account: str, region: str, server: SourceServer) -> Instance:
    """Give the disks of `server` to the instance that its launch configuration names, which boots again."""
    instance = find(account, region, str(server.into_instance_id))
    _set_state(instance, "pending")
    return instance


def cannot_launch_into(account: str, region: str, server: SourceServer) -> str | None:
    """Why DRS cannot launch into the existing instance; None if it can, or if a new one is launched.

    The tag and its value are of the DRS user guide, "Launch into source instance". The message is a guess [U].
    """
    wanted = server.into_instance_id
    if wanted is None:
        return None
    known = {one.id: one for each in ec2_backends[account][region].reservations.values() for one in each.instances}
    found = known.get(wanted)
    if found is None or found.state in ("terminated", "shutting-down"):
        return f"The instance {wanted} to launch into does not exist."
    if {"key": LAUNCH_INTO_TAG, "value": LAUNCH_INTO_VALUE} not in [
        {"key": one["key"], "value": one["value"]} for one in found.get_tags()
    ]:
        return f"The instance {wanted} to launch into lacks the tag {LAUNCH_INTO_TAG} = {LAUNCH_INTO_VALUE}."
    return None


def find(account: str, region: str, instance_id: str) -> Instance:
    """An instance by its id. The time grows with the number of instances, so callers should keep the result."""
    return ec2_backends[account][region].get_instance(instance_id)


def forget(account: str, region: str, instance_id: str) -> None:
    """EC2 no longer knows the instance. Raises ValueError unless it is terminated."""
    backend = ec2_backends[account][region]
    if backend.get_instance(instance_id).state != "terminated":
        raise ValueError(f"EC2 forgets terminated instances only, not {instance_id}")
    for reservation in backend.reservations.values():
        reservation.instances = [one for one in reservation.instances if one.id != instance_id]


def become(instance: Instance, new_state: str) -> None:
    """Move an instance to `new_state`. One that is terminated, or on its way there, stays so."""
    if instance.state in ("terminated", "shutting-down"):
        return
    if new_state == "terminated":
        instance.terminate()
    elif new_state == "stopped":
        instance.stop()
    else:
        _set_state(instance, new_state)


def _set_state(instance: Instance, name: str) -> None:
    instance._state.name = name
    instance._state.code = STATE_CODES[name]
