"""The jobs of the clean-up that terminate instances, applied to the execution."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from engine.core import policy
from engine.core.actions import TerminateInstances
from engine.core.finalization import REFUSED
from engine.core.state import Execution


def note_termination(execution: Execution, action: TerminateInstances, job_id: str, now: datetime) -> Execution:
    if execution.clean_up is not None:
        execution = replace(execution, clean_up=replace(execution.clean_up, error_message=None))
    return _with_clean_up_job(execution, job_id).map_servers(
        lambda server: server.recovery_instance_id in action.recovery_instance_ids,
        lambda server: replace(server, termination_job_id=job_id, termination_requested_at=now),
    )


def note_refusal(execution: Execution, reason: str) -> Execution:
    """Record why DRS does not terminate instances now; the end of the clean-up removes or names the reason."""
    clean_up = execution.clean_up
    if clean_up is None:
        return execution
    return replace(execution, clean_up=replace(clean_up, error_message=policy.shortened(f"{REFUSED}{reason}")))


def adopt_terminations(execution: Execution, job_ids: dict[str, str]) -> Execution:
    for job_id in dict.fromkeys(job_ids.values()):
        execution = _with_clean_up_job(execution, job_id)
    return execution.map_servers(
        lambda server: server.recovery_instance_id is not None and server.source_server_id in job_ids,
        lambda server: replace(server, termination_job_id=job_ids[server.source_server_id]),
    )


def _with_clean_up_job(execution: Execution, job_id: str) -> Execution:
    clean_up = execution.clean_up
    if clean_up is None or job_id in clean_up.job_ids:
        return execution
    return replace(execution, clean_up=replace(clean_up, job_ids=(*clean_up.job_ids, job_id)))
