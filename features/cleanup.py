"""The clean-up of a scenario, and the check that it is complete.

The order matters: executions end first (DRS jobs cannot be stopped), then their instances are terminated, then their
records, plans and groups are deleted. Each step may run twice. The stack serves the other scenarios of the run.
"""

from __future__ import annotations

from typing import Any

from engine.client import AlreadyEnded, ExecutionNotFound
from engine.deploy.terminations import is_gone, request_terminations
from features.aws_queries import (
    EXECUTION_TAG,
    all_jobs,
    raw_items,
    recovery_client,
    recovery_instances,
    recovery_jobs,
    servers_of,
)
from features.targets import WaitTimeout
from features.world import ENDED, World

# A drill's clean-up waits for jobs in flight and terminates instances; DRS jobs take minutes, never hours.
FINISH_SECONDS = 4 * 3600
LIVE_STATES = ["pending", "running", "stopping", "stopped"]


class LeftBehind(Exception):
    """The clean-up is incomplete; the message lists the remains by kind."""


def finish(world: World) -> None:
    """Let every execution end, its drill clean-up included; stop a state machine that does not."""
    if world.items_left is not None:
        return
    cancel_interrupted_starts(world)
    for execution in world.executions:
        cancel(world, execution)
    states = world.target.client("stepfunctions")
    machine = world.target.stack.outputs["StateMachineArn"]

    def running() -> list[str]:
        found = states.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
        return [one["executionArn"] for one in found]

    try:
        world.target.wait_until(lambda: not running(), FINISH_SECONDS, "the state machines to end")
    except WaitTimeout:
        for arn in running():
            states.stop_execution(executionArn=arn, cause="the scenario is over")
    for execution in world.executions:
        world.sample(execution)


def cancel_interrupted_starts(world: World) -> None:
    """Cancel the starts that were killed before their execution had a record for readers."""
    for plan in [world.plan, *world.saved_plans]:
        holder = world.client.holder(plan["PlanId"]) if plan else None
        if holder and holder not in world.executions:
            world.client.cancel(holder, reason="the scenario is over")
            world.executions.append(holder)


def cancel(world: World, execution: str) -> None:
    try:
        if world.sample(execution)["Status"] not in ENDED:
            world.client.cancel(execution, reason="the scenario is over")
    except (ExecutionNotFound, AlreadyEnded):
        return


def clean_up(world: World) -> None:
    """Remove all resources of the scenario."""
    if world.items_left is not None:
        return
    finish(world)
    terminate_instances(world)
    for execution in world.executions:
        world.client.delete_execution(execution)
    for plan in [world.plan, *world.saved_plans]:
        if plan:
            world.client.delete_plan(plan["PlanId"])
    for group in world.groups:
        world.client.delete_group(group)
    for extra in reversed(world.clean_ups):
        extra()
    world.items_left = saved_items(world)


def terminate_instances(world: World) -> None:
    """Terminate the instances of the scenario's jobs and no others; wait until they are gone.

    An interrupted clean-up of the engine, or of this function, may be terminating some of them.
    """
    drs, ec2 = recovery_client(world, "drs"), recovery_client(world, "ec2")
    await_jobs(world, drs)
    there = recovery_instances(world)
    jobs = {*world.foreign_jobs, *(job["jobID"] for job in recovery_jobs(world))} if there else set()
    ours = [one for one in there if one["jobID"] in jobs]
    world.terminated_instances = [one["ec2InstanceID"] for one in ours if "ec2InstanceID" in one]
    ids = [one["recoveryInstanceID"] for one in ours]

    def gone() -> bool:
        left = [
            one["recoveryInstanceID"]
            for one in recovery_instances(world)
            if one["recoveryInstanceID"] in ids and not is_gone(ec2, one)
        ]
        world.terminate_jobs += request_terminations(drs, left) if left else []
        return not left

    if ids:
        world.target.wait_until(gone, FINISH_SECONDS, "the instances to be terminated")
        await_jobs(world, drs)


def await_jobs(world: World, drs: Any) -> None:
    world.target.wait_until(lambda: not live_jobs(world, drs), FINISH_SECONDS, "the recovery jobs to end")


def live_jobs(world: World, drs: Any) -> list[dict[str, Any]]:
    """Jobs that have not ended: the scenario's, or all in an account of the suite's own."""
    live = [job for job in all_jobs(drs) if job["status"] != "COMPLETED"]
    return live if world.target.is_alone else [job for job in live if is_ours(world, job)]


def is_ours(world: World, job: dict[str, Any]) -> bool:
    records = [seen[-1] for seen in world.records_seen.values()]
    known = {job_id for record in records for job_id in record.get("CleanUp", {}).get("DrsJobIds", [])}
    known |= {*world.foreign_jobs, *world.terminate_jobs}
    return job["jobID"] in known or job.get("tags", {}).get(EXECUTION_TAG) in world.executions


def left_behind(world: World) -> dict[str, list[str]]:
    """The remains of the scenario, by kind; empty lists after a complete clean-up."""
    drs = recovery_client(world, "drs")
    return {
        "record, plan or group": world.items_left or [],
        "running recovery job": [f"{job['jobID']} of {', '.join(servers_of(job))}" for job in live_jobs(world, drs)],
        "instance": instances_left(world),
    }


def instances_left(world: World) -> list[str]:
    """Instances that are not terminated: the scenario's, or all in an account of the suite's own."""
    filters = [{"Name": "instance-state-name", "Values": LIVE_STATES}]
    if not world.target.is_alone:
        launched = {*world.terminated_instances, *recorded_instances(world)}
        if not launched:
            return []
        filters.append({"Name": "instance-id", "Values": sorted(launched)})
    pages = recovery_client(world, "ec2").get_paginator("describe_instances").paginate(Filters=filters)
    return [instance["InstanceId"] for page in pages for one in page["Reservations"] for instance in one["Instances"]]


def recorded_instances(world: World) -> set[str]:
    """The EC2 instances in the records of the scenario's executions."""
    waves = [wave for seen in world.records_seen.values() for wave in seen[-1]["Waves"]]
    return {one["Ec2InstanceId"] for wave in waves for one in wave["ServerResults"] if "Ec2InstanceId" in one}


def saved_items(world: World) -> list[str]:
    """The keys of all items in the stack's tables."""
    tables = [name for key, name in world.target.stack.outputs.items() if key.endswith("Table")]
    return [f"{table}: {next(iter(item.values()))['S']}" for table in tables for item in raw_items(world, table)]


def stacks_left(world: World) -> list[str]:
    """Stacks of the suite that have not been deleted; none of a target whose stack serves other scenarios."""
    if not world.target.is_alone:
        return []
    cloudformation = world.target.client("cloudformation")
    found = cloudformation.describe_stacks()["Stacks"]
    name = world.target.stack.name
    return [one["StackName"] for one in found if one["StackName"] == name and one["StackStatus"] != "DELETE_COMPLETE"]


def require_nothing_left(world: World) -> None:
    """Raise LeftBehind unless the clean-up was complete."""
    left = left_behind(world)
    if any(left.values()):
        raise LeftBehind("; ".join(f"{kind}: {', '.join(found)}" for kind, found in left.items() if found))
