"""The accesses of a call by `action_table.py`: the action of its name on the resource that a parameter names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from simulator.iam.access import AwsRequest
from simulator.iam.action_table import SERVICES, Rules

# Action, resource (see `Access`), condition keys.
Needed = tuple[str, str | None, Mapping[str, tuple[str, ...]]]


def by_table(request: AwsRequest) -> Iterator[Needed]:
    rules = SERVICES.get(request.service)
    if rules is None:
        yield f"{request.service}:{request.operation}", None, {}
        return
    action = f"{rules.prefix}:{rules.names.get(request.operation, request.operation)}"
    context = _context(rules, request)
    for resource in _resources(rules, request):
        yield action, resource, context
    yield from passed_roles(rules, request)


def _context(rules: Rules, request: AwsRequest) -> dict[str, tuple[str, ...]]:
    given = {key: request.parameters.get(name) for name, key in rules.context.items()}
    return {key: _texts(value) for key, value in given.items() if value is not None}


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list) else (str(value),)


def _resources(rules: Rules, request: AwsRequest) -> list[str | None]:
    if request.operation in rules.everything:
        return ["*"]
    for parameter, template in rules.by_parameter if request.operation not in rules.other else ():
        value = request.parameters.get(parameter)
        if value:
            values = value if isinstance(value, list) else [value]
            return [_resource_arn(rules, request, str(one), template) for one in values]
    return [None]


def _resource_arn(rules: Rules, request: AwsRequest, value: str, template: str) -> str:
    """A parameter that already is an ARN names the resource itself."""
    if value.startswith("arn:"):
        return value
    end = template.format(value, partition=request.partition)
    return end if end.startswith("arn:") else request.arn(rules.prefix, end, regional=rules.regional)


def passed_roles(rules: Rules, request: AwsRequest) -> Iterator[Needed]:
    if request.operation not in rules.passes:
        return
    parameter, service = rules.passes[request.operation]
    role = request.parameters.get(parameter)
    if role:
        yield "iam:PassRole", str(role), {"iam:PassedToService": (service,)}


def tag_context(parameters: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    tags = parameters.get("Tags") or parameters.get("tags") or {}
    if isinstance(tags, list):
        tags = {one.get("Key", one.get("key")): one.get("Value", one.get("value")) for one in tags}
    if not isinstance(tags, Mapping) or not tags:
        return {}
    context = {f"aws:RequestTag/{key}": (str(value),) for key, value in tags.items()}
    return context | {"aws:TagKeys": tuple(str(key) for key in tags)}
