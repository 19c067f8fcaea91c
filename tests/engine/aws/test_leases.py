"""Leases of many servers, within the limit of a DynamoDB transaction."""

from __future__ import annotations

import io

from aws_lambda_powertools import Logger

from engine.aws.caller import Caller
from engine.aws.execution_history import ExecutionHistory
from engine.aws.leases import Leases
from engine.aws.log import Log
from engine.core.plan import RecoveryTarget
from simulator import Simulator

TABLE = "executions"
TARGET = RecoveryTarget("111122223333", "us-east-1")
# A transaction has at most 100 writes; one of them checks that the execution has no record.
SERVERS = [f"s-{number:017x}" for number in range(100)]


def test_a_start_of_a_hundred_servers_releases_all_its_leases_when_it_withdraws() -> None:
    with Simulator() as aws:
        dynamodb = aws.session().client("dynamodb")
        dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[
                {"AttributeName": "ExecutionId", "KeyType": "HASH"},
                {"AttributeName": "ItemKey", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("ExecutionId", "ItemKey")],
            BillingMode="PAY_PER_REQUEST",
        )
        caller = Caller(Log(Logger(service="test of leases", stream=io.StringIO())), lambda _: None)
        leases = Leases(caller, dynamodb, TABLE, ExecutionHistory(caller, dynamodb, TABLE))
        leases.take_back(TARGET, "execution-1", [(server, None) for server in SERVERS])
        assert leases.owners(TARGET, SERVERS) == dict.fromkeys(SERVERS, "execution-1")
        leases.release(TARGET, "execution-1", SERVERS, withdrawn=True)
        assert leases.owners(TARGET, SERVERS) == {}
