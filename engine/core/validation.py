"""The problems of a recovery plan: all of them at once, each with its wave, server and field.

Two passes: the shape of each document against its JSON Schema (`engine.core.schema_errors`), then the relations between
the documents: groups, dependencies, servers, account and Region, limits. The second pass skips malformed parts, so that
each mistake is reported once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.core.plan import DEFAULT_TIMEOUT_SECONDS, Document, RecoveryTarget, wave_servers
from engine.core.schema_errors import describe_schema_error, schema_errors

if TYPE_CHECKING:
    from jsonschema import ValidationError

MAX_SERVERS = 1000
_SERVERS_SHOWN = 5


@dataclass(frozen=True)
class PlanProblem:
    """One problem: its place (a wave, a group, the plan), its field and a message."""

    where: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.where}, {self.field}: {self.message}"


def plan_problems(
    plan: Document, groups: Mapping[str, Document], target: RecoveryTarget | None = None
) -> list[PlanProblem]:
    """All problems of `plan` and of the protection groups that it uses; `groups` is by GroupId.

    With `target`, groups of another account or Region are problems too.
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
    problems.extend(_optional_problems(plan, waves, groups))
    return list(dict.fromkeys(problems))


def resolved_problems(plan: Document, groups: Mapping[str, Document]) -> list[PlanProblem]:
    """The problems of a valid plan that show when its groups by tag are resolved: servers twice, or too many."""
    waves = _waves(plan)
    return [*_whole_plan_problems(waves, groups), *_optional_problems(plan, waves, groups)]


def plan_warnings(plan: Document, groups: Mapping[str, Document]) -> list[PlanProblem]:
    """Parts of a plan without problems that its author may not have meant; none of them keeps a start back."""
    return [*_left_out(plan, groups), *_long_waits(plan), *_hopeless_objective(plan), *_silent(plan)]


def _left_out(plan: Document, groups: Mapping[str, Document]) -> Iterator[PlanProblem]:
    """Members of a wave's group that no wave launches, unless the wave is Partial."""
    launched = {server for wave in _waves(plan) for server in wave_servers(wave, groups)}
    for wave in _waves(plan):
        members = groups.get(wave["ProtectionGroupId"], {}).get("SourceServerIds", ())
        missing = [server for server in members if server not in launched]
        if missing and "ExecutionOrder" in wave and not wave.get("Partial", False):
            yield PlanProblem(
                wave_label(wave),
                "ExecutionOrder",
                f"leaves out {_listed(missing)} of protection group {wave['ProtectionGroupId']}, which no wave "
                'recovers; "Partial": true in the wave says that this is meant',
            )


def _waits(plan: Document) -> int:
    """The seconds of the waits between waves. The wait after the last wave is never waited."""
    waves = sorted(_waves(plan), key=lambda wave: int(wave["WaveNumber"]))
    return sum(wave.get("WaitTimeSeconds", 0) for wave in waves[:-1])


def _hopeless_objective(plan: Document) -> Iterator[PlanProblem]:
    objective, waits = plan.get("RecoveryTimeObjectiveSeconds"), _waits(plan)
    if objective is not None and waits >= objective:
        yield PlanProblem(
            "plan",
            "RecoveryTimeObjectiveSeconds",
            f"the waits between waves last {waits} s in all; an objective of {objective} s cannot be met",
        )


def _silent(plan: Document) -> Iterator[PlanProblem]:
    """Messages that a plan asks for and that no topic can carry."""
    if "NotificationTopicArn" in plan:
        return
    for wave in _waves(plan):
        if wave.get("Approval", {}).get("Required", False):
            yield PlanProblem(
                wave_label(wave),
                "Approval",
                "no message asks for it, because the plan has no NotificationTopicArn; only `status` shows the wait",
            )
    if plan.get("NotifyOn"):
        yield PlanProblem("plan", "NotifyOn", "has no effect without NotificationTopicArn")


def _long_waits(plan: Document) -> Iterator[PlanProblem]:
    """The waits between waves use up the time-out."""
    waits = _waits(plan)
    timeout = plan.get("TimeoutSeconds", DEFAULT_TIMEOUT_SECONDS)
    if waits >= timeout:
        yield PlanProblem(
            "plan",
            "TimeoutSeconds",
            f"the waits between waves last {waits} s in all, the time-out is {timeout} s; the last waves cannot start",
        )


def _listed(servers: list[str]) -> str:
    shown = ", ".join(servers[:_SERVERS_SHOWN])
    return shown + (f" and {len(servers) - _SERVERS_SHOWN} more" if len(servers) > _SERVERS_SHOWN else "")


def group_problems(group: Document) -> list[PlanProblem]:
    """All problems in the shape of one protection group."""
    return list(
        _shape_problems("protection_group", group, lambda error: (_group_name(group), _field(error.absolute_path)))
    )


