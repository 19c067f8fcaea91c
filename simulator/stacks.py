"""CloudFormation's bad days, which moto does not have: a resource that fails, a stack in a state that takes no update.

moto creates and updates in one go. Here a resource that the world's builder failed makes the stack fail as
CloudFormation does: the resource's event carries the reason, those that were still at work are cancelled, and the
stack is CREATE_FAILED with what was made (OnFailure=DO_NOTHING; any other way of a creation to fail is not modelled),
or UPDATE_ROLLBACK_COMPLETE as it was before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.cloudformation.models import Event, Stack, cloudformation_backends
from moto.cloudformation.parsing import ResourceMap
from moto.cloudformation.responses import CloudFormationResponse, StackResourceDTO

from simulator.clock import SimulatorDefect
from simulator.patching import Patch

_CANCELLED = "Resource creation cancelled"


def _with_policies_resolved(real: Callable[[Any], None]) -> Callable[[Any], None]:
    def delete(resources: Any) -> None:
        for description in resources._resource_json_map.values():
            policy = description.get("DeletionPolicy")
            if isinstance(policy, dict):
                condition, if_true, if_false = policy["Fn::If"]
                description["DeletionPolicy"] = if_true if resources.lazy_condition_map[condition] else if_false
        real(resources)

    return delete


class Stacks:
    """World building: which resources fail, and in what state a stack is found."""

    def __init__(self) -> None:
        self._failing: dict[str, str] = {}

    def fail(self, logical_id: str, reason: str) -> None:
        """From now on, the resource cannot be created or updated, for this reason."""
        self._failing[logical_id] = reason

    def heal(self) -> None:
        self._failing.clear()

    def become(self, account: str, region: str, name: str, status: str) -> None:
        """Somebody or something brought the stack into this state."""
        cloudformation_backends[account][region].get_stack(name).status = status

    def patches(self) -> list[Patch]:
        return [
            Patch(Stack, "create_resources", self._creating(Stack.create_resources), "moto's creations never fail"),
            Patch(Stack, "update", self._updating(Stack.update), "moto's updates never fail"),
            Patch(
                StackResourceDTO,
                "__init__",
                self._describing(StackResourceDTO.__init__),
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
                self._asked_to_create(CloudFormationResponse.create_stack),
                "moto forgets OnFailure, which says what becomes of a creation that fails",
            ),
        ]

    def _asked_to_create(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def create_stack(response: Any) -> Any:
            if self._failing and response._get_param("OnFailure") != "DO_NOTHING":
                raise SimulatorDefect("a creation that fails is modelled with OnFailure=DO_NOTHING only")
            return real(response)

        return create_stack

    def _creating(self, real: Callable[..., None]) -> Callable[..., None]:
        def create_resources(stack: Any) -> None:
            real(stack)
            if failed := self._failed(stack):
                stack.events = [one for one in stack.events if one.resource_status != "CREATE_COMPLETE"]
                self._tell(stack, failed, "CREATE_FAILED")
                stack.status = "CREATE_FAILED"

        return create_resources

    def _describing(self, real: Callable[..., None]) -> Callable[..., None]:
        def describe(described: Any, stack: Any, resource: Any) -> None:
            real(described, stack, resource)
            if stack.status == "CREATE_FAILED" and described.logical_resource_id not in self._failing:
                described.resource_status = "CREATE_COMPLETE"

        return describe

    def _updating(self, real: Callable[..., None]) -> Callable[..., None]:
        def update(stack: Any, template: str, *rest: Any, **named: Any) -> None:
            if failed := self._failed(stack):
                stack._add_stack_event("UPDATE_IN_PROGRESS", resource_status_reason="User Initiated")
                self._tell(stack, failed, "UPDATE_FAILED")
                stack._add_stack_event("UPDATE_ROLLBACK_COMPLETE")
                stack.status = "UPDATE_ROLLBACK_COMPLETE"
            else:
                real(stack, template, *rest, **named)

        return update

    def _failed(self, stack: Any) -> dict[str, str]:
        resources = stack.template_dict["Resources"]
        return {name: reason for name, reason in self._failing.items() if name in resources}

    def _tell(self, stack: Any, failed: dict[str, str], status: str) -> None:
        bystander = next(name for name in stack.template_dict["Resources"] if name not in failed)
        for name, reason in {**failed, bystander: _CANCELLED}.items():
            stack.events.append(
                Event(
                    stack_id=stack.stack_id,
                    stack_name=stack.name,
                    logical_resource_id=name,
                    physical_resource_id="",
                    resource_type=stack.template_dict["Resources"][name]["Type"],
                    resource_status=status,
                    resource_status_reason=reason,
                    resource_properties=None,
                )
            )
        stack._add_stack_event(
            status, resource_status_reason=f"The following resource(s) failed: [{', '.join(failed)}]."
        )
