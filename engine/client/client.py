"""How other programs use a deployed engine: start, watch, cancel and look up executions.

Commands go to the engine's Lambda function; reads are queries of its tables, one Query a page on an index, never a
scan.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.aws.tables import from_item, to_item
from engine.client.aws_time import AwsTime
from engine.core.document import HEADER_KEY, assemble
from engine.core.plan import resolve_target
from engine.core.schema_errors import is_id
from engine.core.validation import PlanProblem, named_groups, plan_problems
from engine.deploy.deployment import describe

Document = dict[str, Any]

_UUID_LENGTH = 36


class EngineError(Exception):
    """The engine's function failed; the message is Lambda's."""


class StartRefused(EngineError):
    """The plan was not started; `problems` names every reason."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("the plan was not started:\n" + "\n".join(f"- {problem}" for problem in problems))
        self.problems = problems


class ExecutionNotFound(EngineError, LookupError):
    """There is no such execution."""


class AlreadyEnded(EngineError):
    """The execution is over: it can neither be cancelled nor has it to be."""


@dataclass(frozen=True)
class Started:
    """What became of a start. `existed`: nothing was started, the plan runs already or the token was used before."""

    execution_id: str
    existed: bool


@dataclass(frozen=True)
class Page:
    """Some executions, newest first (summaries); `next_token` gets the next page, None ends."""

    items: list[Document]
    next_token: str | None


