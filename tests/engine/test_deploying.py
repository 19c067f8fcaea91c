"""Deploying and taking away from the command line, on good and on bad days: one clear line, and nothing left behind."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from engine import deployment
from engine.cli.errors import local_failure
from engine.parameters import operator_parameters, value_problem
from tests.engine.operator import STACK, TESTDATA, error_line, operator
from tests.engine.test_stack import template

OTHER_APPLICATION = json.dumps(
    {
        "Description": "A web shop",
        "Resources": {"Shop": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "shop"}}},
    }
)
# Whose keys they are is known; what they say must never be seen again.
EXPIRED = {
    "AWS_ACCESS_KEY_ID": "ASIAEXPIREDEXPIRED00",
    "AWS_SECRET_ACCESS_KEY": "planted-secret",
    "AWS_SESSION_TOKEN": "t",
}


MAY_NOTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "cloudformation:*", "Resource": "*"}]}
)


@pytest.fixture
def at():
    with operator() as at:
        at.aws.drs.initialize()
        yield at


def left(at) -> dict[str, list[str]]:
    """What an account holds of the engine."""
    session = at.aws.session()
    return {
        "stacks": [one["StackName"] for one in session.client("cloudformation").describe_stacks()["Stacks"]],
        "tables": sorted(session.client("dynamodb").list_tables()["TableNames"]),
        "buckets": [one["Name"] for one in session.client("s3").list_buckets()["Buckets"]],
        "log groups": [one["logGroupName"] for one in session.client("logs").describe_log_groups()["logGroups"]],
    }


NOTHING = {"stacks": [], "tables": [], "buckets": [], "log groups": []}


def test_deploy_update_and_destroy(at):
    first = at.run("deploy", "-p", "KeepData=no")
    assert first.exit_code == 0, first.output
    assert f"FunctionName: {STACK}-engine" in first.stdout
    assert f"Deploying {STACK} to account 111122223333, Region us-east-1: 0." in first.stderr
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


# What the services that name a resource allow, by the template's property.
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


KEPT = [f"{STACK}-execution-history", f"{STACK}-protection-groups", f"{STACK}-recovery-plans"]
LOG = f"/aws/lambda/{STACK}-engine"


def test_what_is_kept_is_named_with_the_ways_to_go_on(at):
    at.run("deploy")
    result = at.run("destroy", "--yes")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == f"Kept, with their data: {', '.join([*KEPT, LOG])}"
    assert f"They are in the way of the next deploy of {STACK}. Bring them into the new stack or" in result.stderr
    assert left(at) == {**NOTHING, "tables": KEPT, "log groups": [LOG]}


@pytest.mark.parametrize(
    ("keep_data", "said"),
    [
        ("yes", "Its tables and its log stay (KeepData=yes)."),
        ("no", "All plans, groups and the whole history go with it, for good (KeepData=no)."),
    ],
)
def test_what_becomes_of_the_data_is_said_before_it_is_asked(at, keep_data, said):
    at.run("deploy", "-p", f"KeepData={keep_data}")
    before = left(at)
    result = at.run("destroy", typed="n\n")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == said
    assert left(at) == before


@pytest.fixture
def kept(at):
    """An account where a plan lies in the tables of a stack that is gone."""
    at.run("deploy")
    at.run("put", str(TESTDATA / "groups.json"), str(TESTDATA / "plans" / "three-tier.json"))
    at.run("destroy", "--yes")
    return at


def plans_left(at) -> list[str]:
    items = at.aws.session().client("dynamodb").scan(TableName=f"{STACK}-recovery-plans")["Items"]
    return [item["PlanId"]["S"] for item in items]


def test_kept_data_is_said_before_anything_is_made(kept):
    before = left(kept)
    result = kept.run("deploy")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f"Error: an earlier deployment of {STACK} left its data in account 111122223333, Region us-east-1 "
        f"(KeepData=yes): {', '.join([*KEPT, LOG])}. Nothing was deployed, and the data was not touched.",
        "Bring them into the new stack or, if the data may go, delete them (docs/kept-data.md has the commands), "
        "or deploy under another name (--stack).",
    ]
    assert left(kept) == before
    assert plans_left(kept) == ["plan-three-tier"]
    assert kept.run("history").exit_code == 1
    assert kept.run("deploy", "--stack", "another").exit_code == 0


def test_a_creation_that_meets_kept_tables_fails_and_leaves_them_alone(kept):
    before = left(kept)
    for keep_data in ("yes", "no"):
        with pytest.raises(deployment.DeploymentFailed) as failure:
            deployment.deploy(kept.aws.session(), STACK, parameters={"KeepData": keep_data}, sleep=kept.aws.advance)
        cause, removed, advice = str(failure.value).splitlines()
        assert cause == (
            f"stack {STACK}: ProtectionGroups (AWS::DynamoDB::Table): Resource of type 'AWS::DynamoDB::Table' with "
            f"identifier '{STACK}-protection-groups' already exists."
        )
        assert removed == "What had been made was removed again; nothing is left of it."
        assert advice.startswith("What was there before was not touched. Tables and log of an earlier deployment")
        assert left(kept) == before
        assert plans_left(kept) == ["plan-three-tier"]


@pytest.mark.parametrize("on_failure", ["ROLLBACK", "DO_NOTHING"])
@pytest.mark.parametrize("command", [("deploy",), ("destroy", "--yes")], ids=["deploy", "destroy"])
def test_a_failed_stack_that_another_tool_left_over_kept_tables_costs_no_data(kept, on_failure, command):
    before = left(kept)
    kept.aws.session().client("cloudformation").create_stack(
        StackName=STACK,
        TemplateBody=deployment.TEMPLATE.read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": name, "ParameterValue": "x"} for name in ("CodeBucket", "CodeKey")],
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        OnFailure=on_failure,
    )
    result = kept.run(*command)
    assert result.exit_code == (1 if command[0] == "deploy" else 0)
    assert "docs/kept-data.md" in error_line(result)
    assert left(kept) == before
    assert plans_left(kept) == ["plan-three-tier"]


def test_the_name_can_be_used_again_when_the_kept_data_is_gone(kept):
    session = kept.aws.session()
    for name in KEPT:
        session.client("dynamodb").update_table(TableName=name, DeletionProtectionEnabled=False)
        session.client("dynamodb").delete_table(TableName=name)
    assert LOG in error_line_before_last(kept.run("deploy"))
    session.client("logs").delete_log_group(logGroupName=LOG)
    assert kept.run("deploy").exit_code == 0
    assert kept.run("history").stdout == "No executions.\n"


def error_line_before_last(result):
    return result.stderr.strip().splitlines()[-2]


def test_the_template_of_kept_data_describes_what_the_stack_makes():
    whole, kept = template("template.yaml"), template("kept_data.yaml")
    made = {
        name: one
        for name, one in whole["Resources"].items()
        if one.get("DeletionPolicy") == ["KeepsData", "Retain", "Delete"]
    }
    for one in made.values():
        one |= {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
        if "DeletionProtectionEnabled" in one["Properties"]:
            one["Properties"]["DeletionProtectionEnabled"] = True
    assert kept["Resources"] == made
    assert kept["Description"] == whole["Description"]
    assert set(kept) == {"AWSTemplateFormatVersion", "Description", "Resources"}


def test_an_engine_at_work_is_not_destroyed(at):
    client = at.deploy()
    execution = client.start("plan-three-tier")
    result = at.run("destroy", "--yes")
    assert result.exit_code == 1
    assert error_line(result) == (
        f"Error: the engine is at work on {execution}; cancel it, or wait until it is over and cleaned up"
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
    """What runs in the engine's state machine is stopped from outside."""
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
    assert "nothing is left of it" in result.stderr
    assert left(at) == NOTHING
    at.aws.stacks.heal()
    assert at.run("deploy").exit_code == 0


