"""The speed of the command line: processor seconds of a command against its libraries and the same bare boto3 calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from engine.client import EngineClient
from engine.deploy import deployment
from tests.serving import serving

STACK = "engine-bench"
RUNS = 5
TESTDATA = Path(__file__).parents[2] / "testdata"
# The calls of `status ID` and of `history`, with boto3 alone.
BARE_STATUS = """
import boto3
boto3.client("cloudformation").describe_stacks(StackName="{stack}")
boto3.client("dynamodb").query(TableName="{table}", KeyConditionExpression="ExecutionId = :id",
    ExpressionAttributeValues={{":id": {{"S": "{execution}"}}}}, ConsistentRead=True)
"""
BARE_HISTORY = """
import boto3
boto3.client("cloudformation").describe_stacks(StackName="{stack}")
tables = boto3.client("dynamodb")
for status in ("RUNNING", "COMPLETED", "FAILED", "CANCELLED"):
    tables.query(TableName="{table}", IndexName="StatusIndex", KeyConditionExpression="#s = :s",
        ExpressionAttributeNames={{"#s": "Status"}}, ExpressionAttributeValues={{":s": {{"S": status}}}})
key = {{"ExecutionId": {{"S": "{execution}"}}, "ItemKey": {{"S": "EXECUTION"}}}}
tables.batch_get_item(RequestItems={{"{table}": {{"Keys": [key]}}}})
"""


def bench_command_line() -> None:
    with serving("--virtual") as server:
        environment = os.environ | server.variables | {"ENGINE_STACK": STACK}
        os.environ |= server.variables
        session = server.session()
        stack = deployment.deploy(session, STACK, parameters={"KeepData": "no"}, sleep=lambda seconds: None)
        client = EngineClient(session, stack.outputs)
        for group in json.loads((TESTDATA / "groups.json").read_text()):
            client.put_group(group)
        plan = json.loads((TESTDATA / "plans" / "single-wave.json").read_text())
        client.put_plan(plan)
        execution = client.start(plan["PlanId"])
        names = {"stack": STACK, "table": stack.outputs["ExecutionHistoryTable"], "execution": execution}
        rows = (
            ("--help", ["-m", "engine", "--help"], ["-c", "import click, rich"], 2.0),
            ("status ID", ["-m", "engine", "status", execution], ["-c", BARE_STATUS.format(**names)], 1.5),
            ("history", ["-m", "engine", "history"], ["-c", BARE_HISTORY.format(**names)], 1.5),
        )
        table = Table(title="Processor seconds of a command, median of 5", title_justify="left")
        for column in ("command", "engine", "bare", "ratio", "aim"):
            table.add_column(column, justify="right")
        for name, command, bare, aim in rows:
            pairs = [(_seconds(command, environment), _seconds(bare, environment)) for _ in range(RUNS)]
            ours, theirs = (median(one) for one in zip(*pairs, strict=True))
            table.add_row(name, f"{ours:.2f}", f"{theirs:.2f}", f"{ours / theirs:.1f}", f"{aim}")
    print()
    Console(width=100).print(table)


def _seconds(arguments: list[str], environment: dict[str, str]) -> float:
    """User and system seconds of a Python process, which steady the figure on a busy machine."""
    before = os.times()
    subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=False)
    after = os.times()
    return after.children_user - before.children_user + after.children_system - before.children_system
