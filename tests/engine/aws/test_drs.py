"""Answers of DRS in the terms of the core; they come from botocore's stubber."""

from __future__ import annotations

import boto3
import pytest
from aws_lambda_powertools import Logger
from botocore.stub import Stubber

from engine.aws.accounts import Accounts
from engine.aws.caller import Caller
from engine.aws.drs import RecoveryService
from engine.aws.log import Log
from engine.core.plan import RecoveryTarget

SERVER, INSTANCE = "s-3d75cdc0d9a28a725", "i-0123456789abcdef0"
TARGET = RecoveryTarget("111122223333", "us-east-1")


@pytest.fixture
def drs():
    session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1")
    caller = Caller(Log(Logger(service="test")), lambda seconds: None)
    service = RecoveryService(caller, Accounts(caller, session), TARGET)
    client = service.accounts.client(TARGET, "drs")
    with Stubber(client) as stubber:
        yield service, stubber


@pytest.mark.parametrize(
    ("answered", "recorded"),
    [
        ("2024-09-16T01:35:52.887333+00:00", "2024-09-16T01:35:52.887Z"),
        ("2024-09-16T01:35:52.887Z", "2024-09-16T01:35:52.887Z"),
        ("2024-09-16T01:35:52Z", "2024-09-16T01:35:52.000Z"),
        ("a day before yesterday", None),
    ],
)
def test_times_of_any_precision_get_the_form_of_the_record(drs, answered, recorded):
    service, stubber = drs
    item = {"recoveryInstanceID": INSTANCE, "sourceServerID": SERVER, "pointInTimeSnapshotDateTime": answered}
    stubber.add_response("describe_recovery_instances", {"items": [item]})
    assert service.recovery_instances([INSTANCE])[INSTANCE].snapshot_time == recorded
