"""Ends a kept drill: starts the clean-up that its plan has left out."""

from __future__ import annotations

from dataclasses import replace

from engine.aws.execution_history import RecordChanged
from engine.core.events import CleanUp
from engine.core.state import Execution
from engine.core.statuses import CleanUpStatus
from engine.function.stepping import ExecutionUnknown
from engine.function.wiring import Services


class CleanUpRefused(Exception):
    """The execution has no instances that a clean-up may terminate; the message says why."""


def clean_up(services: Services, execution_id: str) -> None:
    """Let a new run of the state machine terminate the instances of a kept drill.

    Raises ExecutionUnknown, CleanUpRefused.

    The one backward move of a record: CleanUp goes from SKIPPED to PENDING. The record is saved first, so that a
    repetition completes a call that was killed in between.
    """
    while True:
        execution = services.history.load(execution_id)
        if execution is None:
            raise ExecutionUnknown(execution_id)
        if not _is_requested(execution):
            _require_kept_drill(execution)
            _require_newest(services, execution)
            execution = services.history.read_servers(execution, [wave.number for wave in execution.launched_waves])
            requested = CleanUp(CleanUpStatus.PENDING, requested_at=services.now())
            changed = replace(execution, clean_up=requested, run=execution.run + 1)
            try:
                execution = services.history.save(execution, changed)
            except RecordChanged:
                continue
        services.machine.run(execution_id, execution.run)
        return


def _is_requested(execution: Execution) -> bool:
    """An earlier call has saved the request; its state machine may not exist yet."""
    return execution.clean_up is not None and execution.clean_up.requested_at is not None and not execution.settled


def _require_kept_drill(execution: Execution) -> None:
    name = f"execution {execution.execution_id}"
    if not execution.is_drill:
        raise CleanUpRefused(f"{name} is a RECOVERY: its instances are production and are never terminated")
    if not execution.ended:
        raise CleanUpRefused(f"{name} is {execution.status}; wait for its end, or cancel it")
    if execution.clean_up is None or execution.clean_up.status is not CleanUpStatus.SKIPPED:
        status = execution.clean_up.status if execution.clean_up is not None else "not recorded"
        raise CleanUpRefused(f"{name} keeps no instances: its clean-up is {status}")


def _require_newest(services: Services, execution: Execution) -> None:
    """The newest execution of a chain owns the instances. A resumption without a record was refused."""
    if execution.resumed_by is not None and services.history.load(execution.resumed_by) is not None:
        raise CleanUpRefused(
            f"execution {execution.execution_id} was resumed, and its successor owns the instances; "
            f"to terminate them: python -m engine cleanup {execution.resumed_by}"
        )
