"""AWS::NoValue in a list: the item is left out, such as a statement of a policy that a condition chooses.

Source: the CloudFormation user guide, "Pseudo parameters reference": AWS::NoValue removes the resource property.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from moto.cloudformation import parsing

from simulator.patches.patching import Patch


def _without_missing_items(real: Callable[..., Any]) -> Callable[..., Any]:
    def clean_json(resource_json: Any, resources_map: Any) -> Any:
        # moto's function calls itself by this name, so nested lists come here too.
        cleaned = real(resource_json, resources_map)
        if isinstance(resource_json, list):
            return [one for one in cleaned if one is not None]
        return cleaned

    return clean_json


def patches() -> list[Patch]:
    reason = "moto leaves None in lists for AWS::NoValue"
    return [Patch(parsing, "clean_json", _without_missing_items(parsing.clean_json), reason)]
