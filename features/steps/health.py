"""Then: when the engine looked at which instance."""

from __future__ import annotations

from itertools import pairwise

from behave import then
from behave.runner import Context
from hamcrest import contains_inanyorder, empty, equal_to, greater_than, greater_than_or_equal_to, only_contains

from features.aws_queries import instance_state, instant, job_of
from features.matchers import assert_that, lasted, were_made
from features.targets import EngineCall
from features.world import World

LOOKS = "Looked at the engine's DescribeInstanceStatus calls"


def all_looks(world: World) -> list[EngineCall]:
    return [call for call in world.target.engine_calls() if call.operation == "DescribeInstanceStatus"]


def instance_id(world: World, name: str) -> str:
    found = world.result(name).get("Ec2InstanceId")
    if found is None:
        raise AssertionError(f"The record has no Ec2InstanceId for server {name}, so nobody can have looked at it.")
    return str(found)


def looks_at(world: World, name: str) -> list[EngineCall]:
    wanted = instance_id(world, name)
    return [call for call in all_looks(world) if wanted in call.parameters.get("InstanceIds", [])]


@then('the instance of server "{name}" was looked at {count:d} times')
def looked_at_times(context: Context, name: str, count: int) -> None:
    assert_that(looks_at(context.world, name), were_made(count), LOOKS)


@then('the looks at the instance of server "{name}" came {seconds:d} seconds apart')
def looks_came_apart(context: Context, name: str, seconds: int) -> None:
    looks = looks_at(context.world, name)
    assert_that(len(looks), greater_than(1), LOOKS)
    for before, after in pairwise(looks):
        gap = (after.started - before.started).total_seconds()
        assert_that(gap, lasted(seconds, context.world.target.slack), LOOKS)


@then('the last look at the instance of server "{name}" came {seconds:d} seconds after the first')
def last_look(context: Context, name: str, seconds: int) -> None:
    looks = looks_at(context.world, name)
    span = (looks[-1].started - looks[0].started).total_seconds() if looks else 0.0
    assert_that(span, lasted(seconds, context.world.target.slack), LOOKS)


@then('the instance of server "{name}" was looked at only after its job had completed')
def looked_at_after_job(context: Context, name: str) -> None:
    job, looks = job_of(context.world, name), looks_at(context.world, name)
    assert_that(len(looks), greater_than_or_equal_to(1), LOOKS)
    ended = instant(job["endDateTime"]) if job and "endDateTime" in job else None
    assert_that(ended is not None, f"DRS has no ended job for server {name}")
    assert_that(looks[0].started, greater_than_or_equal_to(ended), LOOKS)


@then("the looks were at the instances of {names:Names} and at no other")
def looked_at_only(context: Context, names: list[str]) -> None:
    world: World = context.world
    looked_at = {one for call in all_looks(world) for one in call.parameters.get("InstanceIds", ["every instance"])}
    assert_that(looked_at, contains_inanyorder(*[instance_id(world, name) for name in names]), LOOKS)


@then("every look asked for instances that do not run, too")
def looks_include_all(context: Context) -> None:
    asked = [call.parameters.get("IncludeAllInstances", False) for call in all_looks(context.world)]
    assert_that(asked, only_contains(True), f"{LOOKS}: IncludeAllInstances")


@then("no instance was looked at")
def no_looks(context: Context) -> None:
    assert_that(all_looks(context.world), empty(), LOOKS)


@then('the recorded instance of server "{name}" is running in EC2')
def recorded_instance_runs(context: Context, name: str) -> None:
    state = instance_state(context.world, instance_id(context.world, name))
    assert_that(state, equal_to("running"), f"Looked in EC2 at the instance that the record names for {name}")
