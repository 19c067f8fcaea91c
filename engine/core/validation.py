"""What is wrong with a plan: every problem at once, each naming its wave, server and field.

Two passes: the shape of each document against its JSON Schema (`engine/core/schemas`), then what only the documents
together tell: groups, dependencies, servers, account and Region, limits. A part whose shape is broken is left out of
the second pass, so that one mistake is told once.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators

from engine.core.plan import Document, RecoveryTarget, wave_servers

MAX_SERVERS = 1000
_ID = "^[A-Za-z0-9._-]{1,128}$"


@dataclass(frozen=True)
class PlanProblem:
    """One thing that is wrong: where (a wave, a group, the plan), in which field, and what."""

    where: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}, {self.field}: {self.message}"


def plan_problems(
    plan: Document, groups: Mapping[str, Document], target: RecoveryTarget | None = None
) -> list[PlanProblem]:
    """All problems of `plan`, judged with the protection `groups` by GroupId.

    `target`, when known, is where the plan recovers to: groups of another account or Region are problems then.
    """
    problems = list(_shape_problems("recovery_plan", plan, lambda error: _plan_place(plan, error)))
    used = [groups[group_id] for group_id in sorted(named_groups(plan)) if group_id in groups]
    for group in used:
        problems.extend(group_problems(group))
        if target is not None:
            problems.extend(_place_problems(group, target))
    waves = [wave for wave in _waves(plan) if isinstance(wave.get("WaveNumber"), int)]
    problems.extend(_number_problems(waves))
    problems.extend(_dependency_problems(waves))
    for wave in waves:
        problems.extend(_server_problems(wave, groups))
    problems.extend(_whole_plan_problems(waves, groups))
    return list(dict.fromkeys(problems))


def group_problems(group: Document) -> list[PlanProblem]:
    """All problems in the shape of one protection group."""
    return list(
        _shape_problems("protection_group", group, lambda error: (_group_name(group), _field(error.absolute_path)))
    )


def unknown_server_problems(
    plan: Document, groups: Mapping[str, Document], known: Collection[str], target: RecoveryTarget
) -> list[PlanProblem]:
    """Servers of a valid plan that DRS does not know in the target account and Region."""
    return [
        PlanProblem(
            _wave_name(wave),
            "ExecutionOrder" if "ExecutionOrder" in wave else "ProtectionGroupId",
            f"source server {server} does not exist in DRS (account {target.account_id}, Region {target.region})",
        )
        for wave in _waves(plan)
        for server in wave_servers(wave, groups)
        if server not in known
    ]


def named_groups(plan: Document) -> set[str]:
    """The GroupIds that the plan's waves name."""
    return {wave["ProtectionGroupId"] for wave in _waves(plan) if isinstance(wave.get("ProtectionGroupId"), str)}


def is_id(text: str) -> bool:
    """Whether a plan or a group can have this id; the schemas say the same."""
    return re.fullmatch(_ID, text) is not None


# --- shape -----------------------------------------------------------------------------------------------------------


