"""The resources of DRS: source servers, their snapshots and launch configuration, jobs with a log, recovery instances.

Each `describe` returns the shape of botocore's model. The status of a job is PENDING until it starts, STARTED until the
last server has its outcome, then COMPLETED; there is no FAILED.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.ec2.models.instances import Instance

from simulator.drs.time_source import iso
from simulator.drs.timing import LaunchSettings

GIB = 1024**3


@dataclass(frozen=True)
class Snapshot:
    """A point in time of a source server."""

    snapshot_id: str
    source_server_id: str
    taken_at: datetime
    ebs_snapshot: str

    def describe(self) -> dict[str, Any]:
        return {
            "snapshotID": self.snapshot_id,
            "sourceServerID": self.source_server_id,
            "expectedTimestamp": iso(self.taken_at),
            "timestamp": iso(self.taken_at),
            "ebsSnapshots": [self.ebs_snapshot],
        }


@dataclass
class SourceServer:
    """A protected machine. `replication_state` is a value of DRS, CONTINUOUS when the server is ready for recovery."""

    source_server_id: str
    arn: str
    hostname: str
    added_at: datetime
    region: str
    account: str
    replication_state: str = "CONTINUOUS"
    os: str = "Microsoft Windows Server 2022 Datacenter"
    tags: dict[str, str] = field(default_factory=dict)
    launch_disposition: str = "STARTED"
    hardware_id: str = ""
    # The EBS encryption of the replication settings: a customer's key; "" for the AWS managed key.
    encryption_key_arn: str = ""
    # The EC2 instance to launch into, in place of a new one.
    into_instance_id: str | None = None
    snapshots: list[Snapshot] = field(default_factory=list)
    settings: LaunchSettings = field(default_factory=LaunchSettings)
    recovery_instance_id: str | None = None
    last_launch: tuple[Job, ParticipatingServer] | None = None
    launches: int = 0

    @property
    def launch_template_id(self) -> str:
        return "lt-" + self.source_server_id.removeprefix("s-")

    @property
    def is_seen(self) -> bool:
        """Whether its agent is in contact with DRS."""
        return self.replication_state not in ("STOPPED", "DISCONNECTED", "INITIATING", "INITIAL_SYNC")

    @property
    def takes_snapshots(self) -> bool:
        """Whether DRS can take a new snapshot of it. That a PAUSED server has none is a guess [U]."""
        return self.is_seen and self.replication_state not in ("STALLED", "PAUSED")

    def snapshot(self, snapshot_id: str) -> Snapshot | None:
        return next((one for one in self.snapshots if one.snapshot_id == snapshot_id), None)

    def describe(self, now: datetime) -> dict[str, Any]:
        return {
            "sourceServerID": self.source_server_id,
            "arn": self.arn,
            "tags": self.tags,
            "recoveryInstanceId": self.recovery_instance_id,
            "lastLaunchResult": self._last_result(),
            "dataReplicationInfo": self._replication(),
            "lifeCycle": self._life_cycle(now),
            "sourceProperties": self._properties(now),
            "stagingArea": {"status": "NOT_EXTENDED", "stagingAccountID": self.account},
            "sourceCloudProperties": {"originAccountID": self.account, "originRegion": self.region},
            "replicationDirection": "FAILOVER",
            "agentVersion": "3.8.0",
        }

    def _replication(self) -> dict[str, Any]:
        disk = {
            "deviceName": "c:0",
            "totalStorageBytes": 30 * GIB,
            "replicatedStorageBytes": 30 * GIB,
            "rescannedStorageBytes": 0,
            "backloggedStorageBytes": 0,
            "volumeStatus": "REGULAR",
        }
        return {
            "dataReplicationState": self.replication_state,
            "lagDuration": "P0D" if self.replication_state == "CONTINUOUS" else "PT1H",
            "replicatedDisks": [disk],
            "stagingAvailabilityZone": self.region + "a",
        }

    def _life_cycle(self, now: datetime) -> dict[str, Any]:
        cycle: dict[str, Any] = {
            "addedToServiceDateTime": iso(self.added_at),
            "firstByteDateTime": iso(self.added_at),
            "lastSeenByServiceDateTime": iso(now if self.is_seen else self.added_at),
        }
        if self.last_launch:
            job, participant = self.last_launch
            initiated = {
                "apiCallDateTime": iso(job.created_at),
                "jobID": job.job_id,
                "type": "DRILL" if job.is_drill else "RECOVERY",
            }
            cycle["lastLaunch"] = {"initiated": initiated, "status": participant.launch_status(now)}
        return cycle

    def _last_result(self) -> str:
        if self.last_launch is None:
            return "NOT_STARTED"
        _, participant = self.last_launch
        return {"LAUNCHED": "SUCCEEDED", "FAILED": "FAILED"}.get(participant.outcome or "", "PENDING")

    def _properties(self, now: datetime) -> dict[str, Any]:
        return {
            "lastUpdatedDateTime": iso(now),
            "recommendedInstanceType": "m5.large",
            "identificationHints": {"hostname": self.hostname, "fqdn": self.hostname},
            "cpus": [{"cores": 2, "modelName": "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz"}],
            "ramBytes": 8 * GIB,
            "disks": [{"deviceName": "c:0", "bytes": 30 * GIB}],
            "os": {"fullString": self.os},
            "supportsNitroInstances": True,
            "architecture": "x86_64",
        }

    def launch_configuration(self) -> dict[str, Any]:
        return {
            "sourceServerID": self.source_server_id,
            "name": self.hostname,
            "ec2LaunchTemplateID": self.launch_template_id,
            "launchDisposition": self.launch_disposition,
            "targetInstanceTypeRightSizingMethod": "BASIC",
            "copyPrivateIp": False,
            "copyTags": True,
            "licensing": {"osByol": False},
            "postLaunchEnabled": False,
            "launchIntoInstanceProperties": (
                {"launchIntoEC2InstanceID": self.into_instance_id} if self.into_instance_id else None
            ),
        }


@dataclass(frozen=True)
class JobLogItem:
    """One line of a job's log. It may be written ahead of time; it shows from `at` on."""

    at: datetime
    event: str
    data: dict[str, Any]

    def describe(self) -> dict[str, Any]:
        item: dict[str, Any] = {"logDateTime": iso(self.at), "event": self.event}
        return item | ({"eventData": self.data} if self.data else {})


