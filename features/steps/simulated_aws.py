"""The simulated AWS under test: its answers, its times, its faults, its isolation from the network."""

from __future__ import annotations

import socket
from typing import Any

from behave import then, when
from behave.runner import Context
from botocore.exceptions import BotoCoreError, ClientError
from hamcrest import empty, equal_to, greater_than, has_item, has_length, instance_of, only_contains

from features.aws_model import answer_problems, modelled_errors
from features.aws_queries import instant, job_of, recovery_client
from features.matchers import assert_that, is_between
from features.phrase_values import Between
from features.world import OperationResult, World

OPERATIONS = "Read the answers of each operation of the simulated DRS"


@then("every answer of DRS follows the service's model")
def answers_follow_model(context: Context) -> None:
    answers = [call for call in context.world.target.all_calls() if call.service == "drs" and call.response is not None]
    problems = [line for call in answers for line in answer_problems("drs", call.operation, dict(call.response or {}))]
    assert_that(answers, has_length(greater_than(0)), "Read the answers of DRS")
    assert_that(problems, empty(), f"Compared {len(answers)} answers of DRS with its model")


@then("these answers include those to the engine's recovery requests")
def launches_are_included(context: Context) -> None:
    world: World = context.world
    answered = [call for call in world.target.engine_calls() if call.operation == "StartRecovery" and call.answer]
    jobs = [(call.answer or {})["job"]["jobID"] for call in answered]
    recorded = {result.get("DrsJobId") for wave in world.record()["Waves"] for result in wave["ServerResults"]}
    assert_that(jobs, has_length(greater_than(0)), "Read the complete answers to StartRecovery")
    assert_that(jobs, only_contains(*recorded), "Read the answered jobs in the record")


@then("every launched instance is an instance of EC2")
def instances_are_in_ec2(context: Context) -> None:
    waves = context.world.record()["Waves"]
    launched = [result["Ec2InstanceId"] for wave in waves for result in wave["ServerResults"]]
    reservations = context.world.target.client("ec2").describe_instances()["Reservations"]
    known = [instance["InstanceId"] for one in reservations for instance in one["Instances"]]
    assert_that(launched, has_length(greater_than(0)), "Read the instances in the record")
    assert_that([one for one in launched if one not in known], empty(), "Searched EC2 for the recorded instances")


@when('the job of server "{name}" is watched until it ends')
def watch_job(context: Context, name: str) -> None:
    world: World = context.world
    watched = world.watched_job

    def ended() -> bool:
        watched.job = job_of(world, name)
        if watched.job is None:
            return False
        watched.statuses.setdefault(watched.job["status"], world.target.simulator.clock.now())
        return bool(watched.job["status"] == "COMPLETED")

    world.wait_until(ended, f"the job of {name} to end")


@then("it was PENDING for {span:Between}")
def pending_for(context: Context, span: Between) -> None:
    world: World = context.world
    job = world.watched_job.job or {}
    log = recovery_client(world, "drs").describe_job_log_items(jobID=job["jobID"])["items"]
    started = next(instant(item["logDateTime"]) for item in log if item["event"] == "JOB_START")
    pending = (started - instant(job["creationDateTime"])).total_seconds()
    assert_that(pending, is_between(span.low, span.high), "Read JOB_START in the job's log")


@when("the suite reads the source servers of DRS")
def read_servers(context: Context) -> None:
    """Keep the answer or the error as the caller sees it, without botocore's retries."""
    context.world.drs_answer = answer_of(context.world, "DescribeSourceServers", {})


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
    assert_that(context.world.drs_answer, equal_to(answer), "Read the answer of DRS, as its caller sees it")


@then("no connection left this machine")
def no_connection(context: Context) -> None:
    attempts = [str(one) for one in context.world.target.simulator.network_attempts]
    assert_that(attempts, empty(), "Read the connections that a program tried to open")


@when('a program tries to connect to "{host}"')
def try_to_connect(context: Context, host: str) -> None:
    try:
        socket.create_connection((host, 443), timeout=1).close()
    except OSError as refused:
        context.world.refused_connection = str(refused)


@then('the connection to "{host}" was refused and noted')
def connection_noted(context: Context, host: str) -> None:
    world: World = context.world
    assert_that(world.refused_connection is not None, "The connection was not refused")
    attempts = [host in str(one) for one in world.target.simulator.network_attempts]
    assert_that(attempts, has_item(True), "Read the connections that a program tried to open")


@when("every operation of DRS is called once without a fault and once for each error of its model")
def call_every_operation(context: Context) -> None:
    world: World = context.world
    results = world.operation_results
    for operation, parameters in good_requests(world).items():
        errors = {}
        for error in modelled_errors("drs", operation):
            world.drs.refuse(operation, error)
            errors[error] = answer_of(world, operation, parameters)
        results[operation] = OperationResult(answer_of(world, operation, parameters), errors)
    world.foreign_jobs.append(results["StartRecovery"].answer["job"]["jobID"])


def good_requests(world: World) -> dict[str, dict[str, Any]]:
    """A request for each operation, in an order in which all succeed."""
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
        "GetLaunchConfiguration": {"sourceServerID": servers[0]},
        "DescribeRecoveryInstances": {"filters": {}},
        "TagResource": {"resourceArn": arn, "tags": {"Tier": "database"}},
        "ListTagsForResource": {"resourceArn": arn},
        "UntagResource": {"resourceArn": arn, "tagKeys": ["Tier"]},
        "TerminateRecoveryInstances": {"recoveryInstanceIDs": [instance]},
        "StartRecovery": {"sourceServers": [{"sourceServerID": servers[1]}], "isDrill": True},
    }


@then("these operations have succeeded and failed with each of their errors")
def operations_did_both(context: Context) -> None:
    results = context.world.operation_results
    assert_that(sorted(results), equal_to(sorted(row["operation"] for row in context.table)), OPERATIONS)
    assert_that(sorted(results), equal_to(context.world.drs.operations), "Compare with the operations that are offered")
    for operation, result in results.items():
        assert_that(result.answer, instance_of(dict), f"{OPERATIONS}: {operation} without a fault")
        codes = {error: str(answer).partition(" ")[0] for error, answer in result.errors.items()}
        assert_that(codes, equal_to({error: error for error in result.errors}), f"{OPERATIONS}: {operation}")
