"""The fields of the events that clients send, and the problems of an event that does not have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.core.plan import ExecutionType


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _is_text_map(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def _is_numbers(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, int) and not isinstance(one, bool) for one in value)


def _is_texts(value: object) -> bool:
    return isinstance(value, list) and all(_is_text(one) for one in value)


def _is_snapshots(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(one, str) and re.fullmatch(r"pit-[0-9A-Za-z]{17}", one) for one in value.values()
    )


def _is_time(value: object) -> bool:
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


@dataclass(frozen=True)
class _Field:
    """A field: the check of its value, the value in words, and whether an event needs it."""

    holds: Callable[[object], bool]
    words: str
    required: bool = False


_TEXT = _Field(_is_text, "a text")
_NEEDED_TEXT = _Field(_is_text, "a text", required=True)
_DECISION: Mapping[str, _Field] = {
    "ExecutionId": _NEEDED_TEXT,
    "WaveNumber": _Field(lambda value: type(value) is int, "a whole number", required=True),
    "By": _NEEDED_TEXT,
    "Comment": _TEXT,
}
_FIELDS: Mapping[str, Mapping[str, _Field]] = {
    "start": {
        "PlanId": _NEEDED_TEXT,
        "ExecutionType": _Field(lambda value: value in list(ExecutionType), "DRILL or RECOVERY", required=True),
        "InitiatedBy": _NEEDED_TEXT,
        "ClientToken": _TEXT,
        "KeepExisting": _Field(lambda value: isinstance(value, bool), "true or false"),
        "ReplaceExisting": _Field(_is_text_map, "an object: recovery instance id by source server id"),
        "CancelDrills": _Field(lambda value: isinstance(value, bool), "true or false"),
        "TakeOver": _Field(_is_texts, "a list of ExecutionIds"),
        "AsOf": _Field(_is_time, "an ISO 8601 time with a zone"),
        "Snapshots": _Field(_is_snapshots, "an object: snapshot id (pit-…) by source server id"),
    },
    "check": {"PlanId": _NEEDED_TEXT},
    "inspect": {
        "PlanId": _NEEDED_TEXT,
        "SourceServerIds": _Field(_is_texts, "a list of source server ids", required=True),
        "AsOf": _Field(_is_time, "an ISO 8601 time with a zone"),
    },
    "approve": _DECISION,
    "reject": _DECISION,
    "pause": {"ExecutionId": _NEEDED_TEXT, "By": _NEEDED_TEXT},
    "continue": {"ExecutionId": _NEEDED_TEXT, "By": _NEEDED_TEXT},
    "resume": {
        "ExecutionId": _NEEDED_TEXT,
        "InitiatedBy": _NEEDED_TEXT,
        "ClientToken": _TEXT,
        "SkipWaves": _Field(_is_numbers, "a list of wave numbers"),
        "SkipServers": _Field(_is_texts, "a list of source server ids"),
        "Snapshots": _Field(_is_snapshots, "an object: snapshot id (pit-…) by source server id"),
        "ReplaceExisting": _Field(_is_text_map, "an object: recovery instance id by source server id"),
    },
    "cleanup": {"ExecutionId": _NEEDED_TEXT},
    "cancel": {"ExecutionId": _NEEDED_TEXT, "Reason": _NEEDED_TEXT},
}


def event_problems(event: Mapping[str, Any]) -> list[str]:
    """One line for each missing, wrong or unknown field of a client's event; empty for all other events."""
    action = event.get("Action")
    fields = _FIELDS.get(action) if isinstance(action, str) else None
    return list(_problems(event, str(action), fields)) if fields else []


def _problems(event: Mapping[str, Any], action: str, fields: Mapping[str, _Field]) -> Iterator[str]:
    for name, field in fields.items():
        if name not in event and field.required:
            yield f"the event {action} has no {name}: it must be {field.words}"
        elif name in event and not field.holds(event[name]):
            yield f"{name} of the event {action} must be {field.words}"
    known = ["Action", *fields]
    yield from (
        f"{name} is not a field of the event {action}; its fields are {', '.join(fields)}"
        for name in event
        if name not in known
    )