def _whole_pattern(validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[ValidationError]:
    """Python's `$` overlooks a line break at the end; an id with one is another id."""
    if validator.is_type(value, "string") and re.fullmatch(pattern, value) is None:
        yield ValidationError(f"{value!r} does not match {pattern}")


_Validator = validators.extend(Draft202012Validator, {"pattern": _whole_pattern})  # type: ignore[no-untyped-call] # jsonschema's types leave it open


@cache
def _validator(schema: str) -> Any:
    text = resources.files("engine.core").joinpath("schemas", f"{schema}.json").read_text(encoding="utf-8")
    return _Validator(json.loads(text))


def _shape_problems(
    schema: str, document: Document, place: Callable[[ValidationError], tuple[str, str]]
) -> Iterator[PlanProblem]:
    """Every violation of the schema; `place` tells the (where, field) of an error."""
    for error in sorted(_validator(schema).iter_errors(document), key=lambda error: list(map(str, error.path))):
        where, field = place(error)
        for name, message in describe_schema_error(error, field):
            yield PlanProblem(where, name, message)


def _plan_place(plan: Document, error: ValidationError) -> tuple[str, str]:
    path = list(error.absolute_path)
    if len(path) >= 2 and path[0] == "Waves" and isinstance(path[1], int):
        return _wave_name(plan["Waves"][path[1]], path[1]), _field(path[2:])
    return "plan", _field(path)


def _field(path: Iterable[str | int]) -> str:
    """`HealthCheck.TimeoutSeconds`, `ExecutionOrder`: list positions are said by the value itself."""
    return ".".join(str(part) for part in path if isinstance(part, str))


def describe_schema_error(error: ValidationError, field: str) -> Iterator[tuple[str, str]]:  # noqa: C901 - one case a keyword
    """(field, sentence) for one schema error, in the words of somebody who writes plans."""
    value: Any = error.instance
    limit: Any = error.validator_value
    schema: Any = error.schema

    def inside(name: str) -> str:
        return f"{field}.{name}" if field else name

    match error.validator:
        case "required":
            yield from ((inside(name), "is missing") for name in limit if name not in value)
        case "additionalProperties" if limit is False:
            known = schema["properties"]
            yield from (
                (inside(name), f"is not a field here; fields are {', '.join(known)}")
                for name in value
                if name not in known
            )
        case "dependentRequired":
            yield from (
                (inside(missing), f"is missing; {name} needs it")
                for name, needed in limit.items()
                if name in value
                for missing in needed
                if missing not in value
            )
        case "type":
            yield field or "document", f"must be {_TYPES.get(str(limit), limit)}, is {_shown(value)}"
        case "enum":
            yield field, f"must be {' or '.join(map(str, limit))}, is {_shown(value)}"
        case "pattern":
            yield field, f"{_shown(value)} is malformed; {_FORMATS.get(limit, f'it must match {limit}')}"
        case "minItems" | "minLength":
            yield field, "must not be empty" if limit == 1 else f"must have at least {limit}, has {len(value)}"
        case "maxItems" | "maxLength":
            yield field, f"must have at most {limit}, has {len(value)}"
        case "minimum":
            yield field, f"must be at least {limit}, is {value}"
        case "maximum":
            yield field, f"must be at most {limit}, is {value}"
        case "uniqueItems":
            twice = [item for item, count in Counter(map(str, value)).items() if count > 1]
            yield field, f"names {', '.join(twice)} twice"
        case _:
            yield field or "document", error.message


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
    "^[a-z]{2}(-[a-z]+)+-[0-9]$": "a Region is like us-east-1",
}


def _shown(value: Any) -> str:
    text = json.dumps(
        value, ensure_ascii=False, default=lambda other: float(other) if isinstance(other, Decimal) else str(other)
    )
    return text if len(text) <= 60 else text[:57] + "..."


# --- what the documents tell together --------------------------------------------------------------------------------


def _waves(plan: Document) -> list[Document]:
    waves = plan.get("Waves") if isinstance(plan, Mapping) else None
    return [wave for wave in waves if isinstance(wave, Mapping)] if isinstance(waves, list) else []


def _wave_name(wave: Any, index: int = 0) -> str:
    position = f"at position {index + 1}"
    if not isinstance(wave, Mapping):
        return f"wave {position}"
    number, name = wave.get("WaveNumber", position), wave.get("WaveName")
    return f"wave {number} ({name})" if isinstance(name, str) else f"wave {number}"


def _group_name(group: Document) -> str:
    return f"protection group {group.get('GroupId', '(without GroupId)')}"


def _place_problems(group: Document, target: RecoveryTarget) -> Iterator[PlanProblem]:
    for field, expected in (("AccountId", target.account_id), ("Region", target.region)):
        actual = group.get(field)
        if isinstance(actual, str) and actual != expected:
            yield PlanProblem(_group_name(group), field, f"is {actual}, but the plan recovers to {expected}")


