"""The answers to starts whose servers or plan another execution holds. Each fits 80 columns and one screen."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from engine.core.plan import ExecutionType
from engine.core.start_protocol import Holder
from engine.core.state import Execution
from engine.core.statuses import FINAL_EXECUTION, ExecutionStatus

_SERVERS_SHOWN = 6
_EXECUTIONS_SHOWN = 2
_COLUMNS = 80
_COMMAND = "  python -m engine"


def superseded(by: Execution) -> str:
    """The reason in the record of an execution that the start `by` ends."""
    return f"the {by.execution_type} {by.execution_id} of plan {by.plan_id} takes over its servers"


def fenced(execution: Execution, reason: str, holders: Sequence[Holder]) -> str:
    """Why this start was ended before its first launch, and the ways past the executions that took its servers."""
    lines = [f"plan {execution.plan_id}: the start was cancelled before it launched a server:"]
    lines += textwrap.wrap(reason, _COLUMNS)
    ways = _ways_of(execution, holders, execution.resumed_from) if holders else []
    return "\n".join([*lines, *ways])


def in_use(execution: Execution, held: Sequence[tuple[Holder, Sequence[str]]], resumed: str | None = None) -> str:
    """Why `execution` cannot start: the holders in the way with the servers they hold, and the commands that help.

    `resumed` is the execution that the refused request resumes.
    """
    names = {server.source_server_id: server.host_name for _, server in execution.servers()}
    count = sum(len(servers) for _, servers in held)
    lines = [f"plan {execution.plan_id}: {count} of its servers are in use by another execution:"]
    for holder, servers in held[:_EXECUTIONS_SHOWN]:
        lines.append(f"{holder.execution_type} {holder.execution_id} ({_state(holder)})")
        lines.append(f"of plan {holder.plan_id} has:")
        lines += _rows(servers[: _SERVERS_SHOWN // min(len(held), _EXECUTIONS_SHOWN)], len(servers), names)
    if len(held) > _EXECUTIONS_SHOWN:
        lines.append(f"and {len(held) - _EXECUTIONS_SHOWN} more executions")
    return "\n".join([*lines, *_ways_of(execution, [holder for holder, _ in held], resumed)])


def plan_in_use(holder: Holder, requested: ExecutionType, what: str | None = None, resumed: str | None = None) -> str:
    """Why a start of the other type, or `what`, cannot have the plan that `holder` runs.

    `resumed` is the execution that the refused request resumes.
    """
    return "\n".join(
        [
            f"plan {holder.plan_id}: the {holder.execution_type} {holder.execution_id}",
            f"({_state(holder)}) is in the way of {what or f'a {requested}'}.",
            *ways_on(holder.plan_id, requested, [holder], resumed),
        ]
    )


def _ways_of(execution: Execution, holders: Sequence[Holder], resumed: str | None) -> list[str]:
    return ways_on(execution.plan_id, execution.execution_type, holders, resumed)


def ways_on(
    plan_id: str, execution_type: ExecutionType, holders: Sequence[Holder], resumed: str | None = None
) -> list[str]:
    """The commands by which a start of this type, or a resumption of `resumed`, gets past the holders."""
    if resumed is not None:
        return _ways_to_resume(plan_id, execution_type, holders, f"{_COMMAND} resume {resumed}")
    if all(holder.status in FINAL_EXECUTION for holder in holders):
        return ["Try again when it is settled; its status shows the clean-up:", _status(holders[0])]
    if execution_type is ExecutionType.DRILL:
        return ["Wait until it has ended and is cleaned up, or cancel it:", _cancel(holders[0])]
    recoveries = [holder for holder in holders if holder.execution_type is ExecutionType.RECOVERY]
    drills = len(recoveries) < len(holders)
    if not recoveries:
        return [
            "To cancel the drill and start this recovery:",
            f"{_COMMAND} start {plan_id} --recovery --cancel-drills",
        ]
    return [
        "Wait until it has ended, or cancel it and start again:",
        _cancel(recoveries[0]),
        "If it does not answer, take over its servers (its jobs in DRS go on):",
        f"{_COMMAND} start {plan_id} --recovery{' --cancel-drills' if drills else ''} \\",
        f"    --take-over {recoveries[0].execution_id}",
    ]


def _ways_to_resume(plan_id: str, execution_type: ExecutionType, holders: Sequence[Holder], resume: str) -> list[str]:
    """A resumption cancels no other execution itself, so the operator does that first."""
    first, *_ = sorted(holders, key=lambda holder: holder.execution_type is not ExecutionType.RECOVERY)
    if all(holder.status in FINAL_EXECUTION for holder in holders):
        return ["Resume when it is settled; its status shows the clean-up:", _status(first), resume]
    running = next((holder for holder in [first, *holders] if holder.status not in FINAL_EXECUTION), first)
    settled = " and is cleaned up" if running.execution_type is ExecutionType.DRILL else ""
    lines = [f"Wait until it has ended{settled}, or cancel it; then resume:", _cancel(running), resume]
    if execution_type is ExecutionType.RECOVERY and running.execution_type is ExecutionType.RECOVERY:
        lines += [
            "If it does not answer, a new start takes over (its jobs in DRS go on):",
            f"{_COMMAND} start {plan_id} --recovery --existing keep \\",
            f"    --take-over {running.execution_id}",
        ]
    return lines


def _state(holder: Holder) -> str:
    if holder.status is ExecutionStatus.RUNNING and holder.cancelled:
        return "RUNNING, is being cancelled"
    return f"{holder.status}, its clean-up is not over" if holder.status in FINAL_EXECUTION else holder.status


def _rows(servers: Sequence[str], count: int, names: dict[str, str | None]) -> list[str]:
    longest = max(len(names.get(server) or "") for server in servers)
    rows = [f"  {(names.get(server) or '').ljust(longest)}  {server}" for server in servers]
    return rows + ([f"  and {count - len(servers)} more"] if count > len(servers) else [])


def _cancel(holder: Holder) -> str:
    return f"{_COMMAND} cancel {holder.execution_id}"


def _status(holder: Holder) -> str:
    return f"{_COMMAND} status {holder.execution_id}"
