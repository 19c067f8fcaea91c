"""The client of a deployed engine: starts, watches, cancels and lists executions.

Commands invoke the Lambda function of the engine. Reads of executions query the history table: one Query on an index
for each page, never a Scan.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.aws.execution_history import LOCK_KEY, lock_id
from engine.aws.tables import from_item, to_item
from engine.client.aws_time import AwsTime, latest_moment
from engine.client.readiness import Chosen, chosen, inspect
from engine.core.chunks import chunks
from engine.core.document import HEADER_KEY, assemble, timestamp
from engine.core.plan import resolve_target
from engine.core.schema_errors import is_id
from engine.core.validation import PlanProblem, named_groups, plan_problems, plan_warnings
from engine.deploy.deployment import describe

Document = dict[str, Any]

_UUID_LENGTH = 36
_KEYS_A_REQUEST = 100  # BatchGetItem
_DETAILS = ("Objectives", "OptionalServerCount", "OptionalNotRecovered")


class EngineError(Exception):
    """The function of the engine failed; the message is from Lambda."""


class StartRefused(EngineError):
    """The plan was not started; `problems` has all reasons.

    `existing` has the instances of earlier recoveries that are in the way, each with SourceServerId, RecoveryInstanceId
    and, if known, HostName, State, LaunchTime and ExecutionId.
    """

    def __init__(self, problems: list[str], existing: Iterable[Document] = ()) -> None:
        super().__init__("the plan was not started:\n" + "\n".join(f"- {problem}" for problem in problems))
        self.problems = problems
        self.existing = list(existing)


class ExecutionNotFound(EngineError, LookupError):
    """The execution does not exist."""


class AlreadyEnded(EngineError):
    """The execution has ended and cannot be cancelled."""


class DecisionRefused(EngineError):
    """The approval, rejection, pause or continuation has no effect; the message says why."""


@dataclass(frozen=True)
class Started:
    """The execution of a start. `existed`: the plan runs already, or the token was used before."""

    execution_id: str
    existed: bool
    # The first warnings about the servers of a new execution, and their number.
    warnings: tuple[str, ...] = ()
    warning_count: int = 0


@dataclass(frozen=True)
class Page:
    """Summaries of executions, newest first; `next_token` is for the next page, None after the last one."""

    items: list[Document]
    next_token: str | None


class EngineClient:
    """The client of one deployed engine. `session` is the caller's boto3 session."""

    def __init__(self, session: Any, outputs: Mapping[str, str]) -> None:
        self._session = session
        self._outputs = outputs
        self._dynamodb = session.client("dynamodb")
        self._queries = self._dynamodb.get_paginator("query")
        self._lambda = session.client("lambda")
        self._states = session.client("stepfunctions")
        self._time = AwsTime()

    @classmethod
    def from_stack(cls, session: Any, stack_name: str) -> EngineClient:
        """The engine of this CloudFormation stack. Raises DeploymentFailed if it does not exist."""
        return cls(session, describe(session, stack_name).outputs)

    # --- commands ---

    def start(
        self,
        plan_id: str,
        execution_type: str = "DRILL",
        *,
        client_token: str | None = None,
        initiated_by: str | None = None,
        keep_existing: bool = False,
        replace_existing: Mapping[str, str] | None = None,
        as_of: datetime | None = None,
        snapshots: Mapping[str, str] | None = None,
        cancel_drills: bool = False,
        take_over: Iterable[str] = (),
    ) -> str:
        """Start a plan (DRILL or RECOVERY); returns the ExecutionId, that of the running execution if there is one.

        The same `client_token` always returns the same execution. `initiated_by` is for the audit trail; its default is
        the ARN of the caller. A RECOVERY over servers with instances of an earlier recovery is refused, unless
        `keep_existing` adopts these instances, or `replace_existing` has the recovery instance id of each server to
        launch again; all other instances are then kept. `as_of` (with a zone) launches each server from its newest
        snapshot that is not after that time; `snapshots` (id by server) go before it.
        A start over servers that another execution holds is refused. For a RECOVERY, `cancel_drills` cancels the drills
        that hold its servers or its plan, and `take_over` cancels these executions and does not wait for them. Raises
        StartRefused.
        """
        return self.start_or_find(
            plan_id,
            execution_type,
            client_token=client_token,
            initiated_by=initiated_by,
            keep_existing=keep_existing,
            replace_existing=replace_existing,
            as_of=as_of,
            snapshots=snapshots,
            cancel_drills=cancel_drills,
            take_over=take_over,
        ).execution_id

    def start_or_find(
        self,
        plan_id: str,
        execution_type: str = "DRILL",
        *,
        client_token: str | None = None,
        initiated_by: str | None = None,
        keep_existing: bool = False,
        replace_existing: Mapping[str, str] | None = None,
        as_of: datetime | None = None,
        as_of_snapshots: Chosen | None = None,
        snapshots: Mapping[str, str] | None = None,
        cancel_drills: bool = False,
        take_over: Iterable[str] = (),
    ) -> Started:
        """As `start`, but also returns whether the execution existed already.

        `as_of_snapshots` are the snapshots that `snapshots_as_of` has returned for `as_of`, which then is not repeated.
        """
        event = {
            "Action": "start",
            "PlanId": plan_id,
            "ExecutionType": execution_type,
            "InitiatedBy": initiated_by or self._caller(),
        }
        choices: Document = {
            "ClientToken": client_token,
            "KeepExisting": keep_existing,
            "ReplaceExisting": replace_existing,
            "CancelDrills": cancel_drills,
            "TakeOver": list(take_over),
        }
        if as_of is not None:
            choices |= {"AsOf": timestamp(as_of)}
            found = as_of_snapshots or self.snapshots_as_of(plan_id, as_of)
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
        initiated_by: str | None = None,
    ) -> str:
        """Continue a FAILED or CANCELLED execution; returns the ExecutionId of the execution that resumes it.

        A drill can be resumed while its instances exist.

        Recovered servers are kept, the others are launched. `snapshots` has the snapshot id of each server to launch
        from another one, `replace_existing` the recovery instance id of each server to launch again. Raises
        StartRefused.
        """
        event = {
            "Action": "resume",
            "ExecutionId": execution_id,
            "InitiatedBy": initiated_by or self._session.client("sts").get_caller_identity()["Arn"],
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
        """Terminate the instances of a drill whose plan keeps them. Raises DecisionRefused, ExecutionNotFound."""
        _require_no_refusal(self._invoke({"Action": "cleanup", "ExecutionId": execution_id}))

    def kept_drills(self) -> list[str]:
        """The ids of drills whose instances were kept and not cleaned up since; reads the history of all executions."""
        found: list[str] = []
        resumed: dict[str, str] = {}
        for status in ("COMPLETED", "FAILED", "CANCELLED"):
            drills = [one["ExecutionId"] for one in self._all(status) if one["ExecutionType"] == "DRILL"]
            details = self.details(drills, ("CleanUp", "ResumedBy"))
            kept = [one for one in drills if details.get(one, {}).get("CleanUp", {}).get("Status") == "SKIPPED"]
            found += [one for one in kept if self._has_instances(one)]
            resumed |= {details[one]["ResumedBy"]: one for one in kept if "ResumedBy" in details[one]}
        # The newest execution of a chain owns the instances; a resumption that was refused has left no record.
        owned = {resumed[successor] for successor in self.details(list(resumed))}
        return [one for one in found if one not in owned]

    def _has_instances(self, execution_id: str) -> bool:
        waves = self.get(execution_id)["Waves"]
        # A resumed drill owns the instances of its predecessor, even those that it has not come to.
        names = {"RecoveryInstanceId", "ExistingInstanceId"}
        return any(names & server.keys() for wave in waves for server in wave["ServerResults"])

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

        These are the executions with a running state machine, with the status RUNNING, or in the hands of the finalizer
        after their state machine failed. Needs one Query and two lists, no Scan.
        """
        machine = self._outputs["StateMachineArn"]
        # A long execution's later runs are named <ExecutionId>-<run>.
        found = {run["name"][:_UUID_LENGTH] for run in self._running(machine)}
        found |= {self._finalized_by(run["executionArn"]) for run in self._running(_finalizer_arn(machine))}
        return sorted(found | set(self._with_status("RUNNING")))

    def _running(self, state_machine: str) -> Iterator[Document]:
        pages = self._states.get_paginator("list_executions")
        # After a deletion that failed half-way, the state machine may not exist any more.
        with suppress(self._states.exceptions.StateMachineDoesNotExist):
            for page in pages.paginate(stateMachineArn=state_machine, statusFilter="RUNNING"):
                yield from page["executions"]

    def _finalized_by(self, finalizer_run: str) -> str:
        """The execution that a run of the finalizer works on; the input of the run is the status change event."""
        event = json.loads(self._states.describe_execution(executionArn=finalizer_run)["input"])
        return str(event["detail"]["name"])[:_UUID_LENGTH]

    def _with_status(self, status: str) -> Iterator[str]:
        yield from (item["ExecutionId"] for item in self._all(status))

    def _all(self, status: str) -> Iterator[Document]:
        token = None
        with suppress(self._dynamodb.exceptions.ResourceNotFoundException):
            while True:
                page = self.list_by_status(status, limit=100, page_token=token)
                yield from page.items
                token = page.next_token
                if token is None:
                    return

    # --- executions ---

    def get(self, execution_id: str) -> Document:
        """The whole record of one execution, as one document. Raises ExecutionNotFound."""
        items = self._items(execution_id)
        header = items.pop(HEADER_KEY, None)
        if header is None or "Status" not in header:
            raise ExecutionNotFound(f"there is no execution {execution_id}; `history` lists them")
        parts: dict[int, list[Document]] = {}
        for key in sorted(items):
            parts.setdefault(int(key.split("#")[1]), []).append(items[key])
        record = assemble(header, parts)
        if (moment := latest_moment(record)) is not None:
            self._time.at_least(moment)
        return record

    def _items(self, execution_id: str) -> dict[str, Document]:
        """All items of an execution by ItemKey."""
        pages = self._queries.paginate(
            TableName=self._outputs["ExecutionHistoryTable"],
            KeyConditionExpression="ExecutionId = :id",
            ExpressionAttributeValues=to_item({":id": execution_id}),
            ConsistentRead=True,
        )
        found = []
        for page in pages:
            self._time.observe(page)
            found += [from_item(item) for item in page["Items"]]
        return {item["ItemKey"]: item for item in found}

    def now(self) -> datetime:
        """The time of AWS (UTC) according to the last `get`; before that, the time of this machine."""
        return self._time.now()

    def list_by_plan(self, plan_id: str, *, limit: int = 25, page_token: str | None = None) -> Page:
        """The plan's executions, newest first."""
        return self._list("PlanIndex", "PlanId", plan_id, limit, page_token)

    def list_by_status(self, status: str, *, limit: int = 25, page_token: str | None = None) -> Page:
        """The executions with this Status, newest first."""
        return self._list("StatusIndex", "Status", status, limit, page_token)

    def _list(self, index: str, key: str, value: str, limit: int, page_token: str | None) -> Page:
        response = self._dynamodb.query(
            TableName=self._outputs["ExecutionHistoryTable"],
            IndexName=index,
            KeyConditionExpression="#key = :value",
            ExpressionAttributeNames={"#key": key},
            ExpressionAttributeValues=to_item({":value": value}),
            ScanIndexForward=False,
            Limit=limit,
            **({"ExclusiveStartKey": _read_token(page_token)} if page_token else {}),
        )
        items = [from_item(item) for item in response["Items"]]
        for item in items:
            del item["ItemKey"]
        last = response.get("LastEvaluatedKey")
        return Page(items, _write_token(last) if last else None)

    def details(self, execution_ids: Sequence[str], names: Sequence[str] = _DETAILS) -> dict[str, Document]:
        """By ExecutionId fields that the indexes lack; by default Objectives, and counts of optional servers."""
        table = self._outputs["ExecutionHistoryTable"]
        found: dict[str, Document] = {}
        for ids in chunks(execution_ids, _KEYS_A_REQUEST):
            keys = [to_item({"ExecutionId": one, "ItemKey": HEADER_KEY}) for one in ids]
            # Keys that DynamoDB leaves out three times stay without details: a list does not wait for them.
            for _ in range(3):
                request = {table: {"Keys": keys, "ProjectionExpression": ", ".join(("ExecutionId", *names))}}
                answer = self._dynamodb.batch_get_item(RequestItems=request)
                for item in map(from_item, answer["Responses"][table]):
                    found[item["ExecutionId"]] = {name: item[name] for name in names if name in item}
                keys = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
                if not keys:
                    break
        return found

    def delete_execution(self, execution_id: str) -> None:
        """Delete the record of a settled execution; only for test data."""
        for item_key in self._items(execution_id):
            self._dynamodb.delete_item(
                TableName=self._outputs["ExecutionHistoryTable"],
                Key=to_item({"ExecutionId": execution_id, "ItemKey": item_key}),
            )

    # --- plans and groups ---

    def get_plan(self, plan_id: str) -> Document | None:
        """The stored recovery plan with this PlanId, if any."""
        return self._one(self._outputs["RecoveryPlansTable"], {"PlanId": plan_id})

    def plans(self) -> list[Document]:
        """All stored recovery plans by PlanId. This reads the whole table, which has plans only."""
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._outputs["RecoveryPlansTable"], ConsistentRead=True
        )
        found = [from_item(item) for page in pages for item in page["Items"]]
        return sorted(found, key=lambda plan: str(plan["PlanId"]))

    def groups_of(self, plan: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The stored protection groups that the plan names, by GroupId."""
        found = self._groups_of(plan, ())
        return [found[group_id] for group_id in sorted(found)]

    def holder(self, plan_id: str) -> str | None:
        """The ExecutionId of the execution that runs the plan or cleans up after it, if any."""
        key = {"ExecutionId": lock_id(plan_id), "ItemKey": LOCK_KEY}
        lock = self._one(self._outputs["ExecutionHistoryTable"], key)
        return str(lock["LockedBy"]) if lock else None

    def get_group(self, group_id: str) -> Document | None:
        """The stored protection group with this GroupId, if any."""
        return self._one(self._outputs["ProtectionGroupsTable"], {"GroupId": group_id})

    def _one(self, table: str, key: Mapping[str, str]) -> Document | None:
        response = self._dynamodb.get_item(TableName=table, Key=to_item(key), ConsistentRead=True)
        return from_item(response["Item"]) if "Item" in response else None

    def problems(self, plan: Mapping[str, Any], groups: Iterable[Mapping[str, Any]] = ()) -> list[PlanProblem]:
        """The problems of the plan that a start would report, without calls to DRS; `groups` replace stored groups."""
        known = self._groups_of(plan, groups)
        _, _, _, region, account, *_ = self._outputs["StateMachineArn"].split(":")
        return plan_problems(plan, known, resolve_target(plan, account_id=account, region=region))

    def warnings(self, plan: Mapping[str, Any], groups: Iterable[Mapping[str, Any]] = ()) -> list[PlanProblem]:
        """Parts of a plan without problems that its author may not have meant; `groups` replace stored groups."""
        return plan_warnings(plan, self._groups_of(plan, groups))

    def _groups_of(self, plan: Mapping[str, Any], groups: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        known = {group["GroupId"]: group for group in groups if isinstance(group["GroupId"], str)}
        for group_id in named_groups(plan) - known.keys():
            if is_id(group_id) and (group := self.get_group(group_id)) is not None:
                known[group_id] = group
        return known

    def put_plan(self, plan: Mapping[str, Any]) -> None:
        self._dynamodb.put_item(TableName=self._outputs["RecoveryPlansTable"], Item=to_item(plan))

    def put_group(self, group: Mapping[str, Any]) -> None:
        self._dynamodb.put_item(TableName=self._outputs["ProtectionGroupsTable"], Item=to_item(group))

    def delete_plan(self, plan_id: str) -> None:
        self._dynamodb.delete_item(TableName=self._outputs["RecoveryPlansTable"], Key=to_item({"PlanId": plan_id}))

    def delete_group(self, group_id: str) -> None:
        self._dynamodb.delete_item(TableName=self._outputs["ProtectionGroupsTable"], Key=to_item({"GroupId": group_id}))


def _require_no_refusal(answer: Document) -> None:
    if answer.get("Refusal") == "ExecutionUnknown":
        raise ExecutionNotFound(answer["Message"])
    if "Refusal" in answer:
        raise DecisionRefused(answer["Message"])


def _finalizer_arn(state_machine: str) -> str:
    """The ARN of the finalizer of the same stack; its deployed name keeps the ending `-closer`."""
    return f"{state_machine.removesuffix('-engine')}-closer"


def _write_token(key: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(from_item(key)).encode()).decode()


def _read_token(token: str) -> dict[str, Any]:
    try:
        return to_item(json.loads(base64.urlsafe_b64decode(token)))
    except ValueError as error:
        raise EngineError("the page token is not one of this client's") from error
