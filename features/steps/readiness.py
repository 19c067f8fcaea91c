"""Readiness: the replication and the snapshots of servers, and the warnings of a start."""

from __future__ import annotations

import re
from datetime import timedelta

from behave import given, then, when
from behave.runner import Context
from hamcrest import contains_exactly, contains_inanyorder, matches_regexp
from hamcrest.core.matcher import Matcher

from engine.core.readiness_check import Question, server_findings
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


@when("the readiness of a {run:Run} of the plan is checked")
def check_readiness(context: Context, run: str) -> None:
    """Ask the engine for its facts and findings, as the command `check` does."""
    world: World = context.world
    world.save()
    plan = world.plan["PlanId"]
    facts = world.client.facts(plan)
    servers = [one["SourceServerId"] for one in facts["Servers"] if one["Exists"]]
    question = Question(
        is_drill=run == "DRILL",
        now=instant(facts["Time"]),
        recovery_point_seconds=facts.get("RecoveryPointObjectiveSeconds"),
        terminates_instances=run == "DRILL" and facts.get("TerminateDrillInstances", True),
    )
    single = world.client.inspect(plan, servers)
    found = [*server_findings(facts["Servers"], single, question), *world.client.plan_findings(facts)]
    names = {one["SourceServerId"]: one.get("HostName", "") for one in facts["Servers"]}
    world.findings = [(str(one.verdict), names.get(one.source_server_id or "", ""), one.message) for one in found]
    world.effects.keep("readiness", "the readiness was checked")


@then("the readiness check finds exactly")
def readiness_is(context: Context) -> None:
    """A row without a server is about the plan as a whole; … in a finding is any text, such as the id of a job."""
    world: World = context.world
    wanted = [contains_exactly(row["verdict"], row["server"], _like(row["finding"])) for row in context.table]
    world.effects.judged("readiness")
    assert_that(world.findings, contains_inanyorder(*wanted), "Read the findings of the readiness check")


def _like(finding: str) -> Matcher[str]:
    return matches_regexp(f"^{re.escape(finding).replace('…', '.+')}$")
