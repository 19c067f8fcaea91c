"""The final check: before an execution is COMPLETED, the engine looks at every recovered instance once more.

An instance that was healthy an hour ago may be gone: another launch of its server has replaced it, or a person has
terminated it. An instance is gone if it is terminated, shutting down or unknown in two looks some seconds apart; the
execution is then FAILED, with the instance that replaced it. The statuses of waves and servers stay.

Only a warning: an instance that is stopped or pending, a look that AWS refuses, the lost instance of a drill or of an
optional server.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from engine.core import policy
from engine.core.actions import Action, FindReplacements, InstancesVerified, ReadServers, VerifyInstances, Wait
from engine.core.events import FinalCheck
from engine.core.finalization import end
from engine.core.protection import ExistingInstance
from engine.core.resumption import skipped_summary
from engine.core.state import Execution, ServerState, WaveState
from engine.core.statuses import ExecutionStatus, ServerStatus

# States in which an instance is lost, in EC2's words and DRS's; an instance that neither knows has no state.
_GONE = frozenset({None, "shutting-down", "terminated", "not_found"})
# DRS may list an instance without its state.
_FINE = frozenset({"running", ""})
# The most servers that the reason of the execution names.
_NAMED_SERVERS = 5


def complete(execution: Execution, performed: Collection[Action], now: datetime) -> tuple[Execution, Action | None]:
    """All waves have passed: perform the final check, then end the execution. None: the execution has ended."""
    if unread := tuple(wave.number for wave in execution.launched_waves if wave.servers is None):
        return execution, ReadServers(unread)
    check = execution.final_check
    if check is None:
        if look := _look([(wave, server) for wave, server in execution.servers() if _is_due(server, now)]):
            return execution, look
        execution = replace(execution, final_check=FinalCheck(now))
        return _conclude(execution, now), None
    missing = [(wave, server) for wave, server in execution.servers() if server.missing_since and not server.lost]
    if missing:
        again = check.time + timedelta(seconds=policy.FINAL_CHECK_WAIT_SECONDS)
        if policy.is_due(again, now):
            return execution, _look(missing)
        wake_up = policy.whole_second_after(again)
        return execution, Wait(policy.next_wake_up(now, [wake_up], execution.deadline))
    lost = tuple(server.source_server_id for _, server in execution.servers() if server.lost)
    if lost and FindReplacements(lost) not in performed:
        return execution, FindReplacements(lost)
    return _conclude(execution, now), None


def _is_due(server: ServerState, now: datetime) -> bool:
    """Whether the server counts as recovered; an instance that ran a moment ago is not asked for again.

    Without a health check the engine has never seen it run: DRS may have listed it as terminated.
    """
    if server.status is not ServerStatus.RECOVERED or server.recovery_instance_id is None:
        return False
    fresh = timedelta(seconds=policy.FRESH_SECONDS)
    return server.end_time is None or not server.health_checks or now >= server.end_time + fresh


def _look(servers: Collection[tuple[WaveState, ServerState]]) -> VerifyInstances | None:
    """The question about these servers. A wave without health check makes no EC2 requests, so DRS is asked."""
    if not servers:
        return None
    in_ec2, in_drs = [], []
    for wave, server in servers:
        if wave.health_check is not None and server.ec2_instance_id:
            in_ec2.append(server.ec2_instance_id)
        elif server.recovery_instance_id:
            in_drs.append(server.recovery_instance_id)
    return VerifyInstances(tuple(in_ec2), tuple(in_drs))


def apply_look(execution: Execution, action: VerifyInstances, seen: InstancesVerified, now: datetime) -> Execution:
    """Note which of the instances are missing, lost, or not running."""

    in_ec2, in_drs = frozenset(action.ec2_instance_ids), frozenset(action.recovery_instance_ids)

    def is_asked_for(server: ServerState) -> bool:
        asked = server.ec2_instance_id in in_ec2 or server.recovery_instance_id in in_drs
        return asked and server.status is ServerStatus.RECOVERED

    def of_server(server: ServerState) -> ServerState:
        if server.ec2_instance_id in in_ec2:
            state = seen.ec2_states.get(server.ec2_instance_id or "")
        else:
            state = seen.drs_states.get(server.recovery_instance_id or "")
        return _seen(server, state, now)

    checked = execution.map_servers(is_asked_for, of_server)
    return replace(checked, final_check=_summary(checked, now))


def _seen(server: ServerState, state: str | None, now: datetime) -> ServerState:
    what = f"its instance {server.ec2_instance_id or server.recovery_instance_id} is {state or 'unknown'}"
    if state not in _GONE:
        back = replace(server, missing_since=None)
        return back if state in _FINE else back.warned(f"{what} at the end of the execution, not running")
    if server.missing_since is None:
        return replace(server, missing_since=now)
    return replace(server, lost=f"{what} at the end of the execution")


def _summary(execution: Execution, now: datetime) -> FinalCheck:
    lost = tuple(server.source_server_id for _, server in execution.servers() if server.lost)
    return FinalCheck(now, lost[: policy.NAMED_IN_HEADER], len(lost))


def look_failed(execution: Execution, message: str, now: datetime) -> Execution:
    """AWS refuses the look: the execution is COMPLETED with a warning, because a doubt is no loss."""
    missing = [server.source_server_id for _, server in execution.servers() if server.missing_since and not server.lost]
    which = f"; one look has missed the instances of {', '.join(missing)}" if missing else ""
    settled = execution.map_servers(
        lambda server: server.missing_since is not None and not server.lost,
        lambda server: replace(server, missing_since=None),
    )
    warned = settled.warned(f"the final check of the recovered instances failed: {message}{which}", now)
    return replace(warned, final_check=_summary(warned, now))


def note_replacements(
    execution: Execution, action: FindReplacements, instances: Mapping[str, ExistingInstance] | None
) -> Execution:
    """Add the instance that replaced each lost one; `instances` is None if DRS did not answer."""

    def note(server: ServerState) -> ServerState:
        cause = "its replacement is not known: DRS did not answer"
        if instances is not None:
            found = instances.get(server.source_server_id)
            own = found is None or found.recovery_instance_id == server.recovery_instance_id
            cause = "DRS lists no other instance of the server" if own or found is None else _replacement(found)
        return replace(server, lost=policy.shortened(f"{server.lost}; {cause}"))

    return execution.map_servers(
        lambda server: server.lost is not None and server.source_server_id in action.source_server_ids, note
    )


def _replacement(found: ExistingInstance) -> str:
    by = f"job {found.job_id}" if found.job_id else "an unknown job"
    of = f" of execution {found.execution_id}" if found.execution_id else ""
    return f"it was replaced by instance {found.recovery_instance_id}, which {by}{of} launched"


def _conclude(execution: Execution, now: datetime) -> Execution:
    """COMPLETED, or FAILED if an instance of a recovery is lost."""
    execution = execution.map_servers(
        lambda server: server.lost is not None and _is_tolerated(execution, server), _tolerated
    )
    lost = list(_lost_servers(execution))
    if not lost:
        skipped = skipped_summary(execution)
        return end(execution.warned(skipped, now) if skipped else execution, ExecutionStatus.COMPLETED, None, now)
    names = ", ".join(lost[:_NAMED_SERVERS]) + (" and others" if len(lost) > _NAMED_SERVERS else "")
    reason = f"instances lost after their recovery: {len(lost)} of {execution.server_count}: {names}"
    return replace(end(execution, ExecutionStatus.FAILED, None, now), reason=policy.shortened(reason))


def _is_tolerated(execution: Execution, server: ServerState) -> bool:
    return execution.is_drill or server.optional


def _tolerated(server: ServerState) -> ServerState:
    return replace(server.warned(server.lost or ""), lost=None)


def _lost_servers(execution: Execution) -> Iterator[str]:
    for _, server in execution.servers():
        if server.lost:
            yield server.label
