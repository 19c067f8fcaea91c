"""The client of a deployed engine: starts, watches, cancels and lists executions.

Commands invoke the Lambda functions of the engine. `engine.client.history` reads the executions,
`engine.client.plans` the plans and groups.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypedDict, Unpack

from botocore.exceptions import BotoCoreError, ClientError

from engine.client.answers import (
    AlreadyEnded,
    DecisionRefused,
    Document,
    EngineError,
    ExecutionNotFound,
    Started,
    StartRefused,
)
from engine.client.history import History
from engine.client.plan_readiness import plan_findings
from engine.client.plans import Plans
from engine.client.readiness import Chosen, chosen, inspect
from engine.core.document import timestamp
from engine.core.readiness import Finding
from engine.core.record import keeps_instances
from engine.core.statuses import CLEAN_UP_TO_REPEAT
from engine.deploy.deployment import describe
from engine.deploy.kept_drills import exist_still

_UUID_LENGTH = 36


class StartOptions(TypedDict, total=False):
    """The options of a start."""

    # The same token always returns the same execution.
    client_token: str | None
    # For the audit trail; its default is the ARN of the caller.
    initiated_by: str | None
    # Instances of an earlier recovery: adopt them all, but launch again the servers of `replace_existing`, which has
    # the recovery instance id of each.
    keep_existing: bool
    replace_existing: Mapping[str, str] | None
    # A time with a zone: launch each server from its newest snapshot that is not after it. `as_of_snapshots` is what
    # `snapshots_as_of` returned for this time, which then is not asked again.
    as_of: datetime | None
    as_of_snapshots: Chosen | None
    # The id by server; they go before `as_of`.
    snapshots: Mapping[str, str] | None
    # For a RECOVERY: cancel the drills that hold its servers or its plan.
    cancel_drills: bool
    # For a RECOVERY: cancel these executions, and do not wait for their end.
    take_over: Iterable[str]


class EngineClient(History, Plans):
    """The client of one deployed engine. `session` is the caller's boto3 session."""

    def __init__(self, session: Any, outputs: Mapping[str, str]) -> None:
        super().__init__(session, outputs)
        self._session = session
        self._lambda = session.client("lambda")
        self._states = session.client("stepfunctions")

    @classmethod
    def from_stack(cls, session: Any, stack_name: str) -> EngineClient:
        """The engine of this CloudFormation stack. Raises DeploymentFailed if it does not exist."""
        return cls(session, describe(session, stack_name).outputs)

    def start(self, plan_id: str, execution_type: str = "DRILL", **options: Unpack[StartOptions]) -> str:
        """Start a plan (DRILL or RECOVERY); returns the ExecutionId, that of the running execution if there is one.

        A RECOVERY over servers with instances of an earlier recovery is refused, and so is a start over servers that
        another execution holds; the options say what to do with both. Raises StartRefused.
        """
        return self.start_or_find(plan_id, execution_type, **options).execution_id

    def start_or_find(self, plan_id: str, execution_type: str = "DRILL", **options: Unpack[StartOptions]) -> Started:
        """As `start`, but also returns whether the execution existed already."""
        as_of, snapshots = options.get("as_of"), options.get("snapshots")
        event = {
            "Action": "start",
            "PlanId": plan_id,
            "ExecutionType": execution_type,
            "InitiatedBy": options.get("initiated_by") or self._caller(),
        }
        choices: Document = {
            "ClientToken": options.get("client_token"),
            "KeepExisting": options.get("keep_existing"),
            "ReplaceExisting": options.get("replace_existing"),
            "CancelDrills": options.get("cancel_drills"),
            "TakeOver": list(options.get("take_over", ())),
        }
        if as_of is not None:
            choices |= {"AsOf": timestamp(as_of)}
            found = options.get("as_of_snapshots") or self.snapshots_as_of(plan_id, as_of)
            snapshots, missing = found.with_given(snapshots or {})
            if missing:
                raise StartRefused([f"plan {plan_id}: no snapshot at or before {as_of.isoformat()} of {missing}"])
        choices |= {"Snapshots": snapshots}
        answer = self._invoke(event | {name: value for name, value in choices.items() if value})
        if "Problems" in answer:
            raise StartRefused(answer["Problems"], answer.get("Existing", []))
        return Started(
            str(answer["ExecutionId"]),
            bool(answer.get("Existed", False)),
            tuple(answer.get("Warnings", ())),
            answer.get("WarningCount", 0),
        )

    def resume(
        self,
        execution_id: str,
        *,
        skip_waves: Iterable[int] = (),
        skip_servers: Iterable[str] = (),
        snapshots: Mapping[str, str] | None = None,
        replace_existing: Mapping[str, str] | None = None,
        client_token: str | None = None,
        initiated_by: str | None = None,
    ) -> str:
        """Continue a FAILED or CANCELLED execution; returns the ExecutionId of the execution that resumes it.

        A drill can be resumed while its instances exist.

        Recovered servers are kept, the others are launched. `snapshots` has the snapshot id of each server to launch
        from another one, `replace_existing` the recovery instance id of each server to launch again. The same
        `client_token` always returns the same successor; its default is a new token, for the retries of this call.
        Raises StartRefused.
        """
        event = {
            "Action": "resume",
            "ExecutionId": execution_id,
            "ClientToken": client_token or str(uuid.uuid4()),
            "InitiatedBy": initiated_by or self._caller(),
        }
        choices = {
            "SkipWaves": list(skip_waves),
            "SkipServers": list(skip_servers),
            "Snapshots": dict(snapshots or {}),
            "ReplaceExisting": dict(replace_existing or {}),
        }
        answer = self._invoke(event | {name: value for name, value in choices.items() if value})
        if "Problems" in answer:
            raise StartRefused(answer["Problems"], answer.get("Existing", []))
        return str(answer["ExecutionId"])

    def snapshots_as_of(self, plan_id: str, as_of: datetime) -> Chosen:
        """For each server of the plan its newest snapshot that is not after `as_of`. Raises StartRefused."""
        facts = self.facts(plan_id)
        servers = [server["SourceServerId"] for server in facts["Servers"] if server["Exists"]]
        return chosen(facts, inspect(self._invoke, plan_id, servers, as_of))

    def facts(self, plan_id: str) -> Document:
        """The facts about the readiness of the plan's servers (`engine.core.readiness_check`). Raises StartRefused."""
        answer = self._invoke({"Action": "check", "PlanId": plan_id})
        if "Problems" in answer:
            raise StartRefused(answer["Problems"])
        return answer

    def plan_findings(self, facts: Mapping[str, Any]) -> list[Finding]:
        """The findings about topic, quotas and groups of the plan of these facts, READY ones as well."""
        return plan_findings(self._session, facts)

    def inspect(self, plan_id: str, servers: Sequence[str], as_of: datetime | None = None) -> dict[str, Document]:
        """The facts that cost a call for each server; a server that there was no time for is absent."""
        return inspect(self._invoke, plan_id, servers, as_of)

    def cancel(self, execution_id: str, *, reason: str | None = None) -> None:
        """Request the end of a running execution. Raises AlreadyEnded, ExecutionNotFound."""
        text = f"cancelled by {self._caller()}" + (f": {reason}" if reason else "")
        answer = self._invoke({"Action": "cancel", "ExecutionId": execution_id, "Reason": text})
        if answer.get("Refusal") == "InvalidEvent":
            raise EngineError(answer["Message"])
        if answer.get("Refusal") == "AlreadyEnded":
            raise AlreadyEnded(answer["Message"])
        if answer.get("Refusal") == "ExecutionUnknown":
            raise ExecutionNotFound(answer["Message"])

    def approve(self, execution_id: str, wave: int, *, comment: str | None = None) -> None:
        """Approve a wave that waits for it. Raises DecisionRefused, ExecutionNotFound."""
        self._decide("approve", execution_id, wave, comment)

    def reject(self, execution_id: str, wave: int, *, comment: str | None = None) -> None:
        """Reject a wave that waits for approval: it ends FAILED. Raises DecisionRefused, ExecutionNotFound."""
        self._decide("reject", execution_id, wave, comment)

    def cleanup(self, execution_id: str) -> None:
        """Terminate the instances of a drill whose plan keeps them, or whose clean-up failed.

        Raises DecisionRefused, ExecutionNotFound.
        """
        _require_no_refusal(self._invoke({"Action": "cleanup", "ExecutionId": execution_id}))

    def kept_drills(self) -> list[str]:
        """The ids of drills whose plan keeps their instances or whose clean-up failed, and that have some left.

        Reads the history of all executions.
        """
        found: list[str] = []
        resumed: dict[str, str] = {}
        for status in ("COMPLETED", "FAILED", "CANCELLED"):
            drills = [one["ExecutionId"] for one in self.with_status(status) if one["ExecutionType"] == "DRILL"]
            details = self.details(drills, ("CleanUp", "ResumedBy"))
            cleaned = {one: details.get(one, {}).get("CleanUp", {}).get("Status") for one in drills}
            kept = [one for one in drills if cleaned[one] in CLEAN_UP_TO_REPEAT]
            found += [one for one in kept if keeps_instances(self.get(one))]
            resumed |= {details[one]["ResumedBy"]: one for one in kept if "ResumedBy" in details[one]}
        # The newest execution of a chain owns the instances; a resumption that was refused has left no record.
        owned = {resumed[successor] for successor in self.details(list(resumed))}
        return [one for one in found if one not in owned]

    def keeps_instances(self, record: Mapping[str, Any]) -> bool:
        """Whether instances of this drill may run on: by its record, and by DRS as far as the caller may ask it.

        DRS is asked with the caller's own credentials, so for plans of their account and Region only.
        """
        if not keeps_instances(record):
            return False
        try:
            return exist_still(self._session, record)
        except (BotoCoreError, ClientError):
            return True

    def pause(self, execution_id: str) -> None:
        """Hold a running execution before its next wave. Raises DecisionRefused, ExecutionNotFound."""
        self._hold("pause", execution_id)

    def continue_(self, execution_id: str) -> None:
        """End the pause of an execution. Raises DecisionRefused, ExecutionNotFound."""
        self._hold("continue", execution_id)

    def _decide(self, action: str, execution_id: str, wave: int, comment: str | None) -> None:
        if "ApprovalFunctionName" not in self._outputs:
            raise EngineError("this stack has no approvals yet; update it with `deploy`")
        event = {"Action": action, "ExecutionId": execution_id, "WaveNumber": wave, "By": self._caller()}
        function = self._outputs["ApprovalFunctionName"]
        _require_no_refusal(self._invoke(event | ({"Comment": comment} if comment else {}), function))

    def _hold(self, action: str, execution_id: str) -> None:
        event = {"Action": action, "ExecutionId": execution_id, "By": self._caller()}
        _require_no_refusal(self._invoke(event))

    def _caller(self) -> str:
        """The ARN of the caller, for the audit trail."""
        return str(self._session.client("sts").get_caller_identity()["Arn"])

    def _invoke(self, event: Mapping[str, Any], function: str | None = None) -> Document:
        name = function or self._outputs["FunctionName"]
        response = self._lambda.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        payload: Document = json.loads(response["Payload"].read() or "{}")
        if "FunctionError" in response:
            raise EngineError(f"{payload.get('errorType', 'Error')}: {payload.get('errorMessage', payload)}")
        return payload

    def at_work(self) -> list[str]:
        """The ids of executions that are not settled: their instances and records still need the engine.

        These are the executions with a running state machine, with the status RUNNING, or in the hands of the closer
        after their state machine failed. Needs one Query and two lists, no Scan.
        """
        machine = self._outputs["StateMachineArn"]
        # A long execution's later runs are named <ExecutionId>-<run>.
        found = {run["name"][:_UUID_LENGTH] for run in self._running(machine)}
        found |= {self._closed_by(run["executionArn"]) for run in self._running(_closer_arn(machine))}
        return sorted(found | {one["ExecutionId"] for one in self.with_status("RUNNING")})

    def _running(self, state_machine: str) -> Iterator[Document]:
        pages = self._states.get_paginator("list_executions")
        # After a deletion that failed half-way, the state machine may not exist any more.
        with suppress(self._states.exceptions.StateMachineDoesNotExist):
            for page in pages.paginate(stateMachineArn=state_machine, statusFilter="RUNNING"):
                yield from page["executions"]

    def _closed_by(self, closer_run: str) -> str:
        """The execution that a run of the closer works on; the input of the run is the status change event."""
        event = json.loads(self._states.describe_execution(executionArn=closer_run)["input"])
        return str(event["detail"]["name"])[:_UUID_LENGTH]


def _require_no_refusal(answer: Document) -> None:
    if answer.get("Refusal") == "ExecutionUnknown":
        raise ExecutionNotFound(answer["Message"])
    if "Refusal" in answer:
        raise DecisionRefused(answer["Message"])


def _closer_arn(state_machine: str) -> str:
    """The ARN of the closer of the same stack; its name ends in `-closer`."""
    return f"{state_machine.removesuffix('-engine')}-closer"
