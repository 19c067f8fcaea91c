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
