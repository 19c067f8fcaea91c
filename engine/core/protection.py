"""Protection of recovered servers: a recovery never replaces a recovery that the operator did not name.

DRS replaces the recovery instance of a server when it launches the server again, and terminates the old instance first.
StartRecovery has no precondition, so the engine looks before each request:

- at the start: a recovery over existing instances is refused, unless the operator keeps or replaces them;
- at the launch: `judge_existing` decides for each existing instance whether it is adopted, left alone or replaced.

Invariant: the engine requests no launch of a server whose last look showed a real instance, except the instance that
the operator confirmed for this server. DRS leaves one window open: an instance that appears between look and request.

Every instance counts as real unless DRS says `isDrill: true`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.core.drs_status import JobStatus
from engine.core.state import Execution, ServerState, read_time
from engine.core.statuses import ServerStatus

# A refusal fits one screen of 24 lines.
_SERVERS_SHOWN = 8
_EXECUTIONS_SHOWN = 2


@dataclass(frozen=True)
class ExistingInstance:
    """The newest recovery instance of a source server, as DRS lists it. Times are ISO 8601 texts of DRS's own."""

    source_server_id: str
    recovery_instance_id: str
    ec2_instance_id: str | None = None
    state: str | None = None
    job_id: str | None = None
    snapshot_time: str | None = None
    host_name: str | None = None
    launch_time: str | None = None
    execution_id: str | None = None

    @property
    def server_label(self) -> str:
        return f"{self.host_name} ({self.source_server_id})" if self.host_name else self.source_server_id


@dataclass(frozen=True)
class ExistingInstances:
    """What the operator decided about existing instances: keep them, and replace those named by server and id."""

    keep: bool = False
    # Recovery instance id by source server id; "" where the operator has not seen the instance yet.
    replacements: Mapping[str, str] = field(default_factory=dict)

    @property
    def allowed(self) -> bool:
        return self.keep or bool(self.replacements)


def refusals(
    plan_id: str,
    decision: ExistingInstances,
    existing: Mapping[str, ExistingInstance],
    servers: Collection[str],
    at_work: Collection[str] = (),
) -> list[str]:
    """Why a recovery of these servers must not start; empty when every existing instance is decided.

    `servers` are in the order of the plan. `at_work` has the executions that have not ended.
    """
    problems = [
        _bad_replacement(plan_id, server, instance, existing, servers)
        for server, instance in sorted(decision.replacements.items())
    ]
    found = [problem for problem in problems if problem]
    if existing and not decision.allowed:
        found.append(_refusal(plan_id, _in_order(existing, servers), at_work))
    return found


def _in_order(existing: Mapping[str, ExistingInstance], servers: Collection[str]) -> list[ExistingInstance]:
    return [existing[server] for server in servers if server in existing]


def _bad_replacement(
    plan_id: str, server: str, instance: str, existing: Mapping[str, ExistingInstance], servers: Collection[str]
) -> str | None:
    if server not in servers:
        return f"plan {plan_id}: server {server} is to be replaced, but is not a server of the plan"
    if server not in existing:
        return f"plan {plan_id}: server {server} is to be replaced, but has no recovery instance"
    present = existing[server].recovery_instance_id
    if present == instance:
        return None
    confirmed = f"the confirmed instance is {instance}" if instance else "its replacement is not confirmed"
    return f"plan {plan_id}: the recovery instance of {existing[server].server_label} is {present}; {confirmed}"


def _refusal(plan_id: str, found: Sequence[ExistingInstance], at_work: Collection[str]) -> str:
    executions = sorted({one.execution_id for one in found if one.execution_id})[:_EXECUTIONS_SHOWN]
    return "\n".join(
        [
            f"plan {plan_id}: {len(found)} of its servers run from an earlier recovery.",
            "A new launch destroys these instances (launched at, UTC):",
            *_rows(found),
            *(f"Recovered by execution {one}{', which still runs' * (one in at_work)}." for one in executions),
            "To keep them and launch only the other servers:",
            f"  python -m engine start {plan_id} --recovery --existing keep",
            "To replace a server (DRS terminates its instance before the new one works):",
            f"  python -m engine start {plan_id} --recovery --existing replace=SERVER",
            "Otherwise fail back in DRS first.",
        ]
    )


