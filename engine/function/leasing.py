"""Takes the leases of an execution's servers: performs the steps of `engine.core.start_protocol`."""

from __future__ import annotations

from engine.aws.execution_history import RecordChanged, StartFenced
from engine.core.chunks import chunks
from engine.core.events import CancelRequest
from engine.core.lease_refusals import fenced, in_use, superseded
from engine.core.plan import ExecutionType
from engine.core.start_protocol import (
    LEASES_A_TRANSACTION,
    NO_CONSENT,
    AskMachine,
    CancelHolder,
    Claim,
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
    asks_machine,
    claim,
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
            raise ServersTaken(in_use(execution, held, execution.resumed_from))
        view = observe(view, step, outcome)


def acquire_again(services: Services, execution: Execution) -> list[tuple[Holder, tuple[str, ...]]]:
    """Take the leases of a drill that has ended and is to be cleaned up; else the holders, each with its servers.

    It fences and cancels no other execution, because no recovery waits for a clean-up. Raises CallError.
    """
    servers = [one.source_server_id for _, one in with_all_servers(services, execution).servers()]
    while True:
        owners = services.leases.owners(execution.target, servers)
        missing = sorted(server for server in servers if owners.get(server) != execution.execution_id)
        holders = [_judged(services, one) for one in sorted({owners[one] for one in missing if one in owners})]
        blocking = [one for one in holders if one is not None]
        if blocking:
            return [(one, tuple(s for s in missing if owners.get(s) == one.execution_id)) for one in blocking]
        try:
            for some in chunks(missing, LEASES_A_TRANSACTION):
                services.leases.take_back(
                    execution.target, execution.execution_id, [(server, owners.get(server)) for server in some]
                )
        except RecordChanged:
            continue
        return []


def _judged(services: Services, execution_id: str) -> Holder | None:
    """The holder if it keeps its leases; an execution whose state machine does not run is closed first."""
    while True:
        found = services.history.load(execution_id)
        if found is None:
            return None
        if not closed_as_dead(services, found, ExecutionType.DRILL, NO_CONSENT):
            holder = holder_of(found)
            return None if claim(ExecutionType.DRILL, NO_CONSENT, holder) is Claim.FREE else holder


def closed_as_dead(services: Services, found: Execution, execution_type: ExecutionType, consent: Consent) -> bool:
    """Whether the record of this holder was closed, because its state machine does not run; asked only if it matters.

    A start of `execution_type` reads the record again then. Raises CallError.
    """
    if not asks_machine(execution_type, consent, holder_of(found)):
        return False
    if found.status is ExecutionStatus.STARTING:
        # Its leases may not be taken yet, so that its state machine must not be started here.
        dead = services.machine.is_over(found.execution_id, found.run)
    else:
        dead = not services.machine.ensure_runs(found.execution_id, found.run)
    if dead:
        _close_dead(services, found.execution_id, found.run)
    return dead


def _close_dead(services: Services, execution_id: str, run: int) -> None:
    close(services, execution_id, run=run, cause="the state machine had stopped when a start came")


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
    services.history.request_cancel(execution_id, _request_of(services, by))


def _request_of(services: Services, by: Execution) -> CancelRequest:
    return CancelRequest(services.now(), superseded(by), superseded_by=by.execution_id)


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
            _close_dead(services, execution_id, run)
        case Fence(execution_id, version):
            request = _request_of(services, execution)
            services.history.fence(execution_id, version, request, by=execution.execution_id)
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
    refusal = fenced_refusal(services, execution, now)
    if now is not None:
        remove_fenced(services, execution)
    raise ServersTaken(refusal)


def fenced_refusal(services: Services, execution: Execution, now: Execution | None) -> str:
    """The answer to a start that another one has fenced; `now` is its record, None if that one has removed it."""
    cancel = now.cancel if now is not None else None
    by = cancel.superseded_by if cancel is not None else None
    holder = services.history.load(by) if by is not None else None
    reason = cancel.reason if cancel is not None else "another start removed it"
    return fenced(execution, reason, [holder_of(holder)] if holder is not None else [])
