"""The actions that the core requests, and their outcomes: the only interface between core and shell.

`decisions` returns an Action. The shell performs it through AWS and passes the outcome to `outcomes.apply`. An Action
is a value, so a step can remember which actions it has already performed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from engine.core.drs_status import DrsJob
from engine.core.plan import Moment
from engine.core.protection import ExistingInstance


@dataclass(frozen=True)
class ReadServers:
    """Read the server results of these waves from the execution record."""

    waves: tuple[int, ...]


@dataclass(frozen=True)
class FindServers:
    """Find out which of these source servers exist in DRS (DescribeSourceServers)."""

    source_server_ids: tuple[str, ...]


@dataclass(frozen=True)
class FindRecoveries:
    """Ask DRS which of these source servers were recovered for real: a launch would replace their instances.

    `kept`: the instances of an earlier drill, which a resumed drill keeps if they still exist.
    """

    source_server_ids: tuple[str, ...]
    kept: tuple[str, ...] = ()


@dataclass(frozen=True)
class StartRecovery:
    """Launch these servers in one recovery job. The shell saves the intent first."""

    wave: int
    attempt: int
    source_server_ids: tuple[str, ...]
    snapshots: tuple[tuple[str, str], ...]
    is_drill: bool
    # For each server the recovery instance that the launch may replace; None: the server must have none.
    expected: tuple[tuple[str, str | None], ...]

    def __post_init__(self) -> None:
        if tuple(server for server, _ in self.expected) != self.source_server_ids:
            raise ValueError("StartRecovery needs the expected instance, or None, of each of its servers, in order")


@dataclass(frozen=True)
class FindJob:
    """Find the recovery job of an unconfirmed launch by its tags (DescribeJobs from `since`)."""

    wave: int
    attempt: int
    since: datetime


@dataclass(frozen=True)
class PollJobs:
    """Read the state of these jobs (DescribeJobs)."""

    job_ids: tuple[str, ...]


@dataclass(frozen=True)
class ReadJobLog:
    """Read the reasons for which servers of this job failed to launch (DescribeJobLogItems)."""

    job_id: str


@dataclass(frozen=True)
class FindRecoveryInstances:
    """Read recovery instances: the EC2 instance and snapshot time of each; DRS does not list terminated ones."""

    recovery_instance_ids: tuple[str, ...]


@dataclass(frozen=True)
class CheckInstances:
    """Check the health of these EC2 instances: read their states (DescribeInstanceStatus)."""

    ec2_instance_ids: tuple[str, ...]


@dataclass(frozen=True)
class VerifyInstances:
    """The final check: read the states of recovered instances, in EC2, or in DRS for waves without health check."""

    ec2_instance_ids: tuple[str, ...]
    recovery_instance_ids: tuple[str, ...]


@dataclass(frozen=True)
class FindReplacements:
    """Find the recovery instances that these source servers have now, drill or not: their own instances are gone."""

    source_server_ids: tuple[str, ...]


@dataclass(frozen=True)
class TerminateInstances:
    recovery_instance_ids: tuple[str, ...]


@dataclass(frozen=True)
class FindTerminations:
    """Find the jobs that terminated the instances of these source servers (DescribeJobs from `since`).

    TerminateRecoveryInstances takes no tags and no token. If its answer is lost, only this search finds its job.
    """

    source_server_ids: tuple[str, ...]
    since: datetime


@dataclass(frozen=True)
class Notify:
    """Publish a moment of the execution to the topic; `wave` is the number of the wave that it is about."""

    topic_arn: str
    moment: Moment = Moment.END
    wave: int | None = None


@dataclass(frozen=True)
class Wait:
    """Resume at `until`, a whole second. The state machine resumes at most a few seconds late."""

    until: datetime


@dataclass(frozen=True)
class Finish:
    """The execution is settled; the state machine can end."""


AwsAction = (
    FindServers
    | FindRecoveries
    | StartRecovery
    | FindJob
    | PollJobs
    | ReadJobLog
    | FindRecoveryInstances
    | CheckInstances
    | VerifyInstances
    | FindReplacements
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
    """Recovery instances of real recoveries, by source server id; a server without one is absent."""

    instances: Mapping[str, ExistingInstance]


@dataclass(frozen=True)
class JobStarted:
    job: DrsJob


@dataclass(frozen=True)
class JobNotFound:
    """No job carries the tags of the intent."""


@dataclass(frozen=True)
class Busy:
    """DRS cannot accept the request now: a server is in another job, or a quota is in use; `reason` says which.

    `jobs`: the job in progress of each server that has one; empty if that is not known.
    """

    reason: str
    jobs: Mapping[str, str] = field(default_factory=dict)


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
    # Its EC2 instance is terminated, although DRS still lists it.
    terminated: bool = False


@dataclass(frozen=True)
class RecoveryInstancesSeen:
    instances: Mapping[str, ListedRecoveryInstance]


@dataclass(frozen=True)
class InstancesSeen:
    """EC2 instance state names by instance id; an instance unknown to EC2 is absent.

    `left_stopped`: the stopped instances that their launch settings in DRS leave stopped, as far as that is known.
    """

    states: Mapping[str, str]
    left_stopped: frozenset[str] = frozenset()


@dataclass(frozen=True)
class InstancesVerified:
    """States by EC2 instance id and by recovery instance id, in EC2's words; an unknown instance is absent."""

    ec2_states: Mapping[str, str]
    drs_states: Mapping[str, str]


@dataclass(frozen=True)
class ReplacementsFound:
    """The present recovery instance of each source server; a server without one is absent."""

    instances: Mapping[str, ExistingInstance]


@dataclass(frozen=True)
class TerminationStarted:
    job_id: str


@dataclass(frozen=True)
class TerminationsFound:
    """Job ids by source server id; a server without a TERMINATE job is absent."""

    job_ids: Mapping[str, str]


@dataclass(frozen=True)
class Published:
    message_id: str


@dataclass(frozen=True)
class Failed:
    """AWS refused the call, or the last retry failed (`transient`). `message` goes into the record."""

    message: str
    transient: bool = False


@dataclass(frozen=True)
class Deferred:
    """AWS requested a pause (Retry-After, in seconds) that is longer than the engine's back-off."""

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
    | InstancesVerified
    | ReplacementsFound
    | TerminationStarted
    | TerminationsFound
    | Published
    | Failed
    | Deferred
)
