"""Deployment and removal from the command line, with and without failures: one clear line, and no resource left."""

from __future__ import annotations

import json

import pytest

from engine.deploy import deployment
from tests.engine.cli.operator import NOTHING, error_line, left, operator
from tests.engine.deploy.test_stack import template
from tests.engine.deployed import STACK

OTHER_APPLICATION = json.dumps(
    {
        "Description": "A web shop",
        "Resources": {"Shop": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "shop"}}},
    }
)


@pytest.fixture
def at():
    with operator() as at:
        at.aws.drs.initialize()
        yield at


def test_deploy_update_and_destroy(at):
    first = at.run("deploy", "-p", "KeepData=no")
    assert first.exit_code == 0, first.output
    assert f"FunctionName: {STACK}-engine" in first.stdout
    assert f"Deploying {STACK} to account 111122223333, Region us-east-1: 1.1 MB" in first.stderr
    assert " MB of code" in first.stderr
    again = at.run("deploy", "-p", "KeepData=no", "--json")
    assert json.loads(again.stdout)["Outputs"]["FunctionName"] == f"{STACK}-engine"
    gone = at.run("destroy", typed="y\n")
    assert (gone.exit_code, gone.stdout.splitlines()[-1]) == (0, f"{STACK}: deleted")
    assert left(at) == NOTHING
    assert at.run("destroy", "--yes").exit_code == 1


def test_an_update_keeps_what_is_not_given(at):
    at.run("deploy", "-p", "KeepData=no", "-p", "ServersPerJob=50")
    at.run("deploy", "-p", "ServersPerJob=60")
    functions = at.aws.session().client("lambda")
    settings = functions.get_function_configuration(FunctionName=f"{STACK}-engine")["Environment"]["Variables"]
    assert str(settings["SERVERS_PER_JOB"]) == "60"
    at.run("destroy", "--yes")
    assert left(at)["tables"] == []


def test_an_update_without_tags_leaves_those_of_the_stack(at):
    session, tags = at.aws.session(), {"cost-centre": "4711", "owner": "recovery"}

    def found():
        (stack,) = session.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"]
        return {one["Key"]: one["Value"] for one in stack["Tags"]}

    deployment.deploy(session, STACK, tags=tags, sleep=at.aws.advance)
    assert found() == tags
    deployment.deploy(session, STACK, parameters={"ServersPerJob": "60"}, sleep=at.aws.advance)
    (update,) = at.aws.journal.select("cloudformation", "UpdateStack")
    assert "Tags" not in update.parameters
    assert found() == tags


# The names that services allow for a resource, by the template's property.
LONGEST_NAMES = {
    "RoleName": 64,
    "FunctionName": 64,
    "Name": 64,  # of an EventBridge rule
    "StateMachineName": 80,
    "TopicName": 256,
    "TableName": 255,
    "LogGroupName": 512,
    "AlarmName": 255,
}


def named_after_the_stack() -> list[tuple[str, str]]:
    """Property and ending of every name that the template composes of the stack's."""
    properties = [one["Properties"].items() for one in template("template.yaml")["Resources"].values()]
    names = [(key, str(value)) for found in properties for key, value in found if "${AWS::StackName}-" in str(value)]
    return [(key, value.replace("${AWS::StackName}", "")) for key, value in names if key.endswith("Name")]


def test_the_longest_name_of_a_stack_is_the_longest_that_can_be_deployed(at):
    names = named_after_the_stack()
    assert {"RoleName", "Name", "StateMachineName"} <= {key for key, _ in names}
    longest = min(LONGEST_NAMES[key] - len(ending) for key, ending in names)
    assert at.run("history", "--stack", "a" * longest).exit_code == 1
    refused = at.run("deploy", "--stack", "a" * (longest + 1))
    assert (refused.exit_code, left(at)) == (2, NOTHING)
    assert f"at most {longest} characters" in " ".join(refused.stderr.split())


def test_an_engine_at_work_is_not_destroyed(at):
    client = at.deploy()
    execution = client.start("plan-three-tier")
    result = at.run("destroy", "--yes")
    assert result.exit_code == 1
    assert error_line(result) == (
        f"Error: the engine works on {execution}; cancel it, or wait until it has ended and is cleaned up"
    )
    assert client.get(execution)["Status"] == "RUNNING"


