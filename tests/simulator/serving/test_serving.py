"""The simulator over HTTP: a server in a process of its own, and clients that only know its address."""

import http.client
import json
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import boto3
import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from simulator.gateway import faults
from simulator.serving.remote import ControlRefused
from tests.serving import SimulatorServer, real_wait, serving

KNOWN_SERVER, OTHER_SERVER = "s-3d75cdc0d9a28a725", "s-3afa164776f93ce4f"


@contextmanager
def pace(server: SimulatorServer, word):
    server.control.set_time_mode(word)
    try:
        yield
    finally:
        server.control.set_time_mode("virtual")


@pytest.fixture(scope="module")
def server():
    with serving("--virtual") as started:
        yield started


@pytest.fixture(autouse=True)
def _no_fault_stays(request):
    yield
    if "server" in request.fixturenames:
        request.getfixturevalue("server").control.heal()


def test_the_six_servers_replicate(server):
    items = server.client("drs").describe_source_servers(filters={})["items"]
    assert len(items) == 6
    assert {one["dataReplicationInfo"]["dataReplicationState"] for one in items} == {"CONTINUOUS"}
    assert {one["arn"].split(":")[3:5] == ["us-east-1", "111122223333"] for one in items} == {True}


def test_the_region_is_that_of_the_signature(server):
    with pytest.raises(ClientError, match="UninitializedAccountException"):
        server.client("drs", "eu-west-1").describe_source_servers(filters={})
    server.control.add_environment({"AccountId": "111122223333", "Region": "eu-central-1"})
    assert server.client("drs", "eu-central-1").describe_source_servers(filters={})["items"] == []


def test_an_assumed_role_acts_in_its_own_account(server):
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111122223333"}}]}
    iam = server.client("iam")
    iam.create_role(RoleName="drill", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", **trust}))
    keys = server.client("sts").assume_role(RoleArn="arn:aws:iam::111122223333:role/drill", RoleSessionName="me")
    keys = keys["Credentials"]
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name="us-east-1")
    mine = session.client("sts", endpoint_url=server.endpoint).get_caller_identity()
    assert mine["Arn"] == "arn:aws:sts::111122223333:assumed-role/drill/me"
    with pytest.raises(ClientError, match="not authorized"):
        session.client("drs", endpoint_url=server.endpoint).describe_jobs(filters={})


def test_a_key_that_nobody_issued_is_refused(server):
    session = boto3.Session("AKIAIOSFODNN7EXAMPLE", "secret", region_name="us-east-1")
    with pytest.raises(ClientError) as refusal:
        session.client("drs", endpoint_url=server.endpoint).describe_jobs(filters={})
    assert refusal.value.response["Error"]["Code"] == "UnrecognizedClientException"


CALLS = {
    "drs": ("describe_jobs", {"filters": {}}, "InvalidSignatureException"),
    "dynamodb": ("list_tables", {}, "InvalidSignatureException"),
    "lambda": ("list_functions", {}, "InvalidSignatureException"),
    "cloudformation": ("describe_stacks", {}, "SignatureDoesNotMatch"),
    "sts": ("get_caller_identity", {}, "SignatureDoesNotMatch"),
    "s3": ("list_buckets", {}, "SignatureDoesNotMatch"),
    "ec2": ("describe_instances", {}, "AuthFailure"),
}


@pytest.mark.parametrize("service", CALLS)
def test_a_wrong_secret_is_refused(server, service):
    session = boto3.Session(server.facts["access_key_id"], "wrong", region_name="us-east-1")
    operation, parameters, code = CALLS[service]
    with pytest.raises(ClientError, match="signature we calculated does not match") as refusal:
        getattr(session.client(service, endpoint_url=server.endpoint), operation)(**parameters)
    assert refusal.value.response["Error"]["Code"] == code
    getattr(server.client(service), operation)(**parameters)


def test_what_was_changed_on_the_way_is_refused(server):
    sns = server.client("sns")
    sns.meta.events.register("before-send.sns", _other_topic)
    try:
        with pytest.raises(ClientError, match="signature we calculated does not match"):
            sns.create_topic(Name="mine")
    finally:
        sns.meta.events.unregister("before-send.sns", _other_topic)
    assert not any(topic["TopicArn"].endswith(":othr") for topic in sns.list_topics()["Topics"])


def _other_topic(request, **_):
    request.body = request.body.replace("Name=mine", "Name=othr")


def test_signatures_hold_whatever_stands_in_path_query_and_headers(server):
    s3, functions = server.client("s3"), server.client("lambda")
    s3.create_bucket(Bucket="odd-names")
    for key in ("a b/c+d&e=f", "ü/%41~(x)", "x//y/../z"):
        s3.put_object(Bucket="odd-names", Key=key, Body=b"x", Metadata={"note": "a  b"})
        assert s3.list_objects_v2(Bucket="odd-names", Prefix=key)["Prefix"] == key
    with pytest.raises(ClientError, match="ResourceNotFound"):
        functions.get_function(FunctionName="arn:aws:lambda:us-east-1:111122223333:function:none", Qualifier="a")


