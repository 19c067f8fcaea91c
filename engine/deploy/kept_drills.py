"""Finds the instances that drills keep or failed to terminate, and terminates those of deleted stacks on request.

A recovery job carries the id of its execution as a tag. The record of that execution tells whether the drill is at work
or over. Without a record in any stack of the account and Region, the stack was deleted, or it is in another account:
only the operator knows, so such instances are terminated only for an execution that the operator names.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from engine.aws.drs import TAG_EXECUTION, TAG_LABEL
from engine.aws.source_servers import IDS_A_REQUEST, LAUNCH_INTO_TAG, LAUNCH_INTO_VALUE
from engine.aws.tables import from_item, to_item
from engine.core.chunks import chunks
from engine.core.document import HEADER_KEY
from engine.core.record import kept_instances
from engine.core.statuses import CLEAN_UP_TO_REPEAT
from engine.deploy.deployment import DeploymentFailed
from engine.deploy.terminations import is_gone, request_terminations

_LIMIT_SECONDS = 3600
_LOOK_EVERY_SECONDS = 10.0


@dataclass
class KeptDrill:
    """A drill that is over and keeps recovery instances. `stack` is None if no stack here has its record."""

    execution_id: str
    stack: str | None
    instances: list[str] = field(default_factory=list)


def find(session: Any) -> list[KeptDrill]:
    """The kept drills of the session's account and Region, without those of labelled test stacks."""
    stacks = dict(_history_tables(session))
    found: dict[str, KeptDrill] = {}
    try:
        instances = list(_drill_instances(session))
    except ClientError as error:
        if error.response["Error"]["Code"] != "UninitializedAccountException":
            raise
        instances = []
    for execution_id, instance, _ in instances:
        newest, stack, record = _newest(session, stacks, execution_id)
        if record is None or record.get("CleanUp", {}).get("Status") in CLEAN_UP_TO_REPEAT:
            found.setdefault(newest, KeptDrill(newest, stack)).instances.append(instance)
    return list(found.values())


def exist_still(session: Any, record: Mapping[str, Any]) -> bool:
    """Whether an instance that this kept drill launched exists; True if that cannot be told from here.

    The session's account has no view of another target account. Raises ClientError, BotoCoreError.
    """
    instances = kept_instances(record)
    if instances is None or record["TargetAccountId"] != record["SourceAccountId"]:
        return True
    drs, ec2 = session.client("drs"), session.client("ec2")
    pages = drs.get_paginator("describe_recovery_instances")
    return any(
        not is_gone(ec2, one)
        for some in chunks(instances, IDS_A_REQUEST)
        for page in pages.paginate(filters={"recoveryInstanceIDs": some})
        for one in page["items"]
    )


def terminate(session: Any, execution_id: str, pause: Callable[[float], object]) -> None:
    """Terminate the drill instances of an execution whose stack is gone. Raises DeploymentFailed, ClientError."""
    drs = session.client("drs")
    for _ in range(0, _LIMIT_SECONDS, int(_LOOK_EVERY_SECONDS)):
        found = {instance: machine for one, instance, machine in _drill_instances(session) if one == execution_id}
        left = list(found)
        if not left:
            return
        _require_new_instances(session, execution_id, found.values())
        request_terminations(drs, left)
        pause(_LOOK_EVERY_SECONDS)
    raise DeploymentFailed(f"DRS has not terminated {', '.join(left)} within {_LIMIT_SECONDS // 60} minutes; try again")


def _require_new_instances(session: Any, execution_id: str, ec2_ids: Collection[str]) -> None:
    """Raises DeploymentFailed if DRS may launch into one of these instances: it existed before the drill."""
    tagged = [{"Name": f"tag:{LAUNCH_INTO_TAG}", "Values": [LAUNCH_INTO_VALUE]}]
    pages = session.client("ec2").get_paginator("describe_instances").paginate(Filters=tagged)
    targets = {one["InstanceId"] for page in pages for part in page["Reservations"] for one in part["Instances"]}
    if existing := sorted(targets.intersection(ec2_ids)):
        raise DeploymentFailed(
            f"drill {execution_id}: DRS launched into {', '.join(existing)}, which existed before; terminate the other "
            f"instances in the DRS console, or remove the tag {LAUNCH_INTO_TAG} from instances that may be terminated"
        )


def _drill_instances(session: Any) -> Iterator[tuple[str, str, str]]:
    """(ExecutionId, recovery instance id, EC2 instance id) of each drill instance that exists, by an engine's job."""
    drs, ec2 = session.client("drs"), session.client("ec2")
    executions = {
        job["jobID"]: job["tags"][TAG_EXECUTION]
        for page in drs.get_paginator("describe_jobs").paginate(filters={})
        for job in page["items"]
        if TAG_EXECUTION in job.get("tags", {}) and TAG_LABEL not in job["tags"]
    }
    for page in drs.get_paginator("describe_recovery_instances").paginate(filters={}):
        for instance in page["items"]:
            execution = executions.get(instance.get("jobID", ""))
            if execution is not None and instance.get("isDrill") is True and not is_gone(ec2, instance):
                yield execution, instance["recoveryInstanceID"], instance["ec2InstanceID"]


def _history_tables(session: Any) -> Iterator[tuple[str, str]]:
    """(stack name, history table) of each engine in the account and Region."""
    for page in session.client("cloudformation").get_paginator("describe_stacks").paginate():
        for stack in page["Stacks"]:
            outputs = {one["OutputKey"]: one["OutputValue"] for one in stack.get("Outputs", [])}
            if "ExecutionHistoryTable" in outputs and "StateMachineArn" in outputs:
                yield stack["StackName"], outputs["ExecutionHistoryTable"]


def _newest(
    session: Any, stacks: Mapping[str, str], execution_id: str
) -> tuple[str, str | None, Mapping[str, Any] | None]:
    """The newest execution of the chain, which owns the instances, with its stack and record; None without one."""
    dynamodb = session.client("dynamodb")
    for stack, table in stacks.items():
        record = _record(dynamodb, table, execution_id)
        if record is not None:
            while (after := record.get("ResumedBy")) and (successor := _record(dynamodb, table, after)) is not None:
                execution_id, record = after, successor
            return execution_id, stack, record
    return execution_id, None, None


def _record(dynamodb: Any, table: str, execution_id: str) -> Mapping[str, Any] | None:
    key = to_item({"ExecutionId": execution_id, "ItemKey": HEADER_KEY})
    found = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item")
    return from_item(found) if found is not None else None
