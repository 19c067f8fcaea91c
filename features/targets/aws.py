"""A real account: the engine deployed once for the whole run, under a name of its own, and removed at its end.

Credentials and Region come from the environment. Time passes by itself; waiting is sleeping and asking again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import boto3

from engine.deployment import Stack, deploy, destroy
from features.targets.base import EngineCall, Target, WaitTimeout
from features.targets.endpoints import note_endpoints
from traceability import evidence

LOOK_EVERY_SECONDS = 10


class AwsTarget(Target):
    name = "aws"
    slack = 15.0

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        self._region = settings.get("region")
        self._stack: Stack | None = None
        self._began = datetime.now(UTC)

    @contextmanager
    def scenario(self) -> Iterator[None]:
        self._began = datetime.now(UTC)
        if self._stack is None:
            run = f"drs-engine-suite-{uuid4().hex[:8]}"
            tags = {"drs-engine:SuiteRun": run}
            self._stack = deploy(self.session(), run, parameters={"KeepData": "no"}, tags=tags)
        yield

    def retire_stack(self) -> None:
        """Nothing: the stack serves the scenarios that follow; `close` removes it."""

    def close(self) -> None:
        if self._stack is not None:
            destroy(self.session(), self._stack.name)
            self._stack = None

    @property
    def stack(self) -> Stack:
        if self._stack is None:
            raise RuntimeError("the stack exists only while scenarios run")
        return self._stack

    @property
    def account(self) -> str:
        return str(self.session().client("sts").get_caller_identity()["Account"])

    @property
    def region(self) -> str:
        return str(self.session().region_name)

    def session(self, account: str | None = None, region: str | None = None) -> boto3.Session:
        session = boto3.Session(region_name=region or self._region)
        return note_endpoints(session, lambda host: evidence.record_endpoint(host, connected=True))

    def provide_server(self, server_id: str, host_name: str, account: str | None, region: str | None) -> None:
        filters = {"sourceServerIDs": [server_id]}
        found = self.client("drs", account, region).describe_source_servers(filters=filters)["items"]
        if not found:
            raise LookupError(f"DRS does not know the source server {server_id} ({host_name}) in {self.region}")

    def wait_until(self, condition: Callable[[], Any], timeout: float, what: str) -> Any:
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if value := condition():
                return value
            time.sleep(LOOK_EVERY_SECONDS)
        raise WaitTimeout(f"Waited {timeout:g} s in vain for {what}")

    def engine_calls(self) -> list[EngineCall]:
        """The engine's own log lines, one for each of its calls."""
        group = f"/aws/lambda/{self.stack.outputs['FunctionName']}"
        since = int(self._began.timestamp() * 1000)
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
        lines = [event["message"] for page in pages for event in page["events"]]
        return [
            _engine_call(json.loads(line)) for line in lines if '"message":"AWS call"' in line.replace('": "', '":"')
        ]

    def all_calls(self) -> list[evidence.Call]:
        return []


def _engine_call(line: dict[str, Any]) -> EngineCall:
    service, _, operation = line["Operation"].partition(":")
    ended = datetime.fromisoformat(line["timestamp"])
    return EngineCall(
        service=service,
        operation=operation,
        parameters=line["Parameters"],
        error=None if line["Result"] == "OK" else line["Result"],
        started=ended - timedelta(milliseconds=line["Milliseconds"]),
        ended=ended,
        principal=line.get("Principal", "the engine"),
        account=line.get("Account", ""),
        invocation=line.get("function_request_id", ""),
    )
