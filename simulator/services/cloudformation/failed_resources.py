"""Resources that a stack could not create, change or delete, and the events of the stack about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from moto.cloudformation.models import Event

TABLE = "AWS::DynamoDB::Table"


class ResourceFailed(Exception):
    """CloudFormation could not create, change or delete this resource. Not an error of moto's, which it would catch."""

    def __init__(self, failed: FailedResource, reason: str) -> None:
        super().__init__(reason)
        self.resource = failed
        self.reason = reason


@dataclass(frozen=True)
class FailedResource:
    """A resource of a failed stack that does not exist; deleting the stack leaves a resource of its name untouched."""

    logical_resource_id: str
    cf_resource_type: str
    physical_resource_id: str | None = None
    status: str = "CREATE_FAILED"
    reason: str | None = None

    def delete(self, account: str, region: str) -> None: ...


@dataclass(frozen=True)
class CancelledTable(FailedResource):
    """A table that DynamoDB continues to create although CloudFormation has cancelled the creation."""

    table: Any = None

    def delete(self, account: str, region: str) -> None:
        self.table.delete(account, region)


def add_failure_events(stack: Any, reasons: dict[str, str], status: str, described: Any = None) -> None:
    """One event for each of these resources, by their logical ids; `described` has resources of another template."""
    described = described or stack.template_dict["Resources"]
    for name, reason in reasons.items():
        stack.events.append(
            Event(
                stack_id=stack.stack_id,
                stack_name=stack.name,
                logical_resource_id=name,
                physical_resource_id="",
                resource_type=described[name]["Type"],
                resource_status=status,
                resource_status_reason=reason,
                resource_properties=None,
            )
        )


def end(stack: Any, status: str, reason: str | None = None) -> None:
    """The stack takes this status, with an event."""
    stack._add_stack_event(status, resource_status_reason=reason)
    stack.status = status


def failed_to(verb: str, names: Any) -> str:
    """CloudFormation's reason of a stack's event: the resources that failed."""
    return f"The following resource(s) failed to {verb}: [{', '.join(names)}]. "
