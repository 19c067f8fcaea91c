"""Plans that share servers: refused starts, starts at the same moment, and the operator's commands."""

from __future__ import annotations

from behave import then, when
from behave.runner import Context
from hamcrest import equal_to, has_length, none

from features.matchers import assert_that
from features.world import World


@when("the command of the refusal is run")
def run_command(context: Context) -> None:
    world: World = context.world
    text = world.refusal_text.replace("\\\n", " ")
    commands = [line.split() for line in text.splitlines() if line.strip().startswith("python -m engine start")]
    assert_that(commands, has_length(1), f"Read the commands in the engine's answer to the start:\n{text}")
    world.run_command(commands[0][3:])


@then("the command has succeeded")
def command_succeeded(context: Context) -> None:
    assert_that(context.world.command_failure, none(), "Read the output of the command")
    context.world.effects.judged("command")


@then("one execution was started")
def one_started(context: Context) -> None:
    world: World = context.world
    assert_that(world.executions, has_length(1), "Read the ExecutionIds that the engine answered with")
    plans = [plan["PlanId"] for plan in (world.plan, *world.saved_plans)]
    recorded = [item["ExecutionId"] for plan in plans for item in world.client.list_by_plan(plan).items]
    assert_that(recorded, equal_to(world.executions), "Read the history of both plans")


@then("the drill before it is {status:Status}")
def drill_is(context: Context, status: str) -> None:
    world: World = context.world
    record = world.sample(world.executions[0])
    assert_that((record["ExecutionType"], record["Status"]), equal_to(("DRILL", status)), "Read the drill's record")
