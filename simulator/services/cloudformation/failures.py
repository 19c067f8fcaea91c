"""Failures of CloudFormation, which moto lacks: a resource that fails, a stack in a state that refuses updates.

moto creates and updates in one step. Here a stack fails as in CloudFormation if a service refuses a resource (a table
of that name exists) or a test made the resource fail. The event of the resource carries the reason, a resource in
progress is cancelled (a table exists nevertheless: DynamoDB continues), and no further resource is created. A failed
creation is CREATE_FAILED and keeps or removes its resources as OnFailure demands. A failed update is
UPDATE_ROLLBACK_COMPLETE with the previous resources.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.models import CloudFormationBackend, Stack, cloudformation_backends
from moto.cloudformation.parsing import OutputMap, ResourceMap
from moto.cloudformation.responses import CloudFormationResponse, StackResourceDTO
from moto.core.exceptions import ServiceException
from werkzeug.exceptions import HTTPException

from simulator.patches.patching import Patch
from simulator.services.cloudformation import changes
from simulator.services.cloudformation.failed_resources import (
    TABLE,
    CancelledTable,
    FailedResource,
    ResourceFailed,
    add_failure_events,
    end,
    failed_to,
)
from simulator.services.cloudformation.handler_rights import CREATE
from simulator.services.cloudformation.rights import CallerRights

_CANCELLED = "Resource creation cancelled"


class Stacks:
    """The failures that a test sets: resources that fail, and the status of a stack."""

    def __init__(self, *, enforced: bool = True) -> None:
        self._failing: dict[str, str] = {}
        self._rights = CallerRights(enforced=enforced)

    def fail(self, logical_id: str, reason: str) -> None:
        """From now on, creations and updates of the resource fail for this reason."""
        self._failing[logical_id] = reason

    def heal(self) -> None:
        self._failing.clear()

    def set_status(self, account: str, region: str, name: str, status: str) -> None:
        """Put the stack into this state, as an operator or a failed operation would."""
        cloudformation_backends[account][region].get_stack(name).status = status

    def patches(self) -> list[Patch]:
        return [
            Patch(
                parsing,
                "parse_and_create_resource",
                self._making(parsing.parse_and_create_resource),
                "moto returns a service's refusal of a resource to the caller of CloudFormation",
            ),
            Patch(Stack, "create_resources", _creating(Stack.create_resources), "moto's creations never fail"),
            Patch(
                Stack,
                "update",
                self._updating(changes.updating(Stack.update, self._rights)),
                "moto's updates never fail, and forget the stack's role",
            ),
            Patch(Stack, "delete", changes.deleting(Stack.delete, self._rights), "moto's deletions never fail"),
            Patch(
                CloudFormationBackend,
                "delete_stack",
                changes.deleting_stack(CloudFormationBackend.delete_stack),
                "moto lists a stack whose deletion failed as deleted",
            ),
            Patch(
                CloudFormationBackend,
                "execute_change_set",
                changes.executing(CloudFormationBackend.execute_change_set, self._rights),
                "moto's change sets never fail",
            ),
            Patch(
                StackResourceDTO,
                "__init__",
                _describing(StackResourceDTO.__init__),
                "moto gives every resource the status of its stack",
            ),
            Patch(
                ResourceMap,
                "delete",
                _with_policies_resolved(ResourceMap.delete),
                "moto does not know AWS::LanguageExtensions, which lets a condition choose a DeletionPolicy",
            ),
            Patch(
                CloudFormationResponse,
                "create_stack",
                self._rights.operating(_asked_to_create(CloudFormationResponse.create_stack, self._rights)),
                "moto ignores OnFailure, which decides between keeping and removing a failed creation",
            ),
            Patch(
                CloudFormationBackend,
                "create_stack",
                _all_or_nothing(CloudFormationBackend.create_stack, self._rights),
                "moto keeps a stack whose creation it refuses, with the resources created until then",
            ),
            *self._rights.patches(),
        ]

    def _making(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def make(logical_id: str, description: Any, resources: Any, account_id: str, region_name: str) -> Any:
            resource = FailedResource(logical_id, description["Type"])
            if logical_id in self._failing and _is_wanted(description, resources):
                raise ResourceFailed(resource, self._failing[logical_id])
            try:
                with self._rights.handling(CREATE):
                    return real(logical_id, description, resources, account_id, region_name)
            except (HTTPException, ServiceException) as refusal:
                # CloudFormation refuses a bad template before it creates any resource.
                if type(refusal).__module__.startswith("moto.cloudformation"):
                    raise
                raise _refused(resource, description, resources, refusal) from refusal

        return make

    def _updating(self, real: Callable[..., None]) -> Callable[..., None]:
        def update(stack: Any, template: str, *rest: Any, **named: Any) -> None:
            described = stack.resource_map._resource_json_map
            failed = {name: reason for name, reason in self._failing.items() if name in described}
            if not failed:
                real(stack, template, *rest, **named)
                return
            bystander = next(name for name in described if name not in failed)
            stack._add_stack_event("UPDATE_IN_PROGRESS", resource_status_reason="User Initiated")
            add_failure_events(stack, failed | {bystander: _CANCELLED}, "UPDATE_FAILED")
            end(stack, "UPDATE_ROLLBACK_COMPLETE")

        return update


def _is_wanted(description: Any, resources: Any) -> bool:
    condition = description.get("Condition")
    return not condition or bool(resources.lazy_condition_map[condition])


def _refused(resource: FailedResource, description: Any, resources: Any, refusal: Any) -> ResourceFailed:
    """With CloudFormation's message if the name is taken, else with the service's."""
    reason = str(getattr(refusal, "message", refusal))
    if "already exists" not in reason:
        return ResourceFailed(resource, reason)
    name = parsing.parse_resource_and_generate_name(resource.logical_resource_id, description, resources)[2]
    kind = resource.cf_resource_type
    taken = FailedResource(resource.logical_resource_id, kind, name)
    return ResourceFailed(taken, f"Resource of type '{kind}' with identifier '{name}' already exists.")


def _creating(real: Callable[..., None]) -> Callable[..., None]:
    def create_resources(stack: Any) -> None:
        try:
            real(stack)
        except ResourceFailed as failure:
            _fail_creation(stack, failure)

    return create_resources


def _fail_creation(stack: Any, failure: ResourceFailed) -> None:
    """The stack holds the created resources, the failed one, and the one that was in progress at the same time."""
    resources, described = stack.resource_map, stack.template_dict["Resources"]
    failed = failure.resource
    made = [name for name in described if name in resources._parsed_resources]
    not_begun = (
        FailedResource(name, description["Type"])
        for name, description in described.items()
        if name not in made and name != failed.logical_resource_id and _is_wanted(description, resources)
    )
    cancelled = next(not_begun, None)
    if cancelled is not None and cancelled.cf_resource_type == TABLE:
        cancelled = _cancelled_table(cancelled, stack)
    reasons = {failed.logical_resource_id: failure.reason}
    for one in (failed, cancelled):
        if one is not None:
            reason = reasons.setdefault(one.logical_resource_id, _CANCELLED)
            resources._parsed_resources[one.logical_resource_id] = replace(one, reason=reason)
    # moto creates the resources of these maps when they are read.
    resources._resource_json_map = {name: described[name] for name in described if name in made or name in reasons}
    stack.output_map = OutputMap(resources, {}, stack.stack_id)
    add_failure_events(stack, reasons, "CREATE_FAILED")
    end(stack, "CREATE_FAILED", failed_to("create", reasons))


def _cancelled_table(cancelled: FailedResource, stack: Any) -> FailedResource:
    """The cancelled table: still in creation, or only a name if a foreign table has that name."""
    name = cancelled.logical_resource_id
    try:
        table = stack.resource_map[name]
    except ResourceFailed as failure:
        return failure.resource
    return CancelledTable(name, TABLE, table.physical_resource_id, table=table)


def _roll_back(stack: Any, rights: CallerRights) -> None:
    """Deletes the created resources, except those with a policy to retain them; the stack still lists all."""
    resources = stack.resource_map
    listed = {name: resources._parsed_resources[name] for name in resources._resource_json_map}
    try:
        resources.delete()
    except ResourceFailed:
        changes.keep_undeleted(stack, rights)
        end(stack, "ROLLBACK_FAILED", failed_to("delete", rights.undeleted))
        return
    for name, one in listed.items():
        kept = resources._resource_json_map[name].get("DeletionPolicy") == "Retain"
        status = "DELETE_SKIPPED" if kept else "DELETE_COMPLETE"
        resources._parsed_resources[name] = FailedResource(name, one.cf_resource_type, one.physical_resource_id, status)
    end(stack, "ROLLBACK_COMPLETE")


def _describing(real: Callable[..., None]) -> Callable[..., None]:
    def describe(described: Any, stack: Any, resource: Any) -> None:
        real(described, stack, resource)
        if isinstance(resource, FailedResource):
            described.resource_status = resource.status
            described.resource_status_reason = resource.reason
        elif stack.status == "CREATE_FAILED":
            described.resource_status = "CREATE_COMPLETE"

    return describe


def _with_policies_resolved(real: Callable[[Any], None]) -> Callable[[Any], None]:
    def delete(resources: Any) -> None:
        for description in resources._resource_json_map.values():
            policy = description.get("DeletionPolicy")
            if isinstance(policy, dict):
                condition, if_true, if_false = policy["Fn::If"]
                description["DeletionPolicy"] = if_true if resources.lazy_condition_map[condition] else if_false
        real(resources)

    return delete


def _asked_to_create(real: Callable[..., Any], rights: CallerRights) -> Callable[..., Any]:
    def create_stack(response: Any) -> Any:
        answer = real(response)
        backend, name = response.cloudformation_backend, response._get_param("StackName")
        keeps = (
            response._get_param("DisableRollback") in (True, "true") or response._get_param("OnFailure") == "DO_NOTHING"
        )
        stack = backend.get_stack(name)
        if stack.status == "CREATE_FAILED" and not keeps:
            _roll_back(stack, rights)
            if response._get_param("OnFailure") == "DELETE":
                backend.delete_stack(stack.stack_id)
        return answer

    return create_stack


def _all_or_nothing(real: Callable[..., Any], rights: CallerRights) -> Callable[..., Any]:
    def create_stack(backend: Any, *given: Any, **named: Any) -> Any:
        before = set(backend.stacks)
        try:
            return real(backend, *given, **named)
        except Exception:
            for stack_id in set(backend.stacks) - before:
                refused = backend.stacks.pop(stack_id).resource_map
                for description in refused._resource_json_map.values():
                    description.pop("DeletionPolicy", None)
                with rights.unjudged():
                    refused.delete()
            raise

    return create_stack
