"""Processor time of one simulated call, including botocore's client; the median of many."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from simulator import Simulator
from tests.simulator.sample import deploy

TABLE = "sample"
CALLS = 200
WARM_UP = 20


def bench_calls() -> None:
    with Simulator() as aws:
        sample = deploy(aws)
        session = aws.session()
        dynamodb, states = session.client("dynamodb"), session.client("stepfunctions")
        arn = sample.start("bench", 1)
        aws.advance(60)
        items = [{"Id": {"S": f"item {number}"}, "Text": {"S": "x" * 2_000}} for number in range(10)]
        for item in items:
            dynamodb.put_item(TableName=TABLE, Item=item)
        key = {"Id": items[0]["Id"]}
        puts = [{"Put": {"TableName": TABLE, "Item": item}} for item in items[:5]]
        calls: dict[str, Callable[[], Any]] = {
            "sts GetCallerIdentity": session.client("sts").get_caller_identity,
            "dynamodb GetItem, 2 KB": lambda: dynamodb.get_item(TableName=TABLE, Key=key),
            "dynamodb Query, 2 KB": lambda: dynamodb.query(
                TableName=TABLE,
                KeyConditionExpression="Id = :id",
                ExpressionAttributeValues={":id": key["Id"]},
            ),
            "dynamodb TransactWriteItems, 5 items": lambda: dynamodb.transact_write_items(TransactItems=puts),
            "stepfunctions DescribeExecution": lambda: states.describe_execution(executionArn=arn),
            "drs DescribeJobs, none": session.client("drs").describe_jobs,
            "(making a client of DynamoDB)": lambda: session.client("dynamodb"),
        }
        aws.drs.initialize()
        print()
        for name, call in calls.items():
            print(f"{_median_ms(call):8.2f} ms  {name}")


def _median_ms(call: Callable[[], Any]) -> float:
    took = []
    for _ in range(WARM_UP + CALLS):
        begun = time.process_time()
        call()
        took.append(time.process_time() - begun)
    return statistics.median(took[WARM_UP:]) * 1000
