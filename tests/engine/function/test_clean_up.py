"""The deployed engine's clean-up under limits of DRS and of Lambda's time, and its search for instances."""

from __future__ import annotations

import pytest

from simulator import Fault, Simulator
from tests.engine.function.test_deployed import STACK, deployed, package_with, settled


@pytest.fixture
def aws():
    with Simulator() as simulator:
        yield simulator


def instances(aws):
    return [
        one["recoveryInstanceID"]
        for one in aws.session().client("drs").describe_recovery_instances(filters={})["items"]
    ]


def test_one_instance_that_drs_does_not_terminate_keeps_no_other(aws):
    client = deployed(aws)
    execution_id = client.start("plan-three-tier")
    aws.wait_until(lambda: instances(aws), 4 * 3600)
    stubborn = instances(aws)[0]
    aws.faults.respond(
        "drs",
        "TerminateRecoveryInstances",
        "ConflictException",
        status=409,
        message="failback in progress",
        times=None,
        where={"recoveryInstanceIDs": stubborn},
    )
    record = aws.wait_until(settled(client, execution_id), 6 * 3600)
    assert instances(aws) == [stubborn]
    assert record["CleanUp"]["Status"] == "FAILED"
    assert f"recovery instances left: {stubborn};" in record["CleanUp"]["ErrorMessage"]
    assert "DRS refuses to terminate: failback in progress;" in record["CleanUp"]["ErrorMessage"]


@pytest.mark.parametrize(
    ("code", "status"),
    [("UninitializedAccountException", 400), ("ValidationException", 400), ("ResourceNotFoundException", 404)],
)
def test_a_refusal_that_is_no_denial_is_asked_again(aws, code, status):
    client = deployed(aws)
    execution_id = client.start("plan-three-tier")
    refusals = aws.faults.respond("drs", "TerminateRecoveryInstances", code, status=status, message="odd", times=9)
    record = aws.wait_until(settled(client, execution_id), 6 * 3600)
    assert refusals.hits == 9
    assert record["CleanUp"]["Status"] == "COMPLETED"
    assert "ErrorMessage" not in record["CleanUp"]
    assert instances(aws) == []


def test_a_denied_termination_ends_the_clean_up(aws):
    client = deployed(aws)
    execution_id = client.start("plan-three-tier")
    denials = aws.faults.deny("drs", "TerminateRecoveryInstances", times=None)
    record = aws.wait_until(settled(client, execution_id), 6 * 3600)
    assert denials.hits == 1
    assert record["CleanUp"]["Status"] == "FAILED"
    assert "AccessDeniedException" in record["CleanUp"]["ErrorMessage"]


@pytest.mark.parametrize("state", ["TERMINATED", "NOT_FOUND"])
def test_an_instance_that_was_terminated_elsewhere_needs_no_termination(aws, state):
    client = deployed(aws)
    execution_id = client.start("plan-three-tier")
    aws.wait_until(lambda: client.get(execution_id)["Waves"][0]["Status"] == "COMPLETED", 4 * 3600)
    lost = instances(aws)[0]
    aws.drs.instance_dies(lost)
    if state == "NOT_FOUND":
        aws.drs.instance_is_forgotten(lost)
    aws.faults.respond(
        "drs",
        "TerminateRecoveryInstances",
        "ConflictException",
        status=409,
        times=None,
        where={"recoveryInstanceIDs": lost},
    )
    record = aws.wait_until(settled(client, execution_id), 6 * 3600)
    assert record["CleanUp"]["Status"] == "COMPLETED"
    assert instances(aws) == [lost]
    listed = aws.session().client("drs").describe_recovery_instances(filters={})["items"]
    assert [one["ec2InstanceState"] for one in listed] == [state]


def test_a_clean_up_that_fails_when_the_functions_time_is_short_raises_its_alarm(aws):
    client = deployed(
        aws,
        package_with("engine/function/stepping.py", "RESERVE_MILLISECONDS = 180_000", "RESERVE_MILLISECONDS = 299_500"),
    )
    execution_id = client.start("plan-three-tier")
    aws.faults.deny("drs", "TerminateRecoveryInstances", times=None)
    record = aws.wait_until(settled(client, execution_id), 6 * 3600)
    assert record["CleanUp"]["Status"] == "FAILED"
    assert "CleanUpFailed" in {line.get("Alarm") for line in aws.lambda_logs(f"{STACK}-engine")}


def test_a_launch_in_doubt_whose_repetition_is_refused_is_found_by_the_clean_up(aws):
    # DRS's list lags: the look before the repetition does not show the job yet.
    unseen = "if in_doubt and (job := self._find_in_doubt(tags, since)):"
    client = deployed(aws, package_with("engine/aws/drs.py", unseen, "if False:"))
    aws.faults.lose_answer("drs", "StartRecovery", 1)
    aws.faults.add(Fault("deny", "drs", "StartRecovery", 1, after=1))
    execution_id = client.start("plan-three-tier")
    record = aws.wait_until(settled(client, execution_id), 6 * 3600)
    first = record["Waves"][0]["ServerResults"]
    assert all("it is not known whether DRS took the launch" in one["ErrorMessage"] for one in first)
    launched = [
        job for job in aws.session().client("drs").describe_jobs(filters={})["items"] if job["type"] == "LAUNCH"
    ]
    assert {job["jobID"] for job in launched} == {one["DrsJobId"] for one in first}
    assert instances(aws) == []
    assert record["CleanUp"]["Status"] == "COMPLETED"
