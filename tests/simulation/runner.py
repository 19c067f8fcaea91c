"""Runs a case: a fresh simulated AWS, the deployed engine, the operators' actions and the faults of the case.

`run_case` returns all that is visible from outside the engine: answers to operators, records, jobs, runs of the state
machine, the call journal, and the violations that the monitor found after each invocation of the function.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from engine.client import AlreadyEnded, EngineClient, EngineError, ExecutionNotFound, StartRefused
from engine.deploy import deployment
from simulator import Fault, Simulator
from simulator.gateway.faults import FAIL_LAMBDA
from tests.simulation import aws_state
from tests.simulation.cases import (
    EXTERNAL_ID,
    OTHER_ACCOUNT,
    OWN_ACCOUNT,
    REGION,
    ROLE,
    Case,
    Document,
    execution_type,
    group_document,
    plan_document,
    plan_id,
    server_id,
    snapshot_id,
)
from tests.simulation.monitor import Monitor
from tests.simulation.observation import Observation, OperatorRequest
from tests.simulation.state_machine_loop import thin_loop

STACK = "engine-day"  # part of the call journal of a seed
TARGET_TEMPLATE = Path(deployment.TEMPLATE).with_name("target_account.yaml")
# Operators repeat a request that got no answer: attempts in all, seconds between two of them.
ATTEMPTS = 8
PAUSE = 20
STEP = 60
# The longest plan (4 h), its clean-up (2 h) and a margin: a case that lasts longer hangs.
LONGEST_CASE = timedelta(hours=9)


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
                assert found == 1, "the engine has no single TICKS_PER_RUN any more"
                text = changed.encode()
            target.writestr(name, text)
    return buffer.getvalue()


def run_case(case: Case, *, code: bytes | None = None, keep_journal: bool = False) -> Observation:
    """Run the case; `code` replaces the package of the present engine."""
    with Simulator(seed=case.seed, account=OWN_ACCOUNT, region=REGION) as aws:
        return _CaseRunner(aws, case, code or package(case.ticks_per_run)).run(keep_journal)


class _CaseRunner:
    def __init__(self, aws: Simulator, case: Case, code: bytes) -> None:
        self.aws = aws
        self.case = case
        quotas = case.quotas.get("servers_per_job")
        parameters = {"KeepData": "no"} | ({"ServersPerJob": str(quotas)} if quotas else {})
        self.stack = deployment.deploy(aws.session(), STACK, parameters=parameters, code=code)
        self.client = EngineClient(aws.session(), self.stack.outputs)
        self.table = self.stack.outputs["ExecutionHistoryTable"]
        self.requests: list[OperatorRequest] = []
        self.executions: dict[str, int] = {}
        self.began = aws.clock.now()
        self.missed: list[tuple[datetime, Document]] = []

    def run(self, keep_journal: bool) -> Observation:
        self._set_up()
        monitor = Monitor(self.aws, self.table, self.case.account)
        monitor.start()
        loop = (
            nullcontext()
            if self.case.interpreter
            else thin_loop(self.aws, self.stack.outputs["StateMachineArn"], self._function_arn)
        )
        with loop:
            self.began = self.aws.clock.now()
            for fault in self.case.faults:
                self.aws.faults.add(Fault.from_dict(fault))
            self._record_missed_invocations()
            self._run_actions()
            monitor.stop()
            del self.aws.faults.hit  # uncovers the method of the class
            self.aws.faults.clear()
        return self._observe(monitor, keep_journal)

    def _record_missed_invocations(self) -> None:
        hit = self.aws.faults.hit

        def recording(*call: Any) -> Fault | None:
            fault = hit(*call)
            if fault is not None and fault.kind == FAIL_LAMBDA:
                payload = call[3]["Payload"]
                event = payload if isinstance(payload, dict) else json.loads(payload)
                self.missed.append((self.aws.clock.now(), event))
            return fault

        self.aws.faults.hit = recording  # type: ignore[method-assign,assignment]  # such an invocation leaves no other trace

    def _function_arn(self) -> str:
        return f"arn:aws:lambda:{REGION}:{OWN_ACCOUNT}:function:{self.stack.outputs['FunctionName']}"

    def _topic_arn(self) -> str:
        return str(self.stack.outputs["TopicArn"])

    # --- the environment ---

    def _set_up(self) -> None:
        drs = self.aws.drs_in(self.case.account, REGION)
        drs.initialize()
        for name, value in self.case.quotas.items():
            setattr(drs.quotas, name, value)
        for number, behaviour in self.case.servers.items():
            known = drs.add_source_server(server_id(int(number)), replication_state=behaviour["replicates"])
            if behaviour["snapshot"]:
                drs.add_snapshot(known, snapshot_id(int(number)))
            drs.set_launch(
                known,
                launch_seconds=behaviour["launch"],
                fails_with=behaviour["fails"],
                boot_seconds=behaviour["boot"],
                boot_ends_as=behaviour["becomes"],
                terminate_seconds=20,
                terminate_fails_with=behaviour["terminate_fails"],
            )
        if self.case.other_account:
            self._offer_role()
        self.client.put_group(group_document(self.case))
        for index in range(len(self.case.plans)):
            self.client.put_plan(plan_document(self.case, index, self._topic_arn()))

    def _offer_role(self) -> None:
        role = f"arn:aws:iam::{OWN_ACCOUNT}:role/{self.stack.outputs['FunctionName']}"
        values = {"EngineRoleArn": role, "ExternalId": EXTERNAL_ID, "RoleName": ROLE}
        self.aws.session(account=OTHER_ACCOUNT).client("cloudformation").create_stack(
            StackName="target",
            TemplateBody=TARGET_TEMPLATE.read_text(encoding="utf-8"),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )

    # --- the operators' actions ---

    def _run_actions(self) -> None:
        waiting = list(self.case.actions)
        end = self.began + LONGEST_CASE
        while self.aws.clock.now() < end:
            while waiting and self._due(waiting[0]) <= self.aws.clock.now():
                self._do(waiting.pop(0))
            if not waiting and self._is_quiet():
                return
            pause = timedelta(seconds=STEP)
            if waiting:
                pause = min(pause, self._due(waiting[0]) - self.aws.clock.now())
            self.aws.advance(max(0.001, pause.total_seconds()))

    def _due(self, action: Document) -> datetime:
        return self.began + timedelta(seconds=action["at"])

    def _do(self, action: Document) -> None:
        request = OperatorRequest(action, self.aws.clock.now(), self.aws.clock.now())
        self.requests.append(request)
        getattr(self, f"_{action['do']}")(action, request)
        request.answered = self.aws.clock.now()

    def _start(self, action: Document, request: OperatorRequest) -> None:
        plan = action["plan"]
        taken = self._running_executions() if action.get("take_over") else []

        def ask() -> None:
            request.execution_id = self.client.start(
                plan_id(plan),
                execution_type(self.case, action),
                client_token=action.get("token"),
                initiated_by="an operator",
                keep_existing=action.get("keep", False),
                cancel_drills=action.get("cancel_drills", False),
                take_over=taken,
            )
            request.result = "started"
            self.executions.setdefault(request.execution_id, plan)

        self._ask_until_answered(request, ask)

    def _running_executions(self) -> list[str]:
        """The executions that are not over, which an operator names to take them over."""
        kept = aws_state.items(self.aws, self.table)
        return [key for key, parts in kept.items() if parts.get("EXECUTION", {}).get("Status") == "RUNNING"]

    def _resume(self, action: Document, request: OperatorRequest) -> None:
        """Resume the newest execution of the plan, however it ended."""
        end = self.began + LONGEST_CASE
        while action.get("patient") and not self._is_quiet() and self.aws.clock.now() < end:
            self.aws.advance(STEP)
        request.sent = self.aws.clock.now()
        mine = self._newest_of(action["plan"])
        if mine is None:
            request.result = "no execution to resume"
            return
        if action.get("heal"):
            drs = self.aws.drs_in(self.case.account, REGION)
            for number in self.case.servers:
                drs.set_launch(server_id(int(number)), fails_with=None)

        def ask() -> None:
            request.execution_id = self.client.resume(mine, client_token="resumption")
            request.result = "started"
            self.executions.setdefault(request.execution_id, action["plan"])

        self._ask_until_answered(request, ask)
        request.resumes = mine

    def _newest_of(self, plan: int) -> str | None:
        """The execution of the plan that started last, as `history` lists it; its start may not have been answered."""
        kept = aws_state.items(self.aws, self.table)
        headers = [parts["EXECUTION"] for parts in kept.values() if "Status" in parts.get("EXECUTION", {})]
        mine = [one for one in headers if one["PlanId"] == plan_id(plan)]
        return str(max(mine, key=lambda one: one["StartTime"])["ExecutionId"]) if mine else None

    def _cancel(self, action: Document, request: OperatorRequest) -> None:
        mine = [one for one, plan in self.executions.items() if plan == action["plan"]]
        if not mine:
            request.result = "no execution to cancel"
            return
        request.execution_id = mine[-1]

        def ask() -> None:
            self.client.cancel(mine[-1])
            request.result = "accepted"

        self._ask_until_answered(request, ask)

    def _ask_until_answered(self, request: OperatorRequest, ask: Callable[[], None]) -> None:
        """Repeat the request until the engine answers; repeat it as well when the engine could not check the plan."""
        for request.tries in range(1, ATTEMPTS + 1):
            try:
                return ask()
            except StartRefused as refusal:
                request.result, request.message = "refused", "; ".join(refusal.problems)
                if "could not be checked" not in request.message:
                    return None
            except AlreadyEnded as error:
                request.result, request.message = "over already", str(error)
                return None
            except ExecutionNotFound as error:
                request.result, request.message = "not found", str(error)
            except (EngineError, ClientError) as error:
                request.result, request.message = "no answer", str(error)
            self.aws.advance(PAUSE)
        return None

    def _abort(self, action: Document, request: OperatorRequest) -> None:
        """An operator stops the newest run of the plan's state machine."""
        running = [run for run in aws_state.state_machine_runs(self.aws) if run["status"] == "RUNNING"]
        mine = [run for run in running if self.executions.get(run["name"][:36]) == action["plan"]]
        request.result = "no run to abort"
        if mine:
            arn = self.stack.outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
            states = self.aws.session().client("stepfunctions")
            states.stop_execution(executionArn=f"{arn}:{mine[-1]['name']}")
            request.execution_id, request.result = mine[-1]["name"][:36], "aborted"

    def _foreign_job(self, action: Document, request: OperatorRequest) -> None:
        """An operator starts a DRS job outside the engine; DRS may refuse it."""
        drs = self.aws.session(account=self.case.account).client("drs")
        servers = [{"sourceServerID": server_id(number)} for number in action["servers"]]
        try:
            request.message = drs.start_recovery(sourceServers=servers, isDrill=not action.get("recovery"))["job"][
                "jobID"
            ]
        except (drs.exceptions.ConflictException, drs.exceptions.ServiceQuotaExceededException) as refusal:
            request.result, request.message = "refused", str(refusal)
        else:
            request.result = "started"

    # --- the observation ---

    def _is_quiet(self) -> bool:
        """True when every record is finalized and no state machine runs."""
        if any(run["status"] == "RUNNING" for run in aws_state.state_machine_runs(self.aws)):
            return False
        headers = [
            parts["EXECUTION"] for parts in aws_state.items(self.aws, self.table).values() if "EXECUTION" in parts
        ]
        started = [header for header in headers if "Status" in header]
        return all(
            header["Status"] != "RUNNING"
            and header.get("CleanUp", {}).get("Status") in ("COMPLETED", "FAILED", "SKIPPED")
            and "Notification" in header
            for header in started
        )

    def _observe(self, monitor: Monitor, keep_journal: bool) -> Observation:
        aws, account = self.aws, self.case.account
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
        return Observation(
            case=self.case,
            began=self.began,
            ended=aws.clock.now(),
            requests=self.requests,
            executions=self.executions,
            records={key: self.client.get(key) for key in known if "Status" in kept[key]["EXECUTION"]},
            jobs=sorted(jobs, key=lambda job: job["creationDateTime"]),
            instances=instances,
            recovery_instances=[one["recoveryInstanceID"] for one in listed],
            runs=aws_state.state_machine_runs(aws),
            locks=[key for key, parts in kept.items() if "LOCK" in parts],
            calls=calls,
            journal=journal,
            faults=list(self._faults_of_the_case()),
            log=aws.lambda_logs(self.stack.outputs["FunctionName"]),
            failures=monitor.failures,
            missed=self.missed,
            violations=monitor.violations,
        )

    def _faults_of_the_case(self) -> list[Fault]:
        return [Fault.from_dict(fault) for fault in self.case.faults]
