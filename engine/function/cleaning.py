"""Ends a kept drill: starts the clean-up that its plan has left out, or repeats one that failed.

    plan lock + record (one transaction) -> leases -> state machine ... settled -> lock and leases released

If another execution holds the plan or a server, the record goes back and the clean-up is refused.
"""

from __future__ import annotations

from dataclasses import replace

from engine.aws.accounts import RoleNotAssumed
from engine.aws.caller import CallError
from engine.aws.execution_history import PlanLocked, RecordChanged
from engine.core.events import CleanUp
from engine.core.lease_refusals import in_use, plan_in_use
from engine.core.plan import ExecutionType
from engine.core.state import Execution
from engine.core.statuses import CLEAN_UP_TO_REPEAT, CleanUpStatus
from engine.function.existing_instances import existing_instances
from engine.function.leasing import acquire_again, holder_of
from engine.function.releasing import release
from engine.function.stepping import ExecutionUnknown
from engine.function.wiring import Services


class CleanUpRefused(Exception):
    """The clean-up cannot start, or has no instances that it may terminate; the message says why."""


def clean_up(services: Services, execution_id: str) -> None:
    """Let a new run of the state machine terminate the instances of a kept drill, or of one whose clean-up failed.

    Raises ExecutionUnknown, CleanUpRefused.

    The one backward move of a record: CleanUp goes from SKIPPED or FAILED to PENDING. The record is saved first, so
    that a repetition completes a call that was killed in between.
    """
    execution = _requested(services, execution_id)
    waits = execution.clean_up is not None and execution.clean_up.status is CleanUpStatus.PENDING
    if waits and (held := acquire_again(services, execution)):
        _take_back(services, execution)
        raise CleanUpRefused(in_use(execution, held))
    services.machine.run(execution_id, execution.run)


def _requested(services: Services, execution_id: str) -> Execution:
    """The execution with the saved request; an earlier call may have saved it. Raises as `clean_up`."""
    while True:
        execution = services.history.load(execution_id)
        if execution is None:
            raise ExecutionUnknown(execution_id)
        if execution.clean_up is not None and execution.clean_up.requested_at is not None and not execution.settled:
            return execution
        clean_up = _kept_drill(execution)
        _require_newest(services, execution)
        _require_new_instances(services, execution)
        # The start and the error of a failed try stay until the next try begins: they may have to come back.
        requested = replace(clean_up, status=CleanUpStatus.PENDING, end_time=None, requested_at=services.now())
        try:
            return services.history.reopen(execution, replace(execution, clean_up=requested, run=execution.run + 1))
        except PlanLocked as locked:
            if holder := services.history.load(locked.execution_id):
                reason = plan_in_use(holder_of(holder), ExecutionType.DRILL, "this clean-up")
                raise CleanUpRefused(reason) from locked
            raise CleanUpRefused(f"plan {execution.plan_id}: {locked}, which has no record") from locked
        except RecordChanged:
            continue


def _take_back(services: Services, execution: Execution) -> None:
    """Remove the request, so that the drill counts as before and holds neither plan nor servers."""
    before = CleanUp(CleanUpStatus.SKIPPED)
    if execution.clean_up is not None and execution.clean_up.start_time is not None:
        failed, now = CleanUpStatus.FAILED, services.now()
        before = replace(execution.clean_up, status=failed, end_time=now, requested_at=None)
    try:
        services.history.save(execution, replace(execution, clean_up=before))
    except RecordChanged:
        # Another call has started the clean-up, or has removed the request.
        return
    release(services, execution)


def _kept_drill(execution: Execution) -> CleanUp:
    """The clean-up of a drill whose instances may run on. Raises CleanUpRefused for any other execution."""
    name = f"execution {execution.execution_id}"
    if not execution.is_drill:
        raise CleanUpRefused(f"{name} is a RECOVERY: its instances are production and are never terminated")
    if not execution.ended:
        raise CleanUpRefused(f"{name} is {execution.status}; wait for its end, or cancel it")
    if execution.clean_up is None or execution.clean_up.status not in CLEAN_UP_TO_REPEAT:
        status = execution.clean_up.status if execution.clean_up is not None else "not recorded"
        raise CleanUpRefused(f"{name} keeps no instances: its clean-up is {status}")
    return execution.clean_up


def _require_new_instances(services: Services, execution: Execution) -> None:
    execution = services.history.read_servers(execution, [wave.number for wave in execution.launched_waves])
    try:
        existing = existing_instances(services.recovery(execution.target), execution)
    except (CallError, RoleNotAssumed) as error:
        name = f"execution {execution.execution_id}"
        raise CleanUpRefused(f"{name}: its instances could not be checked: {error}") from error
    if existing:
        raise CleanUpRefused(
            f"execution {execution.execution_id}: DRS launched into {existing}, which existed before; terminate the "
            "other instances in the DRS console, or remove the tag AWSDRS from instances that may be terminated"
        )


def _require_newest(services: Services, execution: Execution) -> None:
    """The newest execution of a chain owns the instances. A resumption without a record was refused."""
    if execution.resumed_by is not None and services.history.load(execution.resumed_by) is not None:
        raise CleanUpRefused(
            f"execution {execution.execution_id} was resumed, and its successor owns the instances; "
            f"to terminate them: python -m engine cleanup {execution.resumed_by}"
        )
