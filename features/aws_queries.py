"""Reads the effects of an execution outside the engine, with boto3: DRS jobs, instances, Step Functions, tables."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from boto3.dynamodb.types import TypeDeserializer

if TYPE_CHECKING:
    from features.world import World

Document = dict[str, Any]

EXECUTION_TAG = "drs-engine:ExecutionId"
WAVE_TAG = "drs-engine:Wave"


def instant(text: str) -> datetime:
    """An ISO-8601 time of AWS or of the record, as an aware UTC instant."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def recovery_client(world: World, service: str) -> Any:
    """A client of the suite's own in the account and Region that the drafted plan recovers to."""
    account, region = world.plan.get("TargetAccountId"), world.plan.get("TargetRegion")
    return world.target.client(service, account, region)


def all_jobs(drs: Any) -> list[Document]:
    """Every job that DRS remembers, oldest first."""
    pages = drs.get_paginator("describe_jobs").paginate(filters={})
    jobs = [job for page in pages for job in page["items"]]
    return sorted(jobs, key=lambda job: job["creationDateTime"])


def new_jobs(world: World) -> list[Document]:
    """The jobs that DRS began since the scenario did, oldest first, without those of other users."""
    began = world.target.began_at()
    jobs = [job for job in all_jobs(recovery_client(world, "drs")) if job["jobID"] not in world.foreign_jobs]
    return [job for job in jobs if began is None or instant(job["creationDateTime"]) >= began]


def recovery_jobs(world: World, wave: int | None = None) -> list[Document]:
    """The jobs that launch servers for the scenario's executions, oldest first."""
    return [
        job
        for job in all_jobs(recovery_client(world, "drs"))
        if job["type"] == "LAUNCH"
        and job.get("tags", {}).get(EXECUTION_TAG) in world.executions
        and wave in (None, int(job["tags"][WAVE_TAG]))
    ]


def servers_of(job: Document) -> list[str]:
    return [server["sourceServerID"] for server in job["participatingServers"]]


def job_of(world: World, name: str) -> Document | None:
    """The job that launches the server, the first if there are several; None if there is none."""
    wanted = world.server_id(name)
    return next((job for job in recovery_jobs(world) if wanted in servers_of(job)), None)


def recovery_instances(world: World) -> list[Document]:
    """The recovery instances that DRS has now."""
    pages = recovery_client(world, "drs").get_paginator("describe_recovery_instances").paginate(filters={})
    return [instance for page in pages for instance in page["items"]]


def instance_state(world: World, instance_id: str) -> str | None:
    """The EC2 state of an instance, running or not; None when EC2 does not know it."""
    answer = recovery_client(world, "ec2").describe_instance_status(InstanceIds=[instance_id], IncludeAllInstances=True)
    statuses = answer["InstanceStatuses"]
    return statuses[0]["InstanceState"]["Name"] if statuses else None


def instance_state_of(world: World, server_id: str) -> str | None:
    """The EC2 state of the instance that DRS has launched for the server; None when there is none."""
    instances = {one["sourceServerID"]: one["ec2InstanceID"] for one in recovery_instances(world)}
    return instance_state(world, instances[server_id]) if server_id in instances else None


def state_machine_run(world: World, execution_id: str | None = None) -> Document:
    """The execution of the state machine, from Step Functions."""
    machine = world.target.stack.outputs["StateMachineArn"]
    arn = machine.replace(":stateMachine:", ":execution:") + ":" + (execution_id or world.executions[-1])
    run: Document = world.target.client("stepfunctions").describe_execution(executionArn=arn)
    return run


def raw_items(world: World, table: str) -> list[Document]:
    """Every item of a table, page by page, in DynamoDB's own form."""
    pages = world.target.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    return [item for page in pages for item in page["Items"]]


def scan(world: World, output: str) -> list[Document]:
    """Every item of the table that the stack's output names, as plain JSON."""
    found = raw_items(world, world.target.stack.outputs[output])
    return [{name: plain(value) for name, value in item.items()} for item in found]


def plain(value: Document) -> Any:
    """A DynamoDB attribute as plain JSON: whole numbers as int, as the documents of the test data have them."""
    read = TypeDeserializer().deserialize(value)
    return json.loads(json.dumps(read, default=int))