@pytest.mark.parametrize("when", ["closer at work", "closer gave up"])
def test_an_engine_that_owes_the_end_of_an_execution_is_not_destroyed(at, when):
    client = at.deploy()
    execution = client.start("plan-three-tier")
    at.aws.wait_until(lambda: at.aws.session().client("drs").describe_recovery_instances()["items"], 3600)
    at.aws.faults.deny("dynamodb", "BatchGetItem", times=None, source="lambda")
    stop_state_machines(at)
    at.aws.advance(1200 if when == "closer at work" else 28 * 3600)
    assert client.get(execution)["Status"] == "RUNNING"
    assert client.at_work() == [execution]
    assert at.run("destroy", "--yes").exit_code == 1
    assert left(at)["stacks"] == [STACK]


def test_an_engine_that_owes_a_clean_up_is_not_destroyed(at):
    client = at.deploy()
    execution = client.start("plan-three-tier")
    at.aws.wait_until(lambda: client.get(execution).get("CleanUp", {}).get("Status") == "RUNNING", 4 * 3600)
    at.aws.faults.deny("dynamodb", "BatchGetItem", times=None, source="lambda")
    stop_state_machines(at)
    at.aws.advance(1200)
    assert client.get(execution)["Status"] == "COMPLETED"
    assert client.list_by_status("RUNNING").items == []
    assert client.at_work() == [execution]
    at.aws.faults.clear()
    at.aws.wait_until(lambda: client.get(execution)["CleanUp"]["Status"] == "COMPLETED", 4 * 3600, settle=60)
    assert client.at_work() == []


def test_a_deletion_that_failed_half_way_can_be_repeated(at):
    client = at.deploy()
    states, tables = at.aws.session().client("stepfunctions"), at.aws.session().client("dynamodb")
    for one in states.list_state_machines()["stateMachines"]:
        states.delete_state_machine(stateMachineArn=one["stateMachineArn"])
    tables.delete_table(TableName=f"{STACK}-execution-history")
    assert client.at_work() == []


def stop_state_machines(at) -> None:
    """Stop the runs of the engine's state machine from outside."""
    states = at.aws.session().client("stepfunctions")
    (arn,) = [
        one["stateMachineArn"]
        for one in states.list_state_machines()["stateMachines"]
        if one["name"] == f"{STACK}-engine"
    ]
    for run in states.list_executions(stateMachineArn=arn, statusFilter="RUNNING")["executions"]:
        states.stop_execution(executionArn=run["executionArn"])


def test_an_engine_finds_all_that_is_at_work_whatever_the_pages(at):
    """More than a page of records that say RUNNING."""
    client, tables = at.deploy(), at.aws.session().client("dynamodb")
    ids = [f"{number:08d}-0000-4000-8000-000000000000" for number in range(150)]
    for one in ids:
        header = {"ExecutionId": one, "ItemKey": "EXECUTION", "PlanId": "p", "Status": "RUNNING", "StartTime": one}
        item = {key: {"S": value} for key, value in header.items()}
        tables.put_item(TableName=f"{STACK}-execution-history", Item=item)
    assert client.at_work() == ids
    assert at.aws.journal.select("dynamodb", "Scan") == []


def test_the_cause_of_a_failed_creation_comes_first_and_nothing_is_left(at):
    at.aws.stacks.fail("FunctionRole", "Role with name engine-test-engine already exists.")
    result = at.run("deploy")
    assert result.exit_code == 1
    causes = [line for line in result.stderr.splitlines() if line.startswith("Error:")]
    assert causes == [
        f"Error: stack {STACK}: FunctionRole (AWS::IAM::Role): Role with name engine-test-engine already exists."
    ]
    assert "cancelled" not in result.stderr.partition("Error:")[2]
    assert "All resources that the stack had created were removed" in result.stderr
    assert left(at) == NOTHING
    at.aws.stacks.heal()
    assert at.run("deploy").exit_code == 0


@pytest.mark.parametrize("keep_data", ["yes", "no"])
def test_a_table_whose_creation_was_cancelled_half_way_is_removed_too(at, keep_data):
    at.aws.stacks.fail("RecoveryPlans", "Rate exceeded")
    with pytest.raises(deployment.DeploymentFailed, match="All resources that the stack had created were removed"):
        deployment.deploy(at.aws.session(), STACK, parameters={"KeepData": keep_data}, sleep=at.aws.advance)
    made = [call.parameters["TableName"] for call in at.aws.journal.select("dynamodb", "DeleteTable")]
    assert sorted(made) == ([f"{STACK}-execution-history", f"{STACK}-protection-groups"] if keep_data == "yes" else [])
    assert left(at) == NOTHING


