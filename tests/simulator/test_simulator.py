"""The simulator as a whole: three lines to use it, waiting, isolation, repeatability, no network."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import boto3
import botocore.httpsession
import pytest
import requests

from simulator import ConditionTimeout, Simulator
from tests.simulator.sample import Sample, definition, deploy

SERVER = "s-0123456789abcdef0"


def test_three_lines_are_enough() -> None:
    with Simulator() as aws:
        aws.drs.add_source_server(SERVER, hostname="db-1")
        assert aws.session().client("drs").describe_source_servers()["items"][0]["sourceServerID"] == SERVER


def test_leaving_restores_the_process() -> None:
    before = (
        dict(os.environ),
        time.sleep,
        socket.socket.connect,
        botocore.httpsession.URLLib3Session.send,
        random.getstate(),
    )
    with Simulator() as aws:
        deploy(aws).invoke(Action="look")
        random.random()  # noqa: S311 - draws, so that the state would differ
    after = (
        dict(os.environ),
        time.sleep,
        socket.socket.connect,
        botocore.httpsession.URLLib3Session.send,
        random.getstate(),
    )
    assert after == before
    assert abs(datetime.now(tz=UTC).timestamp() - time.time()) < 1


def test_each_simulator_starts_empty() -> None:
    for _ in range(2):
        with Simulator() as aws:
            deploy(aws)
            aws.drs.add_source_server(SERVER, hostname="db-1")
            assert len(aws.session().client("lambda").list_functions()["Functions"]) == 1


def test_leaving_in_the_middle_of_executions_is_clean() -> None:
    with Simulator() as aws:
        sample = deploy(aws, definition(wait=1000))
        for name in ("a", "b", "c"):
            sample.start(name, 9)
        aws.advance(10)
    with Simulator() as aws:
        assert aws.session().client("stepfunctions").list_state_machines()["stateMachines"] == []


def day(seed: int) -> str:
    """The journal of a day with faults, retries, a stop and a time-out."""
    with Simulator(seed=seed) as aws:
        sample = deploy(aws, definition(wait=20, timeout=400))
        aws.faults.kill_lambda("after", "dynamodb", "UpdateItem", after=3)
        aws.faults.lose_answer("dynamodb", "UpdateItem", after=5)
        arns = [sample.start(name, ticks) for name, ticks in (("a", 5), ("b", 100), ("c", 9))]
        aws.advance(100)
        sample.client("stepfunctions").stop_execution(executionArn=arns[2])
        aws.wait_until(lambda: sample.status(arns[1]) != "RUNNING", 1000)
        aws.session().client("sts").get_session_token()
        return aws.journal.to_json_lines()


def test_the_same_seed_gives_the_same_journal_to_the_byte() -> None:
    first = day(7)
    assert day(7) == first
    assert day(8) != first


def test_the_journal_is_the_same_in_another_process() -> None:
    code = "import hashlib, tests.simulator.test_simulator as t; print(hashlib.sha256(t.day(7).encode()).hexdigest())"
    hashes = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(hashes) == 1


# -- waiting ---------------------------------------------------------------------------------------------------------


def test_wait_until_returns_what_the_condition_gave(aws: Simulator, sample: Sample) -> None:
    sample.start("run", 3)
    assert aws.wait_until(lambda: [line["tick"] for line in aws.lambda_logs("sample") if line["tick"] == 3], 100) == [3]


def test_a_condition_on_items_is_asked_when_a_table_was_written(aws: Simulator) -> None:
    client = aws.session().client("dynamodb")
    client.create_table(
        TableName="items",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
    )
    client.get_waiter("table_exists").wait(TableName="items")
    asked: list[int] = []

    def others_work() -> None:
        sqs, own = aws.session().client("sqs"), aws.session().client("dynamodb")
        for number in range(6):
            aws.advance(10)
            if number % 3 == 2:
                own.put_item(TableName="items", Item={"Id": {"S": str(number)}})
            else:
                sqs.create_queue(QueueName=f"queue-{number}")
                own.scan(TableName="items")

    def count() -> bool:
        asked.append(len(client.scan(TableName="items")["Items"]))
        return asked[-1] == 2

    aws.spawn("others", others_work)
    aws.wait_until(count, 100, of="dynamodb")
    assert asked == [0, 1, 2]


def test_a_write_that_takes_long_is_seen_when_it_has_arrived() -> None:
    with Simulator(latency={"dynamodb.PutItem": 30.0}) as aws:
        client = aws.session().client("dynamodb")
        client.create_table(
            TableName="items",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
        )
        aws.spawn("writer", lambda: client.put_item(TableName="items", Item={"Id": {"S": "a"}}))
        began = aws.clock.now()
        aws.wait_until(lambda: client.scan(TableName="items")["Items"], 3600, of="dynamodb")
        assert aws.clock.now() - began < timedelta(seconds=40)


def test_waiting_in_vain_says_for_what_and_how_long(aws: Simulator, sample: Sample) -> None:
    sample.start("run", 99)
    with pytest.raises(
        ConditionTimeout, match=r"the item did not become true within 50 virtual seconds(.|\n)*execution run"
    ):
        aws.wait_until(lambda: None, 50, what="the item")


def test_waiting_with_nothing_to_come_takes_its_time_and_ends(aws: Simulator) -> None:
    started = aws.clock.now()
    with pytest.raises(ConditionTimeout):
        aws.wait_until(lambda: False, 3600)
    assert aws.clock.now() - started == timedelta(hours=1)


def test_every_single_event_can_be_looked_at(aws: Simulator, sample: Sample) -> None:
    sample.start("run", 2)
    call = aws.wait_until(lambda: [one for one in aws.journal.select("dynamodb") if one.ended is None], 10, settle=0)
    assert call[0].operation == "UpdateItem", "caught between its request and its answer"


# -- no network ------------------------------------------------------------------------------------------------------


def test_the_guard_sees_and_refuses_every_connection(aws: Simulator) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("192.0.2.1", 443), timeout=1)
    with pytest.raises(requests.ConnectionError):
        requests.get("https://example.com/", timeout=1)
    with pytest.raises(Exception, match="Could not connect"):
        boto3.client("s3", endpoint_url="http://127.0.0.1:9").list_buckets()
    with socket.socket() as plain, pytest.raises(ConnectionRefusedError):
        plain.connect_ex(("127.0.0.1", 9))
    addresses = [attempt.address for attempt in aws.network_attempts]
    assert "192.0.2.1 (name look-up)" in addresses
    assert "example.com (name look-up)" in addresses
    assert "127.0.0.1:9" in addresses
    assert "test_simulator" in aws.network_attempts[0].stack


def test_a_whole_stack_at_work_opens_no_connection(aws: Simulator, sample: Sample) -> None:
    sample.start("run", 3)
    aws.advance(100)
    assert aws.network_attempts == []
