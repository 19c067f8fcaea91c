"""DRS's own words, and what each of them means to the engine. The only place where they are translated.

Source: the DRS service model (JobStatus, LaunchStatus). DRS never says FAILED for a job: a COMPLETED job can hold
servers that failed to launch, so the outcome is always judged server by server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class JobStatus(StrEnum):
    """How far the recovery job has come for one server."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class UndocumentedStatus(ValueError):
    """DRS answered with a status that its service model does not document."""

    def __init__(self, kind: str, word: str | None) -> None:
        super().__init__(f"DRS answered with the undocumented {kind} {word!r}")
        self.word = word


@dataclass(frozen=True)
class DrsJob:
    """A DRS job as DescribeJobs tells it; `launch_statuses` and `recovery_instances` are by source server id."""

    job_id: str
    status: str
    launch_statuses: Mapping[str, str] = field(default_factory=dict)
    recovery_instances: Mapping[str, str] = field(default_factory=dict)


_JOB_UNDER_WAY = {"PENDING": JobStatus.PENDING, "STARTED": JobStatus.IN_PROGRESS}
_LAUNCH_ENDED = {"LAUNCHED": JobStatus.COMPLETED, "FAILED": JobStatus.FAILED, "TERMINATED": JobStatus.FAILED}
_LAUNCH_UNDER_WAY = {"PENDING", "IN_PROGRESS"}


def server_job_status(job: DrsJob, source_server_id: str) -> JobStatus:
    """What `job` says of one of its servers.

    Raises UndocumentedStatus for a job or launch status outside DRS's model. A COMPLETED job that never got as far as
    launching a server (still PENDING or IN_PROGRESS, or not listed) has failed for that server.
    """
    if job.status in _JOB_UNDER_WAY:
        return _JOB_UNDER_WAY[job.status]
    if job.status != "COMPLETED":
        raise UndocumentedStatus("job status", job.status)
    word = job.launch_statuses.get(source_server_id, "PENDING")
    if word in _LAUNCH_UNDER_WAY:
        return JobStatus.FAILED
    if word not in _LAUNCH_ENDED:
        raise UndocumentedStatus("launch status", word)
    return _LAUNCH_ENDED[word]
