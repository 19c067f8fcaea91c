"""The simulated AWS itself under test: its answers, its times, its faults, and that it stays on this machine."""

from __future__ import annotations

import socket
from typing import Any

from behave import given, then, when
from behave.runner import Context
from botocore.exceptions import BotoCoreError, ClientError
from hamcrest import empty, equal_to, greater_than, has_item, has_length, instance_of, only_contains

from features.aws_model import answer_problems, modelled_errors
from features.aws_queries import instant, job_of, recovery_client
from features.matchers import assert_that, lasted
from features.world import World

OPERATIONS = "Looked at what each operation of the simulated DRS did"


@then("every answer of DRS follows the service's model")
def answers_follow_model(context: Context) -> None:
    answers = [call for call in context.world.target.all_calls() if call.service == "drs" and call.response is not None]
    problems = [line for call in answers for line in answer_problems("drs", call.operation, dict(call.response or {}))]
    assert_that(answers, has_length(greater_than(0)), "Looked for answers of DRS")
    assert_that(problems, empty(), f"Looked at {len(answers)} answers of DRS")


@then("the answers to the engine's recovery requests are among them")
def launches_are_judged(context: Context) -> None:
    world: World = context.world
    answered = [call for call in world.target.engine_calls() if call.operation == "StartRecovery" and call.answer]
    jobs = [(call.answer or {})["job"]["jobID"] for call in answered]
    recorded = {result.get("DrsJobId") for wave in world.record()["Waves"] for result in wave["ServerResults"]}
    assert_that(jobs, has_length(greater_than(0)), "Looked for whole answers to StartRecovery")
    assert_that(jobs, only_contains(*recorded), "Looked for the answered jobs in the record")


@then("every launched instance is an instance of EC2")
def instances_are_in_ec2(context: Context) -> None:
    waves = context.world.record()["Waves"]
    launched = [result["Ec2InstanceId"] for wave in waves for result in wave["ServerResults"]]
    reservations = context.world.target.client("ec2").describe_instances()["Reservations"]
    known = [instance["InstanceId"] for one in reservations for instance in one["Instances"]]
    assert_that(launched, has_length(greater_than(0)), "Looked at the instances in the record")
    assert_that([one for one in launched if one not in known], empty(), "Looked in EC2 for the recorded instances")


@when('the job of server "{name}" is watched until it ends')
def watch_job(context: Context, name: str) -> None:
    world: World = context.world
    seen: dict[str, Any] = world.notes.setdefault("JobWords", {})

    def ended() -> bool:
        job = job_of(world, name)
        if job is not None:
            seen.setdefault(job["status"], world.target.simulator.clock.now())
        return job is not None and job["status"] == "COMPLETED"

    world.wait_until(ended, f"the job of {name} to end")
    world.notes["Job"] = job_of(world, name)


@then("it was {first:Status}, then {second:Status}, then {third:Status}")
def words_in_order(context: Context, first: str, second: str, third: str) -> None:
    words = list(context.world.notes["JobWords"])
    assert_that(words, equal_to([first, second, third]), "Looked at the job's status in DRS, again and again")


@then("it was PENDING for {low:d} to {high:d} seconds")
def pending_for(context: Context, low: int, high: int) -> None:
    log = recovery_client(context.world, "drs").describe_job_log_items(jobID=context.world.notes["Job"]["jobID"])[
        "items"
    ]
    started = next(instant(item["logDateTime"]) for item in log if item["event"] == "JOB_START")
    pending = (started - instant(context.world.notes["Job"]["creationDateTime"])).total_seconds()
    assert_that(pending, lasted((low + high) / 2, (high - low) / 2 + 1), "Looked at JOB_START in the job's log")


@then("it took {low:d} to {high:d} minutes in all")
def job_took(context: Context, low: int, high: int) -> None:
    job = context.world.notes["Job"]
    minutes = (instant(job["endDateTime"]) - instant(job["creationDateTime"])).total_seconds() / 60
    assert_that(minutes, lasted((low + high) / 2, (high - low) / 2), "Looked at the job's start and end in DRS")


@then('the job of server "{name}" was PENDING, IN_PROGRESS, COMPLETED in the record')
def record_followed_job(context: Context, name: str) -> None:
    wanted = context.world.server_id(name)
    words = [
        result["JobStatus"]
        for record in context.world.records_seen[context.world.executions[-1]]
        for wave in record["Waves"]
        for result in wave["ServerResults"]
        if result["SourceServerId"] == wanted and "JobStatus" in result
    ]
    assert_that(
        list(dict.fromkeys(words)), equal_to(["PENDING", "IN_PROGRESS", "COMPLETED"]), "Looked at every record read"
    )


NEXT = {"times": 1, "source": "suite"}


@given("DRS throttles the next request")
def next_throttled(context: Context) -> None:
    context.world.target.simulator.faults.throttle("drs", **NEXT)


@given("DRS fails the next request")
def next_fails(context: Context) -> None:
    context.world.target.simulator.faults.server_error("drs", **NEXT)