def _number_problems(waves: list[Document]) -> Iterator[PlanProblem]:
    for number, count in Counter(wave["WaveNumber"] for wave in waves).items():
        if count > 1:
            yield PlanProblem(f"wave {number}", "WaveNumber", f"is used by {count} waves")


def _dependency_problems(waves: list[Document]) -> Iterator[PlanProblem]:
    numbers = {wave["WaveNumber"] for wave in waves}
    edges = {wave["WaveNumber"]: _depends_on(wave) for wave in waves}
    for wave in waves:
        for dependency in _depends_on(wave):
            if dependency not in numbers:
                yield PlanProblem(_wave_name(wave), "DependsOn", f"wave {dependency} does not exist")
            elif dependency >= wave["WaveNumber"]:
                yield PlanProblem(_wave_name(wave), "DependsOn", _forward(wave["WaveNumber"], dependency, edges))


def _depends_on(wave: Document) -> list[int]:
    value = wave.get("DependsOn", [])
    return [number for number in value if isinstance(number, int)] if isinstance(value, list) else []


def _forward(number: int, dependency: int, edges: Mapping[int, list[int]]) -> str:
    circle = _path(dependency, number, edges)
    if dependency == number:
        return f"circular dependency: wave {number} depends on itself"
    if circle:
        return "circular dependency: " + " -> ".join(f"wave {step}" for step in (number, *circle))
    return f"wave {dependency} comes later; a wave can only depend on waves with lower numbers"


def _path(start: int, goal: int, edges: Mapping[int, list[int]]) -> list[int]:
    """The waves on a shortest way from `start` to `goal` along the dependencies; empty when there is none."""
    paths = [[start]]
    seen = {start}
    for path in paths:
        if path[-1] == goal:
            return path
        for step in edges.get(path[-1], []):
            if step not in seen:
                seen.add(step)
                paths.append([*path, step])
    return []


def _server_problems(wave: Document, groups: Mapping[str, Document]) -> Iterator[PlanProblem]:
    group_id = wave.get("ProtectionGroupId")
    if not isinstance(group_id, str):
        return
    if group_id not in groups:
        yield PlanProblem(_wave_name(wave), "ProtectionGroupId", f"protection group {group_id} does not exist")
        return
    members = _texts(groups[group_id].get("SourceServerIds"))
    order = _texts(wave.get("ExecutionOrder"))
    for server in dict.fromkeys(order):
        if server not in members:
            yield PlanProblem(_wave_name(wave), "ExecutionOrder", f"{server} is not in protection group {group_id}")
    snapshots = wave.get("RecoverySnapshots", {})
    for server in snapshots if isinstance(snapshots, Mapping) else ():
        if server not in (order or members):
            yield PlanProblem(_wave_name(wave), "RecoverySnapshots", f"{server} is not launched by this wave")


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _whole_plan_problems(waves: list[Document], groups: Mapping[str, Document]) -> Iterator[PlanProblem]:
    total = 0
    first_use: dict[str, Document] = {}
    for wave in waves:
        group = groups.get(str(wave.get("ProtectionGroupId")), {})
        servers = _texts(wave.get("ExecutionOrder")) or _texts(group.get("SourceServerIds"))
        total += len(servers)
        field = "ExecutionOrder" if wave.get("ExecutionOrder") else "ProtectionGroupId"
        for server in servers:
            if server in first_use:
                message = f"duplicate server {server}: already launched by {_wave_name(first_use[server])}"
                yield PlanProblem(_wave_name(wave), field, message)
            else:
                first_use[server] = wave
    if total > MAX_SERVERS:
        yield PlanProblem("plan", "Waves", f"launches {total} servers; at most {MAX_SERVERS} are possible")
