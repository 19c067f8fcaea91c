"""The statuses of an execution and of its parts, as the record names them, and which of them are final."""

from __future__ import annotations

from enum import StrEnum

from engine.core.drs_status import JobStatus


class ExecutionStatus(StrEnum):
    # The intent to run is saved, but the state machine may not exist yet. Readers do not see such a record.
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class WaveStatus(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"


class ServerStatus(StrEnum):
    PENDING = "PENDING"
    # From the saved intent to launch until the DRS job has a result for the server.
    IN_PROGRESS = "IN_PROGRESS"
    # DRS has launched the instance; its health is unknown.
    LAUNCHED = "LAUNCHED"
    RECOVERED = "RECOVERED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"


class CleanUpStatus(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    # No instances to terminate: a recovery, or a drill whose plan keeps its instances.
    SKIPPED = "SKIPPED"


class ApprovalDecision(StrEnum):
    APPROVED = "APPROVED"
    REJECTED = "REJECTED"


class NotificationStatus(StrEnum):
    SENT = "SENT"
    FAILED = "FAILED"
    # The plan names no topic, or does not announce its end.
    SKIPPED = "SKIPPED"


FINAL_EXECUTION = frozenset({ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED})
FINAL_WAVE = frozenset({WaveStatus.COMPLETED, WaveStatus.FAILED, WaveStatus.SKIPPED, WaveStatus.CANCELLED})
FINAL_SERVER = frozenset({ServerStatus.RECOVERED, ServerStatus.FAILED, ServerStatus.SKIPPED, ServerStatus.CANCELLED})
FINAL_CLEAN_UP = frozenset({CleanUpStatus.COMPLETED, CleanUpStatus.FAILED, CleanUpStatus.SKIPPED})
# The clean-ups after which instances may run on: the plan keeps them, or their termination failed. `cleanup` ends both.
CLEAN_UP_TO_REPEAT = frozenset({CleanUpStatus.FAILED, CleanUpStatus.SKIPPED})
JOB_OVER = frozenset({JobStatus.COMPLETED, JobStatus.FAILED})
