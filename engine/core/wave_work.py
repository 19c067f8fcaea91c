"""The work on the running wave: resolve open launches, poll jobs, check the health of instances, launch, conclude.

Every function takes the state and returns the next one. The caller repeats `work` until it returns an action or the
wave has ended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime

from engine.core import policy
from engine.core.actions import (
    Action,
    CheckInstances,
    FindJob,
    FindRecoveries,
    FindRecoveryInstances,
    FindServers,
    PollJobs,
    ReadJobLog,
    StartRecovery,
    Wait,
)
from engine.core.drs_status import JobStatus
from engine.core.plan import LaunchOrder
from engine.core.state import Execution, ServerState, WaveState
from engine.core.statuses import ServerStatus, WaveStatus

# The most servers that the reason of a wave names.
NAMED_SERVERS = 10


def work(
    execution: Execution, wave: WaveState, performed: Collection[Action], now: datetime
) -> tuple[Execution, Action | None]:
    """The next state of the running `wave` and its next action; None if only the state has changed."""
    if question := next(open_questions(wave, performed), None):
        return execution, question
    if unchecked := _without_health_check(wave, now):
        return execution.with_wave(wave.number, servers=unchecked), None
    if due := _due_for_check(wave, now):
        return execution, CheckInstances(due)
    if all(server.ended for server in wave.loaded):
        return _conclude(execution, wave, now), None
    if skipped := _skip_after_failure(wave):
        return execution.with_wave(wave.number, servers=skipped), None
    if launch := _next_launch(execution, wave, performed, now):
        return launch
    return execution, Wait(policy.next_wake_up(now, _wake_ups(wave, now), execution.deadline))


def open_questions(wave: WaveState, performed: Collection[Action]) -> Iterator[Action]:
    """The facts about this wave's launches that are still unknown, as actions in the order in which to perform them."""
    yield from (find for find in unconfirmed_launches(wave) if find not in performed)
    yield from _unpolled_jobs(wave, performed)
    yield from map(ReadJobLog, sorted({s.job_id for s in wave.loaded if _lacks_reason(s) and s.job_id}))
    yield from _unlisted_instances(wave, performed)


def unconfirmed_launches(wave: WaveState) -> Iterator[FindJob]:
    """For each unconfirmed StartRecovery, the search for its job: only that shows whether it took effect."""
    unconfirmed = [server for server in wave.loaded if server.launch_unconfirmed and server.launch_attempt]
    for attempt in sorted({server.launch_attempt for server in unconfirmed if server.launch_attempt}):
        times = [s.start_time for s in unconfirmed if s.launch_attempt == attempt and s.start_time]
        yield FindJob(wave.number, attempt, since=min(times))


def _unpolled_jobs(wave: WaveState, performed: Collection[Action]) -> Iterator[PollJobs]:
    """The jobs in flight, unless this step has polled jobs or started one."""
    in_flight = {server.job_id for server in wave.loaded if server.job_in_flight and server.job_id}
    if in_flight and not any(isinstance(action, PollJobs | StartRecovery) for action in performed):
        yield PollJobs(tuple(sorted(in_flight)))


def _unlisted_instances(wave: WaveState, performed: Collection[Action]) -> Iterator[FindRecoveryInstances]:
    """The launched recovery instances whose EC2 instance is unknown, unless this step has searched for them."""
    launched = [s for s in wave.loaded if s.status is ServerStatus.LAUNCHED and not s.ec2_instance_id]
    action = FindRecoveryInstances(tuple(s.recovery_instance_id for s in launched if s.recovery_instance_id))
    if action.recovery_instance_ids and action not in performed:
        yield action


def _lacks_reason(server: ServerState) -> bool:
    return server.status is ServerStatus.IN_PROGRESS and server.job_status is JobStatus.FAILED


def _without_health_check(wave: WaveState, now: datetime) -> tuple[ServerState, ...] | None:
    """In a wave without health check, a LAUNCHED server is RECOVERED at once; None if no server changes."""
    ready = [server for server in wave.loaded if server.status is ServerStatus.LAUNCHED and server.ec2_instance_id]
    if wave.health_check is not None or not ready:
        return None
    return tuple(
        replace(server, status=ServerStatus.RECOVERED, end_time=now) if server in ready else server
        for server in wave.loaded
    )


def _due_for_check(wave: WaveState, now: datetime) -> tuple[str, ...]:
    return tuple(
        server.ec2_instance_id
        for server, check in _next_checks(wave)
        if server.ec2_instance_id and (check is None or policy.is_due(check, now))
    )


def _next_checks(wave: WaveState) -> Iterator[tuple[ServerState, datetime | None]]:
    if wave.health_check is not None:
        for server in wave.loaded:
            if server.status is ServerStatus.LAUNCHED:
                yield server, server.next_check(wave.health_check)


def _conclude(execution: Execution, wave: WaveState, now: datetime) -> Execution:
    """All servers have ended: the wave is COMPLETED if all but optional ones are RECOVERED, else FAILED."""
    missing = [server for server in wave.loaded if server.status is not ServerStatus.RECOVERED]
    lost = [server.label for server in missing if not (server.optional or server.skipped_by)]
    if not lost:
        return execution.replace_wave(wave.ended_as(WaveStatus.COMPLETED, None, now))
    names = ", ".join(lost[:NAMED_SERVERS]) + (" and others" if len(lost) > NAMED_SERVERS else "")
    reason = f"{len(lost)} of {wave.server_count} servers not recovered: {names}"
    return execution.replace_wave(wave.ended_as(WaveStatus.FAILED, reason, now))


