"""Readiness: whether DRS can launch the servers of a plan now, and how old their data would be.

READY: no reason against a launch is known. WARNING: the launch works, with old data or after a wait, or a question was
not asked. BLOCKED: DRS cannot launch the server.

A replication that is not healthy blocks a launch only if DRS has no snapshot and cannot take one. That DRS takes none
in the states of `_NO_NEW_SNAPSHOT` is a guess from the names of the states in the DRS model (DataReplicationState).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from engine.core import policy
from engine.core.state import Execution

# States in which DRS has current data; all others deserve a look at the newest snapshot.
_HEALTHY = {"CONTINUOUS", "CREATING_SNAPSHOT"}
_NO_NEW_SNAPSHOT = {"STOPPED", "DISCONNECTED", "INITIATING", "INITIAL_SYNC"}
_DAY = 86_400
_NAMED = 20


class Verdict(StrEnum):
    READY = "READY"
    WARNING = "WARNING"
    BLOCKED = "BLOCKED"


@dataclass(frozen=True)
class SourceServer:
    """A source server as DRS describes it; `replication_state` is DRS's word, `lag` its ISO 8601 duration."""

    source_server_id: str
    host_name: str | None = None
    replication_state: str | None = None
    lag: str | None = None
    recommended_type: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def label(self) -> str:
        return f"{self.host_name} ({self.source_server_id})" if self.host_name else self.source_server_id

    @property
    def healthy(self) -> bool:
        return self.replication_state is None or self.replication_state in _HEALTHY


@dataclass(frozen=True)
class Snapshot:
    snapshot_id: str
    time: datetime


@dataclass(frozen=True)
class LaunchSettings:
    """The launch configuration: leaves the instance stopped, or launches into an existing EC2 instance."""

    stopped: bool = False
    into_instance: str | None = None


@dataclass(frozen=True)
class Finding:
    """A fact about one server, or about the whole plan, that deserves attention."""

    verdict: Verdict
    message: str
    source_server_id: str | None = None


def worst(findings: Iterable[Finding]) -> Verdict:
    """The verdict of several findings together; READY without findings."""
    found = {finding.verdict for finding in findings}
    return next((verdict for verdict in (Verdict.BLOCKED, Verdict.WARNING) if verdict in found), Verdict.READY)


def replication_finding(
    server: SourceServer, snapshots: Mapping[str, Snapshot | None], now: datetime
) -> Finding | None:
    """What its replication means for the launch of a server; None if it is healthy.

    `snapshots` has the newest snapshot by server, None for a server without one; a server that was not asked for is
    absent.
    """
    if server.healthy:
        return None
    state = f"replication is {server.replication_state}"
    if server.source_server_id not in snapshots:
        message = f"{state}; the age of its data was not checked"
        return Finding(Verdict.WARNING, message, server.source_server_id)
    newest = snapshots[server.source_server_id]
    if newest is not None:
        message = f"{state}; its newest snapshot is {age(newest.time, now)} old ({newest.time:%Y-%m-%d %H:%M} UTC)"
        return Finding(Verdict.WARNING, message, server.source_server_id)
    if server.replication_state in _NO_NEW_SNAPSHOT:
        return Finding(Verdict.BLOCKED, f"{state}, and DRS has no snapshot to launch from", server.source_server_id)
    return Finding(Verdict.WARNING, f"{state}, and DRS has no snapshot yet", server.source_server_id)


def start_refusals(
    plan_id: str, is_drill: bool, findings: Sequence[Finding], servers: Mapping[str, SourceServer]
) -> list[str]:
    """Why a start must be refused: a drill for each blocked server, a recovery only if all servers are blocked."""
    blocked = [one for one in findings if one.verdict is Verdict.BLOCKED and one.source_server_id in servers]
    if not blocked or (not is_drill and len(blocked) < len(servers)):
        return []
    named = [
        f"plan {plan_id}: {servers[one.source_server_id or ''].label} cannot be launched: {one.message}"
        for one in blocked[:_NAMED]
    ]
    return [*named, *([f"and {len(blocked) - _NAMED} more"] if len(blocked) > _NAMED else [])]


def with_findings(execution: Execution, findings: Iterable[Finding]) -> Execution:
    """The execution whose servers carry the findings about them as warnings."""
    messages = {one.source_server_id: one.message for one in findings}
    return execution.map_servers(
        lambda server: server.source_server_id in messages,
        lambda server: server.warned(messages[server.source_server_id]),
    )


def age(since: datetime, now: datetime) -> str:
    """An age in its largest unit, rounded down: "21 days", "3 hours", "5 minutes"."""
    seconds = max(0, policy.elapsed_seconds(since, now))
    for unit, size in (("day", _DAY), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{seconds} seconds"
