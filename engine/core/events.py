"""What happens to an execution beside its waves: failures, checks, clean-up, messages, decisions, pauses, objectives.

All values are immutable parts of `engine.core.state.Execution`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.core.plan import Moment
from engine.core.statuses import ApprovalDecision, CleanUpStatus, NotificationStatus


@dataclass(frozen=True)
class Failure:
    """A failure of the execution or of a whole wave; ServerState has the failures of servers."""

    message: str
    time: datetime
    wave_number: int | None = None


@dataclass(frozen=True)
class Warned:
    """A warning about the execution or a whole wave; ServerState has the warnings about servers."""

    message: str
    time: datetime
    wave_number: int | None = None


@dataclass(frozen=True)
class FinalCheck:
    """The last look at all recovered instances. `lost`: the first source servers whose instances are gone."""

    time: datetime
    lost: tuple[str, ...] = ()
    lost_count: int = 0


@dataclass(frozen=True)
class CleanUp:
    """Termination of the instances of a drill. It never changes the status of the execution."""

    status: CleanUpStatus
    job_ids: tuple[str, ...] = ()
    start_time: datetime | None = None
    end_time: datetime | None = None
    error_message: str | None = None
    # When an operator asked for the clean-up: of a drill whose plan keeps its instances, or after one that failed.
    requested_at: datetime | None = None


@dataclass(frozen=True)
class Notification:
    status: NotificationStatus
    error_message: str | None = None


@dataclass(frozen=True)
class Announcement:
    """One message about a moment before the end of the execution, and whether it was sent."""

    moment: Moment
    wave_number: int | None
    status: NotificationStatus
    error_message: str | None = None


@dataclass(frozen=True)
class Decided:
    """The decision of a person about a wave; `request_id` is that of the Lambda invocation, for CloudTrail."""

    wave_number: int
    decision: ApprovalDecision
    by: str
    time: datetime
    comment: str | None = None
    request_id: str | None = None


@dataclass(frozen=True)
class Pause:
    """No wave starts from `since` on until a person continues the execution."""

    since: datetime
    by: str
    continued_time: datetime | None = None
    continued_by: str | None = None


@dataclass(frozen=True)
class Objective:
    """A recovery objective in seconds: the target of the plan, the measured value, and whether it was met.

    `met` is None without a target, before the end of the execution, and if the value is not known.
    """

    target_seconds: int | None = None
    actual_seconds: int | None = None
    met: bool | None = None


@dataclass(frozen=True)
class Objectives:
    recovery_time: Objective = Objective()
    recovery_point: Objective = Objective()


@dataclass(frozen=True)
class CancelRequest:
    """`superseded_by`: the start that takes over the servers; None if a person cancelled."""

    time: datetime
    reason: str
    superseded_by: str | None = None


@dataclass(frozen=True)
class Deferral:
    """AWS requested a longer pause than the engine's back-off: the engine makes no call before `until`.

    `retries` counts consecutive pauses for the same `call`, which is the name of its action.
    """

    until: datetime
    retries: int
    call: str
