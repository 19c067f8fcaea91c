"""How AWS calls are retried, judged and logged; answers come from botocore's stubber, sleeping is recorded."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime

import boto3
import pytest
from aws_lambda_powertools import Logger
from botocore.stub import Stubber

from engine.aws.accounts import Accounts
from engine.aws.caller import CLIENT_CONFIG, AskedToWait, Caller, CredentialsExpired, Refused, Unavailable
from engine.aws.log import Log, redacted
from engine.core.plan import RecoveryTarget


@pytest.fixture
def lines():
    return io.StringIO()


@pytest.fixture
def slept():
    return []


@pytest.fixture
def caller(lines, slept):
    logger = Logger(service="test", stream=lines, logger_handler=None)
    logger.handlers[0].setStream(lines)
    return Caller(Log(logger), slept.append)


@pytest.fixture
def drs():
    client = boto3.client(
        "drs",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=CLIENT_CONFIG,
    )
    with Stubber(client) as stubber:
        client.stubber = stubber
        yield client


def fail(client, code, status, times=1, **metadata):
    for _ in range(times):
        client.stubber.add_client_error(
            "describe_jobs", code, "the message", http_status_code=status, response_meta=metadata
        )


def succeed(client):
    client.stubber.add_response("describe_jobs", {"items": []})


def test_throttling_is_retried_after_two_four_and_eight_seconds(caller, drs, slept):
    fail(drs, "ThrottlingException", 429, times=3)
    succeed(drs)
    assert caller.call(drs, "describe_jobs") == {"items": []}
    assert slept == [2, 4, 8]


def test_there_is_no_fourth_retry(caller, drs, slept):
    fail(drs, "InternalServerException", 500, times=4)
    with pytest.raises(Unavailable, match="drs:DescribeJobs failed with InternalServerException") as caught:
        caller.call(drs, "describe_jobs")
    assert slept == [2, 4, 8]
    assert caught.value.may_have_worked


def test_a_throttled_call_had_no_effect(caller, drs):
    fail(drs, "ThrottlingException", 429, times=4)
    with pytest.raises(Unavailable) as caught:
        caller.call(drs, "describe_jobs")
    assert not caught.value.may_have_worked


@pytest.mark.parametrize("code", ["AccessDeniedException", "ValidationException", "ConflictException"])
def test_a_refusal_is_not_repeated(caller, drs, slept, code):
    fail(drs, code, 403)
    with pytest.raises(Refused) as caught:
        caller.call(drs, "describe_jobs")
    assert caught.value.code == code
    assert slept == []


def test_expired_credentials_are_told_apart(caller, drs):
    fail(drs, "ExpiredTokenException", 403)
    with pytest.raises(CredentialsExpired):
        caller.call(drs, "describe_jobs")


def test_a_retry_after_beyond_the_backoff_is_left_to_the_state_machine(caller, drs, slept):
    fail(drs, "ThrottlingException", 429, HTTPHeaders={"retry-after": "30"})
    with pytest.raises(AskedToWait) as caught:
        caller.call(drs, "describe_jobs")
    assert caught.value.retry_after == 30
    assert slept == []


def test_a_retry_after_within_the_backoff_changes_nothing(caller, drs, slept):
    fail(drs, "ThrottlingException", 429, HTTPHeaders={"retry-after": "2"})
    succeed(drs)
    caller.call(drs, "describe_jobs")
    assert slept == [2]


def test_each_call_leaves_one_line(caller, drs, lines):
    fail(drs, "ThrottlingException", 429)
    succeed(drs)
    caller.call(drs, "describe_jobs", maxResults=5)
    first, second = (json.loads(line) for line in lines.getvalue().splitlines())
    assert (first["Operation"], first["Result"], first["ErrorMessage"]) == (
        "drs:DescribeJobs",
        "ThrottlingException",
        "the message",
    )
    assert (second["Result"], second["Parameters"]) == ("OK", {"maxResults": 5})
    assert {"timestamp", "Milliseconds", "Region"} <= second.keys()


def test_no_secret_reaches_a_line():
    answer = {
        "Credentials": {"AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "s3cret", "SessionToken": "t0ken"},
        "ExternalId": "external",
        "RoleArn": "arn:aws:iam::444455556666:role/x",
        "ResponseMetadata": {"HTTPHeaders": {}},
    }
    text = json.dumps(redacted(answer))
    for secret in ("ASIAEXAMPLE", "s3cret", "t0ken", "external"):
        assert secret not in text
    assert "role/x" in text


def test_long_values_are_cut():
    assert redacted(list(range(100)))[-1] == "and 90 more"
    assert len(redacted("x" * 5000)) < 400


@pytest.mark.parametrize(("jobs", "shortened"), [(2, None), (40, True)])
def test_a_line_says_when_it_does_not_tell_the_whole_answer(caller, drs, lines, jobs, shortened):
    answer = {"items": [{"jobID": f"drsjob-{number:017d}"} for number in range(jobs)]}
    drs.stubber.add_response("describe_jobs", answer)
    caller.call(drs, "describe_jobs")
    line = json.loads(lines.getvalue())
    assert line.get("AnswerIsShortened") == shortened
    assert (line["Answer"] == answer) is (shortened is None)


@pytest.mark.parametrize(
    ("reasons", "error"),
    [
        (["TransactionConflict", "None"], Unavailable),
        (["None", "ThrottlingError"], Unavailable),
        (["ProvisionedThroughputExceeded", "TransactionConflict"], Unavailable),
        (["ConditionalCheckFailed", "None"], Refused),
        (["ConditionalCheckFailed", "TransactionConflict"], Refused),
        (["ValidationError"], Refused),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_cancelled_transaction_is_repeated_where_that_can_help(caller, slept, reasons, error):
    client = boto3.client(
        "dynamodb", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x", config=CLIENT_CONFIG
    )
    cancelled = {"CancellationReasons": [{"Code": reason} for reason in reasons]}
    with Stubber(client) as stubber:
        for _ in range(4):
            stubber.add_client_error(
                "transact_write_items",
                "TransactionCanceledException",
                "Transaction cancelled",
                http_status_code=400,
                modeled_fields=cancelled,
            )
        with pytest.raises(error):
            caller.call(client, "transact_write_items", TransactItems=[{}])
    assert slept == ([2, 4, 8] if error is Unavailable else [])


def test_a_wrong_external_id_does_not_live_on_the_credentials_of_the_right_one(caller):
    asked = []
    expiration = datetime(2030, 1, 1, tzinfo=UTC)

    class Asked(Caller):
        def call(self, client, operation, **parameters):
            asked.append(parameters["ExternalId"])
            credentials = {
                "AccessKeyId": "A" * 20,
                "SecretAccessKey": "s",
                "SessionToken": "t",
                "Expiration": expiration,
            }
            return {"Credentials": credentials}

    accounts = Accounts(Asked(caller.log), boto3.Session(region_name="us-east-1"))
    target = RecoveryTarget(account_id="444455556666", region="us-east-1", role_name="role", external_id="right")
    for external_id in ("right", "right", "wrong"):
        accounts.client(replace(target, external_id=external_id), "drs")
    assert asked == ["right", "wrong"]
