"""Stopping an execution: a user's cancellation, and the closing of a record whose state machine died."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from engine.aws.execution_history import RecordChanged
from engine.core.decisions import begin
from engine.core.finalization import end, fail_clean_up
from engine.core.state import Execution, ExecutionStatus, Notification, NotificationStatus
from engine.function.stepping import ExecutionUnknown
from engine.function.wiring import Services

# After so many abnormal exits no further successor is tried: the record is closed with what is known.
MAX_ABNORMAL_EXITS = 3


class ExecutionEnded(Exception):
    """The execution is over: there is nothing to cancel."""

    def __init__(self, execution_id: str, status: str) -> None:
        super().__init__(f"execution {execution_id} has already ended: {status}")
        self.status = status


def cancel(services: Services, execution_id: str, reason: str) -> None:
    """Ask a running execution to stop; a second request changes nothing. Raises ExecutionUnknown, ExecutionEnded.

    A start that was killed before it had made the state machine gets it now: its first step finds the request, ends
    the execution before anything is launched, and releases the plan.
    """
    execution = services.history.load(execution_id)
    if execution is None:
        raise ExecutionUnknown(execution_id)
    if execution.ended and execution.cancel is None:
        raise ExecutionEnded(execution_id, execution.status)
    if execution.cancel is None:
        try:
            services.history.request_cancel(execution_id, reason, services.now())
        except RecordChanged:
            now = services.history.load(execution_id)
            # The answer to an earlier try may have been lost: then it ended because of this very request.
            if now is None or now.cancel is None:
                raise ExecutionEnded(execution_id, "it ended while the request was made") from None
    if execution.status is ExecutionStatus.STARTING:
        services.machine.run(execution_id)


def close(services: Services, execution_id: str, *, run: int, cause: str) -> None:
    """The state machine's run `run` is dead: end the record as FAILED, and let a successor settle what is left.

    Closing twice changes nothing: the record says which run is in charge. The record is saved before the successor is
    started, so a close that was killed in between is completed by its repetition.
    """
    while True:
        execution = services.history.load(execution_id)
        if execution is None or execution.settled:
            return
        if run < execution.run:
            services.machine.run(execution_id, execution.run)
            return
        execution = services.history.read_servers(execution, [wave.number for wave in execution.launched_waves])
        try:
            closed = services.history.save(execution, _closed(execution, cause, services.now()))
        except RecordChanged:
            continue
        _continue_or_give_up(services, closed, cause)
        return


def _closed(execution: Execution, cause: str, now: datetime) -> Execution:
    execution = begin(execution, now)
    if not execution.ended and execution.cancel is not None:
        # Whoever asked was told that it is cancelled; that the state machine died of something else does not unsay it.
        execution = end(execution, ExecutionStatus.CANCELLED, execution.cancel.reason, now)
    elif not execution.ended:
        execution = end(execution, ExecutionStatus.FAILED, cause, now)
    execution = replace(execution, run=execution.run + 1, abnormal_exits=execution.abnormal_exits + 1)
    if execution.abnormal_exits < MAX_ABNORMAL_EXITS:
        return execution
    message = f"not done: the state machine died {execution.abnormal_exits} times, at last because {cause}"
    notification = execution.notification or Notification(NotificationStatus.FAILED, message)
    return replace(fail_clean_up(execution, message, now), notification=notification)


def _continue_or_give_up(services: Services, closed: Execution, cause: str) -> None:
    services.log.event("The state machine died; the record is closed", ExecutionId=closed.execution_id, Cause=cause)
    if closed.settled:
        services.log.alarm("CleanUpFailed", "The execution could not be settled", ExecutionId=closed.execution_id)
    else:
        services.machine.run(closed.execution_id, closed.run)
