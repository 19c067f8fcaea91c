"""Performance: the engine's own share of the time, and the cost of reading a long history."""

from __future__ import annotations

import json
from typing import Any

from behave import given, then, when
from behave.runner import Context
from hamcrest import empty, equal_to, has_key, has_length, less_than_or_equal_to

from engine.deploy.deployment import deploy
from features.aws_queries import instant, raw_items, recovery_jobs
from features.matchers import assert_that, at_most
from features.phrase_values import REQUESTS
from features.world import HistoryPage, World
from traceability.model.verdict import ScenarioMistake
from traceability.recording import evidence

QUERY = "Read the query that fetched the page"


@given("the engine launches at most {count:d} servers in a job")
def small_jobs(context: Context, count: int) -> None:
    target = context.world.target
    deploy(target.session(), target.stack.name, parameters={"KeepData": "no", "ServersPerJob": str(count)})


@then("the engine's own share of that time was at most {seconds:Duration}")
def own_share(context: Context, seconds: int) -> None:
    """The execution's time without DRS's jobs and the known part of the boot.

    An instance boots at least until the engine's last health check but one: the last one found it running.
    """
    world: World = context.world
    record, jobs = world.record(), recovery_jobs(world)
    began, ended = instant(jobs[0]["creationDateTime"]), instant(jobs[-1]["endDateTime"])
    operation = REQUESTS["health check"].operation
    calls = world.target.engine_calls()
    checks = [call.started for call in calls if call.operation == operation and call.started > ended]
    booted = max([ended, *checks[:-1]])
    own = record["DurationSeconds"] - (booted - began).total_seconds()
    text = (
        f"Execution {record['DurationSeconds']} s, DRS's jobs {(ended - began).total_seconds():.0f} s, boot at least "
        f"{(booted - ended).total_seconds():.0f} s; the engine's own: {own:.0f} s"
    )
    evidence.attach_text("The engine's own share", text)
    assert_that(own, at_most(seconds), text)


@when("the history grows to {count:d} executions")
def long_history(context: Context, count: int) -> None:
    """Copy the listed items of the execution (those with a StartTime) under other ids and earlier start times."""
    world: World = context.world
    name, own = world.target.stack.outputs["ExecutionHistoryTable"], world.executions[-1]
    table = world.target.simulator.table(name)
    items = [item for item in raw_items(world, name) if "StartTime" in item]
    copies = [copy_of(item, own, number) for number in range(1, count) for item in items]
    table.fill(copies)
    world.clean_ups.append(lambda: table.remove(copies))


def copy_of(item: dict[str, Any], own: str, number: int) -> dict[str, Any]:
    """The item of another, earlier execution; `number` makes its id and its StartTime."""
    copied: dict[str, Any] = json.loads(json.dumps(item).replace(own, f"00000000-0000-4000-8000-{number:012x}"))
    copied["StartTime"]["S"] = (
        f"2025-{1 + number % 12:02}-{1 + number % 28:02}T00:00:{number % 60:02}.{number % 1000:03}Z"
    )
    return copied


@when("the first page of the history of {status:History} is read")
def read_page(context: Context, status: str) -> None:
    world: World = context.world
    before = len(world.target.all_calls())
    page = world.read_history(status)
    world.history_page = HistoryPage(page, list(world.target.all_calls())[before:])


def the_page(world: World) -> HistoryPage:
    if world.history_page is None:
        raise ScenarioMistake(
            "no page was read; put a When before it: the first page of the history of the plan is read"
        )
    return world.history_page


@then("{count:d} executions came within {milliseconds:d} milliseconds")
def page_came_within(context: Context, count: int, milliseconds: int) -> None:
    read = the_page(context.world)
    spent = (read.calls[-1].ended - read.calls[0].started).total_seconds() * 1000
    assert_that(read.page.items, has_length(count), QUERY)
    assert_that(spent, less_than_or_equal_to(milliseconds), f"{QUERY}: milliseconds")


@then("the page was one query on an index that read no more than those {count:d} records")
def one_query(context: Context, count: int) -> None:
    read = the_page(context.world)
    assert_that([call.operation for call in read.calls], equal_to(["Query"]), QUERY)
    query = read.calls[0]
    assert_that(query.parameters, has_key("IndexName"), QUERY)
    filters = [name for name in query.parameters if name in ("FilterExpression", "QueryFilter", "ScanFilter")]
    assert_that(filters, empty(), QUERY)
    largest = max(len(json.dumps(item).encode()) for item in read.page.items)
    limit = less_than_or_equal_to(count * largest)
    assert_that(query.consumed["bytes"], limit, f"{QUERY}: bytes read; the largest record has {largest}")
