"""The lock of a plan during two concurrent starts: DynamoDB's answers, and the result of the second start."""

from __future__ import annotations

import io
from typing import Any

import boto3
import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from engine.aws.caller import Caller, Unavailable
from engine.aws.execution_history import ExecutionHistory, PlanLocked
from engine.aws.log import Log
from engine.aws.tables import to_item
from tests.engine.core.simulated_aws import execution_of, server, wave

MODEL = boto3.client("dynamodb", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")
EXECUTION = execution_of(wave(1, [server(1)]))


class Table:
    """Answers each transaction with the next of `reasons` (None: it is done), each read of the lock with `holders`."""

    meta = MODEL.meta

    def __init__(self, reasons: list[str | None], holders: list[str | None], *, has_record: bool = False) -> None:
        self.reasons, self.holders, self.has_record, self.writes = reasons, holders, has_record, 0

    def transact_write_items(self, **_: Any) -> dict[str, Any]:
        self.writes += 1
        reason = self.reasons.pop(0)
        if reason is None:
            return {}
        cancelled = {
            "Error": {"Code": "TransactionCanceledException", "Message": f"[{reason}]"},
            "CancellationReasons": [{"Code": reason}],
            "ResponseMetadata": {"HTTPStatusCode": 400},
        }
        raise ClientError(cancelled, "TransactWriteItems")

    def get_item(self, **parameters: Any) -> dict[str, Any]:
        if parameters["Key"]["ItemKey"]["S"] != "LOCK":
            return {"Item": to_item({"ExecutionId": EXECUTION.execution_id})} if self.has_record else {}
        holder = self.holders.pop(0)
        return {} if holder is None else {"Item": to_item({"LockedBy": holder})}


def create(table: Table) -> None:
    log = Log(Logger(service="test of the history", stream=io.StringIO()))
    ExecutionHistory(Caller(log, lambda seconds: None), table, "table").create(EXECUTION)


def test_a_conflict_with_another_transaction_is_no_lock():
    table = Table(["TransactionConflict", "TransactionConflict", None], [])
    create(table)
    assert table.writes == 3


def test_two_starts_that_cancel_each_other_for_good_are_not_taken_for_running():
    with pytest.raises(Unavailable, match="TransactionConflict"):
        create(Table(["TransactionConflict"] * 4, []))


def test_a_plan_that_is_locked_names_its_holder():
    with pytest.raises(PlanLocked) as locked:
        create(Table(["ConditionalCheckFailed"], ["another"]))
    assert locked.value.execution_id == "another"


def test_a_lock_that_is_released_meanwhile_is_taken():
    table = Table(["ConditionalCheckFailed", None], [None])
    create(table)
    assert table.writes == 2


@pytest.mark.parametrize("holder", [EXECUTION.execution_id, None], ids=["still at work", "settled already"])
def test_an_own_record_is_recognised(holder):
    table = Table(["ConditionalCheckFailed"], [holder], has_record=True)
    create(table)
    assert table.writes == 1
