"""What the core asks of the shell, and what the shell answers.

The two sides meet here and nowhere else: `decisions` returns an Action, the shell performs it through AWS and hands
the outcome to `outcomes.apply`. An Action is a value, so a step can remember which ones it has already asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from engine.core.drs_status import DrsJob


@dataclass(frozen=True)
class ReadServers:
    """Read the server results of these waves from the execution record."""

    waves: tuple[int, ...]


@dataclass(frozen=True)
class FindServers:
    """Ask DRS which of these source servers it knows (DescribeSourceServers)."""

    source_server_ids: tuple[str, ...]


@dataclass(frozen=True)
class FindRecoveries:
    """Ask DRS which of these source servers were recovered for real: a drill would take their recovery away."""

    source_server_ids: tuple[str, ...]


@dataclass(frozen=True)
class StartRecovery:
    """Launch these servers in one recovery job. The intent has been saved before."""

    wave: int
    attempt: int
    source_server_ids: tuple[str, ...]
    snapshots: tuple[tuple[str, str], ...]
    is_drill: bool


@dataclass(frozen=True)
class FindJob:
    """Look for the recovery job of an intent whose answer was lost, by its tags (DescribeJobs from `since`)."""

    wave: int
    attempt: int
    since: datetime


@dataclass(frozen=True)
class PollJobs:
    job_ids: tuple[str, ...]


@dataclass(frozen=True)
class ReadJobLog:
    """Find out why servers of this job failed to launch (DescribeJobLogItems)."""

    job_id: str


@dataclass(frozen=True)
class FindRecoveryInstances:
    """Ask DRS for recovery instances: their EC2 instance and snapshot time, or that they are gone."""

    recovery_instance_ids: tuple[str, ...]


@dataclass(frozen=True)
class CheckInstances:
    """Look at the state of these EC2 instances (DescribeInstanceStatus)."""

    ec2_instance_ids: tuple[str, ...]


@dataclass(frozen=True)
class TerminateInstances:
    recovery_instance_ids: tuple[str, ...]


@dataclass(frozen=True)
class FindTerminations:
    """Look for the jobs that terminated the instances of these source servers (DescribeJobs from `since`).

    A termination has no tags and no token: when its answer was lost, this is how its job gets into the record.
    """

    source_server_ids: tuple[str, ...]
    since: datetime


@dataclass(frozen=True)
class Notify:
    """Publish the execution's end to the topic."""

    topic_arn: str


@dataclass(frozen=True)
class Wait:
    """Nothing to do before `until`, a whole second; or after it, but never more than a few seconds late."""

    until: datetime


@dataclass(frozen=True)
class Finish:
    """The execution is settled: the state machine can end."""


AwsAction = (
    FindServers
    | FindRecoveries
    | StartRecovery
    | FindJob
    | PollJobs
    | ReadJobLog
    | FindRecoveryInstances
    | CheckInstances
    | TerminateInstances
    | FindTerminations
    | Notify
)
Action = ReadServers | AwsAction | Wait | Finish


@dataclass(frozen=True)
class ServersFound:
    source_server_ids: frozenset[str]


@dataclass(frozen=True)
class RecoveriesFound:
    """Recovery instances that no drill launched, by source server id; a server that has none is left out."""

    recovery_instance_ids: Mapping[str, str]


@dataclass(frozen=True)
class JobStarted:
    job: DrsJob


@dataclass(frozen=True)
class JobNotFound:
    """No job carries the intent's tags."""


@dataclass(frozen=True)
class Busy:
    """DRS cannot take the request now: servers in another job, or a quota in use. `reason` is DRS's own."""

    reason: str


@dataclass(frozen=True)
class JobsSeen:
    jobs: Mapping[str, DrsJob]


@dataclass(frozen=True)
class JobLogRead:
    """The reason of each failed launch, by source server id."""

    reasons: Mapping[str, str]


@dataclass(frozen=True)
class ListedRecoveryInstance:
    recovery_instance_id: str
    ec2_instance_id: str | None
    snapshot_time: str | None = None


@dataclass(frozen=True)
class RecoveryInstancesSeen:
    instances: Mapping[str, ListedRecoveryInstance]


@dataclass(frozen=True)
class InstancesSeen:
    """EC2 instance state names by instance id; an instance EC2 does not know is left out."""

    states: Mapping[str, str]


@dataclass(frozen=True)
class TerminationStarted:
    job_id: str


@dataclass(frozen=True)
class TerminationsFound:
    """Job ids by source server id; a server that no TERMINATE job names is left out."""

    job_ids: Mapping[str, str]


@dataclass(frozen=True)
class Published:
    message_id: str


@dataclass(frozen=True)
class Failed:
    """The call failed: refused, or (`transient`) still failing after the last retry. `message` is for the record."""

    message: str
    transient: bool = False


@dataclass(frozen=True)
class Deferred:
    """AWS asked to be left alone for longer than the engine's back-off (Retry-After, in seconds)."""

    seconds: float
    message: str


ActionOutcome = (
    ServersFound
    | RecoveriesFound
    | JobStarted
    | JobNotFound
    | Busy
    | JobsSeen
    | JobLogRead
    | RecoveryInstancesSeen
    | InstancesSeen
    | TerminationStarted
    | TerminationsFound
    | Published
    | Failed
    | Deferred
)