@pytest.mark.parametrize("keep_data", ["yes", "no"])
def test_a_table_whose_creation_was_cancelled_half_way_is_removed_too(at, keep_data):
    at.aws.stacks.fail("RecoveryPlans", "Rate exceeded")
    with pytest.raises(deployment.DeploymentFailed, match="nothing is left of it"):
        deployment.deploy(at.aws.session(), STACK, parameters={"KeepData": keep_data}, sleep=at.aws.advance)
    made = [call.parameters["TableName"] for call in at.aws.journal.select("dynamodb", "DeleteTable")]
    assert sorted(made) == ([f"{STACK}-execution-history", f"{STACK}-protection-groups"] if keep_data == "yes" else [])
    assert left(at) == NOTHING


def test_a_table_that_is_still_being_made_is_waited_for(at):
    at.aws.stacks.fail("RecoveryPlans", "Rate exceeded")
    for operation, times in (("UpdateTable", 2), ("DeleteTable", 3)):
        at.aws.faults.respond("dynamodb", operation, "ResourceInUseException", status=400, times=times)
    with pytest.raises(deployment.DeploymentFailed, match="nothing is left of it"):
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
        f"What had been made could not be removed again: the table {STACK}-protection-groups has been busy for "
        "300 seconds; delete it when it is ACTIVE"
    )