def _skip_after_failure(wave: WaveState) -> tuple[ServerState, ...] | None:
    """SEQUENTIAL: after a failure, the engine skips the rest of the wave; None if no server changes.

    The failure of an optional server stops no wave.
    """
    failed = next((one for one in wave.loaded if one.status is ServerStatus.FAILED and not one.optional), None)
    pending = any(server.status is ServerStatus.PENDING for server in wave.loaded)
    if wave.launch_order is not LaunchOrder.SEQUENTIAL or failed is None or not pending:
        return None
    message = f"not launched: {failed.source_server_id} before it in {wave.label} failed"
    return tuple(
        replace(server, status=ServerStatus.SKIPPED, error_message=message)
        if server.status is ServerStatus.PENDING
        else server
        for server in wave.loaded
    )


def _next_launch(
    execution: Execution, wave: WaveState, performed: Collection[Action], now: datetime
) -> tuple[Execution, Action] | None:
    """The next StartRecovery with its intent in the state, or a check of its servers that must come first."""
    waiting = tuple(server for server in wave.loaded if server.awaits_launch)
    chosen = _next_attempt(wave, waiting, performed)
    # DRS has refused the waiting servers in this step. Only if they are in jobs can it take others of the wave.
    if not chosen and all(server.waits_for_job_id for server in waiting):
        chosen = _next_servers(wave, execution.servers_per_job)
    if not chosen:
        return None
    ids = tuple(server.source_server_id for server in chosen)
    if chosen[0].launch_attempt is None and not _known_from(FindServers, performed).issuperset(ids):
        return execution, FindServers(ids)
    # A server may have been recovered since the start, and even while this launch waited for DRS. The look is repeated
    # for the part of a request that DRS refused in this step.
    look = FindRecoveries(ids, _kept_instances(execution, chosen))
    if look not in performed:
        return execution, look
    return _start(execution, wave, chosen, now)


def _next_attempt(
    wave: WaveState, waiting: tuple[ServerState, ...], performed: Collection[Action]
) -> tuple[ServerState, ...]:
    """The servers of the first attempt that DRS has not refused in this step; empty without one."""
    refused = {one.attempt for one in performed if isinstance(one, StartRecovery) and one.wave == wave.number}
    left = [server for server in waiting if server.launch_attempt not in refused]
    return tuple(server for server in left if server.launch_attempt == left[0].launch_attempt)


def _kept_instances(execution: Execution, chosen: Collection[ServerState]) -> tuple[str, ...]:
    """The drill instances that a resumed drill keeps; the look of a recovery shows all that it may keep anyway."""
    return tuple(s.existing_instance_id for s in chosen if s.existing_instance_id) if execution.is_drill else ()


def _known_from(kind: type[FindServers], performed: Collection[Action]) -> set[str]:
    """The servers that actions of this `kind` have covered in this step."""
    return {server for action in performed if isinstance(action, kind) for server in action.source_server_ids}


def _next_servers(wave: WaveState, servers_per_job: int) -> tuple[ServerState, ...]:
    pending = tuple(server for server in wave.loaded if server.status is ServerStatus.PENDING)
    if wave.launch_order is LaunchOrder.PARALLEL:
        return pending[:servers_per_job]
    at_work = any(not server.ended and server.status is not ServerStatus.PENDING for server in wave.loaded)
    return () if at_work else pending[:1]


def _start(
    execution: Execution, wave: WaveState, chosen: tuple[ServerState, ...], now: datetime
) -> tuple[Execution, Action]:
    """The state with the intent, and the launch."""
    attempt = chosen[0].launch_attempt or 1 + max(s.launch_attempt or 0 for s in wave.loaded)
    action = StartRecovery(
        wave=wave.number,
        attempt=attempt,
        source_server_ids=tuple(server.source_server_id for server in chosen),
        snapshots=tuple((s.source_server_id, s.snapshot_id) for s in chosen if s.snapshot_id),
        is_drill=execution.is_drill,
        expected=tuple((s.source_server_id, s.expected_instance_id) for s in chosen),
    )
    intended = wave.with_servers(
        lambda server: server in chosen,
        lambda server: replace(
            server,
            status=ServerStatus.IN_PROGRESS,
            launch_attempt=attempt,
            launch_unconfirmed=True,
            waits_for_job_id=None,
            start_time=server.start_time or now,
        ),
    )
    return execution.with_wave(wave.number, servers=intended.servers), action


def _wake_ups(wave: WaveState, now: datetime) -> list[datetime]:
    """The times of the next polls of jobs and listings, of the next health checks, and of repeated launch requests."""
    wake_ups = []
    for server in wave.loaded:
        if server.job_in_flight and server.start_time:
            wake_ups.append(policy.resume_time(now, policy.poll_interval((now - server.start_time).total_seconds())))
        if server.awaits_launch or server.launch_unconfirmed:
            wake_ups.append(policy.resume_time(now, policy.BUSY_WAIT_SECONDS))
        if server.status is ServerStatus.LAUNCHED and not server.ec2_instance_id:
            wake_ups.append(policy.resume_time(now, policy.LISTING_WAIT_SECONDS))
    wake_ups.extend(
        # The engine cannot check an instance that DRS does not list yet: an overdue check would end each wait at once.
        policy.whole_second_before(check)
        for server, check in _next_checks(wave)
        if check is not None and server.ec2_instance_id
    )
    return wake_ups
