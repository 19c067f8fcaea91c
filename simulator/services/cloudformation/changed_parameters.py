"""Updates of resources whose template is the same, but whose parameters have changed: moto sees them behind Ref only.

Source: the CloudFormation user guide, "Update behaviors of stack resources": CloudFormation updates resources based on
the differences between what is submitted and the stack's current template and parameters.

A resource that its own Condition adds or removes stays as it is, and so does one whose type moto cannot update.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.parsing import ResourceMap

from simulator.patches.patching import Patch

_VARIABLE = re.compile(r"\$\{([\w:]+)\}")


def _names_in(value: Any, conditions: dict[str, Any]) -> Iterator[str]:
    """The names behind Ref, Fn::Sub and the conditions of Fn::If, at any depth."""
    if isinstance(value, list):
        for one in value:
            yield from _names_in(one, conditions)
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        if key == "Ref":
            yield inner
        elif key == "Condition" and isinstance(inner, str):
            yield from _names_in(conditions.get(inner), conditions)
        elif key == "Fn::If":
            yield from _names_in([{"Condition": inner[0]}, *inner[1:]], conditions)
        elif key == "Fn::Sub":
            text, *variables = inner if isinstance(inner, list) else [inner]
            yield from _VARIABLE.findall(text)
            yield from _names_in(variables, conditions)
        else:
            yield from _names_in(inner, conditions)


def _can_be_updated(description: dict[str, Any]) -> bool:
    kind = parsing.resource_class_from_type(description["Type"])
    return kind is not None and not hasattr(kind.update_from_cloudformation_json, "__isabstractmethod__")


def _with_changed_parameters(real: Callable[..., Any]) -> Callable[..., Any]:
    def build_resource_diff(resources: Any, template: dict[str, Any], parameters: dict[str, Any] | None = None) -> Any:
        found = real(resources, template, parameters)
        given, conditions = resources.input_parameters, template.get("Conditions", {})
        changed = {name for name, value in (parameters or {}).items() if given.get(name) != value}
        for name, description in template["Resources"].items():
            affected = changed.intersection(_names_in(description.get("Properties"), conditions))
            known = name in resources._parsed_resources and name not in found["Modify"]
            if affected and known and _can_be_updated(description):
                found["Modify"].append(name)
        return found

    return build_resource_diff


def patches() -> list[Patch]:
    reason = "moto does not update a resource whose parameters have changed in Fn::Sub or Fn::If"
    return [
        Patch(ResourceMap, "build_resource_diff", _with_changed_parameters(ResourceMap.build_resource_diff), reason)
    ]