def test_a_table_that_somebody_else_has_is_not_removed_with_a_failed_creation(at):
    tables = at.aws.session().client("dynamodb")
    tables.create_table(
        TableName=f"{STACK}-recovery-plans",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
    )
    with pytest.raises(deployment.DeploymentFailed, match="was not touched"):
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
    assert error_line(result) == "The update was undone; the engine works as it did before."
    assert at.run("start", "plan-three-tier").exit_code == 0


@pytest.mark.parametrize("command", [("deploy",), ("destroy", "--yes"), ("history",), ("start", "plan")])
def test_the_stack_of_another_application_is_not_touched(at, command):
    formation = at.aws.session().client("cloudformation")
    formation.create_stack(StackName=STACK, TemplateBody=OTHER_APPLICATION)
    before = left(at)
    result = at.run(*command)
    assert result.exit_code == 1
    assert error_line(result) == (
        f"Error: the stack {STACK} in account 111122223333, Region us-east-1 belongs to something else (A web shop) "
        "and was not touched; name another with --stack"
    )
    assert left(at) == before
    assert formation.describe_stacks(StackName=STACK)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "CREATE_FAILED", "ROLLBACK_FAILED"])
@pytest.mark.parametrize("command", [("deploy", "-p", "KeepData=no"), ("destroy", "--yes")], ids=["deploy", "destroy"])
def test_what_is_left_of_an_earlier_creation_is_replaced_or_removed(at, status, command):
    at.deploy()
    at.aws.stacks.become(at.aws.account, at.aws.region, STACK, status)
    result = at.run(*command)
    assert result.exit_code == 0, result.output
    expected = [STACK] if command[0] == "deploy" else []
    assert left(at)["stacks"] == expected


@pytest.mark.parametrize(
    ("status", "cure"),
    [
        ("UPDATE_IN_PROGRESS", "wait until that is over"),
        ("CREATE_IN_PROGRESS", "wait until that is over"),
        ("DELETE_IN_PROGRESS", "wait until that is over"),
        ("REVIEW_IN_PROGRESS", "wait until that is over"),
        ("UPDATE_ROLLBACK_FAILED", f"aws cloudformation continue-update-rollback --stack-name {STACK}"),
        ("DELETE_FAILED", "run destroy again"),
    ],
)
def test_a_stack_that_takes_no_update_is_said_with_the_cure(at, status, cure):
    at.deploy()
    at.aws.stacks.become(at.aws.account, at.aws.region, STACK, status)
    result = at.run("deploy")
    assert result.exit_code == 1
    assert status in result.stderr
    assert cure in error_line(result)


def test_a_stack_that_is_not_there_is_said_with_account_and_region(at):
    result = at.run("history")
    assert result.exit_code == 1
    assert error_line(result) == (
        f"Error: there is no stack {STACK} in account 111122223333, Region us-east-1; "
        "deploy it, or name another stack, account or Region"
    )


@pytest.mark.parametrize("command", [("deploy",), ("destroy", "--yes")])
def test_the_wrong_account_is_refused(at, command):
    result = at.run(*command, "--account", "999999999999")
    assert result.exit_code == 2
    assert (
        error_line(result)
        == "Error: these credentials are for account 111122223333, not 999999999999; nothing was done"
    )
    assert left(at) == NOTHING


NOBODY = dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"))
COMMANDS = [("deploy",), ("destroy", "--yes"), ("history",), ("start", "plan"), ("status", "x"), ("cancel", "x")]


@pytest.mark.parametrize("command", COMMANDS, ids=[one[0] for one in COMMANDS])
def test_no_credentials(at, command, tmp_path):
    nowhere = {"AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"), "AWS_CONFIG_FILE": str(tmp_path / "none")}
    result = at.run(*command, **NOBODY, **nowhere)
    assert result.exit_code == 1
    assert error_line(result).startswith("Error: no AWS credentials; set AWS_PROFILE, or")


