"""Deploys the engine into an AWS account and deletes it: the stack of `infra/template.yaml` and the function's package.

The engine only touches its own resources: it refuses a stack of the same name with other contents before it creates
resources. It deletes a stack whose creation failed, so that the next creation starts clean.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from engine.deploy.code_bucket import bucket_name, delete_bucket, tag_list, upload
from engine.deploy.connection import retry_on_connection_error
from engine.deploy.packaging import package
from engine.deploy.retained_data import CREATED_AT, RETAINED_DATA_ADVICE, find_retained_data
from engine.deploy.stack_failures import failures

TEMPLATE = Path(__file__).parents[2] / "infra" / "template.yaml"
POLL_SECONDS = 5
# A new or changed table is ACTIVE after some seconds, with its indexes after some minutes at most.
TABLE_TIMEOUT_SECONDS = 300

# The transform of DeletionPolicy needs AUTO_EXPAND; NAMED_IAM allows role names, which target accounts can trust.
_CAPABILITIES = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_CREATED = "CREATE_COMPLETE"
_UPDATED = {"UPDATE_COMPLETE", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"}
_GONE = {"DELETE_COMPLETE", None}
# After a failed creation, the stack holds no data, and CloudFormation only allows its deletion.
_NEVER_WORKED = {"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED"}

Document = Mapping[str, Any]


class DeploymentFailed(Exception):
    """The stack could not be created, updated or deleted; the message has the cause and the way out."""


class StackNotFound(DeploymentFailed):
    """The stack does not exist in this account and Region."""


class NotTheEngine(DeploymentFailed):
    """The stack does not belong to the engine; it was not touched."""


@dataclass(frozen=True)
class Stack:
    """A deployed engine: name and outputs of its stack."""

    name: str
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class Progress:
    """Callbacks: `event` gets each stack event, `lost` the seconds since the connection to AWS was lost."""

    event: Callable[[Document], object] = lambda event: None
    lost: Callable[[int], object] = lambda seconds: None


_SILENT = Progress()


def deploy(
    session: Any,
    stack_name: str,
    *,
    parameters: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    code: bytes | None = None,
    progress: Progress = _SILENT,
    sleep: Callable[[float], object] = time.sleep,
) -> Stack:
    """Create or update the stack, and wait for the result. Raises DeploymentFailed.

    An update keeps the values of omitted parameters, and the tags of the stack if `tags` is empty. `code` is the
    function's package; without it the package is built before AWS is asked. Raises PackagingFailed then.
    """
    code = package() if code is None else code
    operator = _Operator(session, stack_name, progress, sleep)
    existing = operator.find()
    if existing is not None:
        _require_engine(existing, operator)
        existing = operator.prepare_update(existing)
    try:
        bucket, key = upload(session, stack_name, code, tags or {})
        values = {**(parameters or {}), "CodeBucket": bucket, "CodeKey": key}
        request = {
            "StackName": stack_name,
            "TemplateBody": TEMPLATE.read_text(encoding="utf-8"),
            "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
            "Capabilities": _CAPABILITIES,
            # An empty list would remove the tags from the stack and its resources.
            **({"Tags": tag_list(tags)} if tags else {}),
        }
        done = operator.create(request) if existing is None else operator.update(request, existing)
    except (ClientError, DeploymentFailed):
        if existing is None:
            delete_bucket(session, bucket_name(session, stack_name))
        raise
    return Stack(stack_name, _outputs(done))


def describe(session: Any, stack_name: str) -> Stack:
    """The deployed stack. Raises StackNotFound, NotTheEngine, or DeploymentFailed if it was never completed."""
    operator = _Operator(session, stack_name, _SILENT, time.sleep)
    stack = operator.find()
    if stack is None:
        raise StackNotFound(
            f"there is no stack {stack_name} in {operator.place()}; deploy it, or name another stack, account or Region"
        )
    _require_engine(stack, operator)
    if "FunctionName" not in _outputs(stack):
        raise DeploymentFailed(f"the stack {stack_name} was never completed ({stack['StackStatus']}); deploy it again")
    return Stack(stack_name, _outputs(stack))


def destroy(
    session: Any,
    stack_name: str,
    *,
    progress: Progress = _SILENT,
    sleep: Callable[[float], object] = time.sleep,
) -> bool:
    """Delete the stack and the package; tables stay if they were deployed with KeepData=yes.

    Returns whether the stack existed. May be repeated. Raises DeploymentFailed.
    """
    operator = _Operator(session, stack_name, progress, sleep)
    stack = operator.find()
    if stack is not None:
        _require_engine(stack, operator)
        operator.delete(stack)
    delete_bucket(session, bucket_name(session, stack_name))
    return stack is not None


def retained_data(session: Any, stack_name: str) -> list[str]:
    """The tables and the log group that a deleted stack of this name has left; empty while the stack exists."""
    if _Operator(session, stack_name, _SILENT, time.sleep).find() is not None:
        return []
    return find_retained_data(session, stack_name, TEMPLATE.read_text(encoding="utf-8"))


def keeps_data(session: Any, stack_name: str) -> bool | None:
    """Whether tables and log group stay after a deletion of the stack; None if the stack does not exist."""
    stack = _Operator(session, stack_name, _SILENT, time.sleep).find()
    return None if stack is None else _given(stack).get("KeepData", "yes") == "yes"


def alarm_topic(session: Any, stack_name: str) -> str:
    """The ARN of the SNS topic of the stack's alarms; empty if they have none."""
    return _given(_Operator(session, stack_name, _SILENT, time.sleep).find() or {}).get("AlarmTopicArn", "")


