"""Resuming a failed recovery: what an operator does, and what the resumption launched, carried over and skipped."""

from __future__ import annotations

from typing import Any

from behave import then, when
from behave.runner import Context
from hamcrest import all_of, equal_to, has_entries, has_item

from features.aws_queries import EXECUTION_TAG, recovery_jobs, servers_of
from features.matchers import assert_that, mentions
from features.phrase_values import Resumption
from features.world import World

OTHER_SNAPSHOT = "pit-0a1b2c3d4e5f60718"


@when('server "{name}" can be launched again')
def server_can_be_launched(context: Context, name: str) -> None:
    context.world.drs.reset_launch(context.world.server_id(name))


@when("the loaded plan lets wave {number:d} depend on no wave")
def plan_changes(context: Context, number: int) -> None:
    world: World = context.world
    world.draft_wave(number)["DependsOn"] = []
    world.client.put_plan(world.drafted_plan())


@when("the recovery is resumed {choice:Resumption}")
def resume_with_choice(context: Context, choice: Resumption) -> None:
    world: World = context.world
    snapshots = {}
    if choice.snapshot_of:
        server = world.server_id(choice.snapshot_of)
        snapshots[server] = world.drs.add_snapshot(server, OTHER_SNAPSHOT)
    servers = [world.server_id(choice.skip_server)] if choice.skip_server else []
    world.resume(skip_waves=choice.skip_waves, skip_servers=servers, snapshots=snapshots)


@then("the resumption launched only {names:Names}")
def resumption_launched(context: Context, names: list[str]) -> None:
    world: World = context.world
    jobs = [job for job in recovery_jobs(world) if job["tags"][EXECUTION_TAG] == world.executions[-1]]
    launched = [server for job in jobs for server in servers_of(job)]
    assert_that(sorted(launched), equal_to(sorted(map(world.server_id, names))), "Read the jobs of the resumption")


@then("wave {number:d} was carried over")
def wave_is_carried(context: Context, number: int) -> None:
    wave = context.world.wave(number)
    wanted = {"Status": "COMPLETED", "CarriedFrom": context.world.executions[0]}
    assert_that(wave, has_entries(wanted), f"Read wave {number} of the resumption")


@then("both executions name each other")
def executions_are_linked(context: Context) -> None:
    world: World = context.world
    before, after = world.executions
    assert_that(world.client.get(before).get("ResumedBy"), equal_to(after), "Read the record of the first execution")
    assert_that(world.record().get("ResumedFrom"), equal_to(before), "Read the record of the resumption")


@then("wave {number:d} was skipped by the operator, and the warnings say so")
def wave_is_skipped_by(context: Context, number: int) -> None:
    world: World = context.world
    _require_skipped(world, world.wave(number), f"wave {number}")


@then('server "{name}" was skipped by the operator, and the warnings say so')
def server_is_skipped_by(context: Context, name: str) -> None:
    world: World = context.world
    _require_skipped(world, world.result(name), name)


def _require_skipped(world: World, part: dict[str, Any], name: str) -> None:
    """The part of the record names the caller of the resumption; a warning has the name and counts the servers."""
    caller = world.target.client("sts").get_caller_identity()["Arn"]
    assert_that(part, has_entries(Status="SKIPPED", SkippedBy=caller), f"Read {name} of the resumption")
    record = world.record()
    recovered = sum(one["Status"] == "RECOVERED" for wave in record["Waves"] for one in wave["ServerResults"])
    messages = [warning["Message"] for warning in record.get("Warnings", [])]
    wanted = all_of(mentions(name), mentions(f"{recovered} of {record['ServerCount']} servers recovered"))
    assert_that(messages, has_item(wanted), "Read the warnings of the resumption")


@then('server "{name}" was launched from the other snapshot')
def launched_from_other(context: Context, name: str) -> None:
    world: World = context.world
    calls = [call for call in world.target.engine_calls() if call.operation == "StartRecovery"]
    asked = [one for call in calls for one in call.parameters["sourceServers"]]
    pinned = {"sourceServerID": world.server_id(name), "recoverySnapshotID": OTHER_SNAPSHOT}
    assert_that(asked, has_item(equal_to(pinned)), "Read the engine's StartRecovery calls")
    assert_that(world.result(name).get("SnapshotId"), equal_to(OTHER_SNAPSHOT), "Read the record of the server")
