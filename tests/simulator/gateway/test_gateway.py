"""The gateway: callers, permissions, latencies, faults, and their entries in the journal."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from simulator import Fault, Simulator, SimulatorDefect
from tests.simulator.real_time import really_wait

ONCE = Config(retries={"total_max_attempts": 1})
SERVER = "s-0123456789abcdef0"


@pytest.fixture
def drs(aws: Simulator) -> Any:
    aws.drs.add_source_server(SERVER, hostname="db-1")
    return aws.session().client("drs", config=ONCE)


@pytest.fixture
def table(aws: Simulator) -> Any:
    client = aws.session().client("dynamodb", config=ONCE)
    client.create_table(
        TableName="items",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
    )
    return client


def put(table: Any, name: str = "a") -> Any:
    return table.put_item(TableName="items", Item={"Id": {"S": name}})


def names(table: Any) -> set[str]:
    return {item["Id"]["S"] for item in table.scan(TableName="items")["Items"]}


def start_recovery(drs: Any, server: str = SERVER) -> Any:
    return drs.start_recovery(isDrill=True, sourceServers=[{"sourceServerID": server}])


def operation_of(session: Any, service: str, operation: str) -> Callable[[], Any]:
    call: Callable[[], Any] = getattr(session.client(service, config=ONCE), operation)
    return call


def error(call: Callable[[], Any]) -> tuple[str, int, dict[str, str]]:
    with pytest.raises(ClientError) as caught:
        call()
    metadata = caught.value.response["ResponseMetadata"]
    return caught.value.response["Error"]["Code"], metadata["HTTPStatusCode"], metadata["HTTPHeaders"]


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


# -- faults ----------------------------------------------------------------------------------------------------------


def test_throttling_hits_as_often_as_it_says_after_letting_some_pass(aws: Simulator, drs: Any) -> None:
    aws.faults.throttle("drs", "DescribeJobs", times=2, after=1, retry_after=30)
    drs.describe_jobs()
    for _ in range(2):
        code, status, headers = error(drs.describe_jobs)
        assert (code, status, headers["retry-after"]) == ("ThrottlingException", 429, "30")
    drs.describe_jobs()
    assert [call.fault for call in aws.journal] == [None, "throttle", "throttle", None]


@pytest.mark.parametrize(("service", "operation", "more", "said"), [
    ("drs", "NoSuchOperation", {}, "drs has no operation 'NoSuchOperation'; it has "),
    ("drs", "describe_jobs", {}, "drs has no operation 'describe_jobs'; it has DescribeJobs, "),
    ("states", "*", {}, "there is no service 'states'; there are "),
    ("*", "DescribeJobs", {}, "operation 'DescribeJobs' needs the name of its service"),
    ("drs", "DescribeJobs", {"source": "lamda"}, "there is no source 'lamda'; there are lambda, "),
    ("drs", "DescribeJobs", {"times": 0}, "times is 0; it must be a whole number, at least 1, or null for every call"),
    ("drs", "DescribeJobs", {"after": -1}, "after is -1; it must be a whole number, at least 0"),
])  # fmt: skip
def test_a_fault_that_could_never_strike_is_refused(
    aws: Simulator, service: str, operation: str, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(said)):
        aws.faults.throttle(service, operation, **more)
    assert list(aws.faults) == []


def test_a_function_that_fails_is_named_in_the_place_of_an_operation(aws: Simulator) -> None:
    assert aws.faults.fail_lambda(function="my-function").operation == "my-function"


THROTTLED, DENIED, UNAUTHORIZED = "ThrottlingException", "AccessDeniedException", "UnauthorizedOperation"


@pytest.mark.parametrize(("service", "operation", "throttled", "broken", "denied"), [
    ("drs", "describe_jobs", (THROTTLED, 429), ("InternalServerException", 500), (DENIED, 403)),
    ("dynamodb", "list_tables", (THROTTLED, 400), ("InternalServerError", 500), (DENIED, 400)),
    ("ec2", "describe_instances", ("RequestLimitExceeded", 503), ("InternalError", 500), (UNAUTHORIZED, 403)),
    ("sts", "get_caller_identity", ("Throttling", 400), ("InternalFailure", 500), ("AccessDenied", 403)),
    ("stepfunctions", "list_state_machines", (THROTTLED, 400), ("InternalServerException", 500), (DENIED, 400)),
    ("lambda", "list_functions", ("TooManyRequestsException", 429), ("ServiceException", 500), (DENIED, 403)),
    ("s3", "list_buckets", ("SlowDown", 503), ("InternalError", 500), ("AccessDenied", 403)),
])  # fmt: skip
def test_each_service_fails_in_its_own_words(
    aws: Simulator, service: str, operation: str, throttled: Any, broken: Any, denied: Any
) -> None:
    aws.drs.initialize()
    call = operation_of(aws.session(), service, operation)
    aws.faults.throttle(service)
    assert error(call)[:2] == throttled
    aws.faults.server_error(service)
    assert error(call)[:2] == broken
    aws.faults.deny(service)
    assert error(call)[:2] == denied
    aws.faults.expire_token(service)
    assert error(call)[0] in ("ExpiredTokenException", "ExpiredToken", "RequestExpired")
    call()


def test_any_error_can_be_the_answer_with_the_models_status(aws: Simulator, drs: Any) -> None:
    aws.faults.respond("drs", "StartRecovery", "ServiceQuotaExceededException", message="too many")
    with pytest.raises(drs.exceptions.ServiceQuotaExceededException, match="too many") as caught:
        start_recovery(drs)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 402


@pytest.mark.parametrize(("kind", "expected", "patience"), [
    (None, ConnectionClosedError, 0.04), ("EndpointConnectionError", EndpointConnectionError, 0.04),
    ("ConnectTimeoutError", ConnectTimeoutError, 7.04),
])  # fmt: skip
def test_a_lost_connection_leaves_nothing_done(
    aws: Simulator, table: Any, kind: str | None, expected: type[Exception], patience: float
) -> None:
    client = aws.session().client("dynamodb", config=ONCE.merge(Config(connect_timeout=7)))
    aws.faults.lose_connection("dynamodb", "PutItem", code=kind)
    started = aws.clock.now()
    with pytest.raises(expected):
        put(client)
    assert (aws.clock.now() - started).total_seconds() == pytest.approx(patience)
    assert names(table) == set()


def test_a_lost_answer_leaves_the_effect_and_the_client_waits_its_timeout(aws: Simulator, table: Any) -> None:
    client = aws.session().client("dynamodb", config=ONCE.merge(Config(read_timeout=9)))
    aws.faults.lose_answer("dynamodb", "PutItem")
    started = aws.clock.now()
    with pytest.raises(ReadTimeoutError):
        put(client)
    assert (aws.clock.now() - started).total_seconds() == pytest.approx(9.08)
    assert names(table) == {"a"}
    lost = aws.journal.select("dynamodb", "PutItem")[0]
    assert (lost.response, lost.error_code, lost.fault) == (None, "ReadTimeoutError", "lose_answer")


def test_botocores_own_retries_run_in_virtual_time(aws: Simulator, table: Any) -> None:
    client = aws.session().client("dynamodb", config=Config(retries={"total_max_attempts": 3, "mode": "standard"}))
    aws.faults.server_error("dynamodb", "PutItem", times=2)
    put(client)
    assert len(aws.journal.select("dynamodb", "PutItem")) == 3


def test_a_rate_limit_is_a_token_bucket_in_virtual_time(aws: Simulator, drs: Any) -> None:
    aws.faults.rate_limit("drs", per_second=0.5, burst=2)
    outcomes = []
    for pause in (0, 0, 0, 1.9, 0):
        aws.advance(pause)
        try:
            drs.describe_jobs()
            outcomes.append("ok")
        except ClientError as refused:
            outcomes.append(refused.response["Error"]["Code"])
    assert outcomes == ["ok", "ok", "ThrottlingException", "ok", "ThrottlingException"]


def test_a_fault_can_be_narrowed_to_parameters_and_callers(aws: Simulator, drs: Any) -> None:
    other = "s-99999999999999999"
    aws.drs.add_source_server(other, hostname="app-1")
    aws.faults.throttle("drs", "StartRecovery", where={"sourceServers[].sourceServerID": other})
    aws.faults.throttle("drs", "*", times=None, source="lambda")
    start_recovery(drs)
    assert error(lambda: start_recovery(drs, other))[0] == "ThrottlingException"
    drs.describe_jobs()


def test_a_star_meets_every_operation(aws: Simulator, drs: Any) -> None:
    fault = aws.faults.server_error("*", "*", times=None)
    assert error(drs.describe_jobs)[1] == 500
    aws.faults.remove(fault)
    drs.describe_jobs()


def test_faults_travel_as_json() -> None:
    fault = Fault("throttle", "drs", "StartRecovery", times=3, after=1, where={"isDrill": True}, retry_after=5)
    document = json.loads(json.dumps(fault.to_dict()))
    assert document == {
        "kind": "throttle", "service": "drs", "operation": "StartRecovery", "times": 3, "after": 1,
        "where": {"isDrill": True}, "retry_after": 5,
    }  # fmt: skip
    assert Fault.from_dict(document) == fault
    with pytest.raises(ValueError, match="no tmes"):
        Fault.from_dict({"kind": "throttle", "tmes": 3})


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