class EngineClient:
    """A client of one deployed engine. `session` is a boto3 session of whoever uses it."""

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
        """The engine of this CloudFormation stack. Raises DeploymentFailed when there is none."""
        return cls(session, describe(session, stack_name).outputs)

    # --- commands ---

    def start(
        self,
        plan_id: str,
        execution_type: str = "DRILL",
        *,
        client_token: str | None = None,
        initiated_by: str | None = None,
    ) -> str:
        """Start a plan (DRILL or RECOVERY) and return its ExecutionId; a plan that runs already returns that one's.

        The same `client_token` always returns the same execution. `initiated_by` is for the audit trail, by default
        the caller's ARN. Raises StartRefused.
        """
        started = self.start_or_find(plan_id, execution_type, client_token=client_token, initiated_by=initiated_by)
        return started.execution_id

    def start_or_find(
        self,
        plan_id: str,
        execution_type: str = "DRILL",
        *,
        client_token: str | None = None,
        initiated_by: str | None = None,
    ) -> Started:
        """As `start`, and whether the execution was there already."""
        event = {
            "Action": "start",
            "PlanId": plan_id,
            "ExecutionType": execution_type,
            "InitiatedBy": initiated_by or self._session.client("sts").get_caller_identity()["Arn"],
        }
        answer = self._invoke(event if client_token is None else event | {"ClientToken": client_token})
        if "Problems" in answer:
            raise StartRefused(answer["Problems"])
        return Started(str(answer["ExecutionId"]), bool(answer.get("Existed", False)))

    def cancel(self, execution_id: str, *, reason: str | None = None) -> None:
        """Ask a running execution to stop. Raises AlreadyEnded, ExecutionNotFound."""
        who = self._session.client("sts").get_caller_identity()["Arn"]
        text = f"cancelled by {who}" + (f": {reason}" if reason else "")
        answer = self._invoke({"Action": "cancel", "ExecutionId": execution_id, "Reason": text})
        if answer.get("Refusal") == "AlreadyEnded":
            raise AlreadyEnded(answer["Message"])
        if answer.get("Refusal") == "ExecutionUnknown":
            raise ExecutionNotFound(answer["Message"])

    def _invoke(self, event: Mapping[str, Any]) -> Document:
        response = self._lambda.invoke(FunctionName=self._outputs["FunctionName"], Payload=json.dumps(event).encode())
        payload: Document = json.loads(response["Payload"].read() or "{}")
        if "FunctionError" in response:
            raise EngineError(f"{payload.get('errorType', 'Error')}: {payload.get('errorMessage', payload)}")
        return payload

    def at_work(self) -> list[str]:
        """The executions that run or are not settled yet: their instances and their records still need the engine.

        Those with a running state machine, those whose record says RUNNING, and those that a closer works on (their
        state machine died). An index query and two lists; never a scan.
        """
        machine = self._outputs["StateMachineArn"]
        # A long execution's later runs are named <ExecutionId>-<run>.
        found = {run["name"][:_UUID_LENGTH] for run in self._running(machine)}
        found |= {self._finalized_by(run["executionArn"]) for run in self._running(_finalizer_arn(machine))}
        return sorted(found | set(self._with_status("RUNNING")))

    def _running(self, state_machine: str) -> Iterator[Document]:
        pages = self._states.get_paginator("list_executions")
        # A deletion that failed half-way and is repeated finds nothing at work in what is gone.
        with suppress(self._states.exceptions.StateMachineDoesNotExist):
            for page in pages.paginate(stateMachineArn=state_machine, statusFilter="RUNNING"):
                yield from page["executions"]

    def _finalized_by(self, finalizer_run: str) -> str:
        """The execution that a run of the closer works on: its input is the event of the death."""
        event = json.loads(self._states.describe_execution(executionArn=finalizer_run)["input"])
        return str(event["detail"]["name"])[:_UUID_LENGTH]

    def _with_status(self, status: str) -> Iterator[str]:
        token = None
        with suppress(self._dynamodb.exceptions.ResourceNotFoundException):
            while True:
                page = self.list_by_status(status, limit=100, page_token=token)
                yield from (item["ExecutionId"] for item in page.items)
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
        return assemble(header, parts)

    def _items(self, execution_id: str) -> dict[str, Document]:
        """All items of an execution by ItemKey: its header and its servers."""
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
        """AWS's time (UTC), as its last answer to `get` told it; until then this machine's."""
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

    def delete_execution(self, execution_id: str) -> None:
        """Remove the record of an execution that has ended and is settled; for test data, not for history."""
        for item_key in self._items(execution_id):
            self._dynamodb.delete_item(
                TableName=self._outputs["ExecutionHistoryTable"],
                Key=to_item({"ExecutionId": execution_id, "ItemKey": item_key}),
            )

    # --- plans and groups ---

    def get_plan(self, plan_id: str) -> Document | None:
        """The recovery plan that is loaded under this PlanId."""
        return self._one(self._outputs["RecoveryPlansTable"], {"PlanId": plan_id})

    def get_group(self, group_id: str) -> Document | None:
        """The protection group that is loaded under this GroupId."""
        return self._one(self._outputs["ProtectionGroupsTable"], {"GroupId": group_id})

    def _one(self, table: str, key: Mapping[str, str]) -> Document | None:
        response = self._dynamodb.get_item(TableName=table, Key=to_item(key), ConsistentRead=True)
        return from_item(response["Item"]) if "Item" in response else None

    def problems(self, plan: Mapping[str, Any], groups: Iterable[Mapping[str, Any]] = ()) -> list[PlanProblem]:
        """For what a start would refuse this plan, DRS not asked; `groups` count before those that are loaded."""
        known = {group["GroupId"]: group for group in groups if isinstance(group["GroupId"], str)}
        for group_id in named_groups(plan) - known.keys():
            if is_id(group_id) and (group := self.get_group(group_id)) is not None:
                known[group_id] = group
        _, _, _, region, account, *_ = self._outputs["StateMachineArn"].split(":")
        return plan_problems(plan, known, resolve_target(plan, account_id=account, region=region))

    def put_plan(self, plan: Mapping[str, Any]) -> None:
        self._dynamodb.put_item(TableName=self._outputs["RecoveryPlansTable"], Item=to_item(plan))

    def put_group(self, group: Mapping[str, Any]) -> None:
        self._dynamodb.put_item(TableName=self._outputs["ProtectionGroupsTable"], Item=to_item(group))

    def delete_plan(self, plan_id: str) -> None:
        self._dynamodb.delete_item(TableName=self._outputs["RecoveryPlansTable"], Key=to_item({"PlanId": plan_id}))

    def delete_group(self, group_id: str) -> None:
        self._dynamodb.delete_item(TableName=self._outputs["ProtectionGroupsTable"], Key=to_item({"GroupId": group_id}))


def _finalizer_arn(state_machine: str) -> str:
    """Of the same stack: both are named after it."""
    return f"{state_machine.removesuffix('-engine')}-closer"


def _write_token(key: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(from_item(key)).encode()).decode()


def _read_token(token: str) -> dict[str, Any]:
    try:
        return to_item(json.loads(base64.urlsafe_b64decode(token)))
    except ValueError as error:
        raise EngineError("the page token is not one of this client's") from error
