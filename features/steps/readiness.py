"""Readiness: the replication and the snapshots of servers, and the warnings of a start."""

from __future__ import annotations

from datetime import timedelta

from behave import given, then
from behave.runner import Context

from features.aws_queries import instant
from features.matchers import assert_that, lasted
from features.parameter_types import duration
from features.world import World


@given('the replication of server "{name}" is {state:Status}')
def replication_is(context: Context, name: str, state: str) -> None:
    context.world.drs.set_replication_state(context.world.server_id(name), state)


@given('the newest snapshot of server "{name}" is {seconds:Duration} old')
def newest_snapshot_is_old(context: Context, name: str, seconds: int) -> None:
    """An older snapshot is there as well, so that the newest one has to be found."""
    world: World = context.world
    for age in (2 * seconds, seconds):
        taken = world.target.simulator.clock.now() - timedelta(seconds=age)
        world.drs.add_snapshot(world.server_id(name), taken_at=taken)


@given("DRS has these snapshots")
def snapshots_are(context: Context) -> None:
    world: World = context.world
    for row in context.table:
        taken = world.target.simulator.clock.now() - timedelta(seconds=duration(row["age"]))
        world.drs.add_snapshot(world.server_id(row["server"]), snapshot_id=row["snapshot"], taken_at=taken)


@then("the record has the time as of which the plan was run")
def as_of_is_recorded(context: Context) -> None:
    world: World = context.world
    apart = abs((instant(world.record().get("AsOf", "1970-01-01T00:00:00Z")) - world.as_of).total_seconds())
    assert_that(apart, lasted(0, 1), "Read AsOf in the execution record")
