"""Stops an execution: the cancellation by a user, and the end of a state machine that failed or was stopped."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from engine.aws.execution_history import RecordChanged
from engine.core.decisions import begin
from engine.core.events import CancelRequest, Notification
from engine.core.finalization import end, fail_clean_up
from engine.core.objectives import measured
from engine.core.state import Execution
from engine.core.statuses import ExecutionStatus, NotificationStatus
from engine.function.releasing import release
from engine.function.stepping import ExecutionUnknown
from engine.function.wiring import Services

# After this number of abnormal exits, the engine starts no successor and closes the record.
MAX_ABNORMAL_EXITS = 3


class ExecutionEnded(Exception):
    """The execution has ended and cannot be cancelled."""

    def __init__(self, execution_id: str, status: str) -> None:
        super().__init__(f"execution {execution_id} has already ended: {status}")
        self.status = status


def cancel(services: Services, execution_id: str, reason: str) -> None:
    """Request the end of an execution; a second request has no effect. Raises ExecutionUnknown, ExecutionEnded.

    If the start was killed before it created the state machine, `cancel` creates it. The first step then finds the
    request, ends the execution before any launch, and releases the plan.
    """
    execution = services.history.load(execution_id)
    if execution is None:
        raise ExecutionUnknown(execution_id)
    if execution.ended and execution.cancel is None:
        raise ExecutionEnded(execution_id, execution.status)
    if execution.cancel is None:
        try:
            services.history.request_cancel(execution_id, CancelRequest(services.now(), reason))
        except RecordChanged:
            now = services.history.load(execution_id)
            # If the answer to an earlier try was lost, the execution may have ended because of this request.
            if now is None or now.cancel is None:
                raise ExecutionEnded(execution_id, "it ended while the request was made") from None
    if execution.status is ExecutionStatus.STARTING:
        services.machine.run(execution_id)


def close(services: Services, execution_id: str, *, run: int, cause: str) -> None:
    """Run `run` of the state machine failed or was stopped: end the record as FAILED, and let a successor settle it.

    A second call has no effect, because the record has the number of the run in charge. The record is saved before the
    successor starts, so that a repetition completes a call that was killed in between.
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
        # The caller was already told CANCELLED; keep that status although the state machine failed for another reason.
        execution = end(execution, ExecutionStatus.CANCELLED, execution.cancel.reason, now)
    elif not execution.ended:
        execution = end(execution, ExecutionStatus.FAILED, cause, now)
    execution = replace(execution, run=execution.run + 1, abnormal_exits=execution.abnormal_exits + 1)
    if execution.abnormal_exits < MAX_ABNORMAL_EXITS:
        return execution
    message = f"not done: the state machine exited abnormally {execution.abnormal_exits} times; last cause: {cause}"
    notification = execution.notification or Notification(NotificationStatus.FAILED, message)
    return replace(fail_clean_up(measured(execution), message, now), notification=notification)


def _continue_or_give_up(services: Services, closed: Execution, cause: str) -> None:
    services.log.event(
        "The state machine exited abnormally; the record is closed", ExecutionId=closed.execution_id, Cause=cause
    )
    if closed.settled:
        release(services, closed)
        services.log.alarm("CleanUpFailed", "The execution could not be settled", ExecutionId=closed.execution_id)
    else:
        services.machine.run(closed.execution_id, closed.run)
