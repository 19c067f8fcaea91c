"""Approval and pause: what holds an execution before a wave, and the decisions of persons."""

from __future__ import annotations

import os
import shlex

from behave import given, then, when
from behave.runner import Context
from click.testing import CliRunner
from hamcrest import equal_to, has_entries, has_item, not_none, only_contains

from engine.cli import main
from features.aws_queries import instant, recovery_jobs
from features.matchers import assert_that, is_between, mentions, started_after
from features.subscriber import MESSAGES, received, the_message
from features.world import World

RECORD = "Read the execution record"


@given("wave {number:d} needs an approval within {seconds:Duration}")
def wave_needs_approval(context: Context, number: int, seconds: int) -> None:
    context.world.draft_wave(number)["Approval"] = {"Required": True, "TimeoutSeconds": seconds}


@given("the plan announces {moments:Statuses}")
def plan_announces(context: Context, moments: list[str]) -> None:
    context.world.drafted_plan()["NotifyOn"] = moments


@when("wave {number:d} waits for approval")
def wave_waits(context: Context, number: int) -> None:
    context.world.wait_for_state(
        lambda record: any(
            wave["WaveNumber"] == number and "AwaitingApprovalSince" in wave for wave in record["Waves"]
        ),
        f"wave {number} to wait for approval",
    )


@when('wave {number:d} is {decision:Decision} with the comment "{comment}"')
def wave_is_decided(context: Context, number: int, decision: str, comment: str) -> None:
    context.world.decide(decision, number, comment)


@when("an operator runs the approving command of the message")
def run_approving_command(context: Context) -> None:
    world: World = context.world
    words = shlex.split(the_message(world)["ApproveCommand"])
    assert_that(words[:3], equal_to(["python", "-m", "engine"]), f"{MESSAGES}: ApproveCommand")
    answer = CliRunner().invoke(main, words[3:], env=dict(os.environ))
    assert_that(answer.exit_code, equal_to(0), f"Ran {' '.join(words)}: {answer.output}")


@then('the record has the decision about wave {number:d}: {decision:Status}, caller, time and "{comment}"')
def decision_is_recorded(context: Context, decision: str, number: int, comment: str) -> None:
    world: World = context.world
    wanted = {"WaveNumber": number, "Decision": decision, "By": caller(world), "Comment": comment}
    found = world.record().get("Approvals", [])
    assert_that(found, has_item(has_entries(**wanted, RequestId=not_none())), f"{RECORD}: Approvals")
    asked = world.draft_wave(number)["Approval"]
    assert_that(world.wave(number)["Approval"], equal_to(asked), f"{RECORD}: Approval of wave {number}")
    since, decided = instant(world.wave(number)["AwaitingApprovalSince"]), instant(found[0]["Time"])
    assert_that(decided >= since, f"{RECORD}: the decision of {decided} is older than the wait, {since}")


@then("wave {number:d} started within a minute after the decision")
def started_after_decision(context: Context, number: int) -> None:
    record = context.world.record()
    decided = next(one["Time"] for one in record["Approvals"] if one["WaveNumber"] == number)
    starts_soon_after(context.world, number, decided)


@then("the record has the end of the pause, and wave {number:d} started within a minute after it")
def started_after_pause(context: Context, number: int) -> None:
    world: World = context.world
    (pause,) = world.record()["Pauses"]
    assert_that(pause.get("ContinuedBy"), equal_to(caller(world)), f"{RECORD}: Pauses")
    starts_soon_after(world, number, pause["ContinuedTime"])


def starts_soon_after(world: World, number: int, moment: str) -> None:
    """Compare the wave's start in the record, and its first job in DRS, with a moment of the record."""
    starts = [world.wave(number)["StartTime"], recovery_jobs(world, number)[0]["creationDateTime"]]
    waits = [(instant(start) - instant(moment)).total_seconds() for start in starts]
    assert_that(waits, only_contains(is_between(0, 60)), f"{RECORD} and the jobs of DRS: seconds after {moment}")


@then("wave {number:d} ended {seconds:Duration} after it began to wait")
def ended_after_wait(context: Context, number: int, seconds: int) -> None:
    world: World = context.world
    wave = world.wave(number)
    waited = started_after(seconds, instant(wave["AwaitingApprovalSince"]), world.target.slack)
    assert_that(instant(wave["EndTime"]), waited, f"{RECORD}: AwaitingApprovalSince and EndTime")


@then("the record names who paused the execution")
def pause_is_recorded(context: Context) -> None:
    world: World = context.world
    assert_that(world.record(), has_entries(PausedBy=caller(world), PausedSince=not_none()), RECORD)


@then("the message asks for the approval of wave {number:d}")
def message_asks_for_approval(context: Context, number: int) -> None:
    world: World = context.world
    message, execution = the_message(world), world.executions[-1]
    assert_that(message, has_entries(Moment="APPROVAL", ExecutionId=execution, WaveNumber=number), MESSAGES)
    for name, command in (("ApproveCommand", "approve"), ("RejectCommand", "reject")):
        wanted = f"python -m engine {command} {execution} --wave {number}"
        assert_that(message.get(name, ""), mentions(wanted), f"{MESSAGES}: {name}")


@then("the messages are about {moments:Statuses}")
def messages_are_about(context: Context, moments: list[str]) -> None:
    world: World = context.world
    world.target.pass_time(60)
    assert_that([one.get("Moment") for one in received(world)], equal_to(moments), f"{MESSAGES}: Moment")


def caller(world: World) -> str:
    return str(world.target.client("sts").get_caller_identity()["Arn"])
