"""Then: what the engine asked of DRS, and how DRS saw it."""

from __future__ import annotations

from behave import then
from behave.runner import Context
from hamcrest import contains_inanyorder, equal_to, greater_than_or_equal_to, has_length, only_contains

from features.aws_queries import instant, job_of, recovery_instances, recovery_jobs
from features.matchers import assert_that, came_apart, were_made
from features.parameter_types import REQUESTS, Request
from features.targets import EngineCall
from features.world import World

CALLS = "Looked at the calls that the engine made"
LATEST = "latest data"


def calls_of(world: World, request: Request) -> list[EngineCall]:
    return [
        call
        for call in world.target.engine_calls()
        if (call.service, call.operation) == (request.service, request.operation)
    ]


def launches(world: World) -> list[EngineCall]:
    return calls_of(world, REQUESTS["recovery request"])


@then("DRS was asked to launch these servers")
def asked_to_launch(context: Context) -> None:
    world: World = context.world
    wanted = [(world.server_id(row["server"]), row["snapshot"]) for row in context.table]
    asked = [
        (server["sourceServerID"], server.get("recoverySnapshotID", LATEST))
        for call in launches(world)
        for server in call.parameters["sourceServers"]
    ]
    assert_that(asked, contains_inanyorder(*wanted), CALLS)


@then('server "{name}" was recovered as of the moment of that snapshot')
def recovered_as_of(context: Context, name: str) -> None:
    world: World = context.world
    moment = f"{world.notes['SnapshotTaken']:%Y-%m-%dT%H:%M:%S}"
    recorded = world.result(name).get("SnapshotTime", "no SnapshotTime")
    assert_that(recorded[: len(moment)], equal_to(moment), "Looked at the server's SnapshotTime in the record")


@then("every recovery request said that it is a drill")
def requests_said_drill(context: Context) -> None:
    assert_that(said_drill(context.world), only_contains(True), CALLS)


@then("every recovery request said that it is no drill")
def requests_said_no_drill(context: Context) -> None:
    assert_that(said_drill(context.world), only_contains(False), CALLS)


def said_drill(world: World) -> list[object]:
    said: list[object] = [call.parameters.get("isDrill", "isDrill was left out") for call in launches(world)]
    assert_that(said, has_length(greater_than_or_equal_to(1)), CALLS)
    return said


@then("DRS ran every recovery job as a {run:Run}")
def jobs_ran_as(context: Context, run: str) -> None:
    initiated = [job["initiatedBy"] for job in recovery_jobs(context.world)]
    assert_that(initiated, only_contains(f"START_{run}"), "Looked at who initiated the jobs, in DRS")
    assert_that(initiated, has_length(greater_than_or_equal_to(1)), "Looked at the jobs of the execution, in DRS")


@then("DRS keeps every launched instance as a {run:Run} instance")
def instances_kept_as(context: Context, run: str) -> None:
    kept = [instance["isDrill"] for instance in recovery_instances(context.world)]
    assert_that(kept, has_length(context.world.record()["ServerCount"]), "Looked at DRS's recovery instances")
    assert_that(kept, only_contains(run == "DRILL"), "Looked at DRS's recovery instances: isDrill")


@then('the recovery of server "{name}" is still there')
def recovery_is_kept(context: Context, name: str) -> None:
    world: World = context.world
    server = world.server_id(name)
    there = [one for one in recovery_instances(world) if one["sourceServerID"] == server]
    found = [(one["isDrill"], one["ec2InstanceState"]) for one in there]
    assert_that(found, equal_to([(False, "RUNNING")]), "Looked at DRS's recovery instances: isDrill, state")


@then("DRS calls every recovery job {word:Status}")
def drs_calls_jobs(context: Context, word: str) -> None:
    words = [job["status"] for job in recovery_jobs(context.world)]
    assert_that(words, has_length(greater_than_or_equal_to(1)), "Looked at the jobs of the execution, in DRS")
    assert_that(words, only_contains(word), "Looked at the jobs of the execution, in DRS")


@then('the job of server "{name}" is {status:Status} in the record')
def job_status_is(context: Context, name: str, status: str) -> None:
    found = context.world.result(name).get("JobStatus", "absent")
    assert_that(found, equal_to(status), f"Looked at JobStatus of server {name} in the record")


@then('the engine asked DRS about the job of server "{name}" until it had ended')
def asked_until_ended(context: Context, name: str) -> None:
    world: World = context.world
    job = job_of(world, name)
    if job is None:
        raise AssertionError(f"DRS has no job for server {name}.")
    asked = [call for call in calls_of(world, REQUESTS["job query"]) if job["jobID"] in job_ids(call)]
    assert_that(len(asked), greater_than_or_equal_to(2), CALLS)
    assert_that(asked[-1].ended, greater_than_or_equal_to(instant(job["endDateTime"])), CALLS)


def job_ids(call: EngineCall) -> list[str]:
    return list(call.parameters.get("filters", {}).get("jobIDs", []))


@then("every job query asked about all {count:d} jobs in flight")
def queries_asked_about_all(context: Context, count: int) -> None:
    asked = [len(job_ids(call)) for call in calls_of(context.world, REQUESTS["job query"])]
    assert_that(asked, only_contains(count), f"{CALLS}: number of job ids in each DescribeJobs")
    assert_that(asked, has_length(greater_than_or_equal_to(1)), CALLS)


@then("the first {count:d} {request:Request} came {pauses:Numbers} seconds apart")
def requests_came_apart(context: Context, count: int, request: Request, pauses: list[int]) -> None:
    calls = calls_of(context.world, request)[:count]
    assert_that(calls, came_apart(pauses, slack=context.world.target.slack), f"{CALLS}: {request.words}")


@then("exactly {count:d} {request:Request} were made")
@then("exactly {count:d} {request:Request} was made")
def requests_made(context: Context, count: int, request: Request) -> None:
    assert_that(calls_of(context.world, request), were_made(count), f"{CALLS}: {request.words}")


@then("the second {request:Request} came at least {seconds:Duration} after the first")
def second_came_later(context: Context, request: Request, seconds: int) -> None:
    first, second = calls_of(context.world, request)[:2]
    gap = (second.started - first.ended).total_seconds()
    assert_that(gap, greater_than_or_equal_to(seconds), f"{CALLS}: {request.words}")
