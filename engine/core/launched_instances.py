"""What DRS and EC2 say about launched instances, applied to the servers: listings and health checks."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from engine.core import policy
from engine.core.actions import CheckInstances, FindRecoveryInstances, InstancesSeen, RecoveryInstancesSeen
from engine.core.state import Execution, ServerState, WaveState
from engine.core.statuses import ServerStatus


def see_recovery_instances(
    execution: Execution, action: FindRecoveryInstances, seen: RecoveryInstancesSeen, now: datetime
) -> Execution:
    """While the execution runs: note the EC2 instances.

    In the clean-up an instance is gone if DRS does not list it, or lists it as terminated.
    """

    def see(server: ServerState) -> ServerState:
        instance = seen.instances.get(server.recovery_instance_id or "")
        if instance is not None and instance.terminated and execution.ended:
            return replace(server, terminated_at=now)
        if instance is not None:
            return replace(
                server,
                ec2_instance_id=instance.ec2_instance_id or server.ec2_instance_id,
                snapshot_time=instance.snapshot_time or server.snapshot_time,
                # The wait for the listing is over; the timeout of the health checks begins with the first of them.
                first_health_check=server.first_health_check if server.health_checks else None,
            )
        return _no_longer_listed(server, now) if execution.ended else _not_listed(server, now)

    return execution.map_servers(lambda s: s.recovery_instance_id in action.recovery_instance_ids, see)


def _not_listed(server: ServerState, now: datetime) -> ServerState:
    first = server.first_health_check or now
    if policy.elapsed_seconds(first, now) >= policy.LISTING_LIMIT_SECONDS:
        return server.failed(f"DRS does not list its recovery instance {server.recovery_instance_id}", now)
    return replace(server, first_health_check=first)


def _no_longer_listed(server: ServerState, now: datetime) -> ServerState:
    """In the clean-up an unlisted instance is gone, unless its launch is so recent that DRS may list it later."""
    first = server.first_health_check or now
    was_there = server.ec2_instance_id is not None or server.termination_job_id is not None
    if was_there or policy.elapsed_seconds(first, now) >= policy.LISTING_LIMIT_SECONDS:
        return replace(server, terminated_at=now)
    return replace(server, first_health_check=first)


def apply_health_checks(execution: Execution, action: CheckInstances, seen: InstancesSeen, now: datetime) -> Execution:
    def of_wave(wave: WaveState) -> WaveState:
        if wave.servers is None:
            return wave
        return wave.with_servers(
            lambda server: server.ec2_instance_id in action.ec2_instance_ids and not server.ended,
            lambda server: _health_check(wave, server, seen, now),
        )

    return execution.map_waves(of_wave)


def _health_check(wave: WaveState, server: ServerState, seen: InstancesSeen, now: datetime) -> ServerState:
    """One health check of a launched instance: running is RECOVERED, pending waits, any other state is FAILED.

    An instance that is unknown to EC2 counts as pending: EC2 is eventually consistent.
    """
    state = seen.states.get(server.ec2_instance_id or "")
    first = server.first_health_check or now
    checked = replace(
        server,
        health_checks=server.health_checks + 1,
        first_health_check=first,
        health_status=state or "unknown",
    )
    if state == "running":
        return replace(checked, status=ServerStatus.RECOVERED, end_time=now)
    timeout = wave.health_check.timeout_seconds if wave.health_check else 0
    elapsed = round((now - first).total_seconds())
    if state in (None, "pending") and elapsed < timeout:
        return checked
    since = f"after {elapsed} seconds and {checked.health_checks} health checks"
    reason = f"instance {server.ec2_instance_id} is {checked.health_status!r}, not 'running', {since}"
    return checked.failed(f"{reason}{_cure(server, seen)}", now)


def _cure(server: ServerState, seen: InstancesSeen) -> str:
    if server.ec2_instance_id not in seen.left_stopped:
        return ""
    return (
        "; its launch settings in DRS (launchDisposition STOPPED) leave it stopped: set it to STARTED, "
        "or disable the health check of the wave"
    )