def _rows(found: Sequence[ExistingInstance]) -> list[str]:
    """One line of at most 80 columns for each of the first instances, unless its host name is long."""
    shown = found[:_SERVERS_SHOWN]
    longest = max(len(one.host_name or "") for one in shown)
    rows = []
    for one in shown:
        name = [(one.host_name or "").ljust(longest)] if longest else []
        launched = [one.launch_time[:16].replace("T", " ")] if one.launch_time else []
        rows.append("  " + "  ".join([*name, one.source_server_id, one.recovery_instance_id, *launched]))
    return [*rows, *([f"  and {len(found) - len(shown)} more"] if len(found) > len(shown) else [])]


def drill_refusals(plan_id: str, existing: Mapping[str, ExistingInstance], servers: Collection[str]) -> list[str]:
    """Why a drill of these servers, in the order of the plan, must not start; empty without a real instance."""
    found = _in_order(existing, servers)
    if len(found) < 2:
        return [f"plan {plan_id}: {drill_refusal(one)}" for one in found]
    return [
        "\n".join(
            [
                f"plan {plan_id}: {len(found)} of its servers were recovered for real.",
                "A drill would replace these recovery instances (launched at, UTC):",
                *_rows(found),
                "A drill is possible after failing back and terminating them in DRS.",
            ]
        )
    ]


def drill_refusal(one: ExistingInstance) -> str:
    """Why a drill must not launch this server."""
    return (
        f"source server {one.server_label} was recovered for real: a drill would replace its recovery instance "
        f"{one.recovery_instance_id}; a drill is possible after failing back and terminating that instance in DRS"
    )


def drill_warnings(servers: Mapping[str | None, Sequence[str]]) -> tuple[str, ...]:
    """What the launches do to the instances of drills; `servers` has the names by drill, None for an unknown one."""
    return tuple(_drill_warning(drill, servers[drill]) for drill in sorted(servers, key=lambda one: one or ""))


def _drill_warning(drill: str | None, names: Sequence[str]) -> str:
    more = f" and {len(names) - _SERVERS_SHOWN} more" if len(names) > _SERVERS_SHOWN else ""
    shown = ", ".join(sorted(names)[:_SERVERS_SHOWN]) + more
    servers = f"{len(names)} servers ({shown})" if len(names) > 1 else shown
    return (
        f"{f'drill {drill}' if drill else 'a drill'} has instances of {servers}, "
        "which DRS terminates when this execution launches them"
    )


def with_decision(
    execution: Execution, decision: ExistingInstances, existing: Mapping[str, ExistingInstance]
) -> Execution:
    """Write into each server the instance that the start showed, and whether its replacement is confirmed."""
    confirmed = decision.replacements

    def decide(server: ServerState) -> ServerState:
        instance = existing[server.source_server_id].recovery_instance_id
        return replace(
            server, existing_instance_id=instance, replace_confirmed=confirmed.get(server.source_server_id) == instance
        )

    return execution.map_servers(lambda server: server.source_server_id in existing, decide)


def judge_existing(execution: Execution, existing: Mapping[str, ExistingInstance], now: datetime) -> Execution:
    """Apply a look before a launch: a recovery adopts what it may not replace, a drill leaves the servers alone.

    A resumed drill adopts the instances of the drill that it resumes.
    """

    def judge(server: ServerState) -> ServerState:
        found = existing[server.source_server_id]
        if execution.is_drill and found.recovery_instance_id != server.existing_instance_id:
            return server.failed(drill_refusal(found), now)
        if server.may_replace(found.recovery_instance_id):
            return server
        return _adopted(server, found, found.execution_id == execution.execution_id, now)

    return execution.map_servers(
        lambda server: server.source_server_id in existing and not server.ended and server.job_id is None, judge
    )


def _adopted(server: ServerState, found: ExistingInstance, own: bool, now: datetime) -> ServerState:
    """The existing instance counts as this server's launch; it is health-checked like a launched one.

    `own`: the execution itself launched it, by a request whose answer was lost.
    """
    warning = None
    if not own and found.recovery_instance_id != server.existing_instance_id:
        warning = (
            f"recovery instance {found.recovery_instance_id} appeared after this execution started"
            f"{f' (job {found.job_id})' if found.job_id else ''}; it was adopted and not replaced"
        )
    return replace(
        server.warned(warning) if warning else server,
        status=ServerStatus.LAUNCHED,
        adopted=not own,
        adopted_from=None if own else found.execution_id,
        job_id=found.job_id,
        job_status=JobStatus.COMPLETED if found.job_id else None,
        recovery_instance_id=found.recovery_instance_id,
        ec2_instance_id=found.ec2_instance_id,
        job_created=read_time(found.launch_time),
        snapshot_time=found.snapshot_time,
        launch_unconfirmed=False,
        start_time=server.start_time or now,
    )
