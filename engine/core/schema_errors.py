"""Checks recovery plans and protection groups against their JSON Schemas, with messages for the author of a plan."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jsonschema import ValidationError

_ID = "^[A-Za-z0-9._-]{1,128}$"


def is_id(text: str) -> bool:
    """Whether `text` is valid as a PlanId or GroupId; the schemas use the same pattern."""
    return re.fullmatch(_ID, text) is not None


def schema_errors(schema: str, document: object) -> list[ValidationError]:
    """The errors of `document` against `engine/core/schemas/<schema>.json`, sorted by path."""
    return sorted(_validator(schema).iter_errors(document), key=lambda error: list(map(str, error.path)))


def describe_schema_error(error: ValidationError, field: str) -> Iterator[tuple[str, str]]:
    """(field, message) for each mistake that `error` reports; `field` is the path of the value that has the error."""
    if describe_members := _MEMBER_ERRORS.get(str(error.validator)):
        for name, message in describe_members(error.instance, error.validator_value, error.schema):
            yield f"{field}.{name}" if field else name, message
    else:
        describe = _VALUE_ERRORS.get(str(error.validator))
        yield field or "document", describe(error.instance, error.validator_value) if describe else error.message


def _match_whole_value(validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    """Python's `$` also matches before a final line break; an id that ends with one is another id."""
    from jsonschema import ValidationError

    if validator.is_type(value, "string") and re.fullmatch(pattern, value) is None:
        yield ValidationError(f"{value!r} does not match {pattern}")


@cache
def _validator(schema: str) -> Any:
    # jsonschema takes longer to import than most commands to run, and few of them need it.
    from jsonschema import Draft202012Validator, validators

    patterned: Any = validators.extend(Draft202012Validator, {"pattern": _match_whole_value})  # type: ignore[no-untyped-call] # jsonschema's types leave it open
    text = resources.files("engine.core").joinpath("schemas", f"{schema}.json").read_text(encoding="utf-8")
    return patterned(json.loads(text))


def _missing(value: Any, required: Any, _: Any) -> Iterator[tuple[str, str]]:
    return ((name, "is missing") for name in required if name not in value)


def _unknown(value: Any, _: Any, schema: Any) -> Iterator[tuple[str, str]]:
    known = schema["properties"]
    return ((name, f"is not a field here; fields are {', '.join(known)}") for name in value if name not in known)


def _missing_companions(value: Any, dependent: Any, _: Any) -> Iterator[tuple[str, str]]:
    return (
        (missing, f"is missing; {name} needs it")
        for name, needed in dependent.items()
        if name in value
        for missing in needed
        if missing not in value
    )


def _not_exactly_one(value: Any, alternatives: Any, _: Any) -> Iterator[tuple[str, str]]:
    """The members of an object of which it must have exactly one."""
    names = [name for alternative in alternatives for name in alternative["required"]]
    given = [name for name in names if name in value]
    if given:
        return ((name, f"cannot be given together with {given[0]}") for name in given[1:])
    return iter([(names[0], f"is missing; give {' or '.join(names)}")])


# Keywords whose errors concern members of an object: (object, keyword's value, schema) -> (member, message) for each.
_MEMBER_ERRORS: Mapping[str, Callable[[Any, Any, Any], Iterator[tuple[str, str]]]] = {
    "required": _missing,
    "additionalProperties": _unknown,
    "dependentRequired": _missing_companions,
    "oneOf": _not_exactly_one,
}

_TYPES = {
    "integer": "a whole number",
    "string": "a text",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
}
_FORMATS = {
    "^s-[0-9A-Za-z]{17}$": "a source server id is s- and 17 letters or digits",
    "^pit-[0-9A-Za-z]{17}$": "a snapshot id is pit- and 17 letters or digits; leave it out for the latest data",
    _ID: "an id is 1 to 128 letters, digits, points, hyphens and underscores",
    "^[0-9]{12}$": "an account id is 12 digits",
    "^[a-z]{2,4}(-[a-z]+)+-[0-9]$": "a Region is like us-east-1",
    "^[A-Za-z0-9+=,.@_-]{1,64}$": "a role name is 1 to 64 letters, digits and +=,.@_-",
    "^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$": (
        "a topic ARN is like arn:aws:sns:us-east-1:111122223333:NAME"
    ),
}
# Values that a person is likely to give: pattern of the schema -> (pattern of the value, message).
_LIKELY = {
    "^[A-Za-z0-9+=,.@_-]{1,64}$": (
        r"arn:[^:]*:iam::\d*:role/(.*/)?(?P<name>[^/]+)",
        "give the name of the role only, not its ARN: {name}",
    ),
    "^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+$": (
        r"arn:[^:]*:sns:.*\.fifo",
        "FIFO topics are not supported; give a standard topic",
    ),
}


def _shown(value: Any) -> str:
    text = json.dumps(
        value, ensure_ascii=False, default=lambda other: float(other) if isinstance(other, Decimal) else str(other)
    )
    return text if len(text) <= 60 else text[:57] + "..."


def _too_short(value: Any, limit: Any) -> str:
    return "must not be empty" if limit == 1 else f"must have at least {limit}, has {len(value)}"


def _too_long(value: Any, limit: Any) -> str:
    return f"must have at most {limit}, has {len(value)}"


def _malformed(value: Any, pattern: str) -> str:
    likely, message = _LIKELY.get(pattern, ("(?!)", ""))
    if found := re.fullmatch(likely, value):
        return f"{_shown(value)}: {message.format(**found.groupdict())}"
    return f"{_shown(value)} is malformed; {_FORMATS.get(pattern, f'it must match {pattern}')}"


def _repeated(value: Any, _: Any) -> str:
    return f"names {', '.join(item for item, count in Counter(map(str, value)).items() if count > 1)} twice"


# Keywords whose errors concern the value itself: (value, keyword's value) -> message.
_VALUE_ERRORS: Mapping[str, Callable[[Any, Any], str]] = {
    "type": lambda value, limit: f"must be {_TYPES.get(str(limit), limit)}, is {_shown(value)}",
    "enum": lambda value, limit: f"must be {' or '.join(map(str, limit))}, is {_shown(value)}",
    "pattern": _malformed,
    "minItems": _too_short,
    "minProperties": _too_short,
    "maxProperties": _too_long,
    "minLength": _too_short,
    "maxItems": _too_long,
    "maxLength": _too_long,
    "minimum": lambda value, limit: f"must be at least {limit}, is {value}",
    "maximum": lambda value, limit: f"must be at most {limit}, is {value}",
    "uniqueItems": _repeated,
}
