"""Takes the leases of an execution's servers: performs the steps of `engine.core.start_protocol`."""

from __future__ import annotations

from engine.aws.execution_history import RecordChanged, StartFenced
from engine.core.lease_refusals import in_use, superseded
from engine.core.start_protocol import (
    AskMachine,
    CancelHolder,
    CloseHolder,
    ConditionFailed,
    Consent,
    Fence,
    Holder,
    HolderRead,
    LeasesRead,
    MachineSeen,
    ReadHolder,
    ReadLeases,
    RunMachine,
    StartView,
    Step,
    StepOutcome,
    Superseded,
    TakeLeases,
    Withdraw,
    Written,
    next_step,
    observe,
)
from engine.core.state import Execution
from engine.core.statuses import ExecutionStatus
from engine.function.releasing import release, with_all_servers
from engine.function.stopping import close
from engine.function.wiring import Services


class ServersTaken(Exception):
    """The execution cannot have its servers; its STARTING record is removed. `str()` is the answer to the operator."""


def acquire(services: Services, execution: Execution, consent: Consent) -> None:
    """Take the leases of all servers of a STARTING execution; a repetition goes on where a killed one stopped.

    Returns as well if another invocation has meanwhile started the execution. Raises ServersTaken, CallError.
    """
    execution = with_all_servers(services, execution)
    servers = tuple(server.source_server_id for _, server in execution.servers())
    view = StartView(execution.execution_id, execution.execution_type, servers, consent)
    while True:
        step = next_step(view)
        if isinstance(step, RunMachine):
            return
        if isinstance(step, Superseded):
            _give_way(services, execution)
            return
        try:
            outcome = _perform(services, execution, step)
        except StartFenced:
            outcome = ConditionFailed(own=True)
        except RecordChanged:
            outcome = ConditionFailed()
        if isinstance(step, Withdraw) and isinstance(outcome, Written):
            release(services, execution, withdrawn=True)
            held = [(holder, view.held_by(holder.execution_id)) for holder in step.blocking]
            raise ServersTaken(in_use(execution, held))
        view = observe(view, step, outcome)


def holder_of(execution: Execution) -> Holder:
    """What the protocol knows about another execution."""
    return Holder(
        execution_id=execution.execution_id,
        plan_id=execution.plan_id,
        execution_type=execution.execution_type,
        status=execution.status,
        settled=execution.settled,
        cancelled=execution.cancel is not None,
        version=execution.version,
        launched=bool(execution.launched_waves),
        run=execution.run,
    )


def cancel_for(services: Services, execution_id: str, by: Execution) -> None:
    """Request the end of a running execution whose servers or plan the start `by` takes over. Raises RecordChanged."""
    services.log.event("The start cancels another execution", Cancelled=execution_id)
    services.history.request_cancel(execution_id, superseded(by), services.now())


def _perform(services: Services, execution: Execution, step: Step) -> StepOutcome:
    """The outcome of the step. Raises StartFenced, RecordChanged, CallError."""
    match step:
        case ReadLeases(servers):
            return LeasesRead(services.leases.owners(execution.target, servers))
        case ReadHolder(execution_id):
            found = services.history.load(execution_id)
            return HolderRead(holder_of(found) if found is not None else None)
        case AskMachine(execution_id, run):
            return MachineSeen(services.machine.ensure_runs(execution_id, run))
        case CloseHolder(execution_id, run):
            close(services, execution_id, run=run, cause="the state machine had stopped when a start came")
        case Fence(execution_id, version):
            services.history.fence(
                execution_id, version, by=execution.execution_id, reason=superseded(execution), now=services.now()
            )
        case CancelHolder(execution_id):
            cancel_for(services, execution_id, execution)
        case TakeLeases(leases, checked):
            services.leases.take(execution.target, execution.execution_id, leases, checked)
        case Withdraw(_, server, owner):
            services.history.withdraw(execution, services.leases.owned_by(execution.target, server, owner))
    return Written()


def remove_fenced(services: Services, execution: Execution) -> None:
    """Remove a STARTING record with a cancel request, and its leases; it may be ended by its state machine instead."""
    try:
        execution = with_all_servers(services, execution)
        services.history.withdraw(execution)
    except RecordChanged:
        services.log.event("The state machine ends the execution", ExecutionId=execution.execution_id)
    else:
        release(services, execution, withdrawn=True)


def _give_way(services: Services, execution: Execution) -> None:
    """End a fenced start, unless another invocation has started the execution. Raises ServersTaken."""
    now = services.history.load(execution.execution_id)
    if now is not None and now.status is not ExecutionStatus.STARTING and now.cancel is None:
        return
    reason = now.cancel.reason if now is not None and now.cancel is not None else "another start removed it"
    if now is not None:
        remove_fenced(services, execution)
    raise ServersTaken(f"plan {execution.plan_id}: the start was cancelled before it launched a server: {reason}")
