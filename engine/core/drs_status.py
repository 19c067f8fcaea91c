"""The job and launch statuses of DRS, and their meaning for the engine. No other module translates them.

Source: the DRS service model (JobStatus, LaunchStatus). A DRS job has no status FAILED: a COMPLETED job can contain
servers that failed to launch, so the engine judges each server by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class JobStatus(StrEnum):
    """The progress of a recovery job for one server."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


class UndocumentedStatus(ValueError):
    """DRS returned a status that its service model does not document."""

    def __init__(self, kind: str, word: str | None) -> None:
        super().__init__(f"DRS returned the undocumented {kind} {word!r}")


@dataclass(frozen=True)
class DrsJob:
    """A job as DescribeJobs returns it; `launch_statuses` and `recovery_instances` are by source server id."""

    job_id: str
    status: str
    launch_statuses: Mapping[str, str] = field(default_factory=dict)
    recovery_instances: Mapping[str, str] = field(default_factory=dict)
    created: datetime | None = None

    @property
    def ended(self) -> bool:
        return self.status == "COMPLETED"


_JOB_UNDER_WAY = {"PENDING": JobStatus.PENDING, "STARTED": JobStatus.IN_PROGRESS}
_LAUNCH_ENDED = {"LAUNCHED": JobStatus.COMPLETED, "FAILED": JobStatus.FAILED, "TERMINATED": JobStatus.FAILED}
_LAUNCH_UNDER_WAY = {"PENDING", "IN_PROGRESS"}


def server_job_status(job: DrsJob, source_server_id: str) -> JobStatus:
    """The status of `job` for one of its servers. Raises UndocumentedStatus for a status outside the model of DRS.

    A COMPLETED job has failed for a server that it did not launch (still PENDING or IN_PROGRESS, or not listed).
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
