"""The environment that requirement 10 asks for: its servers, and that a drill leaves nothing in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from behave import then, when
from behave.runner import Context
from hamcrest import contains_inanyorder, empty, equal_to, greater_than, has_item, has_length, only_contains

from features import testdata
from features.aws_queries import (
    all_jobs,
    instance_state,
    instant,
    recovery_client,
    recovery_instances,
    recovery_jobs,
    servers_of,
)
from features.matchers import assert_that, lasted
from features.targets import EngineCall
from features.world import World
from traceability.recording import evidence

SERVERS = "Looked at the source servers of DRS"


def known_servers(world: World) -> list[dict[str, Any]]:
    """The known servers among those that DRS answered with."""
    answer = world.notes["Answer"]
    if not isinstance(answer, dict):
        raise AssertionError(  # noqa: TRY004 - an expectation on AWS's answer, not a wrong argument
            f"DRS did not tell its source servers, it answered: {answer}"
        )
    known = testdata.servers().values()
    return [server for server in answer["items"] if server["sourceServerID"] in known]


@then("all {count:d} known servers are there, in {region}")
def servers_are_there(context: Context, count: int, region: str) -> None:
    found = known_servers(context.world)
    ids = [server["sourceServerID"] for server in found]
    assert_that(ids, contains_inanyorder(*testdata.servers().values()), SERVERS)
    assert_that(ids, has_length(count), SERVERS)
    assert_that([server["arn"].split(":")[3] for server in found], only_contains(region), SERVERS)


@then("all {count:d} known servers replicate in the state {state:Status}")
def servers_replicate(context: Context, count: int, state: str) -> None:
    states = [server["dataReplicationInfo"]["dataReplicationState"] for server in known_servers(context.world)]
    assert_that(states, equal_to([state] * count), SERVERS)


@then("all {count:d} known servers run Windows")
def servers_run_windows(context: Context, count: int) -> None:
    systems = [server["sourceProperties"]["os"]["fullString"] for server in known_servers(context.world)]
    assert_that([name for name in systems if "windows" in name.lower()], has_length(count), f"{SERVERS}: {systems}")


@then("no instance of the execution is left")
def no_instance_left(context: Context) -> None:
    world: World = context.world
    results = [result for wave in world.record()["Waves"] for result in wave["ServerResults"]]
    launched = [result["Ec2InstanceId"] for result in results if "Ec2InstanceId" in result]
    states = {one: instance_state(world, one) for one in launched}
    jobs = {job["jobID"] for job in recovery_jobs(world)}
    kept = [one["recoveryInstanceID"] for one in recovery_instances(world) if one["jobID"] in jobs]
    assert_that(kept, empty(), "Looked at the recovery instances of DRS")
    running = [f"{one} is {state}" for one, state in states.items() if state not in ("terminated", None)]
    assert_that(running, empty(), "Looked in EC2 at the instances of the record")


@then("the record names the job that terminated them")
def terminating_job(context: Context) -> None:
    world: World = context.world
    named = world.record()["CleanUp"].get("DrsJobIds", [])
    jobs = {job["jobID"]: job["type"] for job in all_jobs(recovery_client(world, "drs"))}
    assert_that(named, has_length(greater_than(0)), "Looked at CleanUp in the record")
    assert_that([jobs.get(job) for job in named], only_contains("TERMINATE"), "Looked at the jobs of DRS")


@when("somebody asks DRS about all that the drill did")
def ask_about_the_drill(context: Context) -> None:
    """Servers, jobs with their logs, instances: what DRS answers is judged by its model, and its times are reported."""
    world: World = context.world
    drs = recovery_client(world, "drs")
    drs.describe_source_servers(filters={"sourceServerIDs": list(testdata.servers().values())})
    drs.describe_recovery_instances(filters={})
    ran = {job["jobID"] for job in recovery_jobs(world)} | set(world.record()["CleanUp"].get("DrsJobIds", []))
    jobs = [job for job in all_jobs(drs) if job["jobID"] in ran]
    logs = {job["jobID"]: drs.describe_job_log_items(jobID=job["jobID"])["items"] for job in jobs}
    evidence.attach_text("Times of each step", "\n".join(times_of_steps(world.record(), jobs, logs)))


def times_of_steps(
    record: dict[str, Any], jobs: list[dict[str, Any]], logs: dict[str, list[dict[str, Any]]]
) -> Iterator[str]:
    """How long each step took: the execution and its waves, then each job and what its log tells."""
    yield f"execution {record['ExecutionId']}: {record['DurationSeconds']} s"
    for wave in record["Waves"]:
        yield f"wave {wave['WaveNumber']}: {span(wave['StartTime'], wave['EndTime'])}"
    for job in jobs:
        begun = job["creationDateTime"]
        yield f"{job['type']} {job['jobID']} of {', '.join(servers_of(job))}: {span(begun, job['endDateTime'])}"
        for item in sorted(logs[job["jobID"]], key=lambda one: str(one["logDateTime"])):
            server = item.get("eventData", {}).get("sourceServerID", "")
            yield f"  {span(begun, item['logDateTime'])} after its begin: {item['event']} {server}".rstrip()


def span(earlier: str, later: str) -> str:
    return f"{(instant(later) - instant(earlier)).total_seconds():.0f} s"


@then("every recovery job took between {low:d} and {high:d} minutes")
def jobs_took(context: Context, low: int, high: int) -> None:
    jobs = recovery_jobs(context.world)
    assert_that(jobs, has_length(greater_than(0)), "Looked at the jobs of DRS")
    for job in jobs:
        minutes = (instant(job["endDateTime"]) - instant(job["creationDateTime"])).total_seconds() / 60
        assert_that(minutes, lasted((low + high) / 2, (high - low) / 2), f"Looked at job {job['jobID']} in DRS")


@then("a history write of the engine had lost a race")
def lost_race(context: Context) -> None:
    calls: list[EngineCall] = context.world.target.engine_calls()
    errors = [call.error for call in calls if call.service == "dynamodb" and call.error]
    lost = [error in ("ConditionalCheckFailedException", "TransactionCanceledException") for error in errors]
    assert_that(lost, has_item(True), f"Looked at the failed writes of the engine: {errors or 'none'}")
