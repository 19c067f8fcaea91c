"""Resuming a failed execution: the first state of an execution that continues where an earlier one stopped.

- A COMPLETED wave is carried over if its instances still exist. Otherwise its lost servers are launched again.
- In all other waves the recovered servers are adopted, and the rest is launched in the order of the plan.
- A wave or server that the operator skips is never launched; a skipped wave counts as passed for its dependants.

A drill can be resumed while instances of it exist; the newest execution of a chain owns the clean-up of them all.

The servers come from the record. The waves of the loaded plan must still be the same, because a record of waves says
nothing about other waves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from engine.core.plan import Plan, Wave
from engine.core.protection import ExistingInstance, ExistingInstances, drill_refusals, with_decision
from engine.core.state import Execution, ServerState, WaveState, new_execution
from engine.core.statuses import CleanUpStatus, ExecutionStatus, ServerStatus, WaveStatus


@dataclass(frozen=True)
class ResumeChoices:
    """What the operator decided for the resumption. `snapshots`: snapshot id by source server id."""

    skip_waves: frozenset[int] = frozenset()
    skip_servers: frozenset[str] = frozenset()
    snapshots: Mapping[str, str] = field(default_factory=dict)
    existing: ExistingInstances = field(default_factory=lambda: ExistingInstances(keep=True))


def status_problems(before: Execution) -> list[str]:
    """Why this execution cannot be resumed, whatever the plan."""
    name = f"execution {before.execution_id}"
    if not before.ended:
        return [f"{name} is {before.status}: only an execution that is FAILED or CANCELLED can be resumed"]
    if before.status is ExecutionStatus.COMPLETED:
        return [f"{name} is COMPLETED: there is nothing to resume"]
    if before.is_drill and (before.clean_up is None or before.clean_up.status is not CleanUpStatus.SKIPPED):
        return [f"{name} is a DRILL that keeps no instances. {_again(before)}"]
    return []


def drill_problems(
    before: Execution, kept: Mapping[str, ExistingInstance], real: Mapping[str, ExistingInstance], busy: Iterable[str]
) -> list[str]:
    """Why a kept drill cannot be resumed now. `busy`: its jobs that still run and may launch more instances."""
    name = f"execution {before.execution_id}"
    if real:
        return drill_refusals(before.plan_id, real, [server.source_server_id for _, server in before.servers()])
    if jobs := sorted(busy):
        return [f"{name} is a DRILL whose launch {', '.join(jobs)} still runs; resume it when that job has ended"]
    if not kept:
        return [f"{name} is a DRILL whose instances do not exist any more. {_again(before)}"]
    return []


def _again(before: Execution) -> str:
    return f"To start it again: python -m engine start {before.plan_id}"


def differences(before: Execution, plan: Plan) -> list[str]:
    """How the waves of the loaded plan differ from those of the record: numbers, groups, order, dependencies."""
    known, loaded = {wave.number: wave for wave in before.waves}, {wave.number: wave for wave in plan.waves}
    found = [f"wave {number} is not in the loaded plan" for number in known if number not in loaded]
    found += [f"wave {number} of the loaded plan is new" for number in loaded if number not in known]
    for number in known.keys() & loaded.keys():
        found += [f"{known[number].label}: {line}" for line in _changes(known[number], loaded[number])]
    return sorted(found)


def _changes(was: WaveState, now: Wave) -> Iterator[str]:
    if was.group_id != now.group_id:
        yield f"its protection group was {was.group_id}, is {now.group_id}"
    if was.launch_order is not now.launch_order:
        yield f"its order was {was.launch_order}, is {now.launch_order}"
    if was.depends_on != now.depends_on:
        yield f"it depended on {_waves(was.depends_on)}, depends on {_waves(now.depends_on)}"


def _waves(numbers: tuple[int, ...]) -> str:
    return f"wave {', '.join(map(str, numbers))}" if numbers else "no wave"


def plan_problems(before: Execution, plan: Plan) -> list[str]:
    """The refusal of a resumption over changed waves; empty if they are the same."""
    changed = differences(before, plan)
    if not changed:
        return []
    return [
        f"plan {plan.plan_id}: its waves have changed since execution {before.execution_id}: {'; '.join(changed)}. "
        f"To recover by the loaded plan: python -m engine start {plan.plan_id} --recovery --existing keep"
    ]


def choice_problems(before: Execution, choices: ResumeChoices) -> list[str]:
    """The choices that do not fit the record, one line each."""
    waves = {wave.number: wave for wave in before.waves}
    servers = {server.source_server_id: (wave, server) for wave, server in before.servers()}
    found = [f"wave {number} cannot be skipped: there is no such wave" for number in choices.skip_waves - waves.keys()]
    found += [
        f"{waves[number].label} cannot be skipped: it is COMPLETED"
        for number in choices.skip_waves & waves.keys()
        if waves[number].status is WaveStatus.COMPLETED
    ]
    found += [
        f"server {server} cannot be skipped: it is not a server of the execution"
        for server in choices.skip_servers - servers.keys()
    ]
    found += [
        f"server {servers[server][1].label} cannot be skipped: it is RECOVERED"
        for server in choices.skip_servers & servers.keys()
        if servers[server][1].status is ServerStatus.RECOVERED
    ]
    found += [
        f"snapshot {snapshot}: server {server} is not a server of the execution"
        for server, snapshot in choices.snapshots.items()
        if server not in servers
    ]
    return sorted(found)


def snapshot_problems(before: Execution, choices: ResumeChoices, existing: Mapping[str, ExistingInstance]) -> list[str]:
    """Snapshots of servers that the resumption would not launch, because their instances are kept."""
    return [
        f"snapshot {choices.snapshots[server.source_server_id]}: server {server.label} runs as "
        f"{existing[server.source_server_id].recovery_instance_id}, which is kept; to launch it again, add "
        f"--existing replace={server.source_server_id}"
        for _, server in before.servers()
        if server.source_server_id in choices.snapshots.keys() & existing.keys() - choices.existing.replacements.keys()
    ]


def resumption(
    before: Execution,
    plan: Plan,
    choices: ResumeChoices,
    existing: Mapping[str, ExistingInstance],
    *,
    execution_id: str,
    initiated_by: str,
    servers_per_job: int,
) -> Execution:
    """The first state of the execution that resumes `before`, whose servers have been read.

    `existing` has the real recovery instances of its servers now (of a drill: those of `before`), by source server id.
    """
    servers = {wave.number: tuple(one.source_server_id for one in wave.loaded) for wave in before.waves}
    same_servers = replace(plan, waves=tuple(replace(wave, servers=servers[wave.number]) for wave in plan.waves))
    fresh = new_execution(
        same_servers,
        execution_id=execution_id,
        execution_type=before.execution_type,
        initiated_by=initiated_by,
        source_account_id=before.source_account_id,
        servers_per_job=servers_per_job,
        host_names={one.source_server_id: one.host_name for _, one in before.servers()},
    )
    decided = with_decision(fresh, choices.existing, existing)

    def of_wave(wave: WaveState) -> WaveState:
        return _resumed_wave(before.execution_id, before.wave(wave.number), wave, choices, existing, initiated_by)

    return replace(
        decided.map_waves(of_wave),
        resumed_from=before.execution_id,
        as_of=before.as_of,
        first_start_time=before.first_start_time or before.start_time,
    )


def _resumed_wave(
    execution_id: str,
    was: WaveState,
    wave: WaveState,
    choices: ResumeChoices,
    existing: Mapping[str, ExistingInstance],
    by: str,
) -> WaveState:
    if wave.number in choices.skip_waves:
        reason = f"skipped by {by} when execution {execution_id} was resumed"
        return replace(wave, status=WaveStatus.SKIPPED, reason=reason, skipped_by=by)
    if was.status is WaveStatus.COMPLETED and all(_still_there(one, choices, existing) for one in was.loaded):
        return replace(
            wave,
            status=WaveStatus.COMPLETED,
            start_time=was.start_time,
            end_time=was.end_time,
            optional_lost=was.optional_lost,
            carried_from=was.carried_from or execution_id,
            servers=was.servers,
        )
    if was.skipped_by is not None:
        return replace(wave, status=WaveStatus.SKIPPED, reason=was.reason, skipped_by=was.skipped_by)
    records = {one.source_server_id: one for one in was.loaded}
    return wave.with_servers(
        lambda server: True, lambda server: _resumed_server(records[server.source_server_id], server, choices, by)
    )


def _still_there(server: ServerState, choices: ResumeChoices, existing: Mapping[str, ExistingInstance]) -> bool:
    """Whether a server of a COMPLETED wave needs no further work."""
    found = existing.get(server.source_server_id)
    if server.source_server_id in choices.existing.replacements.keys() | choices.snapshots.keys():
        return False
    if server.status is not ServerStatus.RECOVERED:
        return True
    return found is not None and found.recovery_instance_id == server.recovery_instance_id


def _resumed_server(was: ServerState, server: ServerState, choices: ResumeChoices, by: str) -> ServerState:
    if server.source_server_id in choices.skip_servers:
        reason = f"skipped by {by} on resumption"
        return replace(server, status=ServerStatus.SKIPPED, error_message=reason, skipped_by=by)
    if was.skipped_by is not None:
        return replace(server, status=ServerStatus.SKIPPED, error_message=was.error_message, skipped_by=was.skipped_by)
    chosen = choices.snapshots.get(server.source_server_id)
    # The servers and their snapshots come from the record, not from the loaded plan.
    return replace(server, snapshot_id=chosen or was.snapshot_id)


def skipped_summary(execution: Execution) -> str | None:
    """The warning of an execution that was completed without the waves and servers that a person skipped."""
    waves = [wave for wave in execution.waves if wave.skipped_by]
    servers = [server.label for _, server in execution.servers() if server.skipped_by]
    if not waves and not servers:
        return None
    recovered = sum(server.status is ServerStatus.RECOVERED for _, server in execution.servers())
    skipped = [*(f"{wave.label} by {wave.skipped_by}" for wave in waves), *servers]
    return f"{recovered} of {execution.server_count} servers recovered; skipped: {', '.join(skipped)}"