def test_a_table_that_is_still_being_made_is_waited_for(at):
    at.aws.stacks.fail("RecoveryPlans", "Rate exceeded")
    for operation, times in (("UpdateTable", 2), ("DeleteTable", 3)):
        at.aws.faults.respond("dynamodb", operation, "ResourceInUseException", status=400, times=times)
    with pytest.raises(deployment.DeploymentFailed, match="All resources that the stack had created were removed"):
        deployment.deploy(at.aws.session(), STACK, sleep=at.aws.advance)
    assert left(at) == NOTHING


def test_a_table_that_stays_busy_is_named_beside_the_cause(at):
    at.aws.stacks.fail("RecoveryPlans", "Rate exceeded")
    at.aws.faults.respond("dynamodb", "UpdateTable", "ResourceInUseException", status=400, times=None)
    with pytest.raises(deployment.DeploymentFailed) as failure:
        deployment.deploy(at.aws.session(), STACK, sleep=at.aws.advance)
    cause, advice = str(failure.value).splitlines()
    assert cause == f"stack {STACK}: RecoveryPlans (AWS::DynamoDB::Table): Rate exceeded"
    assert advice == (
        f"The resources that the stack had created could not be removed: the table {STACK}-protection-groups has been "
        "busy for 300 seconds; delete it when it is ACTIVE"
    )


def test_a_table_that_somebody_else_has_is_not_removed_with_a_failed_creation(at):
    tables = at.aws.session().client("dynamodb")
    tables.create_table(
        TableName=f"{STACK}-recovery-plans",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
    )
    with pytest.raises(deployment.DeploymentFailed, match="were not touched"):
        deployment.deploy(at.aws.session(), STACK, sleep=at.aws.advance)
    assert left(at) == {**NOTHING, "tables": [f"{STACK}-recovery-plans"]}
    (key,) = tables.describe_table(TableName=f"{STACK}-recovery-plans")["Table"]["KeySchema"]
    assert key["AttributeName"] == "Id"


def test_a_failed_update_is_undone_and_the_engine_stays(at):
    at.deploy()
    at.aws.stacks.fail("Function", "The runtime parameter is not supported")
    result = at.run("deploy", "-p", "ServersPerJob=50")
    assert result.exit_code == 1
    assert f"Error: stack {STACK}: Function (AWS::Lambda::Function): The runtime parameter is not" in result.stderr
    assert error_line(result) == "The update was rolled back; the engine works as before."
    assert at.run("start", "plan-three-tier").exit_code == 0


@pytest.mark.parametrize("command", [("deploy",), ("destroy", "--yes"), ("history",), ("start", "plan")])
def test_the_stack_of_another_application_is_not_touched(at, command):
    formation = at.aws.session().client("cloudformation")
    formation.create_stack(StackName=STACK, TemplateBody=OTHER_APPLICATION)
    before = left(at)
    result = at.run(*command)
    assert result.exit_code == 1
    assert error_line(result) == (
        f"Error: the stack {STACK} in account 111122223333, Region us-east-1 does not belong to the engine "
        "(A web shop) and was not touched; name another with --stack"
    )
    assert left(at) == before
    assert formation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"])
@pytest.mark.parametrize("command", [("deploy", "-p", "KeepData=no"), ("destroy", "--yes")], ids=["deploy", "destroy"])
def test_what_is_left_of_an_earlier_creation_is_replaced_or_removed(at, status, command):
    at.deploy()
    at.aws.stacks.set_status(at.aws.account, at.aws.region, STACK, status)
    result = at.run(*command)
    assert result.exit_code == 0, result.output
    expected = [STACK] if command[0] == "deploy" else []
    assert left(at)["stacks"] == expected


@pytest.mark.parametrize(
    ("status", "cure"),
    [
        ("UPDATE_IN_PROGRESS", "wait for its end"),
        ("CREATE_IN_PROGRESS", "wait for its end"),
        ("DELETE_IN_PROGRESS", "wait for its end"),
        ("REVIEW_IN_PROGRESS", "wait for its end"),
        ("UPDATE_ROLLBACK_FAILED", f"aws cloudformation continue-update-rollback --stack-name {STACK}"),
        ("DELETE_FAILED", "run destroy again"),
    ],
)
def test_a_stack_that_takes_no_update_is_said_with_the_cure(at, status, cure):
    at.deploy()
    at.aws.stacks.set_status(at.aws.account, at.aws.region, STACK, status)
    result = at.run("deploy")
    assert result.exit_code == 1
    assert status in result.stderr
    assert cure in error_line(result)