@given("the connection of the next request is lost")
def next_connection_lost(context: Context) -> None:
    context.world.target.simulator.faults.lose_connection("drs", **NEXT)


@given("the answer to the next request is lost")
def next_answer_lost(context: Context) -> None:
    context.world.target.simulator.faults.lose_answer("drs", **NEXT)


@given("the token of the next request is expired")
def next_token_expired(context: Context) -> None:
    context.world.target.simulator.faults.expire_token("drs", **NEXT)


@given("DRS denies the next request")
def next_denied(context: Context) -> None:
    context.world.target.simulator.faults.deny("drs", **NEXT)


@when("somebody asks DRS for its source servers")
def ask_for_servers(context: Context) -> None:
    """Keep the answer, whatever it is, as the caller sees it; no retry of botocore's hides it."""
    context.world.notes["Answer"] = answer_of(context.world, "DescribeSourceServers", {})


def answer_of(world: World, operation: str, parameters: dict[str, Any]) -> Any:
    drs = world.plain_client("drs")
    method = next(name for name, api in drs.meta.method_to_api_mapping.items() if api == operation)
    try:
        return getattr(drs, method)(**parameters)
    except ClientError as error:
        return f"{error.response['Error']['Code']} with status {error.response['ResponseMetadata']['HTTPStatusCode']}"
    except BotoCoreError as error:
        return f"no answer: {type(error).__name__}"


@then("the answer is {answer}")
def answer_is(context: Context, answer: str) -> None:
    assert_that(context.world.notes["Answer"], equal_to(answer), "Looked at the answer of DRS, as its caller sees it")


@then("no connection left this machine")
def no_connection(context: Context) -> None:
    attempts = [str(one) for one in context.world.target.simulator.network_attempts]
    assert_that(attempts, empty(), "Looked at the connections that something tried to open")


@when('a program tries to connect to "{host}"')
def try_to_connect(context: Context, host: str) -> None:
    try:
        socket.create_connection((host, 443), timeout=1).close()
    except OSError as refused:
        context.world.notes["Refused"] = str(refused)


@then('the connection to "{host}" was refused and noted')
def connection_noted(context: Context, host: str) -> None:
    world: World = context.world
    assert_that("Refused" in world.notes, "The connection was not refused")
    attempts = [host in str(one) for one in world.target.simulator.network_attempts]
    assert_that(attempts, has_item(True), "Looked at the connections that something tried to open")


@when("every operation of DRS is called once as it should be and once for each error of its model")
def call_every_operation(context: Context) -> None:
    world: World = context.world
    found: dict[str, dict[str, Any]] = {}
    for operation, parameters in good_requests(world).items():
        errors = {}
        for error in modelled_errors("drs", operation):
            world.drs.refuse(operation, error)
            errors[error] = answer_of(world, operation, parameters)
        found[operation] = {"answer": answer_of(world, operation, parameters), "errors": errors}
    world.foreign_jobs.append(found["StartRecovery"]["answer"]["job"]["jobID"])
    world.notes["Operations"] = found


def good_requests(world: World) -> dict[str, dict[str, Any]]:
    """A request for each operation that has to succeed, in an order in which all can."""
    drs, servers = world.plain_client("drs"), list(world.servers.values())
    job = drs.describe_jobs(filters={})["items"][0]["jobID"]
    arn = drs.describe_source_servers(filters={})["items"][0]["arn"]
    instance = drs.describe_recovery_instances(filters={})["items"][0]["recoveryInstanceID"]
    return {
        "InitializeService": {},
        "DescribeSourceServers": {"filters": {"sourceServerIDs": servers}},
        "DescribeRecoverySnapshots": {"sourceServerID": servers[0]},
        "DescribeJobs": {"filters": {"jobIDs": [job]}},
        "DescribeJobLogItems": {"jobID": job},
        "DescribeRecoveryInstances": {"filters": {}},
        "TagResource": {"resourceArn": arn, "tags": {"Tier": "database"}},
        "ListTagsForResource": {"resourceArn": arn},
        "UntagResource": {"resourceArn": arn, "tagKeys": ["Tier"]},
        "TerminateRecoveryInstances": {"recoveryInstanceIDs": [instance]},
        "StartRecovery": {"sourceServers": [{"sourceServerID": servers[1]}], "isDrill": True},
    }


@then("these operations have succeeded and failed with each of their errors")
def operations_did_both(context: Context) -> None:
    found = context.world.notes["Operations"]
    assert_that(sorted(found), equal_to(sorted(row["operation"] for row in context.table)), OPERATIONS)
    for operation, outcome in found.items():
        assert_that(outcome["answer"], instance_of(dict), f"{OPERATIONS}: {operation} as it should be")
        codes = {error: str(answer).partition(" ")[0] for error, answer in outcome["errors"].items()}
        assert_that(codes, equal_to({error: error for error in outcome["errors"]}), f"{OPERATIONS}: {operation}")
