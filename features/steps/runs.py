"""When: starting, waiting, cancelling, and what others do meanwhile.

What the engine answers, a refusal included, is kept for the Then to judge.
"""

from __future__ import annotations

import json

from behave import given, when
from behave.runner import Context

from features.aws_queries import state_machine_run
from features.world import OVER, World


@when("a {run:Run} of the plan is run")
def run_plan(context: Context, run: str) -> None:
    context.world.start(run)
    context.world.run_to_end()


@when("a {run:Run} of the plan is started")
@when("a {run:Run} of the plan is requested")
def start_plan(context: Context, run: str) -> None:
    context.world.start(run)


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
            record["Status"] in OVER
            or any(wave["WaveNumber"] == number and wave["Status"] == status for wave in record["Waves"])
        ),
        f"wave {number} to be {status}",
    )


@when('server "{name}" is {status:Status}')
def server_becomes(context: Context, name: str, status: str) -> None:
    wanted = context.world.server_id(name)
    context.world.wait_for_record(
        lambda record: (
            record["Status"] in OVER
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


@when("the drill's clean-up has ended")
def clean_up_ends(context: Context) -> None:
    context.world.wait_for_record(
        lambda record: record.get("CleanUp", {}).get("Status") in {"COMPLETED", "FAILED", "SKIPPED"},
        "the drill's clean-up to end",
    )


@when("{seconds:Duration} pass")
def time_passes(context: Context, seconds: int) -> None:
    context.world.target.pass_time(seconds)


@when("a {run:Run} of the plan is started again")
def start_again(context: Context, run: str) -> None:
    context.world.start(run)


@when('a {run:Run} of the plan is started with the token "{token}"')
def start_with_token(context: Context, run: str, token: str) -> None:
    context.world.start(run, token=token)


@when("two operators start a drill of the plan at the same moment")
def start_together(context: Context) -> None:
    world: World = context.world
    plan = world.drafted_plan()
    world.save()
    operators = [
        world.target.simulator.spawn(name, lambda: world.client.start(plan["PlanId"], "DRILL"))
        for name in ("first operator", "second operator")
    ]
    world.executions.extend(operator.join() for operator in operators)


@when("the execution is cancelled")
def cancel(context: Context) -> None:
    context.world.cancel("the drill window is over")


@given("an operator cancels the execution while wave {number:d} runs")
def cancel_while_wave_runs(context: Context, number: int) -> None:
    def cancel_then() -> None:
        wave_becomes(context, number, "RUNNING")
        cancel(context)

    context.world.events.append(cancel_then)


@given("the state machine is stopped by somebody else after {seconds:Duration}")
def machine_is_stopped(context: Context, seconds: int) -> None:
    def stop() -> None:
        time_passes(context, seconds)
        arn = state_machine_run(context.world)["executionArn"]
        context.world.target.client("stepfunctions").stop_execution(executionArn=arn, cause="somebody else")

    context.world.events.append(stop)


@given("the state machine is timed out by AWS after {seconds:Duration}")
def machine_is_timed_out(context: Context, seconds: int) -> None:
    states, arn = context.world.target.client("stepfunctions"), context.world.target.stack.outputs["StateMachineArn"]
    definition = json.loads(states.describe_state_machine(stateMachineArn=arn)["definition"])
    states.update_state_machine(stateMachineArn=arn, definition=json.dumps({**definition, "TimeoutSeconds": seconds}))