@pytest.mark.parametrize("command", COMMANDS, ids=[one[0] for one in COMMANDS])
def test_expired_credentials(at, command):
    at.aws.faults.expire_token("sts", times=None)
    at.aws.faults.expire_token("cloudformation", times=None)
    result = at.run(*command)
    assert result.exit_code == 1
    assert error_line(result).startswith("Error: the AWS credentials have expired; sign in again")


def test_credentials_that_aws_does_not_know_are_not_repeated(at):
    result = at.run("history", **EXPIRED)
    assert result.exit_code == 1
    assert error_line(result).startswith("Error: AWS does not know these credentials")
    assert "planted-secret" not in result.output
    assert EXPIRED["AWS_ACCESS_KEY_ID"] not in result.output


def test_credentials_that_may_not(at):
    denied = at.aws.session(user="clerk", policy=MAY_NOTHING)
    keys = denied.get_credentials()
    result = at.run("deploy", AWS_ACCESS_KEY_ID=keys.access_key, AWS_SECRET_ACCESS_KEY=keys.secret_key)
    assert result.exit_code == 1
    assert "user/clerk is not authorized to perform: " in error_line(result)
    assert error_line(result).endswith("Use credentials that may do this")
    assert left(at) == NOTHING


def test_no_region(at):
    result = at.run("history", AWS_REGION=None, AWS_DEFAULT_REGION=None)
    assert (result.exit_code, error_line(result)) == (
        2,
        "Error: no Region: set AWS_REGION, or AWS_PROFILE to a profile that has one",
    )


@pytest.mark.parametrize("command", COMMANDS, ids=[one[0] for one in COMMANDS])
def test_a_region_with_a_slip_of_the_pen(at, command):
    cure = (
        "us-esat-1 is not known to be an AWS Region; did you mean us-east-1 or us-west-1? Set AWS_REGION to the Region"
    )
    result = at.run(*command, AWS_REGION="us-esat-1")
    assert (result.exit_code, result.stdout) == (1, "")
    assert error_line(result) == f"Error: {cure} you recover to"
    assert "is not known to be an AWS Region; set AWS_REGION to" in error_line(at.run(*command, AWS_REGION="the-moon"))


def test_a_region_without_a_host_is_said_as_such_only_if_nobody_knows_it(monkeypatch):
    lost = EndpointConnectionError(endpoint_url="https://sts.us-esat-1.amazonaws.com/")
    monkeypatch.setenv("AWS_REGION", "us-esat-1")
    assert local_failure(lost).startswith("no connection to AWS: us-esat-1 is not known to be an AWS Region; did you")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert local_failure(lost).endswith("check network, proxy and Region, then run the command again")


def test_a_secret_of_another_key(at):
    for code in ("SignatureDoesNotMatch", "InvalidSignatureException"):
        at.aws.faults.respond("cloudformation", "DescribeStacks", code, status=403, message="The request signature")
        assert error_line(at.run("history")) == (
            "Error: the AWS secret key does not belong to the access key; set both anew"
        )


def test_a_profile_that_does_not_exist(at):
    result = at.run("history", AWS_PROFILE="nobody")
    assert result.exit_code == 1
    assert error_line(result).startswith("Error: The config profile (nobody) could not be found; AWS_PROFILE must name")


def test_a_region_without_drs(at):
    at.aws.faults.lose_connection("drs", times=None, code="EndpointConnectionError")
    result = at.run("deploy", AWS_REGION="cn-north-1")
    assert result.exit_code == 2
    assert error_line(result).startswith("Error: AWS Elastic Disaster Recovery does not answer in Region cn-north-1")
    assert left(at) == NOTHING


def test_drs_that_is_not_initialised_is_a_note_and_no_obstacle():
    with operator() as at:
        result = at.run("deploy")
        assert result.exit_code == 0
        assert "Note: AWS Elastic Disaster Recovery is not initialised in this account and Region; run: aws drs" in (
            " ".join(result.stderr.split())
        )


