"""Readiness: the replication and the snapshots of servers, and the warnings of a start."""

from __future__ import annotations

from datetime import timedelta

from behave import given, then
from behave.runner import Context
from hamcrest import has_item, is_not

from features.matchers import assert_that, mentions
from features.world import World

WARNINGS = "Read the warnings of the start"


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


@then('the start warned "{text}"')
def start_warned(context: Context, text: str) -> None:
    assert_that(context.world.start_warnings, has_item(mentions(text)), WARNINGS)


@then('the start did not warn of "{text}"')
def start_did_not_warn(context: Context, text: str) -> None:
    assert_that(context.world.start_warnings, is_not(has_item(mentions(text))), WARNINGS)
