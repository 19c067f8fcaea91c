"""The findings of a readiness check, from the facts that the engine's function has found out about a plan.

The facts are documents (PascalCase), because they travel from the function to the client. A server has SourceServerId,
WaveNumber, Exists, and what is known of HostName, ReplicationState, RecommendedInstanceType, ExistingInstanceId,
LiveJobId and PinnedSnapshotId.
The single questions about a server add SnapshotId and SnapshotTime of its newest snapshot, PinMissing, Stopped,
IntoInstance; a server that was not asked about has no such document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from engine.core import policy
from engine.core.readiness import Finding, Snapshot, SourceServer, Verdict, age, replication_finding

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """What is to be checked: a start of this kind, now or as of a time, against the plan's recovery point objective.

    `terminates_instances`: a clean-up terminates the launched instances.
    """

    is_drill: bool
    now: datetime
    as_of: datetime | None = None
    recovery_point_seconds: int | None = None
    terminates_instances: bool = False


def server_findings(servers: Sequence[Facts], single: Mapping[str, Facts], question: Question) -> list[Finding]:
    """The findings about all servers, in their order."""
    return [
        Finding(verdict, message, server["SourceServerId"])
        for server in servers
        for verdict, message in _about(server, single.get(server["SourceServerId"]), question)
    ]


def _about(server: Facts, single: Facts | None, question: Question) -> Iterator[tuple[Verdict, str]]:
    if not server["Exists"]:
        yield Verdict.BLOCKED, "does not exist in DRS"
        return
    if instance := server.get("ExistingInstanceId"):
        if question.is_drill:
            yield Verdict.BLOCKED, f"was recovered for real: a drill would replace {instance}"
        else:
            yield Verdict.WARNING, f"runs from an earlier recovery ({instance}); the start needs --existing"
    if job := server.get("LiveJobId"):
        yield Verdict.WARNING, f"is in job {job}; its launch waits for the end of the job"
    newest = _newest(single)
    if single is None:
        yield Verdict.WARNING, "snapshots and launch settings were not checked"
    elif question.as_of is not None and newest is None:
        yield Verdict.BLOCKED, f"has no snapshot at or before {question.as_of:%Y-%m-%d %H:%M %Z}"
    if question.as_of is None:
        yield from _about_data(server, single, newest, question)
    if single is not None:
        yield from _about_launch(server, single, question)


def _about_data(
    server: Facts, single: Facts | None, newest: Snapshot | None, question: Question
) -> Iterator[tuple[Verdict, str]]:
    """The age of the data of a launch with the latest data."""
    source = SourceServer(server["SourceServerId"], server.get("HostName"), server.get("ReplicationState"))
    known = {source.source_server_id: newest} if single is not None else {}
    finding = replication_finding(source, known, question.now)
    if finding is not None and single is not None:
        yield finding.verdict, finding.message
    elif finding is not None:
        yield Verdict.WARNING, f"replication is {source.replication_state}"
    target = question.recovery_point_seconds
    # DRS takes a new snapshot for the launch of a server that replicates, so the age of the newest one says nothing.
    if target is None or newest is None or source.healthy:
        return
    if policy.elapsed_seconds(newest.time, question.now) > target:
        yield Verdict.WARNING, f"its newest snapshot ({age(newest.time, question.now)}) misses the objective"


def _about_launch(server: Facts, single: Facts, question: Question) -> Iterator[tuple[Verdict, str]]:
    if single.get("PinMissing"):
        yield Verdict.BLOCKED, f"DRS has no snapshot {server['PinnedSnapshotId']}, which the plan names"
    if single.get("Stopped"):
        yield Verdict.WARNING, "its launch settings leave the instance stopped; a health check fails"
    if into := single.get("IntoInstance"):
        message = f"is launched into the existing instance {into}"
        if question.terminates_instances:
            yield Verdict.BLOCKED, f"{message}, which the clean-up would terminate"
        else:
            yield Verdict.WARNING, message


def _newest(single: Facts | None) -> Snapshot | None:
    if single is None or "SnapshotId" not in single:
        return None
    return Snapshot(single["SnapshotId"], datetime.fromisoformat(single["SnapshotTime"]))
