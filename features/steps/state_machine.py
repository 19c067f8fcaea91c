"""The execution's history in Step Functions: transitions, failed calls, payloads."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from behave import then
from behave.runner import Context
from hamcrest import empty, equal_to, greater_than_or_equal_to, has_length, less_than, less_than_or_equal_to

from features.aws_queries import state_machine_run
from features.matchers import assert_that
from features.matchers.engine_calls import Pauses
from features.world import World

HISTORY = "Read the execution's history in Step Functions"
FAILED_CALLS = ("TaskFailed", "LambdaFunctionFailed", "TaskTimedOut")
CALLS = ("TaskScheduled", "LambdaFunctionScheduled")


def events(world: World) -> list[dict[str, Any]]:
    """Every history event of the newest execution, oldest first."""
    states, arn = world.target.client("stepfunctions"), state_machine_run(world)["executionArn"]
    pages = states.get_paginator("get_execution_history").paginate(executionArn=arn, includeExecutionData=True)
    return [event for page in pages for event in page["events"]]


def calls_and_failures(world: World) -> list[dict[str, Any]]:
    return [event for event in events(world) if event["type"] in (*FAILED_CALLS, *CALLS)]


@then("the state machine made at least {count:d} transitions in fewer than {limit:d} history events")
def made_transitions(context: Context, count: int, limit: int) -> None:
    found = events(context.world)
    entered = [event for event in found if event["type"].endswith("StateEntered")]
    assert_that(entered, has_length(greater_than_or_equal_to(count)), f"{HISTORY}: states entered")
    assert_that(len(found), less_than(limit), f"{HISTORY}: number of events")


@then("no payload of the state machine was larger than {kilobytes:d} kilobytes")
def small_payloads(context: Context, kilobytes: int) -> None:
    sizes = [len(text.encode()) for event in events(context.world) for text in payloads(event)]
    assert_that(max(sizes), less_than_or_equal_to(kilobytes * 1024), f"{HISTORY}: largest input or output in bytes")


def payloads(event: dict[str, Any]) -> list[str]:
    details = [value for key, value in event.items() if key.endswith("EventDetails")]
    return [detail[key] for detail in details for key in ("input", "output", "parameters") if key in detail]


@then("the state machine retried the function after {pauses:Pauses}")
def retried(context: Context, pauses: Pauses) -> None:
    gaps = [
        (after["timestamp"] - before["timestamp"]).total_seconds()
        for before, after in pairwise(calls_and_failures(context.world))
        if before["type"] in FAILED_CALLS and after["type"] in CALLS
    ]
    wanted = equal_to(pauses.seconds)
    assert_that([round(gap) for gap in gaps], wanted, f"{HISTORY}: seconds from each failure to the next call")


@then("no function call of the state machine failed")
def no_call_failed(context: Context) -> None:
    failed = [event["type"] for event in calls_and_failures(context.world) if event["type"] in FAILED_CALLS]
    assert_that(failed, empty(), f"{HISTORY}: failed calls of the function")
