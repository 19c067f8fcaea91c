"""Health checks: the instances that the engine checked, when, and how often."""

from __future__ import annotations

from itertools import pairwise

from behave import then
from behave.runner import Context
from hamcrest import contains_inanyorder, equal_to, greater_than, greater_than_or_equal_to, has_length, only_contains

from features.aws_queries import instance_state, instance_state_of, instant, job_of, recovery_jobs
from features.matchers import assert_that, lasted, were_made
from features.matchers.engine_calls import Pauses
from features.phrase_values import REQUESTS
from features.targets import EngineCall
from features.world import World

CHECKS = "Read the engine's DescribeInstanceStatus calls"


def all_checks(world: World) -> list[EngineCall]:
    operation = REQUESTS["health check"].operation
    return [call for call in world.target.engine_calls() if call.operation == operation]


def instance_id(world: World, name: str) -> str:
    found = world.result(name).get("Ec2InstanceId")
    if found is None:
        raise AssertionError(
            f"The record has no Ec2InstanceId for server {name}, so the engine cannot have checked it."
        )
    return str(found)


def checks_of(world: World, name: str) -> list[EngineCall]:
    wanted = instance_id(world, name)
    return [call for call in all_checks(world) if wanted in call.parameters.get("InstanceIds", [])]


@then('the instance of server "{name}" was checked {count:d} times')
def checked_times(context: Context, name: str, count: int) -> None:
    assert_that(checks_of(context.world, name), were_made(count), CHECKS)


@then('the health checks of server "{name}" came {pauses:Pauses} apart')
def checks_came_apart(context: Context, name: str, pauses: Pauses) -> None:
    calls = checks_of(context.world, name)
    assert_that(len(calls), greater_than(1), CHECKS)
    for before, after in pairwise(calls):
        gap = (after.started - before.started).total_seconds()
        assert_that(gap, lasted(pauses.seconds[0], context.world.target.slack), CHECKS)


@then('the last health check of server "{name}" came {seconds:Duration} after the first')
def last_check(context: Context, name: str, seconds: int) -> None:
    calls = checks_of(context.world, name)
    span = (calls[-1].started - calls[0].started).total_seconds() if calls else 0.0
    assert_that(span, lasted(seconds, context.world.target.slack), CHECKS)


@then('the first health check of server "{name}" came after its job had completed')
def checked_after_job(context: Context, name: str) -> None:
    job, calls = job_of(context.world, name), checks_of(context.world, name)
    assert_that(len(calls), greater_than_or_equal_to(1), CHECKS)
    ended = instant(job["endDateTime"]) if job and "endDateTime" in job else None
    assert_that(ended is not None, f"DRS has no ended job for server {name}")
    assert_that(calls[0].started, greater_than_or_equal_to(ended), CHECKS)


@then("only the instances of {names:Names} were checked")
def only_checked(context: Context, names: list[str]) -> None:
    world: World = context.world
    checked = {one for call in all_checks(world) for one in call.parameters.get("InstanceIds", ["every instance"])}
    assert_that(checked, contains_inanyorder(*[instance_id(world, name) for name in names]), CHECKS)


@then("every health check included instances that do not run")
def checks_include_all(context: Context) -> None:
    included = [call.parameters.get("IncludeAllInstances", False) for call in all_checks(context.world)]
    assert_that(included, only_contains(True), f"{CHECKS}: IncludeAllInstances")


@then('the instance of server "{name}" runs')
def instance_runs(context: Context, name: str) -> None:
    world: World = context.world
    launched = instance_state_of(world, world.server_id(name))
    assert_that(launched, equal_to("running"), f"Read in EC2 the instance that DRS launched for {name}")
    recorded = instance_state(world, instance_id(world, name))
    assert_that(recorded, equal_to("running"), f"Read in EC2 the instance that the record names for {name}")


@then("every instance of wave {number:d} runs")
def wave_runs(context: Context, number: int) -> None:
    world: World = context.world
    statuses = [job["status"] for job in recovery_jobs(world, number)]
    assert_that(statuses, only_contains("COMPLETED"), f"Read the recovery jobs of wave {number} in DRS")
    results = world.wave(number)["ServerResults"]
    assert_that(results, has_length(greater_than(0)), f"Read the servers of wave {number} in the record")
    for result in results:
        instance_runs(context, world.server_name(result["SourceServerId"]))
