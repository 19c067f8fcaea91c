"""Requests of the engine to AWS, and the recovery jobs and instances that DRS made of them."""

from __future__ import annotations

from behave import then
from behave.runner import Context
from hamcrest import contains_inanyorder, equal_to, greater_than_or_equal_to, has_length, only_contains

from features.aws_queries import instant, job_of, recovery_instances, recovery_jobs
from features.matchers import assert_that, came_apart, lasted, were_made
from features.matchers.engine_calls import Pauses
from features.phrase_values import REQUESTS, Request, Requests
from features.targets import EngineCall
from features.world import World

CALLS = "Read the calls of the engine"
JOBS = "Read the recovery jobs of the execution in DRS"
INSTANCES = "Read the recovery instances of DRS"
LATEST = "latest data"


def calls_of(world: World, request: Request) -> list[EngineCall]:
    return [
        call
        for call in world.target.engine_calls()
        if (call.service, call.operation) == (request.service, request.operation)
    ]


def job_ids(call: EngineCall) -> list[str]:
    return list(call.parameters.get("filters", {}).get("jobIDs", []))


@then("the recovery requests named these servers")
def asked_to_launch(context: Context) -> None:
    world: World = context.world
    wanted = [(world.server_id(row["server"]), row["snapshot"]) for row in context.table]
    named = [
        (server["sourceServerID"], server.get("recoverySnapshotID", LATEST))
        for call in calls_of(world, REQUESTS["recovery request"])
        for server in call.parameters["sourceServers"]
    ]
    assert_that(named, contains_inanyorder(*wanted), CALLS)


@then('the recovered data of server "{name}" was {seconds:Duration} old at the start')
def data_age(context: Context, name: str, seconds: int) -> None:
    world: World = context.world
    taken = instant(world.result(name)["SnapshotTime"])
    age = (instant(world.record()["StartTime"]) - taken).total_seconds()
    # The Given sets the age; the start follows within a moment.
    assert_that(age, lasted(seconds, 2), "Read StartTime of the execution and SnapshotTime of the server")


@then("every server was launched as a {run:Run}")
def launched_as(context: Context, run: str) -> None:
    world: World = context.world
    flags = [call.parameters.get("isDrill", "no isDrill") for call in calls_of(world, REQUESTS["recovery request"])]
    assert_that(flags, has_length(greater_than_or_equal_to(1)), CALLS)
    assert_that(flags, only_contains(run == "DRILL"), f"{CALLS}: isDrill of StartRecovery")
    initiated = [job["initiatedBy"] for job in recovery_jobs(world)]
    assert_that(initiated, has_length(greater_than_or_equal_to(1)), JOBS)
    assert_that(initiated, only_contains(f"START_{run}"), f"{JOBS}: initiatedBy")


@then("DRS still has the recovered instances of {names:Names}")
def recovered_instances_are_kept(context: Context, names: list[str]) -> None:
    world: World = context.world
    wanted = {world.server_id(name): name for name in names}
    found = [
        (wanted[one["sourceServerID"]], one["isDrill"], one["ec2InstanceState"])
        for one in recovery_instances(world)
        if one["sourceServerID"] in wanted
    ]
    kept = [(name, False, "RUNNING") for name in names]
    assert_that(found, contains_inanyorder(*kept), f"{INSTANCES}: server, isDrill, state")


@then('the job of server "{name}" is {status:Status} in {place:Place}')
def job_is(context: Context, name: str, status: str, place: str) -> None:
    world: World = context.world
    source = world.result(name).get("JobStatus") if place == "the record" else (job_of(world, name) or {}).get("status")
    assert_that(source or "absent", equal_to(status), f"Read the status of the job of server {name} in {place}")


@then('the job of server "{name}" was {statuses:Statuses} in {place:Place}')
def job_was(context: Context, name: str, statuses: list[str], place: str) -> None:
    world: World = context.world
    found = list(world.watched_job.statuses) if place == "DRS" else recorded_job_statuses(world, name)
    assert_that(found, equal_to(statuses), f"Read the job of server {name} in {place} from its start to its end")


def recorded_job_statuses(world: World, name: str) -> list[str]:
    """The job's statuses in the records that were read, in order, without repetition."""
    wanted = world.server_id(name)
    found = [
        result["JobStatus"]
        for record in world.records_seen[world.executions[-1]]
        for wave in record["Waves"]
        for result in wave["ServerResults"]
        if result["SourceServerId"] == wanted and "JobStatus" in result
    ]
    return list(dict.fromkeys(found))


@then('the engine queried the job of server "{name}" until it had ended')
def queried_until_ended(context: Context, name: str) -> None:
    world: World = context.world
    job = job_of(world, name)
    if job is None:
        raise AssertionError(f"DRS has no job for server {name}.")
    queries = [call for call in calls_of(world, REQUESTS["job query"]) if job["jobID"] in job_ids(call)]
    assert_that(len(queries), greater_than_or_equal_to(2), CALLS)
    assert_that(queries[-1].ended, greater_than_or_equal_to(instant(job["endDateTime"])), CALLS)


@then("every job query named all {count:d} jobs in flight")
def queries_named_all(context: Context, count: int) -> None:
    named = [len(job_ids(call)) for call in calls_of(context.world, REQUESTS["job query"])]
    assert_that(named, has_length(greater_than_or_equal_to(1)), CALLS)
    assert_that(named, only_contains(count), f"{CALLS}: number of job ids in each DescribeJobs")


@then("{requests:Requests} came {pauses:Pauses} apart")
def requests_came_apart(context: Context, requests: Requests, pauses: Pauses) -> None:
    calls = requests.of(calls_of(context.world, requests.request))
    assert_that(calls, came_apart(pauses, context.world.target.slack), f"{CALLS}: {requests.request.words}")


@then("exactly {counted:Counted} made")
def requests_made(context: Context, counted: Requests) -> None:
    made, request = counted.times or 0, counted.request
    assert_that(calls_of(context.world, request), were_made(made), f"{CALLS}: {request.words}")
