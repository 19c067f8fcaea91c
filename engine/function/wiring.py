"""The composition root: creates all objects of the Lambda function."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import boto3

from engine.aws.accounts import Accounts
from engine.aws.caller import CLIENT_CONFIG, Caller
from engine.aws.drs import RecoveryService
from engine.aws.execution_history import ExecutionHistory
from engine.aws.executor import Executor
from engine.aws.launch_queue import LaunchQueue
from engine.aws.leases import Leases
from engine.aws.log import Log
from engine.aws.notifier import Notifier
from engine.aws.plans import PlanTables
from engine.aws.state_machine import StateMachine
from engine.core.plan import RecoveryTarget


@dataclass(frozen=True)
class Services:
    """The objects that the operations of the Lambda function use."""

    account_id: str
    region: str
    servers_per_job: int
    history: ExecutionHistory
    leases: Leases
    plans: PlanTables
    machine: StateMachine
    executor: Executor
    recovery: Callable[[RecoveryTarget], RecoveryService]
    log: Log
    now: Callable[[], datetime]


@dataclass(frozen=True)
class Records:
    """The objects that the approvals function uses: it reads and writes records of executions, and no more."""

    history: ExecutionHistory
    log: Log
    now: Callable[[], datetime]


def build_records(environment: Mapping[str, str], *, sleep: Callable[[float], None] = time.sleep) -> Records:
    """The objects of one Lambda environment of the approvals function. Raises KeyError as `build` does."""
    log = Log()
    session: Any = boto3.Session(region_name=environment["AWS_REGION"])
    dynamodb = session.client("dynamodb", config=CLIENT_CONFIG)
    return Records(ExecutionHistory(Caller(log, sleep), dynamodb, environment["EXECUTION_HISTORY_TABLE"]), log, _now)


def _now() -> datetime:
    return datetime.now(UTC)


def build(environment: Mapping[str, str], *, sleep: Callable[[float], None] = time.sleep) -> Services:
    """The services of one Lambda environment; `environment` has the variables that the template sets.

    Raises KeyError with the name of a missing variable. Clients are created once and cached.
    """
    log = Log()
    caller = Caller(log, sleep)
    # The types of boto3 have one overload for each service and do not accept a variable.
    session: Any = boto3.Session(region_name=environment["AWS_REGION"])

    @cache
    def client(service: str, region: str | None = None) -> Any:
        return session.client(service, region_name=region, config=CLIENT_CONFIG)

    accounts = Accounts(caller, session)

    def recovery(target: RecoveryTarget) -> RecoveryService:
        return RecoveryService(caller, accounts, target, environment.get("JOB_LABEL", ""))

    history_table = environment["EXECUTION_HISTORY_TABLE"]
    history = ExecutionHistory(caller, client("dynamodb"), history_table)
    queue = LaunchQueue(caller, client("dynamodb"), history_table, _now)
    machine = environment["STATE_MACHINE_ARN"]
    stack = machine.rpartition(":")[2].removesuffix("-engine")
    return Services(
        account_id=environment["ENGINE_ACCOUNT_ID"],
        region=environment["AWS_REGION"],
        servers_per_job=int(environment["SERVERS_PER_JOB"]),
        history=history,
        leases=Leases(caller, client("dynamodb"), history_table, history),
        plans=PlanTables(
            caller, client("dynamodb"), environment["RECOVERY_PLANS_TABLE"], environment["PROTECTION_GROUPS_TABLE"]
        ),
        machine=StateMachine(caller, client("stepfunctions"), machine),
        executor=Executor(recovery, Notifier(caller, lambda region: client("sns", region)), queue, log, stack),
        recovery=recovery,
        log=log,
        now=_now,
    )
