"""Questions that many tests ask of DRS and EC2, through boto3."""

from __future__ import annotations

from typing import Any


def start(drs: Any, *servers: str | dict[str, str], **more: Any) -> str:
    sources = [one if isinstance(one, dict) else {"sourceServerID": one} for one in servers]
    return str(drs.start_recovery(sourceServers=sources, isDrill=True, **more)["job"]["jobID"])


def job(drs: Any, job_id: str) -> dict[str, Any]:
    (found,) = drs.describe_jobs(filters={"jobIDs": [job_id]})["items"]
    return dict(found)


def launch_statuses(drs: Any, job_id: str) -> dict[str, str]:
    return {one["sourceServerID"]: one["launchStatus"] for one in job(drs, job_id)["participatingServers"]}


def events(drs: Any, job_id: str) -> list[str]:
    return [one["event"] for one in drs.describe_job_log_items(jobID=job_id)["items"]]


def instance_of(drs: Any, server: str) -> dict[str, Any]:
    (found,) = drs.describe_recovery_instances(filters={"sourceServerIDs": [server]})["items"]
    return dict(found)


def ec2_states(ec2: Any) -> dict[str, str]:
    found = ec2.describe_instance_status(IncludeAllInstances=True)["InstanceStatuses"]
    return {one["InstanceId"]: one["InstanceState"]["Name"] for one in found}
