"""Errors before AWS creates the first resource of a deployment: account, credentials, Region, parameters, network."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from engine.cli.errors import local_failure
from engine.deploy.parameters import operator_parameters, value_problem
from tests.engine.cli.operator import NOTHING, error_line, left, operator
from tests.engine.deploy.test_stack import template
from tests.engine.deployed import STACK

# The messages may name the owner of the keys, never their values.
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
        "it has KeepData, CrossAccountRoleName, ServersPerJob, JobLabel, "
        "InstanceProfileRoleArns, EncryptionKeyArns, AlarmTopicArn",
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
        (
            "InstanceProfileRoleArns=arn:aws:iam::111122223333:role/web,web",
            "must be ARNs of IAM roles with commas between them, is 'web'",
        ),
        (
            "EncryptionKeyArns=arn:aws:kms:us-east-1:111122223333:alias/web",
            "must be ARNs of KMS keys (not of aliases) with commas between them, is "
            "'arn:aws:kms:us-east-1:111122223333:alias/web'",
        ),
    ],
)
def test_a_value_that_the_template_does_not_allow_never_reaches_aws(at, given, problem):
    result = at.run("deploy", "-p", given)
    assert (result.exit_code, result.stderr) == (2, f"Error: --parameter {given.partition('=')[0]}: {problem}\n")
    assert left(at) == NOTHING


def test_every_demand_of_the_template_is_checked():
    parameters = template("template.yaml")["Parameters"]
    assert operator_parameters() == {name: one for name, one in parameters.items() if not name.startswith("Code")}
    checked = {
        "Type",
        "Default",
        "Description",
        "AllowedValues",
        "AllowedPattern",
        "MinValue",
        "MaxValue",
        "ConstraintDescription",
    }
    assert {field for one in parameters.values() for field in one} <= checked
    assert {one["Type"] for one in parameters.values()} <= {"String", "Number", "CommaDelimitedList"}
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


def test_deploy_notes_that_alarms_notify_no_topic_until_there_is_one(at):
    hint = "Note: alarms send no notification, they only show in CloudWatch; deploy with -p AlarmTopicArn=ARN"
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
    # The engine reads the stack before it creates resources; a connection lost there is an error at once.
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
