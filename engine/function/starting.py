"""Starts a plan: checks the plan first, and allows one execution of a plan at a time.

    validate -> lock the plan and write the record (one transaction) -> leases -> state machine -> record RUNNING

Readers see the record only when the state machine exists, so no record is RUNNING without one. If a start is killed
half-way, the next start of the same plan or the first tick completes it; `cancel` ends it before any launch. A start
whose servers another execution holds removes its record again (`engine.function.leasing`).
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from engine.aws.accounts import RoleNotAssumed
from engine.aws.caller import CallError
from engine.aws.drs import RecoveryService
from engine.aws.execution_history import PlanLocked, RecordChanged, lock_id
from engine.core.decisions import begin
from engine.core.lease_refusals import plan_in_use
from engine.core.plan import ExecutionType, Plan
from engine.core.protection import ExistingInstance, ExistingInstances, drill_refusals, refusals, with_decision
from engine.core.readiness import Finding, SourceServer, start_refusals, with_findings
from engine.core.start_protocol import NO_CONSENT, Claim, Consent, claim, may_stop
from engine.core.state import Execution, ServerState, new_execution
from engine.core.statuses import ExecutionStatus
from engine.core.validation import unknown_server_problems
from engine.function.checking import missing_snapshots, start_findings
from engine.function.existing_instances import require_new_instances, warnings_of_drills
from engine.function.leasing import (
    ServersTaken,
    acquire,
    cancel_for,
    closed_as_dead,
    fenced_refusal,
    holder_of,
    remove_fenced,
)
from engine.function.plan_loading import CannotStart, drs_unanswered, load_plan
from engine.function.wiring import Services

# An ExecutionId is derived from the client token, if any, so that the same token always means the same execution.
TOKEN_NAMESPACE = uuid.UUID("6f6d5b0e-7f0b-4b7c-9a53-3f6a1c1d2e4f")


@dataclass(frozen=True)
class StartRequest:
    plan_id: str
    execution_type: ExecutionType
    initiated_by: str
    client_token: str | None = None
    existing: ExistingInstances = field(default_factory=ExistingInstances)
    # The point in time of the recovery, and snapshots by server; they go before the snapshots of the plan.
    as_of: datetime | None = None
    snapshots: Mapping[str, str] = field(default_factory=dict)
    consent: Consent = field(default_factory=Consent)


@dataclass(frozen=True)
class StartResult:
    """The execution of a start. `existed`: the plan runs already, or the client token was used before."""

    execution_id: str
    existed: bool
    # What an operator should know about the servers of a new execution, one line each.
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Checked:
    """A plan that may start: with the existing instances that the operator decided about, and facts about servers."""

    plan: Plan
    existing: Mapping[str, ExistingInstance]
    # The instances of drills that the launches replace.
    drilled: tuple[ExistingInstance, ...]
    sources: Mapping[str, SourceServer]
    findings: tuple[Finding, ...]


def start(services: Services, request: StartRequest) -> StartResult:
    """Start the plan, or return its running execution. Raises CannotStart, CallError."""
    _check_consent(services, request)
    return _start(services, request)


def _start(services: Services, request: StartRequest) -> StartResult:
    execution_id = _execution_id(request)
    if request.client_token is not None and (existing := services.history.load(execution_id)):
        _require_type(existing, request.execution_type)
        if is_fenced(existing):
            remove_fenced(services, existing)
            return _start(services, request)
        if closed_as_dead(services, existing, request.execution_type, request.consent):
            return _start(services, request)
        return StartResult(run_starting(services, existing, request.consent), existed=True)
    if holder := services.history.holder(request.plan_id):
        return _join(services, request, holder)
    return _begin(services, request, instead_of=None)


def _check_consent(services: Services, request: StartRequest) -> None:
    """Raises CannotStart if the request allows to stop executions that it cannot stop."""
    if request.consent and request.execution_type is ExecutionType.DRILL:
        raise CannotStart(["a DRILL never stops another execution: CancelDrills and TakeOver are for a RECOVERY"])
    unknown = [one for one in sorted(request.consent.take_over) if services.history.load(one) is None]
    if unknown:
        raise CannotStart([f"there is no execution {one} to take over; `history` lists them" for one in unknown])


def _begin(services: Services, request: StartRequest, instead_of: Execution | None) -> StartResult:
    """Lock the plan, or take over the lock of an execution that has ended or may be stopped, and run the plan."""
    checked = _checked_plan(services, request)
    execution = _planned(services, request, _execution_id(request), checked)
    before = instead_of.execution_id if instead_of is not None else None
    try:
        if instead_of is not None and not instead_of.ended and instead_of.cancel is None:
            cancel_for(services, instead_of.execution_id, execution)
        services.history.create(execution, instead_of=before)
    except PlanLocked as locked:
        return _join(services, request, locked.execution_id)
    except RecordChanged:
        # The execution has ended in the meantime.
        return _start(services, request)
    started = run_starting(services, execution, request.consent)
    names = {server: source.host_name or server for server, source in checked.sources.items()}
    replaced = warnings_of_drills(services.recovery(execution.target), checked.drilled, names)
    return StartResult(started, existed=False, warnings=(*replaced, *_warnings(execution)))


def is_fenced(execution: Execution) -> bool:
    """Another start has fenced this one, or it was cancelled, and its function was killed before it gave way."""
    return execution.status is ExecutionStatus.STARTING and execution.cancel is not None


def _warnings(execution: Execution) -> tuple[str, ...]:
    return tuple(
        f"{server.host_name or server.source_server_id}: {server.warning}"
        for _, server in execution.servers()
        if server.warning
    )


def _planned(services: Services, request: StartRequest, execution_id: str, checked: _Checked) -> Execution:
    """The first state of an execution of the current plan."""
    execution = new_execution(
        checked.plan,
        execution_id=execution_id,
        execution_type=request.execution_type,
        initiated_by=request.initiated_by,
        source_account_id=services.account_id,
        servers_per_job=services.servers_per_job,
        host_names={server: source.host_name for server, source in checked.sources.items()},
    )
    execution = replace(execution, as_of=request.as_of).map_servers(
        lambda server: server.source_server_id in request.snapshots,
        lambda server: replace(server, snapshot_id=request.snapshots[server.source_server_id]),
    )
    decided = with_decision(execution, request.existing, checked.existing)
    return with_findings(decided, checked.findings)


def _execution_id(request: StartRequest) -> str:
    if request.client_token is None:
        return str(uuid.uuid4())
    return str(uuid.uuid5(TOKEN_NAMESPACE, f"{request.plan_id}#{request.client_token}"))


def _require_type(existing: Execution, requested: ExecutionType) -> None:
    """A drill, whose instances are terminated, must not pass for the requested recovery. Raises CannotStart."""
    if existing.execution_type is not requested:
        token = f"its client token means the {existing.execution_type} {existing.execution_id}"
        raise CannotStart([f"plan {existing.plan_id}: {token}; a {requested} needs another client token, or none"])


def _join(services: Services, request: StartRequest, execution_id: str) -> StartResult:
    """Another execution holds the lock: return it if it runs; refuse a drill, but not a recovery, during its clean-up.

    An execution that has launched nothing has nothing to clean up. A holder whose state machine does not run, the one
    of a killed start included, is closed first, and then counts as ended. A recovery stops the execution
    that holds the lock if the operator allows it.

    A recovery does not wait for a clean-up, which may take hours. DRS separates a launch and a termination of the same
    server, and a clean-up only terminates the instances of its own drill.
    """
    holder = services.history.load(execution_id)
    if holder is None:
        # The engine writes and deletes lock and record together, so the record was deleted by hand.
        raise CannotStart(
            [
                f"plan {request.plan_id}: it is locked by execution {execution_id}, which has no record; "
                f"delete the item {lock_id(request.plan_id)} of the history table to free the plan"
            ]
        )
    if is_fenced(holder):
        remove_fenced(services, holder)
        return _start(services, request)
    if closed_as_dead(services, holder, request.execution_type, request.consent):
        return _start(services, request)
    if holder.ended and claim(request.execution_type, request.consent, holder_of(holder)) is Claim.FREE:
        services.log.event("The start takes over the plan from an ended execution", Ended=execution_id)
        return _begin(services, request, instead_of=holder)
    if not holder.ended and may_stop(request.execution_type, request.consent, holder_of(holder)):
        return _begin(services, request, instead_of=holder)
    if holder.ended:
        raise CannotStart(
            [f"plan {holder.plan_id}: the drill clean-up of execution {execution_id} ({holder.status}) is not over yet"]
        )
    if holder.execution_type is not request.execution_type:
        raise CannotStart([plan_in_use(holder_of(holder), request.execution_type)])
    # A resumption has other waves than the plan; it checked them itself.
    if holder.status is ExecutionStatus.STARTING and holder.resumed_from is None:
        _require_unchanged(services, request, holder)
    return StartResult(run_starting(services, holder, request.consent), existed=True)


def _require_unchanged(services: Services, request: StartRequest, begun: Execution) -> None:
    """Complete a start that was killed half-way only if the plan is still the same. Raises CannotStart."""
    begun = services.history.read_servers(begun, [wave.number for wave in begun.waves])
    # A server that was renamed in between, whose data are older now, or that was recovered, changes no plan.
    begun, planned = (
        _without_passing_facts(begun),
        _without_passing_facts(_planned(services, request, begun.execution_id, _checked_plan(services, request))),
    )
    compared = (
        "plan_name",
        "target",
        "timeout_seconds",
        "topic_arn",
        "notify_on",
        "objectives",
        "terminate_drill_instances",
        "waves",
    )
    if any(getattr(begun, name) != getattr(planned, name) for name in compared):
        execution_id = begun.execution_id
        now = services.history.load(execution_id)
        if now is None or now.status is not ExecutionStatus.STARTING:
            # The execution has started in the meantime, so its waves differ from the plan.
            return
        raise CannotStart(
            [
                f"plan {begun.plan_id}: an earlier start was interrupted before the first launch, and the plan has "
                f"changed since; cancel that execution ({execution_id}), then start again"
            ]
        )


def _without_passing_facts(execution: Execution) -> Execution:
    def strip(server: ServerState) -> ServerState:
        # The look before each launch decides about an instance that has appeared since.
        confirmed = server.existing_instance_id if server.replace_confirmed else None
        return replace(server, host_name=None, warning=None, existing_instance_id=confirmed)

    return execution.map_servers(lambda server: True, strip)


def run_starting(services: Services, execution: Execution, consent: Consent = NO_CONSENT) -> str:
    """Take the servers of a STARTING execution, start its state machine, set the record to RUNNING; the ExecutionId.

    Raises CannotStart if another execution holds one of the servers, or has fenced this start.
    """
    if execution.status is not ExecutionStatus.STARTING:
        return execution.execution_id
    try:
        acquire(services, execution, consent)
    except ServersTaken as taken:
        raise CannotStart([str(taken)]) from taken
    services.machine.run(execution.execution_id)
    try:
        services.history.save(execution, begin(execution, services.now()))
    except RecordChanged:
        _require_started(services, execution)
    return execution.execution_id


def _require_started(services: Services, execution: Execution) -> None:
    """The record was changed between lease and state machine: by the first tick, or by a fence. Raises CannotStart."""
    now = services.history.load(execution.execution_id)
    if now is not None and (now.cancel is None or any(wave.start_time and not wave.carried_from for wave in now.waves)):
        services.log.event("The state machine has started the execution", ExecutionId=execution.execution_id)
        return
    raise CannotStart([fenced_refusal(services, execution, now)])


def _checked_plan(services: Services, request: StartRequest) -> _Checked:
    """The plan as it is loaded now, if it may start. Raises CannotStart."""
    plan_id = request.plan_id
    loaded = load_plan(services, plan_id)
    if loaded.empty_groups:
        raise CannotStart(list(loaded.empty_groups))
    plan, target = loaded.plan, loaded.plan.target
    recovery = services.recovery(target)
    try:
        sources = recovery.source_servers(plan.servers)
        existing, drilled = recovery.recovered_and_drilled(plan.servers)
        if existing:
            existing = recovery.described(existing)
    except (CallError, RoleNotAssumed) as error:
        raise CannotStart([drs_unanswered(plan_id, error)]) from error
    unknown = unknown_server_problems(loaded.document, loaded.groups, sources, target)
    if unknown:
        raise CannotStart([str(problem) for problem in unknown])
    if request.execution_type is ExecutionType.DRILL:
        refused = drill_refusals(plan_id, existing, plan.servers)
    else:
        refused = refusals(plan_id, request.existing, existing, plan.servers, _at_work(services, existing))
    if refused:
        raise CannotStart(refused, [existing[server] for server in sorted(existing)])
    if request.execution_type is ExecutionType.DRILL:
        _require_new_instances(services, recovery, plan, sources)
    if problems := _snapshot_problems(services, recovery, plan, request, sources):
        raise CannotStart(problems)
    is_drill = request.execution_type is ExecutionType.DRILL
    # The replication has no effect on a launch from a snapshot that the operator chose.
    latest = [source for server, source in sources.items() if server not in request.snapshots]
    findings = start_findings(recovery, latest, services.now)
    if blocked := start_refusals(plan_id, is_drill, findings, sources):
        raise CannotStart(blocked)
    return _Checked(plan, existing, tuple(drilled), sources, tuple(findings))


def _at_work(services: Services, existing: Mapping[str, ExistingInstance]) -> set[str]:
    """The executions that have launched these instances and have not ended."""
    launched = {one.execution_id for one in existing.values() if one.execution_id}
    return {one for one in launched if (execution := services.history.load(one)) and not execution.ended}


def _require_new_instances(
    services: Services, recovery: RecoveryService, plan: Plan, sources: Mapping[str, SourceServer]
) -> None:
    labels = {server: source.label for server, source in sources.items()}
    try:
        require_new_instances(recovery, plan, labels, services.now)
    except (CallError, RoleNotAssumed) as error:
        raise CannotStart([f"plan {plan.plan_id}: its launch settings could not be checked: {error}"]) from error


def _snapshot_problems(
    services: Services,
    recovery: RecoveryService,
    plan: Plan,
    request: StartRequest,
    sources: Mapping[str, SourceServer],
) -> list[str]:
    """Snapshots of servers that the plan does not have, and snapshots that DRS does not have."""
    strangers = sorted(request.snapshots.keys() - set(plan.servers))
    if strangers:
        return [f"plan {plan.plan_id}: it has no server {one}, for which a snapshot is given" for one in strangers]
    # The snapshots as of a point in time were looked up just now, for this start.
    if request.as_of is not None:
        return []
    pins = {server: snapshot for wave in plan.waves for server, snapshot in wave.snapshots.items()}
    missing = missing_snapshots(recovery, pins | dict(request.snapshots), services.now)
    return [
        f"plan {plan.plan_id}: DRS has no snapshot {snapshot} of {sources[server].label}"
        for server, snapshot in missing.items()
    ]
