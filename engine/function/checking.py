"""The questions about readiness: batched ones for all servers of a plan, single ones within a budget of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from engine.aws.accounts import RoleNotAssumed
from engine.aws.caller import CallError
from engine.aws.drs import RecoveryService
from engine.core.readiness import Finding, Snapshot, SourceServer, replication_finding

# A start asks for the snapshots of servers without healthy replication for at most this time: the operator waits.
START_BUDGET = timedelta(seconds=10)


def start_findings(
    recovery: RecoveryService, servers: Iterable[SourceServer], now: Callable[[], datetime]
) -> list[Finding]:
    """What the replication of these servers means for a start; a question that AWS does not answer is left open."""
    ailing = [server for server in servers if not server.healthy]
    snapshots = newest_snapshots(recovery, [server.source_server_id for server in ailing], now, START_BUDGET)
    findings = (replication_finding(server, snapshots, now()) for server in ailing)
    return [finding for finding in findings if finding is not None]


def newest_snapshots(
    recovery: RecoveryService,
    source_server_ids: Sequence[str],
    now: Callable[[], datetime],
    budget: timedelta,
    not_after: datetime | None = None,
) -> dict[str, Snapshot | None]:
    """The newest snapshot of each server, None without one; servers for which no time was left are absent."""
    end, found = now() + budget, {}
    for server in source_server_ids:
        if now() >= end:
            break
        try:
            found[server] = recovery.newest_snapshot(server, not_after)
        except (CallError, RoleNotAssumed):
            # The age of data keeps no start back, and the next question would wait as long.
            break
    return found
