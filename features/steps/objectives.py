"""Recovery objectives: the targets of the plan, the age of the recovered data, and the judgement at the end."""

from __future__ import annotations

from typing import Any

from behave import given, then
from behave.runner import Context
from hamcrest import equal_to, has_key

from features.aws_queries import instant, job_of, recovery_instances
from features.matchers import assert_that, lasted
from features.phrase_values import ObjectiveKind
from features.subscriber import MESSAGES, the_message
from features.world import World

RECORD = "Read the execution record"


@given("the recovery {objective:Objective} objective of the plan is {seconds:Duration}")
def plan_has_objective(context: Context, objective: ObjectiveKind, seconds: int) -> None:
    context.world.drafted_plan()[objective.field] = seconds


@then('the recorded data age of server "{name}" is {seconds:Duration}')
def recorded_data_age(context: Context, name: str, seconds: int) -> None:
    """The age in the record, and the age by the times of DRS itself."""
    world: World = context.world
    result, job = world.result(name), job_of(world, name)
    assert_that(result, has_key("DataAgeSeconds"), RECORD)
    assert_that(result["DataAgeSeconds"], lasted(seconds, 3), f"{RECORD}: DataAgeSeconds of server {name}")
    listed = [one for one in recovery_instances(world) if one["sourceServerID"] == result["SourceServerId"]]
    if listed and job:
        age = instant(job["creationDateTime"]) - instant(listed[0]["pointInTimeSnapshotDateTime"])
        wanted = max(0, int(age.total_seconds()))
        assert_that(result["DataAgeSeconds"], equal_to(wanted), "Read job creation and snapshot time in DRS")


@then("the recovery {objective:Objective} objective {verdict:Verdict} in {document:Document}")
def objective_is(context: Context, objective: ObjectiveKind, verdict: bool, document: str) -> None:
    found = judged(context.world, document)[objective.name]
    assert_that(found.get("Met"), equal_to(verdict), f"Read {objective.name} in {document}: {found}")


@then("the recorded recovery time ends with the last recovered server")
def recovery_time_ends_with_last(context: Context) -> None:
    record = context.world.record()
    ends = [
        instant(result["EndTime"])
        for wave in record["Waves"]
        for result in wave["ServerResults"]
        if result["Status"] == "RECOVERED"
    ]
    wanted = int((max(ends) - instant(record["StartTime"])).total_seconds())
    found = record.get("Objectives", {}).get("RecoveryTime", {}).get("ActualSeconds")
    assert_that(found, equal_to(wanted), f"{RECORD}: ActualSeconds, StartTime and the ends of the servers")


def judged(world: World, document: str) -> dict[str, Any]:
    """The objectives of the newest execution: in its record, or in the newest message that a subscriber received."""
    source = world.record() if document == "the record" else the_message(world)
    where = RECORD if document == "the record" else MESSAGES
    assert_that("Objectives" in source, f"{where}: it has no Objectives")
    found: dict[str, Any] = source["Objectives"]
    return found
