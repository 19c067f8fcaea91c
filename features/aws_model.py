"""Validates answers of AWS against botocore's model of the service: members, types, enums, patterns, lengths.

botocore itself does not validate answers. An answer that AWS could not give is no evidence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

# DRS answers with the offset +00:00 (field reports of 2024), although its model has a pattern that ends with Z.
_DRS_TIME = "ISO8601DatetimeString"
PYTHON: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": (int, float),
    "double": (int, float),
    "list": list,
    "map": dict,
    "structure": dict,
}


@cache
def service_model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def modelled_errors(service: str, operation: str) -> list[str]:
    """The names of the errors that the model lists for an operation."""
    return sorted(shape.name for shape in service_model(service).operation_model(operation).error_shapes)


def answer_problems(service: str, operation: str, answer: dict[str, Any]) -> list[str]:
    """The members of the answer that violate the model, one line each."""
    shape = service_model(service).operation_model(operation).output_shape
    content = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    return list(_problems(shape, content, operation)) if shape is not None else []


def _problems(shape: Shape, value: Any, path: str) -> Iterator[str]:
    wanted = PYTHON.get(shape.type_name)
    if wanted and (not isinstance(value, wanted) or (isinstance(value, bool) and shape.type_name != "boolean")):
        yield f"{path} is no {shape.type_name}: {value!r}"
        return
    yield from _limits(shape, value, path)
    if shape.type_name == "structure":
        for name in set(value) - set(shape.members):
            yield f"{path}.{name} is not in the model"
        for name in set(shape.required_members) - set(value):
            yield f"{path}.{name} is missing"
        for name in set(value) & set(shape.members):
            yield from _problems(shape.members[name], value[name], f"{path}.{name}")
    elif shape.type_name == "list":
        for number, item in enumerate(value):
            yield from _problems(shape.member, item, f"{path}[{number}]")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _problems(shape.value, item, f"{path}.{key}")


def _limits(shape: Shape, value: Any, path: str) -> Iterator[str]:
    limits = shape.metadata
    size = value if isinstance(value, int | float) else len(value) if hasattr(value, "__len__") else 0
    if ("min" in limits and size < limits["min"]) or ("max" in limits and size > limits["max"]):
        yield f"{path} is outside of {limits.get('min')} to {limits.get('max')}: {value!r}"
    if shape.name == _DRS_TIME:
        value = re.sub(r"\+00:00$", "Z", value)
    if "pattern" in limits and not re.search(limits["pattern"], value):
        yield f"{path} does not match {limits['pattern']}: {value!r}"
    if limits.get("enum") and value not in limits["enum"]:
        yield f"{path} is none of {', '.join(limits['enum'])}: {value!r}"