def test_a_region_that_does_not_exist_is_refused(server):
    with pytest.raises(ClientError, match="scoped to a valid Region, not 'us-esat-1'"):
        server.client("cloudformation", "us-esat-1").describe_stacks()


@pytest.mark.parametrize("style", ["path", "virtual"])
def test_buckets_are_found_in_the_path_and_in_the_host(server, style, monkeypatch):
    real = socket.getaddrinfo
    monkeypatch.setattr(  # not every resolver knows names below localhost
        socket, "getaddrinfo", lambda host, *rest, **more: real(_local(host), *rest, **more)
    )
    endpoint = server.endpoint.replace("127.0.0.1", "localhost")
    s3 = server.client("s3", endpoint=endpoint, s3={"addressing_style": style})
    bucket, body = f"package-{style}", bytes(range(256)) * 2000
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a/b.zip", Body=body)
    assert s3.head_object(Bucket=bucket, Key="a/b.zip")["ContentLength"] == len(body)
    assert s3.get_object(Bucket=bucket, Key="a/b.zip")["Body"].read() == body
    assert [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a/b.zip"]


def _local(host):
    return "localhost" if isinstance(host, str) and host.endswith(".localhost") else host


def test_a_long_poll_waits_in_virtual_time_and_ends(server):
    sqs = server.client("sqs")
    queue = sqs.create_queue(QueueName="messages")["QueueUrl"]
    before, real = _now(server), time.monotonic()
    assert "Messages" not in sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)
    assert (_now(server) - before).total_seconds() == pytest.approx(20, abs=1)
    assert time.monotonic() - real < 10


def test_a_long_poll_hears_what_another_client_sends_meanwhile(server):
    with pace(server, 5):
        sqs, other = server.client("sqs"), server.client("sqs")
        queue = sqs.create_queue(QueueName="heard")["QueueUrl"]
        later = threading.Timer(0.5, lambda: other.send_message(QueueUrl=queue, MessageBody="hello"))
        later.start()
        answer = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=20)
        later.join()
    assert [message["Body"] for message in answer["Messages"]] == ["hello"]


def test_of_clients_that_write_at_once_exactly_one_wins(server):
    server.client("dynamodb").create_table(
        TableName="locks",
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    clients = [server.client("dynamodb") for _ in range(8)]

    def take(client):
        try:
            client.put_item(
                TableName="locks", Item={"Id": {"S": "plan"}}, ConditionExpression="attribute_not_exists(Id)"
            )
        except ClientError as refusal:
            return refusal.response["Error"]["Code"]
        return "won"

    with ThreadPoolExecutor(len(clients)) as pool:
        assert Counter(pool.map(take, clients)) == {"won": 1, "ConditionalCheckFailedException": 7}


def test_an_answer_that_is_lost_took_effect(server):
    sns = server.client("sns")
    server.control.add_fault("lose_answer", "sns", "CreateTopic")
    with pytest.raises(ConnectionClosedError):
        sns.create_topic(Name="lost")
    assert any(topic["TopicArn"].endswith(":lost") for topic in sns.list_topics()["Topics"])


def test_faults_reach_clients_and_heal(server):
    server.control.add_fault("throttle", "drs", "DescribeJobs", times=None, retry_after=7)
    with pytest.raises(ClientError) as refusal:
        server.client("drs").describe_jobs(filters={})
    assert refusal.value.response["Error"]["Code"] == "ThrottlingException"
    assert refusal.value.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "7"
    server.control.heal()
    server.client("drs").describe_jobs(filters={})


def test_the_journal_tells_who_called_what(server):
    last = len(server.control.journal())
    server.client("drs").describe_jobs(filters={})
    [call] = server.control.journal(last)
    assert (call["service"], call["operation"], call["source"]) == ("drs", "DescribeJobs", "client")
    assert call["principal"] == "arn:aws:iam::111122223333:user/operator"


def test_what_moto_lacks_is_said_once_and_the_server_goes_on(server):
    client = server.client("drs")
    with pytest.raises(ClientError, match="not offered by this simulator: drs ListStagingAccounts"):
        client.list_staging_accounts()
    client.describe_jobs(filters={})


def test_a_request_without_a_signature_is_told_what_is_missing(server):
    assert "is not signed" in _get(server.endpoint, "/", {})


# -- time -------------------------------------------------------------------------------------------------------------


def test_stepped_time_moves_by_events_and_calls_only(server):
    with pace(server, "stepped"):
        drs = server.client("drs")
        job = drs.start_recovery(sourceServers=[{"sourceServerID": OTHER_SERVER}], isDrill=True)["job"]["jobID"]
        before = _now(server)
        assert _status(drs, job) == "PENDING"
        assert (_now(server) - before).total_seconds() == pytest.approx(0.08)
        server.control.advance(60)
        assert _status(drs, job) == "STARTED"
        assert server.control.next_event(3600)["changed"]
        assert _status(drs, job) == "COMPLETED"
        assert 6 * 60 < (_now(server) - before).total_seconds() < 11 * 60


def test_the_date_header_is_real_and_payloads_are_virtual(server):
    with pace(server, "stepped"):
        server.control.advance(3 * 86_400)
        sns = server.client("sns")
        date = sns.create_topic(Name="dated")["ResponseMetadata"]["HTTPHeaders"]["date"]
        assert abs((parsedate_to_datetime(date) - datetime.now(UTC)).total_seconds()) < 2
        queue = server.client("sqs").create_queue(QueueName="dated")["QueueUrl"]
        created = server.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["CreatedTimestamp"])
        assert float(created["Attributes"]["CreatedTimestamp"]) == pytest.approx(_now(server).timestamp(), abs=2)


