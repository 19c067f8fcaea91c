"""Updates and deletions of stacks that fail, which moto lacks.

A failed update is UPDATE_ROLLBACK_COMPLETE with the previous resources; that the way back needs no right that the
caller lacks is a guess [U]. If the caller may not delete a resource that the new template lacks, the update is complete
and leaves the resource without a stack. A failed deletion is DELETE_FAILED: the stack keeps the resources that it could
not delete, and can be deleted again.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from moto.cloudformation.parsing import OutputMap

from simulator.services.cloudformation.failed_resources import ResourceFailed, add_failure_events, end, failed_to
from simulator.services.cloudformation.rights import CallerRights


def updating(real: Callable[..., None], rights: CallerRights) -> Callable[..., None]:
    def update(
        stack: Any, template: str, role_arn: str | None = None, parameters: Any = None, tags: Any = None
    ) -> None:
        before, given = stack.template, stack.resource_map.input_parameters
        described = stack.resource_map._resource_json_map
        try:
            with rights.leaving_undeleted():
                # CloudFormation goes on with the role of an earlier operation.
                real(stack, template, role_arn or stack.role_arn, parameters=parameters, tags=tags)
            _forget_removed(stack, described)
            add_failure_events(stack, rights.undeleted, "DELETE_FAILED", described)
        except ResourceFailed as failure:
            failed = failure.resource
            add_failure_events(stack, {failed.logical_resource_id: failure.reason}, failed.status)
            verb = failed.status.partition("_")[0].lower()
            end(stack, "UPDATE_ROLLBACK_IN_PROGRESS", failed_to(verb, [failed.logical_resource_id]))
            with rights.unjudged():
                _restore(stack, before, given)
            end(stack, "UPDATE_ROLLBACK_COMPLETE")

    return update


def _restore(stack: Any, template: Any, parameters: Any) -> None:
    failed = stack.resource_map._resource_json_map
    stack.template = template
    stack._parse_template()
    with warnings.catch_warnings():
        # moto warns about each resource that the failed update had not created yet.
        warnings.simplefilter("ignore")
        stack.resource_map.update(stack.template_dict, parameters)
    _forget_removed(stack, failed)
    stack.output_map = stack._create_output_map()


def _forget_removed(stack: Any, described: Any) -> None:
    """moto remembers a resource that an update removed, and would not create it when a later update adds it again."""
    for name in set(described) - set(stack.resource_map._resource_json_map):
        stack.resource_map._parsed_resources.pop(name, None)


def executing(real: Callable[..., None], rights: CallerRights) -> Callable[..., None]:
    """A change set that fails leaves a new stack without resources, an existing one with the previous resources."""

    def execute(backend: Any, change_set_name: str, stack_name: str | None = None) -> None:
        named = (
            one for one in backend.change_sets.values() if change_set_name in (one.change_set_name, one.change_set_id)
        )
        change_set: Any = next(named, None)
        if change_set is None:
            real(backend, change_set_name=change_set_name, stack_name=stack_name)
            return
        stack = change_set.stack
        before, given = stack.template, stack.resource_map.input_parameters
        try:
            real(backend, change_set_name=change_set_name, stack_name=stack_name)
        except ResourceFailed as failure:
            failed = failure.resource
            described = change_set.template_dict["Resources"]
            add_failure_events(stack, {failed.logical_resource_id: failure.reason}, failed.status, described)
            with rights.unjudged():
                if change_set.change_set_type == "CREATE":
                    stack.resource_map.delete()
                    stack.resource_map._resource_json_map = {}
                    end(stack, "ROLLBACK_COMPLETE")
                else:
                    _restore(stack, before, given)
                    end(stack, "UPDATE_ROLLBACK_COMPLETE")

    return execute


def deleting(real: Callable[[Any], None], rights: CallerRights) -> Callable[[Any], None]:
    def delete(stack: Any) -> None:
        outputs = dict(stack.output_map.items())
        try:
            real(stack)
        except ResourceFailed:
            keep_undeleted(stack, rights)
            stack.output_map = OutputMap(
                stack.resource_map, {"Outputs": {name: {} for name in outputs}}, stack.stack_id
            )
            stack.output_map._parsed_outputs = outputs
            end(stack, "DELETE_FAILED", failed_to("delete", rights.undeleted))

    return delete


def keep_undeleted(stack: Any, rights: CallerRights) -> None:
    """The stack holds only the resources that still exist: moto creates others anew when it reads them."""
    resources = stack.resource_map
    described = resources._resource_json_map
    add_failure_events(stack, rights.undeleted, "DELETE_FAILED", described)
    resources._resource_json_map = {name: one for name, one in described.items() if name in resources._parsed_resources}


def deleting_stack(real: Callable[[Any, str], None]) -> Callable[[Any, str], None]:
    """moto takes a stack away before it deletes its resources."""

    def delete_stack(backend: Any, name_or_stack_id: str) -> None:
        real(backend, name_or_stack_id)
        for stack_id, stack in list(backend.deleted_stacks.items()):
            if stack.status == "DELETE_FAILED":
                backend.stacks[stack_id] = backend.deleted_stacks.pop(stack_id)

    return delete_stack
