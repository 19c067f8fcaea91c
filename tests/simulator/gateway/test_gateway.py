"""The gateway: callers, permissions, latencies, faults, and their entries in the journal."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import (
    ClientError,
)

from simulator import Simulator, SimulatorDefect
from tests.simulator.gateway.calls import ONCE, SERVER, error, names, operation_of, put, start_recovery
from tests.simulator.real_time import really_wait

# -- identity --------------------------------------------------------------------------------------------------------


def test_callers_are_known_by_their_keys_in_every_account(aws: Simulator) -> None:
    arns = [
        aws.session().client("sts").get_caller_identity()["Arn"],
        aws.session(account="444455556666", user="operator").client("sts").get_caller_identity()["Arn"],
    ]
    assert arns == ["arn:aws:iam::111122223333:user/suite", "arn:aws:iam::444455556666:user/operator"]
    assert [(call.account, call.principal) for call in aws.journal] == [
        ("111122223333", arns[0]),
        ("444455556666", arns[1]),
    ]


def test_a_bare_client_is_the_suite(aws: Simulator) -> None:
    assert boto3.client("sts").get_caller_identity()["Arn"].endswith(":user/suite")


@pytest.mark.parametrize(("service", "operation", "code"), [
    ("drs", "describe_jobs", "UnrecognizedClientException"), ("sts", "get_caller_identity", "InvalidClientTokenId"),
    ("ec2", "describe_instances", "AuthFailure"),
])  # fmt: skip
def test_unknown_keys_are_refused_in_each_services_words(
    aws: Simulator, service: str, operation: str, code: str
) -> None:
    stranger = boto3.Session("AKIAINVENTED", "secret", region_name="us-east-1")
    assert error(operation_of(stranger, service, operation))[0] == code


def assumed(aws: Simulator, seconds: int = 900) -> boto3.Session:
    session = aws.session()
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"AWS": aws.account}, "Action": "sts:AssumeRole"}],
    }
    iam = session.client("iam")
    arn = iam.create_role(RoleName="guest", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="guest", PolicyName="all", PolicyDocument=json.dumps(allow))
    keys = session.client("sts").assume_role(RoleArn=arn, RoleSessionName="visit", DurationSeconds=seconds)[
        "Credentials"
    ]
    return boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name="us-east-1")


@pytest.mark.parametrize(("service", "operation", "expected"), [
    ("dynamodb", "list_tables", ("ExpiredTokenException", 400)),
    ("drs", "describe_jobs", ("ExpiredTokenException", 403)),
    ("sts", "get_caller_identity", ("ExpiredToken", 403)), ("ec2", "describe_instances", ("RequestExpired", 400)),
])  # fmt: skip
def test_assumed_credentials_end_on_the_virtual_clock(
    aws: Simulator, service: str, operation: str, expected: tuple[str, int]
) -> None:
    aws.drs.initialize()
    call = operation_of(assumed(aws), service, operation)
    aws.advance(899.9)
    call()
    assert error(call)[:2] == expected


# -- permissions -----------------------------------------------------------------------------------------------------


def test_a_policy_is_enforced_and_the_refusal_is_the_services(aws: Simulator) -> None:
    aws.drs.add_source_server(SERVER, hostname="db-1")
    only = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "drs:DescribeSourceServers", "Resource": "*"}],
    }
    drs = aws.session(user="reader", policy=json.dumps(only)).client("drs", config=ONCE)
    drs.describe_source_servers()
    assert error(lambda: start_recovery(drs))[:2] == ("AccessDeniedException", 403)
    assert aws.journal[-1].error_code == "AccessDeniedException"


def test_without_enforcement_everybody_may_do_everything() -> None:
    with Simulator(enforce_iam=False) as aws:
        aws.drs.initialize()
        nothing = json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
        )
        aws.session(user="nobody", policy=nothing).client("drs").describe_jobs()


# -- the model -------------------------------------------------------------------------------------------------------


def test_what_botocore_lets_through_is_judged_by_the_service(aws: Simulator, drs: Any) -> None:
    with pytest.raises(ClientError, match="regular expression pattern") as caught:
        start_recovery(drs, "s-0123456789ABCDEF_!!"[:19])
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    many = [{"sourceServerID": SERVER}] * 201
    with pytest.raises(ClientError, match="length less than or equal to 200"):
        drs.start_recovery(sourceServers=many)
    assert not aws.journal.select("drs", "StartRecovery")[0].succeeded


def test_an_answer_that_violates_the_model_is_a_defect_of_the_simulator(aws: Simulator, drs: Any) -> None:
    server = next(iter(aws.drs.backend.source_servers.values()))
    server.source_server_id = "not-an-id"
    with pytest.raises(SimulatorDefect, match="sourceServerID"):
        drs.describe_source_servers()


# -- time ------------------------------------------------------------------------------------------------------------


def test_a_call_takes_eighty_milliseconds_and_acts_in_the_middle(aws: Simulator, table: Any) -> None:
    started = aws.clock.now()
    writer = aws.spawn("writer", lambda: put(table))
    seen = []
    for _ in range(3):
        aws.advance(0.02)
        seen.append(bool(aws.journal[-1].ended))
    writer.join()
    assert aws.clock.now() - started == timedelta(seconds=0.08)
    put_call = aws.journal.select("dynamodb", "PutItem")[0]
    assert (put_call.ended or started) - put_call.started == timedelta(seconds=0.08)


def test_latency_can_be_set_by_operation_service_and_for_all() -> None:
    with Simulator(latency={"sts.GetCallerIdentity": 1, "sts.*": 2, "*": 0.5}) as aws:
        aws.session().client("sts").get_caller_identity()
        aws.session().client("sts").get_session_token()
        aws.session().client("s3").list_buckets()
        assert [((call.ended or call.started) - call.started).total_seconds() for call in aws.journal] == [1, 2, 0.5]


def test_threads_of_others_get_their_turn(aws: Simulator, table: Any) -> None:
    thread = threading.Thread(target=lambda: put(table, "from a thread"))
    thread.start()
    while aws.clock.next_due() is None:
        really_wait(0.001)
    aws.advance(1)
    thread.join()
    assert names(table) == {"from a thread"}


# -- the journal -----------------------------------------------------------------------------------------------------


def test_the_journal_tells_each_call_and_masks_secrets(aws: Simulator, table: Any) -> None:
    put(table, "seen")
    assumed(aws)
    call = aws.journal.select("dynamodb", "PutItem")[0]
    assert call.parameters == {"TableName": "items", "Item": {"Id": {"S": "seen"}}}
    assert (call.source, call.region, call.status_code, call.succeeded) == ("suite", "us-east-1", 200, True)
    text = aws.journal.to_json_lines()
    assert "arn:aws:iam::111122223333:role/guest" in text
    secrets = aws.journal.select("sts", "AssumeRole")[0].response
    assert secrets is not None
    assert secrets["Credentials"]["SecretAccessKey"] == secrets["Credentials"]["SessionToken"] == "********"


def test_calls_can_be_selected(aws: Simulator, table: Any) -> None:
    put(table)
    later = aws.clock.now()
    put(table)
    assert len(aws.journal.select("dynamodb")) == 3
    assert len(aws.journal.select("dynamodb", "PutItem", since=later)) == 1
    assert aws.journal.select(principal="user/suite") == list(aws.journal)
    assert aws.journal.select(source="lambda") == []


# -- limits and waiting of services ------------------------------------------------------------------------------------


def test_sns_counts_bytes_up_to_256_kb(aws: Simulator) -> None:
    sns = aws.session().client("sns", config=ONCE)
    topic = sns.create_topic(Name="news")["TopicArn"]
    sns.publish(TopicArn=topic, Message="x" * 256 * 1024)
    for message in ("x" * (256 * 1024 + 1), "ü" * (128 * 1024 + 1)):
        with pytest.raises(sns.exceptions.InvalidParameterException, match="Message too long"):
            sns.publish(TopicArn=topic, Message=message)


def test_long_polling_waits_in_virtual_time(aws: Simulator) -> None:
    sqs = aws.session().client("sqs", config=ONCE)
    url = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    started = aws.clock.now()
    assert "Messages" not in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
    assert (aws.clock.now() - started).total_seconds() == pytest.approx(20, abs=0.4)
    reader = aws.spawn("reader", lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"][0]["Body"])
    aws.advance(5)
    sqs.send_message(QueueUrl=url, MessageBody="hello")
    assert reader.join() == "hello"


def test_a_topic_reaches_a_queue(aws: Simulator) -> None:
    sns, sqs = aws.session().client("sns"), aws.session().client("sqs")
    topic = sns.create_topic(Name="news")["TopicArn"]
    url = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.publish(TopicArn=topic, Message="hello")
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert json.loads(message["Body"])["Message"] == "hello"
