"""The input of the reference model: plan, conditions and observed execution. Times are seconds of the case."""

from __future__ import annotations

from dataclasses import dataclass

# The engine checks each job and instance at least once a minute.
TOLERANCE = 60


@dataclass(frozen=True)
class HealthCheck:
    """How long after its first check an instance may take to run, and the seconds between two checks."""

    timeout: int
    interval: int


@dataclass(frozen=True)
class PlannedWave:
    number: int
    one_by_one: bool
    servers: tuple[str, ...]
    depends_on: tuple[int, ...]
    wait: int
    health_check: HealthCheck | None


@dataclass(frozen=True)
class Plan:
    waves: tuple[PlannedWave, ...]
    timeout: int
    cleans_up: bool
    notifies: bool
    is_drill: bool
    # The highest number of servers in one job.
    servers_per_job: int


@dataclass(frozen=True)
class Launch:
    """The course of a server's launch."""

    fails: bool
    # Seconds from the request to the outcome; if `early`, the launch fails at any moment before.
    seconds: float
    early: bool
    # The states of its instance: (seconds after the launch, state).
    states: tuple[tuple[float, str], ...]
    # Another caller launched the same server before this execution had its outcome.
    relaunched: bool
    # Another caller launched the same server before the clean-up of this execution ended.
    replaced: bool
    # Another caller started a recovery of the server before this execution had its outcome.
    recovered: bool
    termination_fails: bool

    def state(self, after: float) -> str:
        return [state for since, state in self.states if since <= after][-1]


@dataclass(frozen=True)
class Outage:
    operation: str
    since: float
    until: float


@dataclass(frozen=True)
class Conditions:
    launches: dict[str, Launch]
    # Delays by faults, and by servers or quota in use by other callers: (moment, seconds).
    delays: tuple[tuple[float, float], ...] = ()
    outages: tuple[Outage, ...] = ()
    # When a cancellation was first requested, when it was answered for good, and whether it was accepted.
    cancelled: float | None = None
    cancel_answered: float = 0.0
    cancel_accepted: bool = False
    # When runs of the state machine failed or were stopped.
    abnormal_exits: tuple[float, ...] = ()

    def delay(self, since: float, until: float) -> float:
        """The delays of this period, with those that began before it and had not ended."""
        return sum(
            seconds for moment, seconds in self.delays if moment <= until and since <= moment + max(seconds, TOLERANCE)
        )

    def latest(self, since: float, allowed: float) -> float:
        """The latest moment for an event that takes `allowed` seconds from `since` on without delays."""
        latest = since + allowed
        while (grown := since + allowed + self.delay(since, latest)) > latest:
            latest = grown
        return latest

    def failing(self, operation: str | None, moment: float) -> bool:
        return any(one.operation == operation and one.since <= moment <= one.until + TOLERANCE for one in self.outages)


@dataclass(frozen=True)
class ObservedServer:
    server: str
    status: str
    ended: float | None = None
    # The operation that its error message names.
    failed_operation: str | None = None
    # Not launched, because it was recovered by another caller.
    protected: bool = False
    # Not launched: the instance of another caller's recovery counts as this server's launch.
    adopted: bool = False
    # When its instance may have begun to disappear (terminated, or replaced by another launch), and was gone for sure.
    gone_from: float | None = None
    gone_by: float | None = None

    @property
    def launched(self) -> bool:
        return not self.protected and not self.adopted


@dataclass(frozen=True)
class ObservedWave:
    number: int
    status: str
    servers: tuple[ObservedServer, ...]
    started: float | None = None
    ended: float | None = None
    # An earlier execution completed it, and this one only resumes that one.
    carried: bool = False


@dataclass(frozen=True)
class ObservedExecution:
    status: str
    started: float
    ended: float
    timed_out: bool
    waves: tuple[ObservedWave, ...]
    clean_up: str
    clean_up_ended: float | None
    notification: str
    # Its record says that a failed function or state machine ended it.
    ended_abnormally: bool
