"""The simulated AWS as one object: `with Simulator() as aws: ...`."""

from __future__ import annotations

import logging
import os
import random
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any
from unittest.mock import patch

import boto3
from moto.core.base_backend import BackendDict
from moto.core.config import default_user_config
from moto.core.model_instances import reset_model_data
from moto.moto_api._internal import mock_random

import simulator.drs
import simulator.iam
from simulator.gateway import identity
from simulator.gateway.differences import Differences
from simulator.gateway.faults import Faults
from simulator.gateway.gateway import Gateway, Inspector
from simulator.gateway.http import HttpRequest, HttpResponse
from simulator.gateway.journal import Journal
from simulator.gateway.network import ConnectionAttempt, SocketGuard
from simulator.gateway.permissions import Permissions
from simulator.patches import computed_once, items
from simulator.patches.patching import applied
from simulator.services import partitions, service_quotas, sns_sqs, sts
from simulator.services.cloudformation import (
    changed_parameters,
    no_value,
    resource_types,
    state_machines,
    template_urls,
)
from simulator.services.cloudformation.failures import Stacks
from simulator.services.dynamodb import transactions
from simulator.services.dynamodb.metering import Meter
from simulator.services.dynamodb.tables import TableData
from simulator.services.eventbridge import EventBus
from simulator.services.iam import managed_policies, templates
from simulator.services.lambda_.functions import Functions
from simulator.services.sns_sqs import MessageLimit
from simulator.services.stepfunctions import answers as step_functions_answers
from simulator.services.stepfunctions import lambda_errors
from simulator.services.stepfunctions.interpreter import StepFunctions
from simulator.snapshot import Snapshot
from simulator.time.clock import Actor, VirtualClock, running

DEFAULT_ACCOUNT = "111122223333"
DEFAULT_REGION = "us-east-1"
DEFAULT_START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
_MOTO_CONFIG = {
    "stepfunctions": {"execute_state_machine": True},
    "lambda": {"use_docker": False},
}
_MOTO_ENVIRONMENT = {
    "MOTO_EC2_LOAD_DEFAULT_AMIS": "false",  # moto would load 1,300 machine images, 40 ms a Region
    "AWS_EC2_METADATA_DISABLED": "true",
}


class ConditionTimeout(AssertionError):
    """The condition did not become true within its virtual time."""


