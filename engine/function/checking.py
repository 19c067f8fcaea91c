"""The questions about readiness: batched ones for all servers of a plan, single ones within a budget of time.

`start_findings` and `missing_snapshots` are for a start; `plan_facts` and `server_facts` answer the events `check` and
`inspect` of a client, which judges the facts (`engine.core.readiness_check`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from engine.aws.accounts import RoleNotAssumed
from engine.aws.caller import CallError
from engine.aws.drs import RecoveryService
from engine.core.document import parse_timestamp, timestamp
from engine.core.plan import Wave
from engine.core.protection import ExistingInstance
from engine.core.readiness import Finding, Snapshot, SourceServer, replication_finding
from engine.function.plan_loading import CannotStart, drs_unanswered, load_plan
from engine.function.wiring import Services

# A start asks for the snapshots of servers without healthy replication for at most this time: the operator waits.
START_BUDGET = timedelta(seconds=10)
# An invocation for single questions ends after this time; the client asks again for the servers that are left.
_INSPECTION_BUDGET = timedelta(seconds=20)
# Jobs that began earlier than this are over: AWS's own limit of an execution of a recovery plan is 24 hours.
_JOBS_SINCE = timedelta(days=1)

Answer = dict[str, Any]


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


def missing_snapshots(
    recovery: RecoveryService, snapshots: Mapping[str, str], now: Callable[[], datetime]
) -> dict[str, str]:
    """The snapshots (id by server) that DRS does not have, as far as the time allowed to ask."""
    end, missing = now() + START_BUDGET, {}
    for server, snapshot in snapshots.items():
        try:
            if now() < end and not recovery.has_snapshot(server, snapshot):
                missing[server] = snapshot
        except (CallError, RoleNotAssumed):
            break
    return missing


def plan_facts(services: Services, event: Mapping[str, Any]) -> Answer:
    """The facts about all servers of a plan that few calls tell; Problems if the plan or DRS does not allow it."""
    plan_id = event["PlanId"]
    try:
        loaded = load_plan(services, plan_id)
    except CannotStart as refused:
        return {"Problems": refused.problems}
    plan, recovery = loaded.plan, services.recovery(loaded.plan.target)
    try:
        sources = recovery.source_servers(plan.servers)
        existing = recovery.recovered(plan.servers)
        jobs = recovery.live_jobs(services.now() - _JOBS_SINCE)
    except (CallError, RoleNotAssumed) as error:
        return {"Problems": [drs_unanswered(plan_id, error)]}
    target = plan.target
    facts = {
        "Time": timestamp(services.now()),
        "PlanName": plan.name,
        "AccountId": target.account_id,
        "Region": target.region,
        "RoleArn": target.role_arn,
        "TopicArn": plan.topic_arn,
        "TerminateDrillInstances": plan.terminate_drill_instances,
        "RecoveryPointObjectiveSeconds": plan.recovery_point_objective_seconds,
        "EmptyGroups": list(loaded.empty_groups) or None,
        "JobsInProgress": len(set(jobs.values())),
        "ServersInProgress": len(jobs),
        "ServersPerJob": services.servers_per_job,
        "Servers": [
            _server_document(wave, server, sources.get(server), existing.get(server), jobs.get(server))
            for wave in plan.waves
            for server in wave.servers
        ],
    }
    return {name: value for name, value in facts.items() if value is not None}


def _server_document(
    wave: Wave, server: str, source: SourceServer | None, existing: ExistingInstance | None, job: str | None
) -> Answer:
    document = {
        "SourceServerId": server,
        "WaveNumber": wave.number,
        "Exists": source is not None,
        "HostName": source.host_name if source else None,
        "ReplicationState": source.replication_state if source else None,
        "Lag": source.lag if source else None,
        "RecommendedInstanceType": source.recommended_type if source else None,
        "ExistingInstanceId": existing.recovery_instance_id if existing else None,
        "LiveJobId": job,
        "PinnedSnapshotId": wave.snapshots.get(server),
    }
    return {name: value for name, value in document.items() if value is not None}


def server_facts(services: Services, event: Mapping[str, Any]) -> Answer:
    """The facts about single servers, as many as the time allows: a server that is left out can be asked for again."""
    try:
        # The client has the servers of groups by tag from `plan_facts`; to list DRS again would cost it seconds.
        loaded = load_plan(services, event["PlanId"], resolve=False)
    except CannotStart as refused:
        return {"Problems": refused.problems}
    plan, recovery = loaded.plan, services.recovery(loaded.plan.target)
    as_of = parse_timestamp(event["AsOf"]) if "AsOf" in event else None
    pins = {server: snapshot for wave in plan.waves for server, snapshot in wave.snapshots.items()}
    end, found = services.now() + _INSPECTION_BUDGET, {}
    for server in event["SourceServerIds"]:
        if services.now() >= end or not (loaded.by_tags or server in plan.servers):
            continue
        try:
            found[server] = _single_facts(recovery, server, as_of, pins.get(server))
        except (CallError, RoleNotAssumed) as error:
            return {"Servers": found, "Error": str(error)}
    return {"Servers": found}


def _single_facts(recovery: RecoveryService, server: str, as_of: datetime | None, pin: str | None) -> Answer:
    newest = recovery.newest_snapshot(server, as_of)
    settings = recovery.launch_settings(server)
    facts: Answer = {"Stopped": settings.stopped}
    facts |= {"SnapshotId": newest.snapshot_id, "SnapshotTime": timestamp(newest.time)} if newest else {}
    facts |= {"IntoInstance": settings.into_instance} if settings.into_instance else {}
    return facts | ({"PinMissing": True} if pin and not recovery.has_snapshot(server, pin) else {})
