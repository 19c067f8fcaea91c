"""Starting, waiting and cancelling. A When keeps the engine's refusal for the Then to judge."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from behave import given, when
from behave.runner import Context

from features.aws_queries import recovery_instances, state_machine_run
from features.phrase_values import Command, Start
from features.world import World

CLEANED_UP = {"COMPLETED", "FAILED", "SKIPPED"}


@when("a {run:Run} of {plan:Plan} is {start:Start}")
def start_plan(context: Context, run: str, plan: str, start: Start) -> None:
    """A plan that "is run" runs to its end."""
    world: World = context.world
    world.start(run, plan, **options_of(world, start))
    if start.to_end and (world.refusal is None or start.is_plain):
        world.run_to_end()


def options_of(world: World, start: Start) -> dict[str, Any]:
    """The options of the engine's client. The instance of a server that is replaced is the one that DRS has for it."""
    if start.token:
        return {"client_token": start.token}
    if start.as_of:
        world.as_of = world.target.simulator.clock.now() - timedelta(seconds=start.as_of)
        return {"as_of": world.as_of}
    if start.existing is None:
        return {}
    present = {one["sourceServerID"]: one["recoveryInstanceID"] for one in recovery_instances(world)}
    servers = [world.server_id(name) for name in start.existing.servers]
    confirmed = {server: start.existing.instance or present[server] for server in servers}
    return {"keep_existing": not confirmed, "replace_existing": confirmed}


@when("a {run:Run} of the plan and a {other:Run} of {plan:Plan} are started at the same moment")
def start_both(context: Context, run: str, other: str, plan: str) -> None:
    context.world.start_together((run, ""), (other, plan))


@when("{count:d} drills of the plan are run one after the other")
def run_drills(context: Context, count: int) -> None:
    for _ in range(count):
        context.world.start("DRILL")
        context.world.run_to_end()
        clean_up_ends(context)


@when("wave {number:d} is {status:Status}")
def wave_becomes(context: Context, number: int, status: str) -> None:
    context.world.wait_for_state(
        lambda record: any(wave["WaveNumber"] == number and wave["Status"] == status for wave in record["Waves"]),
        f"wave {number} to be {status}",
    )


@when('server "{name}" is {status:Status}')
def server_becomes(context: Context, name: str, status: str) -> None:
    wanted = context.world.server_id(name)
    context.world.wait_for_state(
        lambda record: any(
            result["SourceServerId"] == wanted and result["Status"] == status
            for wave in record["Waves"]
            for result in wave["ServerResults"]
        ),
        f"server {name} to be {status}",
    )


@when("the execution ends")
def execution_ends(context: Context) -> None:
    context.world.run_to_end()


@when("the drill's clean-up ends")
def clean_up_ends(context: Context) -> None:
    context.world.wait_for_record(
        lambda record: record.get("CleanUp", {}).get("Status") in CLEANED_UP, "the drill's clean-up to end"
    )


@when("{seconds:Duration} pass")
def time_passes(context: Context, seconds: int) -> None:
    context.world.target.pass_time(seconds)


@when("the execution is {command:Command}")
def command_execution(context: Context, command: Command) -> None:
    world: World = context.world
    if command.name == "cancelled":
        world.cancel(command.reason or "an operator has cancelled it")
        return
    world.hold(command.name)


@when("the state machine is stopped from outside")
def machine_is_stopped(context: Context) -> None:
    world: World = context.world
    arn = state_machine_run(world)["executionArn"]
    world.target.client("stepfunctions").stop_execution(executionArn=arn, cause="stopped by another user")


@given("AWS times out the state machine after {seconds:Duration}")
def machine_is_timed_out(context: Context, seconds: int) -> None:
    states, arn = context.world.target.client("stepfunctions"), context.world.target.stack.outputs["StateMachineArn"]
    definition = json.loads(states.describe_state_machine(stateMachineArn=arn)["definition"])
    states.update_state_machine(stateMachineArn=arn, definition=json.dumps({**definition, "TimeoutSeconds": seconds}))