def unknown_server_problems(
    plan: Document, groups: Mapping[str, Document], known: Collection[str], target: RecoveryTarget
) -> list[PlanProblem]:
    """A problem for each server of a valid plan that is not `known` to DRS in the target account and Region."""
    return [
        PlanProblem(
            wave_label(wave),
            "ExecutionOrder" if "ExecutionOrder" in wave else "ProtectionGroupId",
            f"source server {server} does not exist in DRS (account {target.account_id}, Region {target.region})",
        )
        for wave in _waves(plan)
        for server in wave_servers(wave, groups)
        if server not in known
    ]


def named_groups(plan: Document) -> set[str]:
    """The GroupIds that the plan's waves name; the plan may be invalid."""
    named = (wave.get("ProtectionGroupId") for wave in _waves(plan))
    return {group_id for group_id in named if isinstance(group_id, str) and group_id}


# --- shape -----------------------------------------------------------------------------------------------------------


def _shape_problems(
    schema: str, document: Document, place: Callable[[ValidationError], tuple[str, str]]
) -> Iterator[PlanProblem]:
    """All violations of the schema; `place` returns the (where, field) of an error."""
    for error in schema_errors(schema, document):
        where, field = place(error)
        for name, message in describe_schema_error(error, field):
            yield PlanProblem(where, name, message)


def _plan_place(plan: Document, error: ValidationError) -> tuple[str, str]:
    path = list(error.absolute_path)
    if len(path) >= 2 and path[0] == "Waves" and isinstance(path[1], int):
        return wave_label(plan["Waves"][path[1]], path[1]), _field(path[2:])
    return "plan", _field(path)


def _field(path: Iterable[str | int]) -> str:
    """For example `HealthCheck.TimeoutSeconds`, without list positions: the message contains the value."""
    return ".".join(str(part) for part in path if isinstance(part, str))


# --- relations between the documents ---------------------------------------------------------------------------------


def _waves(plan: Document) -> list[Document]:
    waves = plan.get("Waves") if isinstance(plan, Mapping) else None
    return [wave for wave in waves if isinstance(wave, Mapping)] if isinstance(waves, list) else []


def wave_label(wave: Any, index: int = 0) -> str:
    """For example `wave 2 (Application)`; the wave may be invalid."""
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
                yield PlanProblem(wave_label(wave), "DependsOn", f"wave {dependency} does not exist")
            elif dependency >= wave["WaveNumber"]:
                yield PlanProblem(wave_label(wave), "DependsOn", _forward(wave["WaveNumber"], dependency, edges))


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
    """The waves on a shortest path from `start` to `goal` along the dependencies; empty if no path exists."""
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
        yield PlanProblem(wave_label(wave), "ProtectionGroupId", f"protection group {group_id} does not exist")
        return
    if "ServerTags" in groups[group_id]:
        yield from _tagged_problems(wave, group_id)
        return
    members = _texts(groups[group_id].get("SourceServerIds"))
    order = _texts(wave.get("ExecutionOrder"))
    for server in dict.fromkeys(order):
        if server not in members:
            yield PlanProblem(wave_label(wave), "ExecutionOrder", f"{server} is not in protection group {group_id}")
    snapshots = wave.get("RecoverySnapshots", {})
    for server in snapshots if isinstance(snapshots, Mapping) else ():
        if server not in (order or members):
            yield PlanProblem(wave_label(wave), "RecoverySnapshots", f"{server} is not launched by this wave")


def _tagged_problems(wave: Document, group_id: str) -> Iterator[PlanProblem]:
    """Fields that name servers, in a wave whose servers are known only at the start."""
    for field in ("ExecutionOrder", "RecoverySnapshots", "Partial"):
        if field in wave:
            message = f"cannot be given, because protection group {group_id} selects its servers by tag"
            yield PlanProblem(wave_label(wave), field, message)


def _optional_problems(plan: Document, waves: list[Document], groups: Mapping[str, Document]) -> Iterator[PlanProblem]:
    """Optional servers that no wave recovers; the servers of a group can be unknown."""
    unordered = [wave.get("ProtectionGroupId") for wave in waves if not wave.get("ExecutionOrder")]
    if any("SourceServerIds" not in groups.get(str(group_id), {}) for group_id in unordered):
        return
    launched = {
        server
        for wave in waves
        for server in _texts(wave.get("ExecutionOrder"))
        or _texts(groups.get(str(wave.get("ProtectionGroupId")), {}).get("SourceServerIds"))
    }
    optional = _texts(plan.get("OptionalServers")) if isinstance(plan, Mapping) else []
    for server in dict.fromkeys(optional):
        if server not in launched:
            yield PlanProblem("plan", "OptionalServers", f"{server} is not recovered by any wave of the plan")


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
                message = f"duplicate server {server}: already launched by {wave_label(first_use[server])}"
                yield PlanProblem(wave_label(wave), field, message)
            else:
                first_use[server] = wave
    if total > MAX_SERVERS:
        yield PlanProblem("plan", "Waves", f"launches {total} servers; at most {MAX_SERVERS} are possible")