class Simulator:
    """An empty AWS with a virtual clock at `start` and a call journal. Leaving the context restores the process.

    `latency` maps "service.Operation", "service.*" or "*" to the virtual seconds of a call (default 0.08).
    `seed` fixes every identifier and random number: two simulators with the same seed give the same journal.
    `snapshot` is the AWS to start from, with its time; the default is an empty one.
    """

    def __init__(
        self,
        seed: int = 0,
        start: datetime = DEFAULT_START,
        *,
        account: str = DEFAULT_ACCOUNT,
        region: str = DEFAULT_REGION,
        enforce_iam: bool = True,
        latency: Mapping[str, float] | None = None,
        snapshot: Snapshot | None = None,
    ) -> None:
        # moto logs the whole parse tree of a failed state; the execution history and the journal hold the reason.
        logging.getLogger("moto.stepfunctions").setLevel(logging.CRITICAL)
        self.account = account
        self.region = region
        if snapshot is not None and snapshot.seed != seed:
            raise ValueError(f"the snapshot has the seed {snapshot.seed}, the simulator {seed}; give it the same")
        self.clock = VirtualClock(snapshot.now if snapshot else start)
        self.journal = snapshot.journal.copy() if snapshot else Journal()
        self.faults = Faults()
        self.stacks = Stacks(enforced=enforce_iam)
        self._seed = seed
        self._snapshot = snapshot
        self._tokens = computed_once.token_source(seed)
        self._sessions: dict[tuple[str, str, str], boto3.Session] = {}
        self._enforce_iam = enforce_iam
        self._guard = SocketGuard()
        permissions = Permissions(enforced=enforce_iam)
        self._functions = Functions(self.clock, self.faults, permissions, seed)
        self._bus = EventBus(self.clock, self._functions, permissions)
        self._step_functions = StepFunctions(self.clock, permissions, self._bus.execution_changed)
        inspectors: dict[str, Inspector] = {"dynamodb": Meter(), "sns": MessageLimit()}
        self._gateway = Gateway(
            self.clock, self.journal, self.faults, permissions, inspectors=inspectors, latency=latency
        )
        self._exit = ExitStack()

    # -- entering and leaving -----------------------------------------------------------------------------------------

    def __enter__(self) -> Simulator:
        with ExitStack() as entered:
            entered.callback(_clear_backends)
            _clear_backends()
            entered.callback(random.setstate, random.getstate())
            random.seed(self._seed)
            mock_random.seed(self._seed)
            simulator.drs.register()
            resource_types.register()
            simulator.iam.forget_usage()
            simulator.drs.judge_callers(self._enforce_iam)
            entered.enter_context(patch.dict(default_user_config, _MOTO_CONFIG))
            entered.enter_context(patch.dict(os.environ, _MOTO_ENVIRONMENT))
            entered.enter_context(patch.object(boto3, "DEFAULT_SESSION", None))
            patches = [
                *self._step_functions.patches(),
                *step_functions_answers.patches(),
                *partitions.patches(),
                *state_machines.patches(),
                *no_value.patches(),
                *changed_parameters.patches(),
                *template_urls.patches(),
                *managed_policies.patches(),
                *templates.patches(),
                *sts.patches(),
                *service_quotas.patches(),
                *lambda_errors.patches(),
                *transactions.patches(),
                *sns_sqs.patches(self.clock),
                *self.stacks.patches(),
                *self._functions.patches(),
                *self._gateway.patches(),
                *self._guard.patches(),
                *simulator.iam.principal_ids.patches(),
                *computed_once.patches(self._tokens),
                *items.patches(),
            ]
            entered.enter_context(applied(patches))
            entered.enter_context(running(self.clock))
            simulator.drs.judge_callers(self._enforce_iam)
            entered.callback(simulator.drs.judge_callers, False)
            simulator.drs.use_clock(self.clock)
            entered.callback(simulator.drs.use_clock, None)
            if self._snapshot is not None:
                self._snapshot.restore(self._tokens)
            entered.enter_context(patch.dict(os.environ, self._environment()))
            self._exit = entered.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exit.close()
        if error is None and self.clock.failures:
            raise self.clock.failures.pop(0)

    def _environment(self) -> dict[str, str]:
        """boto3.client() without arguments is the user "suite" in the default account and Region."""
        credentials = identity.user_credentials(self.account, self.region, "suite")
        return credentials.variables() | {"AWS_DEFAULT_REGION": self.region}

    def snapshot(self) -> Snapshot:
        """The state of AWS, for simulators that start from it. Raises RuntimeError while an event is due."""
        if self.clock.next_due() is not None:
            raise RuntimeError(f"a snapshot holds data, no events, and some are due: {self.clock.describe()}")
        return Snapshot.take(self._seed, self.clock.now(), self.journal, self._tokens)

    # -- clients ------------------------------------------------------------------------------------------------------

    def session(
        self, account: str | None = None, region: str | None = None, user: str = "suite", *, policy: str | None = None
    ) -> boto3.Session:
        """A boto3 session of that IAM user; a new user is an administrator unless `policy` (JSON) is given.

        The same account, Region and user give the same session, since a new one takes 10 ms.
        """
        key = (account or self.account, region or self.region, user)
        if key not in self._sessions:
            self._sessions[key] = identity.user_credentials(key[0], key[1], user, policy).session(key[1])
        return self._sessions[key]

    # -- time ---------------------------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Lets virtual time pass, with all events that are due in it."""
        self.clock.sleep(seconds, f"{seconds:g} s of the suite")

    def spawn(self, name: str, fn: Callable[[], object]) -> Actor:
        """Runs `fn` as a concurrent client; `join()` of the returned actor gives its result."""
        return self.clock.spawn(name, fn)

    def wait_until(
        self,
        condition: Callable[[], Any],
        timeout: float,
        *,
        settle: float = 1.0,
        what: str = "",
        of: str | None = None,
    ) -> Any:
        """Advances event by event until `condition()` is truthy, and returns its value.

        Evaluates the condition after each change in AWS, once no event is due within `settle` virtual seconds; so a
        condition that calls AWS does not run between the calls of a function. `settle=0` evaluates it after each event.
        `of` names the only service whose data the condition reads, if only calls change these data (dynamodb):
        then only calls of this service count as changes. Raises ConditionTimeout after `timeout` virtual seconds.
        """
        started = self.clock.now()
        end = started + timedelta(seconds=timeout)
        seen = -1
        while True:
            self._settle(timedelta(seconds=settle), end)
            changes = self.change_count(of)
            if (changes != seen or not settle) and (value := condition()):
                return value
            seen = changes
            due = self.clock.next_due()
            if due is None or due > end:
                self.clock.sleep_until(end, what)
                if value := condition():
                    return value
                raise ConditionTimeout(_timeout_message(condition, what, started, self.clock))
            self.clock.sleep_until(due, what)

    def change_count(self, of: str | None = None) -> int:
        """Grows with each possible change: calls that do not only read, timers, and actors that ended.

        With `of`, counts only the calls of that service.
        """
        return self.journal.change_count(of) + (self.clock.change_count if of is None else 0)

    def _settle(self, quiet: timedelta, end: datetime) -> None:
        due = self.clock.next_due()
        if quiet and due is not None and due <= min(end, self.clock.now() + quiet):
            self.clock.sleep_until_quiet(quiet, end)

    # -- state of AWS -------------------------------------------------------------------------------------------------

    @property
    def drs(self) -> Any:
        """The set-up of DRS in the default account and Region."""
        return self.drs_in(self.account, self.region)

    def drs_in(self, account: str, region: str) -> Any:
        return simulator.drs.world(account, region, self.clock)

    def table(self, name: str) -> TableData:
        """The items of a DynamoDB table in the default account and Region."""
        return TableData(self.account, self.region, name)

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Handles an AWS call that does not come from this process's boto3. Raises ConnectionLost."""
        return self._gateway.handle(request)

    def lambda_logs(self, function_name: str) -> list[dict[str, Any]]:
        """The function's output lines in order: JSON lines as documents, others as {"message": line}."""
        return self._functions.logs(function_name)

    @property
    def differences(self) -> Differences:
        """The answers of this run that differ from AWS."""
        return self._gateway.differences

    @property
    def network_attempts(self) -> list[ConnectionAttempt]:
        """The connections that code tried to open; all were refused."""
        return self._guard.attempts


def _timeout_message(condition: Callable[[], Any], what: str, started: datetime, clock: VirtualClock) -> str:
    name = what or getattr(condition, "__name__", repr(condition))
    spent = (clock.now() - started).total_seconds()
    return f"{name} did not become true within {spent:g} virtual seconds: {clock.describe()}"


def _clear_backends() -> None:
    """Drops moto's data. moto's own reset also creates every backend again, which takes 200 ms with EC2."""
    for backends in BackendDict._instances:
        if backends.service_name == "s3":  # moto stores its buckets outside the backends as well
            for account in backends.values():
                account.reset()
        backends.clear()
    BackendDict._instances.clear()
    reset_model_data()
