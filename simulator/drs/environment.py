"""The environment of DRS in one account and Region: facts that a test sets before or during a run."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from moto.core.utils import camelcase_to_underscores, get_service_model
from moto.ec2.models.instances import Instance
from moto.moto_api._internal import mock_random

from simulator.drs import launch_templates, recovery_instances
from simulator.drs.exceptions import refusal
from simulator.drs.models import DRSBackend, Quotas, drs_backends
from simulator.drs.resources import SourceServer
from simulator.drs.responses import DRSResponse
from simulator.drs.time_source import current_clock, now
from simulator.drs.timing import LaunchSettings, Timing


class DrsWorld:
    """The set-up of DRS for a test. Durations are seconds; moments are timezone-aware."""

    def __init__(self, account: str, region: str) -> None:
        self.account, self.region = account, region

    @property
    def backend(self) -> DRSBackend:
        """Looked up each time: moto replaces its backends when it resets."""
        backend: DRSBackend = drs_backends[self.account][self.region]
        return backend

    @property
    def operations(self) -> list[str]:
        """The operations that the simulator answers, in alphabetical order."""
        names = get_service_model("drs").operation_names
        return sorted(name for name in names if camelcase_to_underscores(name) in vars(DRSResponse))

    @property
    def quotas(self) -> Quotas:
        return self.backend.quotas

    @property
    def timing(self) -> Timing:
        return self.backend.timing

    def seed(self, seed: int) -> None:
        """Choose other durations of the same kind."""
        self.backend.seed = seed

    def initialize(self) -> None:
        self.backend.initialized = True

    def uninitialize(self) -> None:
        self.backend.initialized = False

    def add_source_server(
        self,
        server_id: str | None = None,
        *,
        hostname: str | None = None,
        replication_state: str = "CONTINUOUS",
        tags: dict[str, str] | None = None,
        launch_disposition: str = "STARTED",
        hardware_id: str = "",
    ) -> str:
        """Add a protected server; return its id, which is generated unless given."""
        server_id = server_id or "s-" + mock_random.get_random_hex(17)
        server = self.backend.source_servers[server_id] = SourceServer(
            source_server_id=server_id,
            arn=self.backend.arn("source-server", server_id),
            hostname=hostname or f"host-{server_id[-4:]}",
            added_at=now(),
            region=self.region,
            account=self.account,
            replication_state=replication_state,
            tags=dict(tags or {}),
            launch_disposition=launch_disposition,
            hardware_id=hardware_id,
        )
        launch_templates.create(server)
        return server_id

    def remove_source_server(self, server_id: str) -> None:
        del self.backend.source_servers[server_id]

    def set_replication_state(self, server_id: str, state: str) -> None:
        self._server(server_id).replication_state = state

    def set_launch_template(self, server_id: str, **settings: Any) -> None:
        """Set fields of EC2's LaunchTemplateData in a new default version of the server's launch template."""
        launch_templates.change(self._server(server_id), settings)

    def set_encryption_key(self, server_id: str, key_arn: str) -> None:
        """Encrypt the server's volumes with a customer's KMS key, as its replication settings can say."""
        self._server(server_id).encryption_key_arn = key_arn

    def set_launch_into(self, server_id: str, instance_id: str | None) -> None:
        """Launch the server into this EC2 instance, which needs the tag AWSDRS; None: into a new one."""
        self._server(server_id).into_instance_id = instance_id

    def set_operating_system(self, server_id: str, name: str) -> None:
        self._server(server_id).os = name

    def add_snapshot(self, server_id: str, snapshot_id: str | None = None, taken_at: datetime | None = None) -> str:
        """Add a point in time to recover to, by default one hour ago; return its id."""
        self._server(server_id)
        moment = taken_at or now() - timedelta(hours=1)
        return self.backend.add_snapshot(server_id, moment, snapshot_id).snapshot_id

    def set_launch(self, server_id: str, **settings: Any) -> None:
        """Set fields of `LaunchSettings` for the next launches of a server; the other fields keep their values."""
        server = self._server(server_id)
        server.settings = replace(server.settings, **settings)

    def reset_launch(self, server_id: str) -> None:
        self._server(server_id).settings = LaunchSettings()

    def start_foreign_job(self, server_ids: Iterable[str], *, is_drill: bool = True) -> str:
        """Start a recovery job of another client, without tags, on these servers; return its id."""
        sources = [{"sourceServerID": one} for one in server_ids]
        return self.backend.start_recovery(sources, is_drill, {}, caller=None).job_id

    def instance_becomes(self, server_or_instance_id: str, state: str, *, after_seconds: float = 0) -> None:
        """The EC2 instance (of a source server, or by its own id) changes state, now or later."""
        when = now() + timedelta(seconds=after_seconds)

        def change() -> None:
            recovery_instances.become(self._machine(server_or_instance_id), state)

        if after_seconds:
            current_clock().call_at(when, change, f"drs: {server_or_instance_id} becomes {state}")
        else:
            change()

    def instance_dies(self, server_or_instance_id: str, *, after_seconds: float = 0) -> None:
        """The EC2 instance is terminated outside DRS and the engine, now or later."""
        self.instance_becomes(server_or_instance_id, "terminated", after_seconds=after_seconds)

    def instance_is_forgotten(self, instance_id: str) -> None:
        """EC2 no longer knows a terminated instance, as an hour after its end; DRS lists it as NOT_FOUND [U]."""
        recovery_instances.forget(self.account, self.region, instance_id)
        self.backend.recovery_instances[instance_id].found_in_ec2 = False

    def refuse(self, operation: str, error: str, *, times: int = 1, retry_after: int | None = None) -> None:
        """Answer the next calls of `operation` with an error that DRS's model names, by its name."""
        waiting = self.backend.refusals.setdefault(operation, deque())
        waiting.extend(refusal(error, retry_after) for _ in range(times))

    def running_jobs(self) -> list[str]:
        """The ids of the jobs that have not ended; a clean-up must not leave any."""
        return [job.job_id for job in self.backend.jobs.values() if job.live]

    def _server(self, server_id: str) -> SourceServer:
        return self.backend.source_servers[server_id]

    def _machine(self, server_or_instance_id: str) -> Instance:
        if not server_or_instance_id.startswith("s-"):
            return recovery_instances.find(self.account, self.region, server_or_instance_id)
        instance_id = self._server(server_or_instance_id).recovery_instance_id
        if instance_id is None:
            raise LookupError(f"source server {server_or_instance_id} has no recovery instance")
        return self.backend.recovery_instances[instance_id].machine