@dataclass
class ParticipatingServer:
    """One server of a job; `outcome` is its final launch status once there is one.

    It is PENDING until `in_progress_from`. Field reports show servers that are PENDING for minutes in a STARTED job;
    that a launch ends this with LAUNCH_START is a guess [U].
    """

    source_server: SourceServer
    settings: LaunchSettings
    recovery_instance_id: str | None = None
    outcome: str | None = None
    in_progress_from: datetime | None = None

    def launch_status(self, now: datetime) -> str:
        in_progress = self.in_progress_from is not None and now >= self.in_progress_from
        return self.outcome or ("IN_PROGRESS" if in_progress else "PENDING")

    def describe(self, now: datetime) -> dict[str, Any]:
        return {
            "sourceServerID": self.source_server.source_server_id,
            "recoveryInstanceID": self.recovery_instance_id,
            "launchStatus": self.launch_status(now),
            # Post-launch actions are off. Field reports show the member; that it is empty then is a guess [U].
            "launchActionsStatus": {"runs": []},
        }


@dataclass
class Job:
    """A LAUNCH or TERMINATE job. `caller` is the principal in whose name DRS calls EC2."""

    job_id: str
    arn: str
    type: str
    initiated_by: str
    created_at: datetime
    starts_at: datetime
    servers: list[ParticipatingServer]
    tags: dict[str, str]
    caller: str | None
    ended_at: datetime | None = None
    log: list[JobLogItem] = field(default_factory=list)

    @property
    def live(self) -> bool:
        return self.ended_at is None

    @property
    def is_drill(self) -> bool:
        return self.initiated_by == "START_DRILL"

    def status(self, now: datetime) -> str:
        if self.ended_at is not None:
            return "COMPLETED"
        if now < self.starts_at:
            return "PENDING"
        words = (one.settings.job_status_word for one in self.servers)
        return next(filter(None, words), "STARTED")

    def describe(self, now: datetime) -> dict[str, Any]:
        return {
            "jobID": self.job_id,
            "arn": self.arn,
            "type": self.type,
            "initiatedBy": self.initiated_by,
            "creationDateTime": iso(self.created_at),
            "endDateTime": iso(self.ended_at) if self.ended_at else None,
            "status": self.status(now),
            "participatingServers": [one.describe(now) for one in self.servers],
            # Networks; a job of servers has none.
            "participatingResources": [],
            "tags": self.tags,
        }

    def visible_log(self, now: datetime) -> list[JobLogItem]:
        return sorted((item for item in self.log if item.at <= now), key=lambda item: item.at)


@dataclass
class RecoveryInstance:
    """The result of a launch: an EC2 instance (`machine`) that DRS knows as the copy of a source server."""

    machine: Instance
    arn: str
    job_id: str
    source_server: SourceServer
    is_drill: bool
    point_in_time: datetime
    tags: dict[str, str] = field(default_factory=dict)
    found_in_ec2: bool = True

    @property
    def recovery_instance_id(self) -> str:
        """DRS gives a recovery instance the id of its EC2 instance."""
        return str(self.machine.id)

    def describe(self) -> dict[str, Any]:
        return {
            "ec2InstanceID": self.recovery_instance_id,
            "ec2InstanceState": str(self.machine.state).upper() if self.found_in_ec2 else "NOT_FOUND",
            "jobID": self.job_id,
            "recoveryInstanceID": self.recovery_instance_id,
            "sourceServerID": self.source_server.source_server_id,
            "arn": self.arn,
            "tags": self.tags,
            "failback": {"state": "FAILBACK_NOT_STARTED"},
            "recoveryInstanceProperties": {
                "identificationHints": {
                    "hostname": self.source_server.hostname,
                    "awsInstanceID": self.recovery_instance_id,
                },
                "os": {"fullString": self.source_server.os},
            },
            "pointInTimeSnapshotDateTime": iso(self.point_in_time),
            "isDrill": self.is_drill,
            "originEnvironment": "ON_PREMISES",
            "agentVersion": "3.8.0",
        }
