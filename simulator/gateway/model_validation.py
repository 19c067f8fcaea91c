"""Checks values against botocore's model: required members, bounds, patterns and enumerations.

botocore's client checks the minima and types of a request, but neither maxima nor patterns, and it checks no response.
This module checks requests and responses, as AWS's service endpoint does.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

from botocore.model import Shape

from simulator.patches.items import is_plain_member

_FAILED = "failed to satisfy constraint"
# S3 validates names with its own rules and errors.
_UNCHECKED_REQUESTS = frozenset({"s3"})
# Requests that AWS accepts although its model does not; `client_errors` has the names that SQS documents.
_ACCEPTED_REQUESTS = [("sqs", re.compile(r" at 'AttributeNames\.\d+\.member'.*enum value set"))]
# Responses of AWS that violate its own model, and one that a test may configure.
_TOLERATED = [
    ("dynamodb", re.compile(r"at '.*ProvisionedThroughput.NumberOfDecreasesToday'")),  # 0
    (
        "drs",
        re.compile(r"at '(job|items\.\d+\.member)\.status'.*enum value set"),
    ),  # an undocumented status, for tests of clients
    # A time with microseconds and offset, see simulator.drs.time_source.
    ("drs", re.compile(r"^Value '[-\dT:.]+\+00:00' at .* regular expression pattern: .*Z\$?$")),
]


def request_problems(service: str, value: Any, shape: Shape) -> list[str]:
    """The service endpoint's objections to a request."""
    if service in _UNCHECKED_REQUESTS:
        return []
    found = _not_in(_ACCEPTED_REQUESTS, service, problems(value, shape))
    return [_as_dynamodb_says(one) for one in found] if service == "dynamodb" else found


# A member in a path, but not a key of a map, such as the name of a table.
_MEMBER = re.compile(r"(?<![^.])[A-Z](?=[A-Za-z]*(?:\.|$))(?![A-Za-z]*\.value)")


def _as_dynamodb_says(problem: str) -> str:
    """DynamoDB writes members in small letters, "member" for the value of a map, and no length of a list.

    Source: moto's tests of DynamoDB, which were verified against AWS.
    """
    begin, quote, rest = re.sub(r"^Value '\d+ long' at", "Value at", problem).partition(" at '")
    path, end, constraint = rest.partition("'")
    path = _MEMBER.sub(lambda found: found[0].lower(), path).replace(".value", ".member")
    return f"{begin}{quote}{path}{end}{constraint}"


def answer_problems(service: str, value: Any, shape: Shape) -> list[str]:
    """The violations in a response; each is a defect of the simulator."""
    return _not_in(_TOLERATED, service, problems(value, shape))


def _not_in(exceptions: list[tuple[str, re.Pattern[str]]], service: str, found: list[str]) -> list[str]:
    return [one for one in found if not any(service == name and text.search(one) for name, text in exceptions)]


def problems(value: Any, shape: Shape, path: str = "") -> list[str]:
    """The violations of the model, in AWS's words. `path` names the value in the messages."""
    return list(_check(value, shape, path))


def message(found: list[str]) -> str:
    """One message for all violations, in AWS's words."""
    noun = "validation error" if len(found) == 1 else "validation errors"
    return f"{len(found)} {noun} detected: " + "; ".join(found)


def _check(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if value is None or is_plain_member(value, shape):
        return
    checker = _CHECKERS.get(shape.type_name)
    if checker is not None:
        yield from checker(value, shape, path)


def _structure(value: Any, shape: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"Value at '{path}' {_FAILED}: Member must be a structure"
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield f"Value null at '{_below(path, name)}' {_FAILED}: Member must not be null"
    for name, member in shape.members.items():
        if name in value:
            yield from _check(value[name], member, _below(path, name))


def _list(value: Any, shape: Any, path: str) -> Iterator[str]:
    yield from _length(len(value), shape, path, value)
    for index, item in enumerate(value, start=1):
        yield from _check(item, shape.member, f"{path}.{index}.member")


def _map(value: Any, shape: Any, path: str) -> Iterator[str]:
    yield from _length(len(value), shape, path, value)
    for key, item in value.items():
        yield from _check(key, shape.key, f"{path}.key")
        yield from _check(item, shape.value, f"{path}.{key}.value")


def _string(value: Any, shape: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        return
    yield from _length(len(value), shape, path, value)
    pattern = shape.metadata.get("pattern")
    if pattern and (compiled := _compiled(pattern)) and not compiled.fullmatch(value):
        yield f"Value '{value}' at '{path}' {_FAILED}: Member must satisfy regular expression pattern: {pattern}"
    if shape.enum and value not in shape.enum:
        allowed = ", ".join(shape.enum)
        yield f"Value '{value}' at '{path}' {_FAILED}: Member must satisfy enum value set: [{allowed}]"


def _number(value: Any, shape: Any, path: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if low is not None and value < low:
        yield f"Value '{value}' at '{path}' {_FAILED}: Member must have value greater than or equal to {low}"
    if high is not None and value > high:
        yield f"Value '{value}' at '{path}' {_FAILED}: Member must have value less than or equal to {high}"


def _length(size: int, shape: Any, path: str, value: Any) -> Iterator[str]:
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    shown = value if isinstance(value, str) and size <= 256 else f"{size} long"
    if low is not None and size < low:
        yield f"Value '{shown}' at '{path}' {_FAILED}: Member must have length greater than or equal to {low}"
    if high is not None and size > high:
        yield f"Value '{shown}' at '{path}' {_FAILED}: Member must have length less than or equal to {high}"


_CHECKERS = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "integer": _number,
    "long": _number,
    "float": _number,
    "double": _number,
}


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str] | None:
    """None for the few patterns (POSIX classes, Unicode properties) that Python's re does not support."""
    try:
        return re.compile(pattern)
    except re.error:
        return None


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
