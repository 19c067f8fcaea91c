"""A real account: the engine is deployed once for the whole run, under a name of its own, and removed at its end.

Credentials come from the environment; account, Region and budget must be allowed (see `guardrails`). Before the run
creates resources, the pre-flight checks the account and announces the run. All resources carry the run's label, so that
`close`, or after a SIGKILL `python -m engine sweep`, finds them and no others.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from engine.aws.drs import TAG_LABEL
from engine.deploy import sweep
from engine.deploy.deployment import DeploymentFailed, Stack, deploy
from features.targets import cost_estimate, guardrails, preflight
from features.targets.base import EngineCall, RunTarget, TargetRefused
from features.targets.call_log import CallJournal
from features.targets.endpoints import note_endpoints
from features.targets.waiting import Sleeping, Waiting, waiting
from traceability.model import run_notes
from traceability.recording import recorded_calls

# A network failure of one minute does not end a run of hours: retries are 1, 2, 4, 8, 16, 20, 20 s apart at most.
PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 10}, connect_timeout=10, read_timeout=70)
# CloudWatch Logs shows a line after at most this time.
LOG_DELAY_SECONDS = 15


class AwsTarget(RunTarget):
    name = "aws"
    slack = 15.0
    is_alone = False

    def __init__(self, settings: dict[str, Any]) -> None:
        super().__init__()
        # botocore logs requests; a report must not show them.
        logging.getLogger("botocore").setLevel(logging.WARNING)
        self._allowed = guardrails.read(settings, os.environ)
        self._waiting: Waiting = waiting()
        self._label = str(settings.get("stack") or f"{sweep.LABEL_PREFIX}{uuid4().hex[:8]}")
        if not self._label.startswith(sweep.LABEL_PREFIX):
            raise TargetRefused(f"stack {self._label!r}: the name of a test stack begins with {sweep.LABEL_PREFIX}")
        self._caller: dict[str, Any] = {}
        self._calls = CallJournal(
            lambda: (self._caller.get("Account", ""), self._caller.get("Arn", "")), self._waiting.moment_of
        )
        self._sessions: dict[str, boto3.Session] = {}
        self._stack: Stack | None = None
        self._first_call = 0
        self._began_at = self._calls.last_moment

    # -- the run ------------------------------------------------------------------------------------------------------

    def open(self, scenarios: Sequence[Any]) -> None:
        """Check the account, announce the run, and register its clean-up, before any resource is created."""
        super().open(scenarios)
        needed = cost_estimate.of(scenarios, self.name)
        self._caller = preflight.identity(self.session(), self._allowed)
        found = preflight.check(self.session(), self._allowed, needed, self._label)
        for line in [*found, *self._announcement(needed)]:
            self._say(line)
        # A SIGTERM must end the run as Ctrl-C does: with its clean-up.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        atexit.register(self.close)
        if self._allowed.sweeps:
            for left in sweep.find(self.session()):
                sweep.remove(self.session(), left.label, self._waiting.pause, self._say)

    def _announcement(self, needed: cost_estimate.Demand) -> Iterator[str]:
        yield f"account {self._caller['Account']} as {self._caller['Arn']}, Region {self._allowed.region}"
        yield f"{needed.scenarios} scenarios; {needed.launching} launch servers, {needed.launches} in all"
        yield f"budget {self._allowed.budget} servers; about {needed.hours:.1f} hours, {needed.dollars:.0f} US dollars"
        yield f"all resources carry the label {self._label}; the run removes them at its end"

    @staticmethod
    def _say(line: str) -> None:
        print(f"aws: {line}", file=sys.stderr, flush=True)  # noqa: T201 - the plan of a paid run is for the terminal

    def close(self) -> None:
        """Remove all resources with the run's label. After a failure, print the command that removes the rest."""
        atexit.unregister(self.close)
        if not self._caller:
            return
        try:
            sweep.remove(self.session(), self._label, self._waiting.pause, self._say)
        except (ClientError, BotoCoreError, DeploymentFailed) as problem:
            self._say(f"the clean-up is incomplete: {problem}; run `python -m engine sweep`")
            raise
        self._stack = None
        self._caller = {}

    # -- a scenario ---------------------------------------------------------------------------------------------------

    @contextmanager
    def scenario(self) -> Iterator[None]:
        if self._stack is None:
            tags = {TAG_LABEL: self._label}
            parameters = {"KeepData": "no", "JobLabel": self._label}
            self._stack = deploy(self.session(), self._label, parameters=parameters, tags=tags)
        self.client("sts").get_caller_identity()  # AWS's time now
        self._began_at, self._first_call = self._calls.last_moment, len(self._calls.calls)
        yield

    def retire_stack(self) -> None:
        """Keep the stack for the next scenarios; `close` removes it."""

    @property
    def stack(self) -> Stack:
        if self._stack is None:
            raise RuntimeError("the stack exists only while scenarios run")
        return self._stack

    @property
    def account(self) -> str:
        return str(self._caller["Account"])

    @property
    def region(self) -> str:
        return self._allowed.region

    def session(self, account: str | None = None, region: str | None = None) -> boto3.Session:
        wanted = region or self._allowed.region
        if wanted not in self._sessions:
            session = boto3.Session(region_name=wanted)
            session._session.set_default_client_config(PATIENT)
            self._calls.listen(session)
            self._sessions[wanted] = note_endpoints(
                session, lambda host: run_notes.record_endpoint(host, connected=True)
            )
        return self._sessions[wanted]

    def provide_server(self, server_id: str, host_name: str, account: str | None, region: str | None) -> None:
        filters = {"sourceServerIDs": [server_id]}
        found = self.client("drs", account, region).describe_source_servers(filters=filters)["items"]
        if not found:
            raise LookupError(f"DRS does not know the source server {server_id} ({host_name}) in {self.region}")

    def began_at(self) -> datetime | None:
        return self._began_at

    def wait_until(self, condition: Callable[[], Any], timeout: float, what: str, *, of: str | None = None) -> Any:
        return self._waiting.until(condition, timeout, what)

    # -- evidence -----------------------------------------------------------------------------------------------------

    def engine_calls(self) -> list[EngineCall]:
        """The calls in the engine's log, one line each."""
        if isinstance(self._waiting, Sleeping):
            self._waiting.pause(LOG_DELAY_SECONDS)
        group = f"/aws/lambda/{self.stack.outputs['FunctionName']}"
        since = int(self._began_at.timestamp() * 1000)
        pages = self.client("logs").get_paginator("filter_log_events").paginate(logGroupName=group, startTime=since)
        lines = [_as_document(event["message"]) for page in pages for event in page["events"]]
        calls = [_engine_call(line) for line in lines if line.get("message") == "AWS call"]
        return sorted(calls, key=lambda call: call.started)

    def all_calls(self) -> list[recorded_calls.RecordedCall]:
        """The suite's own calls with AWS's answers, and the engine's calls from its log."""
        own: list[recorded_calls.RecordedCall] = list(self._calls.calls[self._first_call :])
        engines = [_LoggedCall(call, self.region) for call in self.engine_calls()]
        return sorted([*own, *engines], key=lambda call: call.started)


class _LoggedCall:
    """A call of the engine as evidence; its log line has the answer unless it was shortened."""

    source = "lambda"

    def __init__(self, call: EngineCall, region: str) -> None:
        self.service, self.operation, self.parameters = call.service, call.operation, call.parameters
        self.response, self.error_code, self.error_message = call.answer, call.error, None
        self.started, self.ended = call.started, call.ended
        self.account, self.region, self.principal = call.account, region, call.principal


def _as_document(line: str) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


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
        answer=None if line.get("AnswerIsShortened") else line.get("Answer"),
    )