def test_a_parameter_the_template_does_not_have(at):
    result = at.run("deploy", "-p", "KeepDate=yes")
    assert (result.exit_code, error_line(result)) == (
        2,
        "Error: --parameter KeepDate: the template has no such parameter; "
        "it has KeepData, CrossAccountRoleName, ServersPerJob, JobLabel, AlarmTopicArn",
    )
    assert "must be NAME=VALUE" in error_line(at.run("deploy", "-p", "KeepData"))
    assert left(at) == NOTHING


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("KeepData=maybe", "must be yes or no, is 'maybe'"),
        ("KeepData=", "must be yes or no, is ''"),
        ("ServersPerJob=abc", "must be a whole number, is 'abc'"),
        ("ServersPerJob=1.5", "must be a whole number, is '1.5'"),
        ("ServersPerJob=0", "must be at least 1, is 0"),
        ("ServersPerJob=201", "must be at most 200, is 201"),
        ("JobLabel=a b", "must match [A-Za-z0-9._-]{0,128}, is 'a b'"),
        ("CrossAccountRoleName=role\n", "must match [A-Za-z0-9+=,.@_-]{1,64}, is 'role\\n'"),
    ],
)
def test_a_value_that_the_template_does_not_allow_never_reaches_aws(at, given, problem):
    result = at.run("deploy", "-p", given)
    assert (result.exit_code, result.stderr) == (2, f"Error: --parameter {given.partition('=')[0]}: {problem}\n")
    assert left(at) == NOTHING


def test_every_demand_of_the_template_is_checked():
    parameters = template("template.yaml")["Parameters"]
    assert operator_parameters() == {name: one for name, one in parameters.items() if not name.startswith("Code")}
    checked = {"Type", "Default", "Description", "AllowedValues", "AllowedPattern", "MinValue", "MaxValue"}
    assert {field for one in parameters.values() for field in one} <= checked
    assert {one["Type"] for one in parameters.values()} <= {"String", "Number"}
    for name, one in operator_parameters().items():
        assert value_problem(name, str(one["Default"])) is None


def test_a_parameter_that_cloudformation_refuses_leaves_nothing(at):
    at.aws.faults.respond(
        "cloudformation", "CreateStack", "ValidationError", status=400, message="Parameter AlarmTopicArn is no topic"
    )
    result = at.run("deploy", "-p", "AlarmTopicArn=nowhere")
    assert result.exit_code == 1
    assert error_line(result) == "Error: AWS refused CreateStack: Parameter AlarmTopicArn is no topic"
    assert left(at) == NOTHING


def test_that_nobody_is_told_of_alarms_is_said_until_there_is_a_topic(at):
    hint = "Note: nobody is told of alarms, they show in CloudWatch only; deploy with -p AlarmTopicArn=ARN"
    topic = at.aws.session().client("sns").create_topic(Name="on-call")["TopicArn"]
    for words, said in (([], True), (["--json"], True), (["-p", f"AlarmTopicArn={topic}"], False), ([], False)):
        result = at.run("deploy", *words)
        assert result.exit_code == 0
        assert (hint in " ".join(result.stderr.split())) is said, words
        assert hint not in result.stdout


def test_a_name_that_cannot_be_a_stack(at):
    result = at.run("deploy", "--stack", "my_engine")
    assert result.exit_code == 2
    assert "a letter first, then letters, digits and hyphens" in " ".join(result.stderr.split())


def test_a_minute_without_a_network_during_a_deployment_is_borne(at):
    # The first look at the stack comes before anything is made; a connection lost there is an error at once.
    at.aws.faults.lose_connection("cloudformation", "DescribeStackEvents", times=36, code="EndpointConnectionError")
    result = at.run("deploy")
    assert result.exit_code == 0, result.output


def test_no_network_at_all(at):
    at.aws.faults.lose_connection("sts", times=None, code="EndpointConnectionError")
    result = at.run("deploy")
    assert result.exit_code == 1
    assert error_line(result).startswith("Error: no connection to AWS (Could not connect to the endpoint URL")
    assert error_line(result).endswith("check network, proxy and Region, then run the command again")


def test_deleting_a_stack_twice_is_harmless(at):
    with pytest.raises(ClientError):
        at.aws.session().client("cloudformation").describe_stacks(StackName=STACK)
    assert error_line(at.run("destroy", "--yes")) == (
        f"Error: there is no stack {STACK} in account 111122223333, Region us-east-1; nothing was deleted"
    )
