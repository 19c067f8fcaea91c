"""Lives a day: a fresh simulated AWS with the engine deployed as it is, people who do what the day says, faults.

`live` returns everything that was seen from outside: answers that people got, records, jobs, runs of the state
machine, the call journal, and what the watcher found wrong after each invocation of the function.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from engine.client import AlreadyEnded, EngineClient, EngineError, ExecutionNotFound, StartRefused
from engine.deploy import deployment
from simulator import Fault, Simulator
from simulator.gateway.faults import FAIL_LAMBDA
from simulator.gateway.journal import JournalEntry
from tests.simulation import aws_state
from tests.simulation.cases import (
    EXTERNAL_ID,
    OTHER_ACCOUNT,
    OWN_ACCOUNT,
    REGION,
    ROLE,
    Day,
    Document,
    group_document,
    kind_of,
    plan_document,
    plan_id,
    server_id,
    snapshot_id,
)
from tests.simulation.monitor import Failure, Watcher
from tests.simulation.state_machine_loop import thin_loop

STACK = "engine-day"
TARGET_TEMPLATE = Path(deployment.TEMPLATE).with_name("target_account.yaml")
# People ask again when the engine fails to answer: so often, so many seconds later.
PATIENCE = 8
PAUSE = 20
STEP = 60
# After the longest plan its clean-up may take two hours; what lasts longer hangs.
LONGEST_DAY = timedelta(hours=9)


@dataclass
class Act:
    """What somebody did, when the engine was asked (seconds of each asking) and what came of it."""

    doing: Document
    asked: datetime
    answered: datetime
    execution_id: str | None = None
    # started | accepted | refused | over already | not found | no answer
    result: str = ""
    message: str = ""
    tries: int = 1


@dataclass
class Life:
    """A day as it was seen."""

    day: Day
    began: datetime
    ended: datetime
    acts: list[Act]
    # The plan of each execution (its index), in the order in which they were started.
    executions: dict[str, int]
    records: dict[str, Document]
    jobs: list[Document]
    instances: dict[str, str]
    recovery_instances: list[str]
    runs: list[Document]
    locks: list[str]
    calls: list[JournalEntry]
    journal: str
    faults: list[Fault]
    failures: list[Failure]
    # Invocations that failed without running: when, and with which event.
    missed: list[tuple[datetime, Document]]
    log: list[Document]
    broken: list[str] = field(default_factory=list)

    def kind(self, execution_id: str) -> str:
        """DRILL or RECOVERY, as whoever started it said; as its record says where nobody got an answer."""
        asked = (one for one in self.acts if one.doing["do"] == "start" and one.execution_id == execution_id)
        if first := next(asked, None):
            return kind_of(self.day, first.doing)
        return str(self.records[execution_id]["ExecutionType"])

    def seconds(self, moment: datetime | str) -> float:
        """Seconds after the day's beginning."""
        when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        return (when - self.began).total_seconds()


@cache
def package(ticks_per_run: int = 0) -> bytes:
    """The engine as it is deployed, or with another number of ticks before a run of the state machine hands over."""
    code = deployment.package()
    if not ticks_per_run:
        return code
    number = re.compile(r"^TICKS_PER_RUN = \d+$", re.MULTILINE)
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(code)) as source, zipfile.ZipFile(buffer, "w") as target:
        for name in source.namelist():
            text = source.read(name)
            if name == "engine/core/policy.py":
                changed, found = number.subn(f"TICKS_PER_RUN = {ticks_per_run}", text.decode())
                assert found == 1, "the engine does not say any more after how many ticks a run hands over"
                text = changed.encode()
            target.writestr(name, text)
    return buffer.getvalue()


def live(day: Day, *, code: bytes | None = None, keep_journal: bool = False) -> Life:
    """Live the day; `code` is another package of the engine than the present one."""
    with Simulator(seed=day.seed, account=OWN_ACCOUNT, region=REGION) as aws:
        return _Living(aws, day, code or package(day.ticks_per_run)).live(keep_journal)


