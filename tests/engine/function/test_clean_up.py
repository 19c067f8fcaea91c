"""The deployed engine's clean-up under limits of DRS and of Lambda's time, and its search for instances."""

from __future__ import annotations

import json

import jsonschema
import pytest

from engine.client import DecisionRefused, EngineError, StartRefused
from simulator import Fault
from simulator.gateway.gateway import identified
from tests.engine.deployed import (
    STACK,
    aws_with_test_data,
    client_of,
    deploy,
    end_of,
    let_jobs_take_their_usual_time,
    package_with,
    three_tier_plan,
)
from tests.simulation.oracle import SCHEMA


@pytest.fixture
def aws():
    with aws_with_test_data() as found:
        yield found


def instances(aws):
    return [
        one["recoveryInstanceID"]
        for one in aws.session().client("drs").describe_recovery_instances(filters={})["items"]
    ]


def test_one_instance_that_drs_does_not_terminate_keeps_no_other(aws):
    limit = "CLEAN_UP_LIMIT_SECONDS = "
    client = deploy(aws, package_with("engine/core/policy.py", f"{limit}2 * 3600", f"{limit}900"))
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
    record = end_of(aws, client, execution_id, 6 * 3600)
    assert instances(aws) == [stubborn]
    assert record["CleanUp"]["Status"] == "FAILED"
    assert f"recovery instances left: {stubborn};" in record["CleanUp"]["ErrorMessage"]
    assert "DRS refuses to terminate: failback in progress;" in record["CleanUp"]["ErrorMessage"]


@pytest.mark.parametrize(
    ("code", "status"),
    [("UninitializedAccountException", 400), ("ValidationException", 400), ("ResourceNotFoundException", 404)],
)
def test_a_refusal_that_is_no_denial_is_asked_again(aws, code, status):
    client = client_of(aws)
    execution_id = client.start("plan-three-tier")
    refusals = aws.faults.respond("drs", "TerminateRecoveryInstances", code, status=status, message="odd", times=9)
    record = end_of(aws, client, execution_id, 6 * 3600)
    assert refusals.hits == 9
    assert record["CleanUp"]["Status"] == "COMPLETED"
    assert "ErrorMessage" not in record["CleanUp"]
    assert instances(aws) == []


def test_a_denied_termination_ends_the_clean_up(aws):
    client = client_of(aws)
    execution_id = client.start("plan-three-tier")
    denials = aws.faults.deny("drs", "TerminateRecoveryInstances", times=None)
    record = end_of(aws, client, execution_id, 6 * 3600)
    assert denials.hits == 1
    assert record["CleanUp"]["Status"] == "FAILED"
    assert "AccessDeniedException" in record["CleanUp"]["ErrorMessage"]


@pytest.mark.parametrize("state", ["TERMINATED", "NOT_FOUND"])
def test_an_instance_that_was_terminated_elsewhere_needs_no_termination(aws, state):
    client = client_of(aws)
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
    record = end_of(aws, client, execution_id, 6 * 3600)
    assert record["CleanUp"]["Status"] == "COMPLETED"
    assert instances(aws) == [lost]
    listed = aws.session().client("drs").describe_recovery_instances(filters={})["items"]
    assert [one["ec2InstanceState"] for one in listed] == [state]


def test_a_clean_up_that_fails_when_the_functions_time_is_short_raises_its_alarm(aws):
    client = deploy(
        aws,
        package_with("engine/function/stepping.py", "RESERVE_MILLISECONDS = 180_000", "RESERVE_MILLISECONDS = 299_500"),
    )
    execution_id = client.start("plan-three-tier")
    aws.faults.deny("drs", "TerminateRecoveryInstances", times=None)
    record = end_of(aws, client, execution_id, 6 * 3600)
    assert record["CleanUp"]["Status"] == "FAILED"
    assert "CleanUpFailed" in {line.get("Alarm") for line in aws.lambda_logs(f"{STACK}-engine")}


def test_a_launch_in_doubt_whose_repetition_is_refused_is_found_by_the_clean_up(aws):
    # DRS's list lags: the look before the repetition does not show the job yet.
    unseen = "if in_doubt and (job := self._find_in_doubt(tags, since)):"
    client = deploy(aws, package_with("engine/aws/drs.py", unseen, "if False:"))
    aws.faults.lose_answer("drs", "StartRecovery", 1)
    aws.faults.add(Fault("deny", "drs", "StartRecovery", 1, after=1))
    execution_id = client.start("plan-three-tier")
    record = end_of(aws, client, execution_id, 6 * 3600)
    first = record["Waves"][0]["ServerResults"]
    assert all("it is not known whether DRS took the launch" in one["ErrorMessage"] for one in first)
    launched = [
        job for job in aws.session().client("drs").describe_jobs(filters={})["items"] if job["type"] == "LAUNCH"
    ]
    assert {job["jobID"] for job in launched} == {one["DrsJobId"] for one in first}
    assert instances(aws) == []
    assert record["CleanUp"]["Status"] == "COMPLETED"


KEPT = {"TerminateDrillInstances": False}


def with_other_plan(aws, client, record):
    """Loads the plan `other` of the first server of the record; its id."""
    first = record["Waves"][0]["ServerResults"][0]["SourceServerId"]
    group = {"GroupId": "g-other", "GroupName": "Other", "SourceServerIds": [first]}
    client.put_group({**group, "Region": aws.region, "AccountId": aws.account})
    wave = {"WaveNumber": 1, "WaveName": "One", "ProtectionGroupId": "g-other", "ExecutionType": "PARALLEL"}
    client.put_plan({"PlanId": "other", "PlanName": "Other", "Waves": [wave]})
    return first


