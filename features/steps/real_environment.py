"""The environment of requirement 10: its source servers, its jobs, and the clean-up of a drill."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from behave import then, when
from behave.runner import Context
from hamcrest import contains_inanyorder, empty, greater_than, has_item, has_length, only_contains

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
from features.matchers import assert_that, is_between
from features.phrase_values import Between
from features.targets import EngineCall
from features.world import World
from traceability.recording import evidence

SERVERS = "Read the source servers of DRS"
JOBS = "Read the jobs of DRS"


def known_servers(world: World) -> list[dict[str, Any]]:
    """The known servers in DRS's answer."""
    answer = world.drs_answer
    if not isinstance(answer, dict):
        raise AssertionError(  # noqa: TRY004 - an expectation on AWS's answer, not a wrong argument
            f"DRS did not list its source servers; it answered: {answer}"
        )
    known = testdata.servers().values()
    return [server for server in answer["items"] if server["sourceServerID"] in known]


@then("all {count:d} known servers run Windows and replicate as {state:Status} in {region}")
def servers_replicate(context: Context, count: int, state: str, region: str) -> None:
    found = known_servers(context.world)
    ids = [server["sourceServerID"] for server in found]
    assert_that(ids, contains_inanyorder(*testdata.servers().values()), SERVERS)
    assert_that(ids, has_length(count), SERVERS)
    assert_that([server["arn"].split(":")[3] for server in found], only_contains(region), f"{SERVERS}: Region")
    states = [server["dataReplicationInfo"]["dataReplicationState"] for server in found]
    assert_that(states, only_contains(state), f"{SERVERS}: dataReplicationState")
    systems = [server["sourceProperties"]["os"]["fullString"] for server in found]
    others = [name for name in systems if "windows" not in name.lower()]
    assert_that(others, empty(), f"{SERVERS}: other operating systems")


@then("the clean-up jobs in the record have terminated every instance of the execution")
def instances_are_terminated(context: Context) -> None:
    world: World = context.world
    named = world.record()["CleanUp"].get("DrsJobIds", [])
    types = {job["jobID"]: job["type"] for job in all_jobs(recovery_client(world, "drs"))}
    assert_that(named, has_length(greater_than(0)), "Read CleanUp in the record")
    assert_that([types.get(job) for job in named], only_contains("TERMINATE"), JOBS)
    results = [result for wave in world.record()["Waves"] for result in wave["ServerResults"]]
    launched = [result["Ec2InstanceId"] for result in results if "Ec2InstanceId" in result]
    states = {one: instance_state(world, one) for one in launched}
    jobs = {job["jobID"] for job in recovery_jobs(world)}
    kept = [one["recoveryInstanceID"] for one in recovery_instances(world) if one["jobID"] in jobs]
    assert_that(kept, empty(), "Read the recovery instances of DRS")
    running = [f"{one} is {state}" for one, state in states.items() if state not in ("terminated", None)]
    assert_that(running, empty(), "Read in EC2 the instances of the record")


@when("the suite reads the servers, jobs, job logs and instances of DRS")
def read_drs(context: Context) -> None:
    """A Then judges the answers by DRS's model; the times of each step are attached as evidence."""
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
    """The duration of each step: the execution and its waves, then each job and its log."""
    yield f"execution {record['ExecutionId']}: {record['DurationSeconds']} s"
    for wave in record["Waves"]:
        yield f"wave {wave['WaveNumber']}: {duration(wave['StartTime'], wave['EndTime'])}"
    for job in jobs:
        begun = job["creationDateTime"]
        yield f"{job['type']} {job['jobID']} of {', '.join(servers_of(job))}: {duration(begun, job['endDateTime'])}"
        for item in sorted(logs[job["jobID"]], key=lambda one: str(one["logDateTime"])):
            server = item.get("eventData", {}).get("sourceServerID", "")
            yield f"  {duration(begun, item['logDateTime'])} after its start: {item['event']} {server}".rstrip()


def duration(earlier: str, later: str) -> str:
    return f"{(instant(later) - instant(earlier)).total_seconds():.0f} s"


@then("every recovery job took {span:Between}")
def jobs_took(context: Context, span: Between) -> None:
    jobs = recovery_jobs(context.world)
    assert_that(jobs, has_length(greater_than(0)), JOBS)
    for job in jobs:
        seconds = (instant(job["endDateTime"]) - instant(job["creationDateTime"])).total_seconds()
        assert_that(seconds, is_between(span.low, span.high), f"{JOBS}: start and end of {job['jobID']}")


@then("a history write of the engine lost a race")
def lost_race(context: Context) -> None:
    calls: list[EngineCall] = context.world.target.engine_calls()
    errors = [call.error for call in calls if call.service == "dynamodb" and call.error]
    lost = [error in ("ConditionalCheckFailedException", "TransactionCanceledException") for error in errors]
    assert_that(lost, has_item(True), f"Read the failed writes of the engine: {errors or 'none'}")
