"""Starting, waiting and cancelling. A When keeps the engine's refusal for the Then to judge."""

from __future__ import annotations

import json

from behave import given, when
from behave.runner import Context

from features.aws_queries import recovery_instances, state_machine_run
from features.parameter_types import Existing
from features.world import ENDED, World

CLEANED_UP = {"COMPLETED", "FAILED", "SKIPPED"}


@when("a {run:Run} of {plan:Plan} is run")
def run_plan(context: Context, run: str, plan: str) -> None:
    context.world.start(run, plan)
    context.world.run_to_end()


@when("a {run:Run} of {plan:Plan} is started")
def start_plan(context: Context, run: str, plan: str) -> None:
    context.world.start(run, plan)


@when("a {run:Run} of {plan:Plan} is run {existing:Existing}")
def run_over_existing(context: Context, run: str, plan: str, existing: Existing) -> None:
    world: World = context.world
    present = {one["sourceServerID"]: one["recoveryInstanceID"] for one in recovery_instances(world)}
    servers = [world.server_id(name) for name in existing.servers]
    confirmed = {server: existing.instance or present[server] for server in servers}
    world.start(run, plan, keep_existing=not confirmed, replace_existing=confirmed)
    if world.refusal is None:
        world.run_to_end()


@when('a {run:Run} of the plan is started with the token "{token}"')
def start_with_token(context: Context, run: str, token: str) -> None:
    context.world.start(run, client_token=token)


@when("two operators start a {run:Run} of the plan at the same moment")
def start_together(context: Context, run: str) -> None:
    world: World = context.world
    plan = world.drafted_plan()
    world.save()
    operators = [
        world.target.simulator.spawn(name, lambda: world.client.start(plan["PlanId"], run))
        for name in ("first operator", "second operator")
    ]
    world.executions.extend(operator.join() for operator in operators)


@when("{count:d} drills of the plan are run one after the other")
def run_drills(context: Context, count: int) -> None:
    for _ in range(count):
        context.world.start("DRILL")
        context.world.run_to_end()
        clean_up_ends(context)


@when("wave {number:d} is {status:Status}")
def wave_becomes(context: Context, number: int, status: str) -> None:
    context.world.wait_for_record(
        lambda record: (
            record["Status"] in ENDED
            or any(wave["WaveNumber"] == number and wave["Status"] == status for wave in record["Waves"])
        ),
        f"wave {number} to be {status}",
    )


@when('server "{name}" is {status:Status}')
def server_becomes(context: Context, name: str, status: str) -> None:
    wanted = context.world.server_id(name)
    context.world.wait_for_record(
        lambda record: (
            record["Status"] in ENDED
            or any(
                result["SourceServerId"] == wanted and result["Status"] == status
                for wave in record["Waves"]
                for result in wave["ServerResults"]
            )
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


@when("the execution is cancelled")
def cancel(context: Context) -> None:
    context.world.cancel("an operator has cancelled it")


@when('the execution is cancelled with the reason "{reason}"')
def cancel_with_reason(context: Context, reason: str) -> None:
    context.world.cancel(reason)


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
