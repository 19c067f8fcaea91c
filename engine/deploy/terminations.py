"""Terminates recovery instances although another client, or an interrupted clean-up, may be doing the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError

from engine.core.chunks import chunks

# The default of the DRS quota of servers in one job.
_INSTANCES_A_JOB = 100
_DENIED = (401, 403)


def request_terminations(drs: Any, recovery_instance_ids: Sequence[str]) -> list[str]:
    """Request the termination of the instances that no running job terminates; returns the ids of the new jobs.

    DRS refuses a request as a whole if one of its servers is in a job, so the instances of a refused request are
    requested one by one. Those that DRS refuses alone are left: the caller looks again, and repeats the call while
    instances are there. Raises ClientError if the caller is denied.
    """
    busy = {server.get("recoveryInstanceID") for job in live_jobs(drs) for server in job["participatingServers"]}
    due = [one for one in recovery_instance_ids if one not in busy]
    jobs: list[str] = []
    for some in chunks(due, _INSTANCES_A_JOB):
        if job := _terminate(drs, some):
            jobs.append(job)
        elif len(some) > 1:
            jobs.extend(job for one in some if (job := _terminate(drs, [one])))
    return jobs


def live_jobs(drs: Any) -> Iterator[dict[str, Any]]:
    """The jobs of the account and Region that have not ended."""
    for page in drs.get_paginator("describe_jobs").paginate(filters={}):
        yield from (job for job in page["items"] if job["status"] != "COMPLETED")


def is_gone(ec2: Any, recovery_instance: dict[str, Any]) -> bool:
    """Whether the EC2 instance was terminated outside of DRS, which lists it until a client terminates it in DRS."""
    state = recovery_instance.get("ec2InstanceState")
    if state != "NOT_FOUND":
        return state == "TERMINATED"
    # DRS's view of EC2 can lag behind.
    wanted = [{"Name": "instance-id", "Values": [recovery_instance["ec2InstanceID"]]}]
    found = [one for part in ec2.describe_instances(Filters=wanted)["Reservations"] for one in part["Instances"]]
    return all(one["State"]["Name"] == "terminated" for one in found)


def _terminate(drs: Any, recovery_instance_ids: Sequence[str]) -> str | None:
    """The id of the job; None if DRS cannot terminate all of these instances now."""
    try:
        job: dict[str, str] = drs.terminate_recovery_instances(recoveryInstanceIDs=list(recovery_instance_ids))["job"]
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in _DENIED:
            raise
        return None
    return job["jobID"]
