"""Simulated AWS: a new simulator for each scenario, with the engine deployed, and virtual time.

A process deploys once: each scenario starts from a copy of that AWS.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import boto3

import simulator
from engine.deploy.deployment import Stack, deploy, destroy
from features.targets import granted_accesses
from features.targets.base import EngineCall, RunTarget, WaitTimeout
from features.targets.endpoints import note_endpoints
from features.targets.launch_parameters import launch_parameters
from simulator.drs import DrsWorld
from simulator.gateway.journal import JournalEntry
from traceability.model import run_notes
from traceability.recording import recorded_calls

STACK_NAME = "drs-engine-suite"
# The services that the engine and the steps call.
SERVICES = (
    "cloudformation",
    "drs",
    "dynamodb",
    "ec2",
    "iam",
    "kms",
    "lambda",
    "logs",
    "s3",
    "sns",
    "sqs",
    "stepfunctions",
    "sts",
)
# The default times of a server in seconds ("DRS takes its usual time" undoes them). They are so short that one job
# query sees the end of the job and one health check the running instance, because each poll costs the suite real time.
LAUNCH_SECONDS = 45
BOOT_SECONDS = 3
TERMINATE_SECONDS = 10


def deploy_engine(session: boto3.Session, key_arn: str) -> Stack:
    """Deploy the engine with the rights for the roles and the KMS key that launch settings of scenarios name."""
    return deploy(session, STACK_NAME, parameters={"KeepData": "no"} | launch_parameters(session, key_arn))


class MotoTarget(RunTarget):
    name = "moto"
    slack = 1.0

    def __init__(self) -> None:
        super().__init__()
        self._aws: simulator.Simulator | None = None
        self._stack: Stack | None = None
        self._deployed: simulator.Snapshot | None = None
        self._sessions: dict[tuple[str, str], boto3.Session] = {}
        # The DRS that each of the scenario's servers replicates to, by source server id.
        self._homes: dict[str, DrsWorld] = {}
        # A customer's key in the engine's account, which the engine may use.
        self.encryption_key_arn = ""

    def open(self, scenarios: Sequence[Any]) -> None:
        """Load AWS's service models, so that the first scenario is not slower than the others."""
        super().open(scenarios)
        with self.scenario():
            for service in SERVICES:
                self.session().client(service)

    @contextmanager
    def scenario(self) -> Iterator[None]:
        self._clients.clear()
        self._sessions.clear()
        self._homes.clear()
        with simulator.Simulator(seed=0, snapshot=self._deployed) as self._aws:
            if self._deployed is None:
                self._aws.drs.initialize()
                key = self.session().client("kms").create_key()
                self.encryption_key_arn = key["KeyMetadata"]["Arn"]
                self._stack = deploy_engine(self.session(), self.encryption_key_arn)
                self._deployed = self._aws.snapshot()
            yield

    def retire_stack(self) -> None:
        destroy(self.session(), STACK_NAME)

    @property
    def simulator(self) -> simulator.Simulator:
        if self._aws is None:
            raise RuntimeError("the simulator exists only during a scenario")
        return self._aws

    @property
    def stack(self) -> Stack:
        if self._stack is None:
            raise RuntimeError("the stack exists only during a scenario")
        return self._stack

    @property
    def account(self) -> str:
        return self.simulator.account

    @property
    def region(self) -> str:
        return self.simulator.region

    def session(self, account: str | None = None, region: str | None = None) -> boto3.Session:
        key = (account or self.account, region or self.region)
        if key not in self._sessions:
            session = self.simulator.session(account=key[0], region=key[1], user="suite")
            # Deployment, removal and steps request the same clients again and again; to make one takes 3 ms.
            session.client = functools.cache(session.client)
            # The simulator refuses every connection: each answer comes from this process.
            self._sessions[key] = note_endpoints(session, lambda host: run_notes.record_endpoint(host, connected=False))
        return self._sessions[key]

    def provide_server(self, server_id: str, host_name: str, account: str | None, region: str | None) -> None:
        drs = self.simulator.drs_in(account or self.account, region or self.region)
        drs.initialize()
        self._homes[server_id] = drs
        # Source servers of real accounts have tags, which DRS copies to what it launches.
        drs.add_source_server(server_id, hostname=host_name, tags={"Name": host_name})
        drs.set_launch(
            server_id,
            launch_seconds=LAUNCH_SECONDS,
            boot_seconds=BOOT_SECONDS,
            terminate_seconds=TERMINATE_SECONDS,
        )

    def let_launches_take_their_usual_time(self, server_ids: Sequence[str]) -> None:
        for server_id in server_ids:
            self._homes[server_id].reset_launch(server_id)

    def changes_of_items(self) -> int | None:
        return self.simulator.change_count("dynamodb")

    def wait_until(self, condition: Callable[[], Any], timeout: float, what: str, *, of: str | None = None) -> Any:
        try:
            return self.simulator.wait_until(condition, timeout, what=what, of=of)
        except (simulator.ConditionTimeout, simulator.Deadlock) as late:
            raise WaitTimeout(f"Waited in vain for {what}: {late}") from late

    def note_privileges(self, scenario: str, file: str, line: int) -> None:
        granted_accesses.note(scenario, file, line)

    def engine_calls(self) -> list[EngineCall]:
        return [_engine_call(call) for call in self.simulator.journal.select(source="lambda")]

    def all_calls(self) -> list[recorded_calls.RecordedCall]:
        return [cast(recorded_calls.RecordedCall, call) for call in self.simulator.journal if call.ended]


def _engine_call(call: JournalEntry) -> EngineCall:
    return EngineCall(
        service=call.service,
        operation=call.operation,
        parameters=call.parameters,
        error=call.error_code,
        started=call.started,
        ended=call.ended or call.started,
        principal=call.principal,
        account=call.account,
        invocation=call.actor,
        answer=dict(call.response) if call.response is not None else None,
    )