def test_time_that_a_client_holds_goes_on_when_it_lets_go(server):
    server.control.hold()
    assert "stands still" in server.control.about()["pace"]
    server.control.release()
    real_wait(lambda: "jumps" in server.control.about()["pace"], 5)


def test_virtual_time_jumps_when_all_clients_wait(server):
    drs = server.client("drs")
    job = drs.start_recovery(sourceServers=[{"sourceServerID": KNOWN_SERVER}], isDrill=True)["job"]["jobID"]
    real_wait(lambda: _status(drs, job) == "COMPLETED", 10)


def test_time_runs_at_the_speed_that_was_asked_for(server):
    with pace(server, 200):
        before, real = _now(server), time.monotonic()
        time.sleep(1)  # the test measures real time
        ratio = (_now(server) - before).total_seconds() / (time.monotonic() - real)
    assert 100 < ratio < 300


def test_scaled_time_continues_from_the_moment_to_which_a_client_advanced_it(server):
    with pace(server, 1):
        server.control.hold()
        server.control.advance(3600)
        advanced = _now(server)
        server.control.release()
        real_wait(lambda: "as fast" in server.control.about()["pace"], 5)
        assert 0 <= (_now(server) - advanced).total_seconds() < 30


# -- access to the control ---------------------------------------------------------------------------------------------


def test_a_web_page_cannot_control_it_through_a_name_of_its_own(server):
    assert "this machine only" in _get(server.endpoint, "/_simulator", {"Host": "evil.example:80"})


def test_control_takes_json_only_and_says_what_it_takes(server):
    answer = _get(server.endpoint, "/_simulator/clock", {"Content-Type": "text/plain"}, b'{"pace": "stepped"}')
    assert "Content-Type: application/json" in answer
    with pytest.raises(ControlRefused, match='"stepped", "virtual" or a number'):
        server.control.set_time_mode("slow")
    with pytest.raises(ControlRefused, match="there is GET /_simulator"):
        server.control._ask("GET", "nothing")
    with pytest.raises(ControlRefused, match="a fault has no colour"):
        server.control.add_fault("throttle", colour="red")


def test_a_fault_that_could_never_strike_is_refused_with_the_names_that_are_known(server):
    for kind, first in (("nonsense", ""), ("denied", "deny, "), ("access_denied", ""), ("throtle", "throttle, ")):
        with pytest.raises(ControlRefused, match=f"faults: there is no fault '{kind}'; there are {first}") as refused:
            server.control.add_fault(kind, "drs", "StartRecovery")
        assert all(word in str(refused.value) for word in faults.KINDS)
    with pytest.raises(ControlRefused, match="there is no service 'dsr'; there are "):
        server.control.add_fault("deny", "dsr", "StartRecovery")
    with pytest.raises(ControlRefused, match="drs has no operation 'StartRecover'; it has StartRecovery, "):
        server.control.add_fault("deny", "drs", "StartRecover")
    assert server.control._ask("GET", "faults") == []


def _get(endpoint: str, path: str, headers: dict[str, str], body: bytes | None = None) -> str:
    connection = http.client.HTTPConnection(endpoint.removeprefix("http://"), timeout=5)
    connection.request("POST" if body else "GET", path, body, headers)
    return connection.getresponse().read().decode()


def _now(server: SimulatorServer) -> datetime:
    return datetime.fromisoformat(server.control.about()["now"])


def _status(drs, job: str) -> str:
    return str(drs.describe_jobs(filters={"jobIDs": [job]})["items"][0]["status"])