class _Living:
    def __init__(self, aws: Simulator, day: Day, code: bytes) -> None:
        self.aws = aws
        self.day = day
        quotas = day.quotas.get("servers_per_job")
        parameters = {"KeepData": "no"} | ({"ServersPerJob": str(quotas)} if quotas else {})
        self.stack = deployment.deploy(aws.session(), STACK, parameters=parameters, code=code)
        self.client = EngineClient(aws.session(), self.stack.outputs)
        self.table = self.stack.outputs["ExecutionHistoryTable"]
        self.acts: list[Act] = []
        self.executions: dict[str, int] = {}
        self.began = aws.clock.now()
        self.missed: list[tuple[datetime, Document]] = []

    def live(self, keep_journal: bool) -> Life:
        self._build_world()
        watcher = Watcher(self.aws, self.table, self.day.account)
        watcher.watch()
        loop = (
            nullcontext()
            if self.day.interpreter
            else thin_loop(self.aws, self.stack.outputs["StateMachineArn"], self._function_arn)
        )
        with loop:
            self.began = self.aws.clock.now()
            for fault in self.day.faults:
                self.aws.faults.add(Fault.from_dict(fault))
            self._note_missed_invocations()
            self._pass_the_day()
            watcher.unwatch()
            del self.aws.faults.hit  # the class's own shows again
            self.aws.faults.clear()
        return self._seen(watcher, keep_journal)

    def _note_missed_invocations(self) -> None:
        hit = self.aws.faults.hit

        def noted(*call: Any) -> Fault | None:
            fault = hit(*call)
            if fault is not None and fault.kind == FAIL_LAMBDA:
                payload = call[3]["Payload"]
                event = payload if isinstance(payload, dict) else json.loads(payload)
                self.missed.append((self.aws.clock.now(), event))
            return fault

        self.aws.faults.hit = noted  # type: ignore[method-assign,assignment]  # such an invocation leaves no other trace

    def _function_arn(self) -> str:
        return f"arn:aws:lambda:{REGION}:{OWN_ACCOUNT}:function:{self.stack.outputs['FunctionName']}"

    def _topic_arn(self) -> str:
        return str(self.stack.outputs["TopicArn"])

    # --- the world ---

    def _build_world(self) -> None:
        drs = self.aws.drs_in(self.day.account, REGION)
        drs.initialize()
        for name, value in self.day.quotas.items():
            setattr(drs.quotas, name, value)
        for number, fate in self.day.servers.items():
            known = drs.add_source_server(server_id(int(number)), replication_state=fate["replicates"])
            if fate["snapshot"]:
                drs.add_snapshot(known, snapshot_id(int(number)))
            drs.set_launch(
                known,
                launch_seconds=fate["launch"],
                fails_with=fate["fails"],
                boot_seconds=fate["boot"],
                boot_ends_as=fate["becomes"],
                terminate_seconds=20,
                terminate_fails_with=fate["terminate_fails"],
            )
        if self.day.other_account:
            self._offer_role()
        self.client.put_group(group_document(self.day))
        for index in range(len(self.day.plans)):
            self.client.put_plan(plan_document(self.day, index, self._topic_arn()))

    def _offer_role(self) -> None:
        role = f"arn:aws:iam::{OWN_ACCOUNT}:role/{self.stack.outputs['FunctionName']}"
        values = {"EngineRoleArn": role, "ExternalId": EXTERNAL_ID, "RoleName": ROLE}
        self.aws.session(account=OTHER_ACCOUNT).client("cloudformation").create_stack(
            StackName="target",
            TemplateBody=TARGET_TEMPLATE.read_text(encoding="utf-8"),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )

    # --- the people ---

    def _pass_the_day(self) -> None:
        waiting = list(self.day.people)
        end = self.began + LONGEST_DAY
        while self.aws.clock.now() < end:
            while waiting and self._due(waiting[0]) <= self.aws.clock.now():
                self._do(waiting.pop(0))
            if not waiting and self._is_quiet():
                return
            pause = timedelta(seconds=STEP)
            if waiting:
                pause = min(pause, self._due(waiting[0]) - self.aws.clock.now())
            self.aws.advance(max(0.001, pause.total_seconds()))

    def _due(self, doing: Document) -> datetime:
        return self.began + timedelta(seconds=doing["at"])

    def _do(self, doing: Document) -> None:
        act = Act(doing, self.aws.clock.now(), self.aws.clock.now())
        self.acts.append(act)
        getattr(self, f"_{doing['do']}")(doing, act)
        act.answered = self.aws.clock.now()

    def _start(self, doing: Document, act: Act) -> None:
        plan = doing["plan"]

        def ask() -> None:
            act.execution_id = self.client.start(
                plan_id(plan), kind_of(self.day, doing), client_token=doing.get("token"), initiated_by="an operator"
            )
            act.result = "started"
            self.executions.setdefault(act.execution_id, plan)

        self._patiently(act, ask)

    def _cancel(self, doing: Document, act: Act) -> None:
        mine = [one for one, plan in self.executions.items() if plan == doing["plan"]]
        if not mine:
            act.result = "nothing to cancel"
            return
        act.execution_id = mine[-1]

        def ask() -> None:
            self.client.cancel(mine[-1])
            act.result = "accepted"

        self._patiently(act, ask)

    def _patiently(self, act: Act, ask: Callable[[], None]) -> None:
        """Ask until the engine answers; no answer, or one about AWS's bad minute, is asked for again."""
        for act.tries in range(1, PATIENCE + 1):
            try:
                return ask()
            except StartRefused as refusal:
                act.result, act.message = "refused", "; ".join(refusal.problems)
                if "could not be checked" not in act.message:
                    return None
            except AlreadyEnded as error:
                act.result, act.message = "over already", str(error)
                return None
            except ExecutionNotFound as error:
                act.result, act.message = "not found", str(error)
            except (EngineError, ClientError) as error:
                act.result, act.message = "no answer", str(error)
            self.aws.advance(PAUSE)
        return None

    def _abort(self, doing: Document, act: Act) -> None:
        """Somebody stops the plan's newest state machine."""
        running = [run for run in aws_state.state_machine_runs(self.aws) if run["status"] == "RUNNING"]
        mine = [run for run in running if self.executions.get(run["name"][:36]) == doing["plan"]]
        act.result = "nothing to abort"
        if mine:
            arn = self.stack.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
            states = self.aws.session().client("stepfunctions")
            states.stop_execution(executionArn=f"{arn}:{mine[-1]['name']}")
            act.execution_id, act.result = mine[-1]["name"][:36], "aborted"

    def _foreign_job(self, doing: Document, act: Act) -> None:
        """Somebody else recovers some servers, if DRS lets them."""
        drs = self.aws.session(account=self.day.account).client("drs")
        servers = [{"sourceServerID": server_id(number)} for number in doing["servers"]]
        try:
            act.message = drs.start_recovery(sourceServers=servers, isDrill=not doing.get("for_real"))["job"]["jobID"]
        except (drs.exceptions.ConflictException, drs.exceptions.ServiceQuotaExceededException) as refusal:
            act.result, act.message = "refused", str(refusal)
        else:
            act.result = "started"

    # --- what is seen ---

    def _is_quiet(self) -> bool:
        """Every record is settled and no state machine runs."""
        if any(run["status"] == "RUNNING" for run in aws_state.state_machine_runs(self.aws)):
            return False
        headers = [
            parts["EXECUTION"] for parts in aws_state.items(self.aws, self.table).values() if "EXECUTION" in parts
        ]
        begun = [header for header in headers if "Status" in header]
        return all(
            header["Status"] != "RUNNING"
            and header.get("CleanUp", {}).get("Status") in ("COMPLETED", "FAILED", "SKIPPED")
            and "Notification" in header
            for header in begun
        )

    def _seen(self, watcher: Watcher, keep_journal: bool) -> Life:
        aws, account = self.aws, self.day.account
        calls = list(aws.journal)
        journal = aws.journal.to_json_lines() if keep_journal else ""
        drs = aws.session(account=account).client("drs")
        jobs = [job for page in drs.get_paginator("describe_jobs").paginate(filters={}) for job in page["items"]]
        listed = [
            one
            for page in drs.get_paginator("describe_recovery_instances").paginate(filters={})
            for one in page["items"]
        ]
        instances: dict[str, str] = {}
        ec2 = aws.session(account=account).client("ec2")
        for page in ec2.get_paginator("describe_instance_status").paginate(IncludeAllInstances=True):
            instances.update({one["InstanceId"]: one["InstanceState"]["Name"] for one in page["InstanceStatuses"]})
        kept = aws_state.items(aws, self.table)
        known = {key: self.executions.get(key) for key, parts in kept.items() if "EXECUTION" in parts}
        for key in known:
            self.executions.setdefault(key, int(kept[key]["EXECUTION"]["PlanId"].removeprefix("plan-")) - 1)
        return Life(
            day=self.day,
            began=self.began,
            ended=aws.clock.now(),
            acts=self.acts,
            executions=self.executions,
            records={key: self.client.get(key) for key in known if "Status" in kept[key]["EXECUTION"]},
            jobs=sorted(jobs, key=lambda job: job["creationDateTime"]),
            instances=instances,
            recovery_instances=[one["recoveryInstanceID"] for one in listed],
            runs=aws_state.state_machine_runs(aws),
            locks=[key for key, parts in kept.items() if "LOCK" in parts],
            calls=calls,
            journal=journal,
            faults=list(self._faults_of_the_day()),
            log=aws.lambda_logs(self.stack.outputs["FunctionName"]),
            failures=watcher.failures,
            missed=self.missed,
            broken=watcher.found,
        )

    def _faults_of_the_day(self) -> list[Fault]:
        return [Fault.from_dict(fault) for fault in self.day.faults]
