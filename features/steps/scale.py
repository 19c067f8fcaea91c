"""Performance and scale: how long, how much of it is the engine's own, and what reading the history costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from behave import given, then, when
from behave.runner import Context
from hamcrest import empty, equal_to, greater_than_or_equal_to, has_key, has_length

from engine.client import Page
from engine.deploy.deployment import deploy
from features.aws_queries import instant, raw_items, recovery_jobs
from features.matchers import assert_that, within
from features.world import World
from traceability.recording import evidence

RECORD = "Looked at the times in the execution record"
QUERY = "Looked at the query with which the history was read"


@given("the engine launches at most {count:d} servers in a job")
def small_jobs(context: Context, count: int) -> None:
    target = context.world.target
    deploy(target.session(), target.stack.name, parameters={"KeepData": "no", "ServersPerJob": str(count)})


@then("the execution took at most {seconds:Duration}")
def took_at_most(context: Context, seconds: int) -> None:
    assert_that(context.world.record()["DurationSeconds"], within(seconds), RECORD)


@then("the engine's own share of that time was at most {seconds:Duration}")
def own_share(context: Context, seconds: int) -> None:
    """What is left of the execution's time when AWS's is taken away: DRS's jobs, and the boot as far as it is known.

    An instance boots at least until the engine's last look but one: the last saw it run.
    """
    world: World = context.world
    record, jobs = world.record(), recovery_jobs(world)
    began, ended = instant(jobs[0]["creationDateTime"]), instant(jobs[-1]["endDateTime"])
    calls = world.target.engine_calls()
    looks = [call.started for call in calls if call.operation == "DescribeInstanceStatus" and call.started > ended]
    booted = max([ended, *looks[:-1]])
    own = record["DurationSeconds"] - (booted - began).total_seconds()
    told = (
        f"Execution {record['DurationSeconds']} s, DRS's jobs {(ended - began).total_seconds():.0f} s, boot at least "
    )
    told += f"{(booted - ended).total_seconds():.0f} s; the engine's own: {own:.0f} s"
    evidence.attach_text("The engine's own share", told)
    assert_that(own, within(seconds), told)


@then("job queries came at least {seconds:d} seconds apart")
def queries_apart(context: Context, seconds: int) -> None:
    asked = [call.started for call in context.world.target.engine_calls() if call.operation == "DescribeJobs"]
    gaps = [round((later - earlier).total_seconds()) for earlier, later in pairwise(asked)]
    assert_that(min(gaps), greater_than_or_equal_to(seconds), "Looked at the seconds between the engine's DescribeJobs")


@when("the history holds {count:d} executions like it")
def long_history(context: Context, count: int) -> None:
    """Copy what the lists show of the execution (what has a StartTime) under other ids and earlier start times."""
    world: World = context.world
    name, own = world.target.stack.outputs["ExecutionHistoryTable"], world.executions[-1]
    table = world.target.simulator.table(name)
    items = [item for item in raw_items(world, name) if "StartTime" in item]
    copies = [copy_of(item, own, number) for number in range(1, count) for item in items]
    table.fill(copies)
    world.clean_ups.append(lambda: table.remove(copies))


def copy_of(item: dict[str, Any], own: str, number: int) -> dict[str, Any]:
    """The item as it would be of an execution that ran `number` minutes before."""
    copied: dict[str, Any] = json.loads(json.dumps(item).replace(own, f"00000000-0000-4000-8000-{number:012x}"))
    copied["StartTime"]["S"] = (
        f"2025-{1 + number % 12:02}-{1 + number % 28:02}T00:00:{number % 60:02}.{number % 1000:03}Z"
    )
    return copied


@when("the history of the plan is read")
def read_plan_history(context: Context) -> None:
    keep_page(context, lambda client: client.list_by_plan(context.world.plan["PlanId"]))


@when("the history of COMPLETED executions is read")
def read_status_history(context: Context) -> None:
    keep_page(context, lambda client: client.list_by_status("COMPLETED"))


def keep_page(context: Context, read: Any) -> None:
    world: World = context.world
    before = len(world.target.all_calls())
    page: Page = read(world.client)
    world.notes["Page"], world.notes["PageCalls"] = page, list(world.target.all_calls())[before:]


@then("{count:d} executions came within {milliseconds:d} milliseconds")
def page_came_within(context: Context, count: int, milliseconds: int) -> None:
    calls = context.world.notes["PageCalls"]
    spent = (calls[-1].ended - calls[0].started).total_seconds() * 1000
    assert_that(context.world.notes["Page"].items, has_length(count), QUERY)
    assert_that(spent, within(milliseconds), f"{QUERY}: milliseconds")


@then("it was one query on an index, without a scan or a filter")
def one_query(context: Context) -> None:
    calls = context.world.notes["PageCalls"]
    assert_that([call.operation for call in calls], equal_to(["Query"]), QUERY)
    assert_that(calls[0].parameters, has_key("IndexName"), QUERY)
    filters = [name for name in calls[0].parameters if name in ("FilterExpression", "QueryFilter", "ScanFilter")]
    assert_that(filters, empty(), QUERY)


@then("it read no more than those {count:d} records")
def read_no_more(context: Context, count: int) -> None:
    world: World = context.world
    read, largest = world.notes["PageCalls"][0].consumed, max(sizes(world.notes["Page"]))
    assert_that(read["bytes"], within(count * largest), f"{QUERY}: bytes read; the largest record has {largest}")


def sizes(page: Page) -> Iterator[int]:
    for item in page.items:
        yield len(json.dumps(item).encode())
