"""DRS for one account and region: source servers, jobs, recovery instances, quotas.

Invariant: a source server takes part in at most one live job; StartRecovery and TerminateRecoveryInstances refuse a
second one. Where AWS does not document an answer, the choice is marked [U] and is a final rejection.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend
from moto.moto_api._internal import mock_random

from simulator.drs import recovery_instances
from simulator.drs.exceptions import (
    ConflictException,
    DRSException,
    ResourceNotFoundException,
    ServiceQuotaExceededException,
    UninitializedAccountException,
    ValidationException,
)
from simulator.drs.jobs import LaunchRun, TerminateRun
from simulator.drs.resources import Job, JobLogItem, ParticipatingServer, RecoveryInstance, Snapshot, SourceServer
from simulator.drs.time_source import now, parse
from simulator.drs.timing import Timing


@dataclass
class Quotas:
    """Service quotas; AWS's own sources disagree on the last two, so a test may set them."""

    concurrent_jobs: int = 20
    servers_per_job: int = 100
    servers_in_all_jobs: int = 500


class DRSBackend(BaseBackend):  # type: ignore[misc]  # moto's types are not read
    """DRS in one account and Region."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        # None: not set yet, which a caller cannot distinguish from False.
        self.initialized: bool | None = None
        self.seed = 0
        self.timing = Timing()
        self.quotas = Quotas()
        self.source_servers: dict[str, SourceServer] = {}
        self.jobs: dict[str, Job] = {}
        self.recovery_instances: dict[str, RecoveryInstance] = {}
        # Errors that the next calls of an operation meet, in order.
        self.refusals: dict[str, deque[DRSException]] = {}

    def arn(self, kind: str, resource_id: str) -> str:
        return f"arn:{self.partition}:drs:{self.region_name}:{self.account_id}:{kind}/{resource_id}"

    def rng(self, purpose: str) -> Random:
        """A separate generator for each purpose, so that draws do not depend on other events."""
        return Random(f"{self.seed}:{self.account_id}:{self.region_name}:{purpose}")  # noqa: S311 durations, not secrets

    def admit(self, operation: str, needs_initialization: bool) -> None:
        """Accept a call, or raise the next refusal that a test set for the operation."""
        waiting = self.refusals.get(operation)
        if waiting:
            raise waiting.popleft()
        if needs_initialization and not self.initialized:
            raise UninitializedAccountException

    # Source servers and snapshots

    def initialize_service(self) -> None:
        self.initialized = True

    def describe_source_servers(self, filters: dict[str, Any]) -> list[SourceServer]:
        wanted = filters.get("sourceServerIDs")
        servers = [one for one in self.source_servers.values() if not wanted or one.source_server_id in wanted]
        staging, hardware = filters.get("stagingAccountIDs"), filters.get("hardwareId")
        return [
            one
            for one in servers
            if (not staging or one.account in staging) and (hardware is None or one.hardware_id == hardware)
        ]

    def source_server(self, source_server_id: str) -> SourceServer:
        if source_server_id not in self.source_servers:
            raise ResourceNotFoundException("SourceServer", source_server_id)
        return self.source_servers[source_server_id]

    def describe_recovery_snapshots(
        self, source_server_id: str, filters: dict[str, str], order: str | None
    ) -> list[Snapshot]:
        """Snapshots of a server, oldest first unless `order` is DESC. An unknown server has none [U]."""
        server = self.source_servers.get(source_server_id)
        since, until = _span(filters.get("fromDateTime"), filters.get("toDateTime"))
        found = [one for one in server.snapshots if since <= one.taken_at <= until] if server else []
        return sorted(found, key=lambda one: one.taken_at, reverse=order == "DESC")

    def add_snapshot(self, source_server_id: str, taken_at: datetime, snapshot_id: str | None = None) -> Snapshot:
        snapshot = Snapshot(
            snapshot_id or "pit-" + mock_random.get_random_hex(17),
            source_server_id,
            taken_at,
            "snap-" + mock_random.get_random_hex(17),
        )
        self.source_servers[source_server_id].snapshots.append(snapshot)
        return snapshot

    # Jobs

    def start_recovery(
        self, sources: list[dict[str, str]], is_drill: bool, tags: dict[str, str], caller: str | None
    ) -> Job:
        """Launch recovery instances. Unknown servers and snapshots are ResourceNotFoundException [U]."""
        servers = [self.source_server(one["sourceServerID"]) for one in sources]
        if len({one.source_server_id for one in servers}) < len(servers):
            raise ValidationException("A source server is named more than once.", field="sourceServers")  # [U]
        pins = [_pin(server, one.get("recoverySnapshotID")) for server, one in zip(servers, sources, strict=True)]
        self._refuse_busy_servers(servers)
        self._check_quotas(len(servers))
        kind = "START_DRILL" if is_drill else "START_RECOVERY"
        participants = [ParticipatingServer(one, one.settings) for one in servers]
        job = self._new_job("LAUNCH", kind, participants, tags, caller)
        for participant, pin in zip(participants, pins, strict=True):
            participant.source_server.launches += 1
            participant.source_server.last_launch = (job, participant)
            LaunchRun(self, job, participant, pin).begin()
        return job

    def terminate_recovery_instances(self, recovery_instance_ids: list[str], caller: str | None) -> Job:
        """Terminate EC2 instances and forget the recovery instances, those that are already TERMINATED included.

        The model of this operation has no ResourceNotFoundException. ConflictException for unknown ones is a guess [U].
        """
        ids = list(dict.fromkeys(recovery_instance_ids))
        if unknown := [one for one in ids if one not in self.recovery_instances]:
            raise ConflictException("RecoveryInstance", unknown[0])
        instances = [self.recovery_instances[one] for one in ids]
        servers = [one.source_server for one in instances]
        self._refuse_busy_servers(servers)
        self._check_quotas(len(servers))
        participants = [
            ParticipatingServer(one.source_server, one.source_server.settings, one.recovery_instance_id)
            for one in instances
        ]
        job = self._new_job("TERMINATE", "TERMINATE_RECOVERY_INSTANCES", participants, {}, caller)
        for participant in participants:
            TerminateRun(self, job, participant).begin()
        return job

    def describe_jobs(self, filters: dict[str, Any]) -> list[Job]:
        """Jobs, newest first."""
        wanted = filters.get("jobIDs")
        since, until = _span(filters.get("fromDate"), filters.get("toDate"))
        chosen = [self.jobs[one] for one in wanted if one in self.jobs] if wanted else list(self.jobs.values())
        places = {job_id: place for place, job_id in enumerate(self.jobs)}
        chosen = [one for one in chosen if since <= one.created_at <= until]
        return sorted(chosen, key=lambda one: places[one.job_id], reverse=True)

    def describe_job_log_items(self, job_id: str) -> list[JobLogItem]:
        if job_id not in self.jobs:
            raise ValidationException(f"Job with ID {job_id} does not exist.", field="jobID")  # [U]
        return self.jobs[job_id].visible_log(now())

    def _new_job(
        self,
        job_type: str,
        initiated_by: str,
        participants: list[ParticipatingServer],
        tags: dict[str, str],
        caller: str | None,
    ) -> Job:
        job_id = "drsjob-" + mock_random.get_random_hex(17)
        created = now()
        starts = created + timedelta(seconds=self._pending_seconds(job_id, job_type, participants))
        job = Job(job_id, self.arn("job", job_id), job_type, initiated_by, created, starts, participants, tags, caller)
        job.log.append(JobLogItem(starts, "JOB_START", {}))
        self.jobs[job_id] = job
        return job

    def _pending_seconds(self, job_id: str, job_type: str, participants: list[ParticipatingServer]) -> float:
        """A job is pending for a while, but never for more than half of the time that a test fixed for a server."""
        key = "launch_seconds" if job_type == "LAUNCH" else "terminate_seconds"
        fixed: list[float] = [
            getattr(one.settings, key) / 2 for one in participants if getattr(one.settings, key) is not None
        ]
        servers = ",".join(f"{one.source_server.source_server_id}:{one.source_server.launches}" for one in participants)
        return min([float(self.timing.draw("pending", self.rng(f"pending:{servers}"))), *fixed])

    def _refuse_busy_servers(self, servers: list[SourceServer]) -> None:
        busy = {one.source_server.source_server_id for job in self.jobs.values() if job.live for one in job.servers}
        for server in servers:
            if server.source_server_id in busy:
                raise ConflictException("SourceServer", server.source_server_id)

    def _check_quotas(self, servers: int) -> None:
        live = [job for job in self.jobs.values() if job.live]
        busy = sum(len(job.servers) for job in live)
        for name, code, limit, wanted in (
            ("Max source servers in a single Job", "L-B827C881", self.quotas.servers_per_job, servers),
            ("Concurrent jobs in progress", "L-D88FAC3A", self.quotas.concurrent_jobs, len(live) + 1),
            ("Max source servers in all Jobs", "L-05AFA8C6", self.quotas.servers_in_all_jobs, busy + servers),
        ):
            if wanted > limit:
                raise ServiceQuotaExceededException(name, code, limit)

    # Recovery instances

    def describe_recovery_instances(self, filters: dict[str, Any]) -> list[RecoveryInstance]:
        ids, servers = filters.get("recoveryInstanceIDs"), filters.get("sourceServerIDs")
        return [
            one
            for one in self.recovery_instances.values()
            if (not ids or one.recovery_instance_id in ids)
            and (not servers or one.source_server.source_server_id in servers)
        ]

    def add_recovery_instance(self, instance: RecoveryInstance) -> None:
        self.recovery_instances[instance.recovery_instance_id] = instance
        instance.source_server.recovery_instance_id = instance.recovery_instance_id

    def forget_recovery_instance(self, recovery_instance_id: str) -> None:
        """Terminate the EC2 instance; DRS no longer lists the recovery instance."""
        instance = self.recovery_instances.pop(recovery_instance_id)
        recovery_instances.become(instance.machine, "terminated")
        if instance.source_server.recovery_instance_id == recovery_instance_id:
            instance.source_server.recovery_instance_id = None

    # Tags

    def tags_of(self, arn: str) -> dict[str, str]:
        """The tags of the resource with this ARN, as the stored mapping, so that the caller can change it."""
        kind, _, resource_id = arn.split(":", 5)[-1].partition("/")
        resources: dict[str, dict[str, Any]] = {
            "source-server": self.source_servers,
            "job": self.jobs,
            "recovery-instance": self.recovery_instances,
        }
        resource = resources.get(kind, {}).get(resource_id)
        if resource is None or resource.arn != arn:
            raise ResourceNotFoundException("Resource", arn)
        tags: dict[str, str] = resource.tags
        return tags

    def find_tags(self, arn: str) -> dict[str, str]:
        """The tags of a resource for a policy's aws:ResourceTag; empty if the resource does not exist."""
        try:
            return self.tags_of(arn)
        except ResourceNotFoundException:
            return {}

    def tag_resource(self, arn: str, tags: dict[str, str]) -> None:
        reserved = [key for key in tags if re.match("aws:", key, re.IGNORECASE)]
        if reserved:
            raise ValidationException(f"Tag keys may not start with aws: {', '.join(reserved)}", field="tags")
        self.tags_of(arn).update(tags)

    def untag_resource(self, arn: str, tag_keys: list[str]) -> None:
        tags = self.tags_of(arn)
        for key in tag_keys:
            tags.pop(key, None)


def _pin(server: SourceServer, snapshot_id: str | None) -> Snapshot | None:
    if snapshot_id is None:
        return None
    snapshot = server.snapshot(snapshot_id)
    if snapshot is None:
        raise ResourceNotFoundException("RecoverySnapshot", snapshot_id)
    return snapshot


def _span(since: str | None, until: str | None) -> tuple[datetime, datetime]:
    far = parse("1970-01-01T00:00:00Z"), parse("9999-12-31T00:00:00Z")
    return parse(since) if since else far[0], parse(until) if until else far[1]


drs_backends = BackendDict(DRSBackend, "drs")
