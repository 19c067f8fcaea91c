"""The deployed engine where the scenarios do not reach: hand-over between runs, and dying for good."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from engine.client import EngineClient, EngineError, StartRefused
from engine.deploy import deployment
from simulator import Fault, Simulator
from tests.engine.deployed import (
    STACK,
    TESTDATA,
    add_test_data,
    aws_with_test_data,
    client_of,
    deploy,
    end_of,
    package_with,
    runs,
)


@pytest.fixture
def aws():
    with aws_with_test_data() as found:
        yield found


@pytest.fixture
def client_of_short_runs(aws):
    """The engine hands over to a new run after two ticks."""
    return deploy(aws, package_with("engine/core/policy.py", "TICKS_PER_RUN = 2000", "TICKS_PER_RUN = 2"))


def test_a_long_execution_goes_on_in_a_fresh_run_under_the_same_id(aws, client_of_short_runs):
    client = client_of_short_runs
    execution_id = client.start("plan-three-tier")
    record = end_of(aws, client, execution_id)
    assert record["Status"] == "COMPLETED"
    aws.wait_until(lambda: all(run["status"] != "RUNNING" for run in runs(aws, client)), 60)
    names = sorted(run["name"] for run in runs(aws, client))
    assert names[:3] == [execution_id, f"{execution_id}-2", f"{execution_id}-3"]
    assert {run["status"] for run in runs(aws, client)} == {"SUCCEEDED"}
    assert len(aws.journal.select("drs", "StartRecovery")) == 3


HAND_OVERS = {
    "killed before the successor starts": Fault(
        "kill_lambda_before", "stepfunctions", "StartExecution", source="lambda"
    ),
    "killed after it started": Fault("kill_lambda_after", "stepfunctions", "StartExecution", source="lambda"),
    "asked to come back later": Fault("throttle", "stepfunctions", "StartExecution", retry_after=30, source="lambda"),
    "throttled for a while": Fault("throttle", "stepfunctions", "StartExecution", 9, source="lambda"),
    "the answer is lost": Fault("lose_answer", "stepfunctions", "StartExecution", 4, source="lambda"),
    "refused": Fault("deny", "stepfunctions", "StartExecution", 2, source="lambda"),
    "killed after the record names it": Fault("kill_lambda_after", "dynamodb", "PutItem", source="lambda"),
}


@pytest.mark.parametrize("fault", HAND_OVERS.values(), ids=HAND_OVERS)
def test_a_hand_over_that_is_disturbed_loses_nothing(aws, client_of_short_runs, fault):
    client = client_of_short_runs
    execution_id = client.start("plan-three-tier")
    aws.wait_until(lambda: aws.journal.select("drs", "StartRecovery"), 600)
    aws.faults.add(replace(fault))
    record = end_of(aws, client, execution_id)
    assert (record["Status"], record["CleanUp"]["Status"]) == ("COMPLETED", "COMPLETED")
    assert next(iter(aws.faults)).hits > 0
    assert len(aws.journal.select("drs", "StartRecovery")) == 3
    aws.wait_until(lambda: all(run["status"] != "RUNNING" for run in runs(aws, client)), 60)
    assert f"{execution_id}-3" in {run["name"] for run in runs(aws, client)}


def test_a_launch_whose_every_answer_is_lost_stays_within_the_functions_time(aws):
    client = client_of(aws)
    execution_id = client.start("plan-three-tier")
    aws.faults.lose_answer("drs", "StartRecovery", None, source="lambda")
    aws.faults.lose_answer("drs", "DescribeJobs", 16, source="lambda")
    record = end_of(aws, client, execution_id, 6 * 3600)
    assert record["CleanUp"]["Status"] == "COMPLETED"
    reports = [line for line in aws.lambda_logs(f"{STACK}-engine") if "timed out" in str(line).lower()]
    assert [line for line in reports if "Task timed out" in str(line)] == []
    launched = [
        job for job in aws.session().client("drs").describe_jobs(filters={})["items"] if job["type"] == "LAUNCH"
    ]
    servers = [one["sourceServerID"] for job in launched for one in job["participatingServers"]]
    assert len(servers) == len(set(servers))
    (run,) = runs(aws, client)
    assert run["status"] == "SUCCEEDED"


def test_a_termination_whose_job_fails_is_asked_for_again(aws):
    client = client_of(aws)
    server = json.loads((TESTDATA / "groups.json").read_text())[0]["SourceServerIds"][0]
    aws.drs.set_launch(server, terminate_fails_with="termination protection")
    execution_id = client.start("plan-three-tier")
    aws.wait_until(lambda: aws.journal.select("drs", "TerminateRecoveryInstances"), 4 * 3600)
    aws.advance(300)
    aws.drs.set_launch(server, terminate_fails_with=None)
    record = end_of(aws, client, execution_id)
    assert record["CleanUp"]["Status"] == "COMPLETED"
    first, second = aws.journal.select("drs", "TerminateRecoveryInstances")
    assert len(second.parameters["recoveryInstanceIDs"]) == 1
    assert 900 <= (second.started - first.started).total_seconds() < 1000
    assert len(record["CleanUp"]["DrsJobIds"]) == 2
    assert aws.session().client("drs").describe_recovery_instances(filters={})["items"] == []


def test_a_lock_without_a_record_is_named_and_starts_nothing(aws):
    client = client_of(aws)
    execution_id = client.start("plan-three-tier")
    end_of(aws, client, execution_id)
    table = client._outputs["ExecutionHistoryTable"]
    lock = {"ExecutionId": {"S": "PLAN#plan-three-tier"}, "ItemKey": {"S": "LOCK"}, "LockedBy": {"S": "nobody-knows"}}
    aws.session().client("dynamodb").put_item(TableName=table, Item=lock)
    with pytest.raises(StartRefused, match="locked by execution nobody-knows, which has no record; delete the item"):
        client.start("plan-three-tier")


@pytest.mark.parametrize("operation", ["GetItem", "BatchGetItem", "TransactWriteItems"])
def test_a_database_that_asks_for_a_pause_gets_it_and_the_execution_goes_on(aws, operation):
    client = client_of(aws)
    execution_id = client.start("plan-three-tier")
    aws.wait_until(lambda: aws.journal.select("drs", "StartRecovery"), 600)
    aws.faults.throttle("dynamodb", operation, 30, retry_after=45, source="lambda")
    record = end_of(aws, client, execution_id)
    assert record["Status"] == "COMPLETED"
    assert len(aws.journal.select("drs", "StartRecovery")) == 3
    refused = [call for call in aws.journal.select("dynamodb", operation) if call.error_code is not None]
    assert len(refused) > 3
    later = [call for call in aws.journal if call.source == "lambda" and call.started > refused[0].ended]
    for refusal in refused:
        following = min(call.started for call in later if call.started > refusal.ended)
        assert (following - refusal.ended).total_seconds() >= 45
    (run,) = runs(aws, client)
    assert run["status"] == "SUCCEEDED"


def test_a_state_machine_that_is_stopped_leaves_a_closed_record_and_no_instance(aws):
    client = client_of(aws)
    execution_id = client.start("plan-three-tier")
    aws.wait_until(lambda: client.get(execution_id)["Waves"][0]["Status"] == "COMPLETED", 3600)
    (run,) = runs(aws, client)
    aws.session().client("stepfunctions").stop_execution(executionArn=run["executionArn"])
    record = end_of(aws, client, execution_id)
    assert (record["Status"], record["StatusReason"]) == ("FAILED", "the state machine was stopped from outside")
    assert record["CleanUp"]["Status"] == "COMPLETED"
    assert aws.session().client("drs").describe_recovery_instances()["items"] == []


def test_a_function_that_fails_for_good_closes_the_record_and_its_successor_cleans_up(aws):
    client = client_of(aws)
    execution_id = client.start("plan-three-tier")
    aws.wait_until(lambda: client.get(execution_id)["Waves"][0]["Status"] == "COMPLETED", 3600)
    # One invocation and its three retries by Step Functions.
    aws.faults.deny("dynamodb", "BatchGetItem", times=4, source="lambda")
    record = end_of(aws, client, execution_id, 24 * 3600)
    assert record["Status"] == "FAILED"
    assert record["StatusReason"].startswith("its Lambda function failed for good: Refused: dynamodb:BatchGetItem")
    assert record["CleanUp"]["Status"] == "COMPLETED"
    assert aws.session().client("drs").describe_recovery_instances()["items"] == []


def test_what_cannot_be_closed_raises_an_alarm_and_is_closed_when_it_can_be(aws):
    client = client_of(aws)
    execution_id = client.start("plan-three-tier")
    aws.wait_until(lambda: client.get(execution_id)["Waves"][0]["Status"] == "RUNNING", 3600)
    aws.faults.deny("dynamodb", "BatchGetItem", times=None, source="lambda")
    aws.advance(3600)
    assert "CloserFailed" in {line.get("Alarm") for line in aws.lambda_logs(f"{STACK}-engine")}
    assert client.get(execution_id)["Status"] == "RUNNING"
    aws.faults.clear()
    record = end_of(aws, client, execution_id, 3600)
    assert (record["Status"], record["CleanUp"]["Status"]) == ("FAILED", "COMPLETED")
    assert aws.session().client("drs").describe_recovery_instances()["items"] == []


def test_a_state_machine_that_is_stopped_while_the_function_is_out_of_order_for_an_hour_is_closed_after_it(aws):
    client = client_of(aws)
    execution_id = client.start("plan-three-tier")
    aws.wait_until(lambda: client.get(execution_id)["Waves"][0]["Status"] == "COMPLETED", 3600)
    (run,) = runs(aws, client)
    aws.faults.fail_lambda(times=None)
    aws.session().client("stepfunctions").stop_execution(executionArn=run["executionArn"])
    aws.advance(3600)
    assert client.get(execution_id)["Status"] == "RUNNING"
    aws.faults.clear()
    record = end_of(aws, client, execution_id, 3600)
    assert (record["Status"], record["StatusReason"]) == ("FAILED", "the state machine was stopped from outside")
    assert record["CleanUp"]["Status"] == "COMPLETED"


def test_a_start_that_was_killed_half_way_is_completed_by_the_next_one(aws):
    client = client_of(aws)
    aws.faults.kill_lambda("before", "stepfunctions", "StartExecution")
    with pytest.raises(EngineError):
        client.start("plan-three-tier")
    assert client.list_by_status("RUNNING").items == []
    execution_id = client.start("plan-three-tier")
    record = end_of(aws, client, execution_id)
    assert record["Status"] == "COMPLETED"
    assert len(aws.journal.select("drs", "StartRecovery")) == 3


def test_health_checks_do_not_make_the_engine_ask_drs_more_often_than_it_may(aws):
    stack = deployment.deploy(aws.session(), STACK, parameters={"KeepData": "no", "ServersPerJob": "1"})
    client = EngineClient(aws.session(), stack.outputs)
    servers = [f"s-{number:017x}" for number in range(12)]
    for number, server in enumerate(servers):
        aws.drs.add_source_server(server)
        # Jobs end one by one while the instances of those before are still looked at.
        aws.drs.set_launch(server, launch_seconds=300 + 17 * number, boot_seconds=100)
    client.put_group(
        {
            "GroupId": "many",
            "GroupName": "Many",
            "SourceServerIds": servers,
            "Region": "us-east-1",
            "AccountId": aws.account,
        }
    )
    check = {"Enabled": True, "TimeoutSeconds": 300, "IntervalSeconds": 7}
    wave = {"WaveNumber": 1, "WaveName": "All", "ProtectionGroupId": "many", "ExecutionType": "PARALLEL"}
    client.put_plan({"PlanId": "many", "PlanName": "Many", "Waves": [wave | {"HealthCheck": check}]})
    record = end_of(aws, client, client.start("many", "RECOVERY"))
    assert record["Status"] == "COMPLETED"
    asked = [call.started for call in aws.journal.select("drs", "DescribeJobs")]
    assert min((later - earlier).total_seconds() for earlier, later in pairwise(asked)) >= 10
    looks = aws.journal.select("ec2", "DescribeInstanceStatus", source="lambda")
    assert len(looks) > len(servers)


@pytest.mark.parametrize("lost", ["the answer", "the function"])
def test_a_termination_of_which_nobody_heard_is_in_the_record_with_its_job(aws, lost):
    client = client_of(aws)
    if lost == "the answer":
        aws.faults.lose_answer("drs", "TerminateRecoveryInstances")
    else:
        aws.faults.kill_lambda("after", "drs", "TerminateRecoveryInstances")
    record = end_of(aws, client, client.start("plan-three-tier"))
    jobs = aws.session().client("drs").describe_jobs(filters={})["items"]
    assert record["CleanUp"]["DrsJobIds"] == [job["jobID"] for job in jobs if job["type"] == "TERMINATE"]
    assert len(record["CleanUp"]["DrsJobIds"]) == 1


def test_the_same_seed_lives_the_same_day_to_the_byte():
    days = []
    for _ in range(2):
        with Simulator(seed=7) as aws:
            client = deploy(aws)
            add_test_data(aws, client)
            end_of(aws, client, client.start("plan-three-tier"))
            days.append(aws.journal.to_json_lines())
    assert days[0] == days[1]


@pytest.mark.parametrize("token", [None, "friday"])
def test_a_running_drill_is_never_the_answer_to_a_recovery(aws, token):
    client = client_of(aws)
    drill = client.start("plan-three-tier", "DRILL", client_token=token)
    with pytest.raises(StartRefused, match=f"means the DRILL {drill}" if token else f"the DRILL {drill}\n"):
        client.start("plan-three-tier", "RECOVERY", client_token=token)
    assert client.start("plan-three-tier", "DRILL", client_token=token) == drill


def test_an_engine_that_is_deployed_again_is_still_trusted_by_the_accounts_it_recovers_into(aws):
    plan = json.loads((TESTDATA / "plans" / "cross-account.json").read_text())
    account = plan["TargetAccountId"]
    groups = [
        {**group, "AccountId": account, "Region": plan["TargetRegion"]}
        for group in json.loads((TESTDATA / "recovery-account-groups.json").read_text())
    ]
    for group in groups:
        for server in group["SourceServerIds"]:
            aws.drs_in(account, plan["TargetRegion"]).add_source_server(server)

    def drill(client):
        for group in groups:
            client.put_group(group)
        client.put_plan(plan)
        return lambda: end_of(aws, client, client.start(plan["PlanId"]))

    client = client_of(aws)
    run = drill(client)
    functions = aws.session().client("lambda")
    role = functions.get_function_configuration(FunctionName=client._outputs["FunctionName"])["Role"]
    values = {"EngineRoleArn": role, "ExternalId": plan["ExternalId"], "RoleName": plan["CrossAccountRoleName"]}
    aws.session(account, plan["TargetRegion"]).client("cloudformation").create_stack(
        StackName="target",
        TemplateBody=(TESTDATA.parent / "infra" / "target_account.yaml").read_text(),
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    assert run()["Status"] == "COMPLETED"
    deployment.destroy(aws.session(), STACK, sleep=aws.advance)
    aws.advance(86_400)
    assert drill(deploy(aws))()["Status"] == "COMPLETED"
