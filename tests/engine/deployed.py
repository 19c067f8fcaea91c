"""A simulated AWS in which the engine is deployed: a process deploys once, and each test starts from a copy."""

from __future__ import annotations

import functools
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.client import EngineClient
from engine.deploy import deployment
from simulator import Simulator, Snapshot
from tests.engine.job_times import SHORT_JOBS

TESTDATA = Path(__file__).parents[2] / "testdata"
STACK = "engine-test"
_OVER = ("COMPLETED", "FAILED", "SKIPPED")


def three_tier_plan() -> dict[str, Any]:
    plan: dict[str, Any] = json.loads((TESTDATA / "plans" / "three-tier.json").read_text())
    return plan


def package_with(file: str, old: str, new: str) -> bytes:
    """The function's package with one line changed; for numbers that would take a day to reach."""
    source = zipfile.ZipFile(io.BytesIO(deployment.package()))
    assert file in source.namelist()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == file:
                assert content.decode().count(old) == 1
                content = content.decode().replace(old, new).encode()
            target.writestr(name, content)
    return buffer.getvalue()


def deploy(aws: Simulator, code: bytes | None = None) -> EngineClient:
    stack = deployment.deploy(aws.session(), STACK, parameters={"KeepData": "no"}, code=code)
    return EngineClient(aws.session(), stack.outputs)


def add_test_data(aws: Simulator, client: EngineClient) -> None:
    """The groups and the three-tier plan of the test data; DRS replicates their servers, and its jobs are short."""
    for group in json.loads((TESTDATA / "groups.json").read_text()):
        client.put_group({**group, "AccountId": aws.account})
        for server in group["SourceServerIds"]:
            aws.drs.add_source_server(server)
            aws.drs.set_launch(server, **SHORT_JOBS)
    client.put_plan(three_tier_plan())


@functools.cache
def _snapshot(test_data: bool) -> Snapshot:
    with Simulator() as aws:
        aws.drs.initialize()
        client = deploy(aws)
        if test_data:
            add_test_data(aws, client)
        return aws.snapshot()


@contextmanager
def aws_with_engine() -> Iterator[Simulator]:
    """An AWS with the engine, without groups, plans and servers."""
    with Simulator(snapshot=_snapshot(False)) as aws:
        yield aws


@contextmanager
def aws_with_test_data() -> Iterator[Simulator]:
    """An AWS with the engine and `add_test_data`."""
    with Simulator(snapshot=_snapshot(True)) as aws:
        yield aws


def client_of(aws: Simulator) -> EngineClient:
    return EngineClient(aws.session(), deployment.describe(aws.session(), STACK).outputs)


def let_jobs_take_their_usual_time(aws: Simulator) -> None:
    for server in aws.drs.backend.source_servers:
        aws.drs.reset_launch(server)


def settled(client: EngineClient, execution_id: str) -> Callable[[], dict[str, Any] | None]:
    """A condition: the record, once the execution and its clean-up are over."""

    def over() -> dict[str, Any] | None:
        record = client.get(execution_id)
        done = record.get("CleanUp", {}).get("Status") in _OVER
        return record if record["Status"] != "RUNNING" and done else None

    return over


def end_of(aws: Simulator, client: EngineClient, execution_id: str, seconds: float = 4 * 3600) -> dict[str, Any]:
    """The record when the execution is settled, which takes at most so many virtual seconds."""
    record: dict[str, Any] = aws.wait_until(settled(client, execution_id), seconds, of="dynamodb")
    return record


def runs(aws: Simulator, client: EngineClient) -> list[dict[str, Any]]:
    """The runs of the state machine."""
    arn = client._outputs["StateMachineArn"]
    found: list[dict[str, Any]] = (
        aws.session().client("stepfunctions").list_executions(stateMachineArn=arn)["executions"]
    )
    return found