class _Operator:
    """The operations on one stack, which wait for their end."""

    def __init__(self, session: Any, stack_name: str, progress: Progress, sleep: Callable[[float], object]) -> None:
        self._session = session
        self._name = stack_name
        self._progress = progress
        self._sleep = sleep
        self._formation = session.client("cloudformation")

    def place(self) -> str:
        account = self._session.client("sts").get_caller_identity()["Account"]
        return f"account {account}, Region {self._session.region_name}"

    def find(self, name_or_id: str | None = None) -> Document | None:
        try:
            found = self._formation.describe_stacks(StackName=name_or_id or self._name)["Stacks"]
        except ClientError as error:
            if "does not exist" in error.response["Error"]["Message"]:
                return None
            raise
        stack: Document = found[0]
        return stack

    def prepare_update(self, stack: Document) -> Document | None:
        """The stack if it can be updated; None after the removal of a stack whose creation had failed."""
        status = stack["StackStatus"]
        if status in _NEVER_WORKED:
            self._remove_failed(stack)
            return None
        if status.endswith("_IN_PROGRESS") and status not in _UPDATED:
            raise DeploymentFailed(
                f"another operation on stack {self._name} is in progress ({status}); wait for its end, "
                "then run the command again"
            )
        if status == "UPDATE_ROLLBACK_FAILED":
            raise DeploymentFailed(
                f"stack {self._name}: {self._cause(stack['StackId'])}\n"
                f"An earlier update could not be rolled back (UPDATE_ROLLBACK_FAILED). {self._roll_back_again()}"
            )
        if status == "DELETE_FAILED":
            raise DeploymentFailed(
                f"stack {self._name}: {self._cause(stack['StackId'])}\n"
                "Its deletion failed (DELETE_FAILED). Remove the cause, run destroy again, then deploy."
            )
        return stack

    def create(self, request: Document) -> Document:
        """Create the stack; after a failure remove it here, because a rollback cannot delete protected tables."""
        stack_id = self._formation.create_stack(**request, OnFailure="DO_NOTHING")["StackId"]
        stack = self._follow(stack_id)
        if stack["StackStatus"] == _CREATED:
            return stack
        cause = self._cause(stack_id)
        try:
            self._remove_failed(stack)
            advice = "All resources that the stack had created were removed."
        except DeploymentFailed as left:
            advice = f"The resources that the stack had created could not be removed: {left}"
        if "already exists" in cause:
            advice += (
                "\nExisting resources were not touched. Tables and log groups of an earlier deployment may remain "
                f"(KeepData=yes). {RETAINED_DATA_ADVICE}"
            )
        raise DeploymentFailed(f"stack {self._name}: {cause}\n{advice}")

    def update(self, request: Document, before: Document) -> Document:
        kept = {one["ParameterKey"]: one["ParameterValue"] for one in before.get("Parameters", [])}
        given = {one["ParameterKey"]: one["ParameterValue"] for one in request["Parameters"]}
        parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in {**kept, **given}.items()]
        try:
            self._formation.update_stack(**{**request, "Parameters": parameters})
        except ClientError as error:
            if "No updates are to be performed" in error.response["Error"]["Message"]:
                return before
            raise
        stack = self._follow(before["StackId"])
        if stack["StackStatus"] in _UPDATED:
            return stack
        advice = "The update was rolled back; the engine works as before."
        if stack["StackStatus"] != "UPDATE_ROLLBACK_COMPLETE":
            advice = f"The update could not be rolled back ({stack['StackStatus']}). {self._roll_back_again()}"
        raise DeploymentFailed(f"stack {self._name}: {self._cause(before['StackId'])}\n{advice}")

    def _roll_back_again(self) -> str:
        command = f"aws cloudformation continue-update-rollback --stack-name {self._name}"
        return f"Remove the cause, then run: {command}"

    def delete(self, stack: Document) -> None:
        if stack["StackStatus"] in _NEVER_WORKED:
            self._remove_failed(stack)
        else:
            self._delete(stack)

    def _delete(self, stack: Document) -> None:
        self._formation.delete_stack(StackName=stack["StackId"])
        deleted = self._follow(stack["StackId"])
        if deleted.get("StackStatus") not in _GONE:
            raise DeploymentFailed(
                f"stack {self._name}: {self._cause(stack['StackId'])}\n"
                "The deletion is incomplete. Remove the cause, then run destroy again."
            )

    def _remove_failed(self, stack: Document) -> None:
        """Delete a stack that was never completed, with the tables and the log group that it created and would keep."""
        listed = self._formation.describe_stack_resources(StackName=stack["StackId"])["StackResources"]
        made = [one for one in listed if one["ResourceType"] in CREATED_AT and self._was_made(one, stack)]
        self._delete(stack)
        tables, logs = self._session.client("dynamodb"), self._session.client("logs")
        for one in made:
            name = one["PhysicalResourceId"]
            if one["ResourceType"] == "AWS::DynamoDB::Table":
                with contextlib.suppress(tables.exceptions.ResourceNotFoundException):
                    self._when_ready(
                        name, partial(tables.update_table, TableName=name, DeletionProtectionEnabled=False)
                    )
                    self._when_ready(name, partial(tables.delete_table, TableName=name))
            else:
                with contextlib.suppress(logs.exceptions.ResourceNotFoundException):
                    logs.delete_log_group(logGroupName=name)

    def _was_made(self, resource: Document, stack: Document) -> bool:
        """Whether this stack certainly created the resource; one that existed before may hold data.

        A CREATE_FAILED resource may exist, because CloudFormation had started to create it when another resource
        failed. It belongs to the stack if it is younger. After a rollback (of a stack that another tool created) the
        status does not show which resources the stack created, so none are deleted.
        """
        name, status = resource.get("PhysicalResourceId"), resource["ResourceStatus"]
        if not name or status == "CREATE_COMPLETE":
            return bool(name)
        if status != "CREATE_FAILED" or "already exists" in resource.get("ResourceStatusReason", ""):
            return False
        born = CREATED_AT[resource["ResourceType"]](self._session, name)
        return born is not None and born >= stack["CreationTime"]

    def _when_ready(self, table: str, call: Callable[[], object]) -> None:
        """`call`, repeated while DynamoDB refuses it because the table is not ACTIVE yet. Raises DeploymentFailed."""
        in_use = self._session.client("dynamodb").exceptions.ResourceInUseException
        for _ in range(0, TABLE_TIMEOUT_SECONDS, POLL_SECONDS):
            with contextlib.suppress(in_use):
                call()
                return
            self._sleep(POLL_SECONDS)
        raise DeploymentFailed(
            f"the table {table} has been busy for {TABLE_TIMEOUT_SECONDS} seconds; delete it when it is ACTIVE"
        )

    def _follow(self, stack_id: str) -> Document:
        """Wait for the end of the operation on the stack, and report its events."""
        reported: set[str] = set()
        while True:
            stack = (
                retry_on_connection_error(lambda: self.find(stack_id), sleep=self._sleep, lost=self._progress.lost)
                or {}
            )
            if self._progress is not _SILENT:
                for event in retry_on_connection_error(
                    lambda: self._events(stack_id), sleep=self._sleep, lost=self._progress.lost
                ):
                    if event["EventId"] not in reported:
                        reported.add(event["EventId"])
                        self._progress.event(event)
            status = stack.get("StackStatus", "")
            if not status.endswith("_IN_PROGRESS") or status in _UPDATED:
                return stack
            self._sleep(POLL_SECONDS)

    def _events(self, stack_id: str) -> list[Document]:
        """The events of the newest operation on the stack, oldest first."""
        found: list[Document] = []
        pages = self._formation.get_paginator("describe_stack_events").paginate(StackName=stack_id)
        for event in (event for page in pages for event in page["StackEvents"]):
            found.append(event)
            if event.get("ResourceStatusReason") == "User Initiated" and event["PhysicalResourceId"] == stack_id:
                break
        return found[::-1]

    def _cause(self, stack_id: str) -> str:
        """The failures of the newest operation in their order; the first one is the cause."""
        return "\n".join(failures(self._events(stack_id), stack_id)) or "CloudFormation gives no reason"


def _require_engine(stack: Document, operator: _Operator) -> None:
    """Raises NotTheEngine unless the stack was created from a version of this template."""
    description = re.search(r"^Description: (.*)$", TEMPLATE.read_text(encoding="utf-8"), re.MULTILINE)
    if description is None or stack.get("Description") != description[1]:
        raise NotTheEngine(
            f"the stack {stack['StackName']} in {operator.place()} does not belong to the engine "
            f"({stack.get('Description') or 'it has no description'}) and was not touched; name another with --stack"
        )


def _given(stack: Document) -> dict[str, str]:
    return {one["ParameterKey"]: one.get("ParameterValue", "") for one in stack.get("Parameters", [])}


def _outputs(stack: Document) -> dict[str, str]:
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}