@pytest.fixture
def kept(aws):
    """A client, a plan and its drill, which keeps its instances; the plan `other` has the server of its first wave."""
    client = client_of(aws)
    client.put_plan({**three_tier_plan(), **KEPT})
    execution = client.start("plan-three-tier")
    record = end_of(aws, client, execution)
    let_jobs_take_their_usual_time(aws)
    return client, execution, with_other_plan(aws, client, record)


def test_a_repeated_clean_up_that_another_execution_is_in_the_way_of_counts_as_failed_still(aws):
    client = client_of(aws)
    execution = client.start("plan-three-tier")
    aws.faults.deny("drs", "TerminateRecoveryInstances", times=1)
    record = end_of(aws, client, execution)
    with_other_plan(aws, client, record)
    holder = client.start("other", "DRILL")
    with pytest.raises(DecisionRefused, match=holder):
        client.cleanup(execution)
    again = client.get(execution)
    assert again["CleanUp"] == {**record["CleanUp"], "EndTime": again["CleanUp"]["EndTime"]}
    assert again["CleanUp"]["Status"] == "FAILED"
    jsonschema.validate(again, json.loads(SCHEMA.read_text()))
    assert client.holder("plan-three-tier") is None
    end_of(aws, client, holder)
    client.cleanup(execution)
    assert end_of(aws, client, execution)["CleanUp"]["Status"] == "COMPLETED"
    assert instances(aws) == []


@pytest.mark.parametrize("plan", ["other", "plan-three-tier"])
@pytest.mark.parametrize("kind", ["DRILL", "RECOVERY"])
def test_a_clean_up_waits_for_an_execution_over_its_servers(aws, kept, plan, kind):
    client, execution, _ = kept
    holder = client.start(plan, kind)
    with pytest.raises(DecisionRefused) as refused:
        client.cleanup(execution)
    lines = str(refused.value).splitlines()
    assert holder in str(refused.value)
    assert lines[-1] == f"  python -m engine cancel {holder}"
    assert max(map(len, lines)) <= 80
    aws.advance(60)
    assert aws.journal.select("drs", "TerminateRecoveryInstances") == []
    assert client.get(execution)["CleanUp"] == {"Status": "SKIPPED", "DrsJobIds": []}
    end_of(aws, client, holder)
    client.cleanup(execution)
    record = end_of(aws, client, execution)
    assert record["CleanUp"]["Status"] == "COMPLETED"
    own = {one["RecoveryInstanceId"] for wave in record["Waves"] for one in wave["ServerResults"]}
    assert not own & set(instances(aws))


def listed(aws):
    return aws.session().client("drs").describe_recovery_instances(filters={})["items"]


@pytest.mark.parametrize("plan", ["other", "plan-three-tier"])
def test_a_drill_waits_for_a_requested_clean_up_and_a_recovery_does_not(aws, kept, plan):
    client, execution, first = kept
    client.cleanup(execution)
    with pytest.raises(StartRefused, match=execution):
        client.start(plan, "DRILL")
    recovery = client.start(plan, "RECOVERY")
    assert end_of(aws, client, recovery, 6 * 3600)["Status"] == "COMPLETED"
    record = end_of(aws, client, execution)
    assert record["CleanUp"]["Status"] == "COMPLETED"
    assert {first} <= {one["sourceServerID"] for one in listed(aws) if not one["isDrill"]}
    assert not any(one["isDrill"] for one in listed(aws))
    assert client.holder(plan) is None


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(
    ("service", "operation", "after"),
    [
        ("dynamodb", "TransactWriteItems", 0),
        ("dynamodb", "TransactWriteItems", 1),
        ("stepfunctions", "StartExecution", 0),
    ],
)
def test_a_clean_up_that_is_killed_is_completed_by_the_next(aws, kept, when, service, operation, after):
    client, execution, _ = kept
    aws.faults.kill_lambda(when, service, operation, after=after)
    with pytest.raises(EngineError):
        client.cleanup(execution)
    client.cleanup(execution)
    assert end_of(aws, client, execution)["CleanUp"]["Status"] == "COMPLETED"
    assert instances(aws) == []
    assert client.holder("plan-three-tier") is None


def test_a_resumption_and_a_clean_up_at_the_same_moment_do_not_both_take_the_instances(aws, kept, monkeypatch):
    client, _, first = kept
    aws.drs.set_launch(first, fails_with="no capacity")
    failed = client.start("plan-three-tier")
    end_of(aws, client, failed)
    assert client.get(failed)["Status"] == "FAILED"
    aws.drs.reset_launch(first)
    handle, waiting = aws._gateway.handle, [failed]

    def interrupted(request):
        # The clean-up is requested between the look of the resumption and its transaction.
        if waiting and identified(request).operation == "TransactWriteItems":
            aws.spawn("second operator", lambda: client.cleanup(waiting.pop())).join()
        return handle(request)

    monkeypatch.setattr(aws._gateway, "handle", interrupted)
    with pytest.raises(StartRefused, match=f"{failed} is a DRILL that keeps no instances"):
        client.resume(failed)
    assert not waiting
    assert "ResumedBy" not in client.get(failed)
    assert end_of(aws, client, failed)["CleanUp"]["Status"] == "COMPLETED"
