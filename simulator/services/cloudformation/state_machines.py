"""The definition of a state machine in a template: text, object or S3 object, with substitutions."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from moto.s3.models import s3_backends
from moto.stepfunctions.models import StateMachine
from moto.utilities.utils import get_partition

from simulator.patches.patching import Patch

# The functions of the class methods, taken before a patch replaces them.
_create = StateMachine.__dict__["create_from_cloudformation_json"].__func__
_update = StateMachine.__dict__["update_from_cloudformation_json"].__func__


def _create_resource(
    cls: Any, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **kwargs: Any
) -> Any:
    return _create(
        cls,
        resource_name,
        _with_definition(cloudformation_json, account_id, region_name),
        account_id,
        region_name,
        **kwargs,
    )


def _update_resource(
    cls: Any,
    original_resource: Any,
    new_resource_name: str,
    cloudformation_json: Any,
    account_id: str,
    region_name: str,
) -> Any:
    described = _with_definition(cloudformation_json, account_id, region_name)
    return _update(cls, original_resource, new_resource_name, described, account_id, region_name)


def _with_definition(cloudformation_json: Any, account: str, region: str) -> Any:
    """The resource with its definition as DefinitionString, the only form that moto reads."""
    described = copy.deepcopy(cloudformation_json)
    properties = described.get("Properties", {})
    text = _definition(properties, account, region)
    if text is not None:
        for name, value in properties.get("DefinitionSubstitutions", {}).items():
            text = text.replace(f"${{{name}}}", str(value))
        properties["DefinitionString"] = text
    return described


def _definition(properties: dict[str, Any], account: str, region: str) -> str | None:
    given = properties.get("DefinitionString", properties.get("Definition"))
    if given is not None:
        return given if isinstance(given, str) else json.dumps(given)
    place = properties.get("DefinitionS3Location")
    if place is None:
        return None
    found = s3_backends[account][get_partition(region)].get_object(place["Bucket"], place["Key"], place.get("Version"))
    return found.value.decode() if found is not None else None


def patches() -> list[Patch]:
    reason = "moto reads DefinitionString only, without DefinitionSubstitutions"
    made: list[tuple[str, Callable[..., Any]]] = [
        ("create_from_cloudformation_json", _create_resource),
        ("update_from_cloudformation_json", _update_resource),
    ]
    return [Patch(StateMachine, name, classmethod(function), reason) for name, function in made]
