"""Resumes a failed execution: checks record, plan and choices, then starts the successor as any other execution.

    checks -> lock the plan, write the record, link the predecessor (one transaction) -> as a start

A successor without a record was refused before it began: its link counts as free.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.aws.accounts import RoleNotAssumed
from engine.aws.caller import CallError
from engine.aws.drs import RecoveryService
from engine.aws.execution_history import PlanLocked, RecordChanged
from engine.core.lease_refusals import plan_in_use
from engine.core.plan import parse_plan
from engine.core.plan import resolve_target as target_of
from engine.core.protection import ExistingInstance, refusals
from engine.core.resumption import (
    ResumeChoices,
    choice_problems,
    drill_problems,
    plan_problems,
    resumption,
    snapshot_problems,
    status_problems,
)
from engine.core.start_protocol import NO_CONSENT
from engine.core.state import Execution
from engine.core.statuses import ExecutionStatus
from engine.core.validation import named_groups
from engine.core.validation import plan_problems as document_problems
from engine.function.existing_instances import require_new_instances
from engine.function.leasing import cancel_for, closed_as_dead, holder_of, remove_fenced
from engine.function.plan_loading import CannotStart, drs_unanswered
from engine.function.starting import TOKEN_NAMESPACE, StartResult, is_fenced, run_starting
from engine.function.stepping import ExecutionUnknown
from engine.function.wiring import Services


@dataclass(frozen=True)
class ResumeRequest:
    execution_id: str
    initiated_by: str
    choices: ResumeChoices = field(default_factory=ResumeChoices)
    client_token: str | None = None


def resume(services: Services, request: ResumeRequest) -> StartResult:
    """Start the execution that continues a failed one. Raises CannotStart, ExecutionUnknown, CallError.

    The same client token always means the same successor, so that a repeated invocation starts no second one.
    """
    while True:
        try:
            return _resume(services, request)
        except RecordChanged:
            services.log.event("The record has changed; checking again", ExecutionId=request.execution_id)


def _resume(services: Services, request: ResumeRequest) -> StartResult:
    """As `resume`. Raises RecordChanged as well."""
    before = services.history.load(request.execution_id)
    if before is None or before.status is ExecutionStatus.STARTING:
        raise ExecutionUnknown(request.execution_id)
    if problems := status_problems(before):
        raise CannotStart(problems)
    if before.resumed_by is not None and (successor := services.history.load(before.resumed_by)):
        return _continue(services, request, before, successor)
    before = services.history.read_servers(before, [wave.number for wave in before.waves])
    execution = _planned(services, request, before)
    try:
        services.history.create(execution, instead_of=_lock_of(services, before, execution), resumes=before)
    except PlanLocked as locked:
        raise RecordChanged from locked
    return StartResult(run_starting(services, execution), existed=False)


def _continue(services: Services, request: ResumeRequest, before: Execution, successor: Execution) -> StartResult:
    """Complete a resumption that was killed half-way; refuse a second one. Raises CannotStart, RecordChanged."""
    _end_if_dead(services, successor, before)
    repeated = request.client_token is not None and successor.execution_id == _successor_id(request)
    if successor.status is not ExecutionStatus.STARTING and not repeated:
        raise CannotStart([_resumed(before, successor)])
    return StartResult(run_starting(services, successor), existed=True)


def _end_if_dead(services: Services, found: Execution, before: Execution) -> None:
    """Remove a start that was fenced, or close an execution without a state machine. Raises RecordChanged then."""
    if is_fenced(found):
        remove_fenced(services, found)
        raise RecordChanged
    if closed_as_dead(services, found, before.execution_type, NO_CONSENT):
        raise RecordChanged


def _successor_id(request: ResumeRequest) -> str:
    if request.client_token is None:
        return str(uuid.uuid4())
    return str(uuid.uuid5(TOKEN_NAMESPACE, f"resume#{request.execution_id}#{request.client_token}"))


def _resumed(before: Execution, successor: Execution) -> str:
    by = f"execution {before.execution_id} was resumed already, by execution {successor.execution_id}"
    if not successor.ended:
        return f"{by}, which is {successor.status}: python -m engine status {successor.execution_id} --watch"
    return f"{by}; only the newest can be resumed: python -m engine resume {successor.execution_id}"


def _lock_of(services: Services, before: Execution, successor: Execution) -> str | None:
    """The execution whose plan lock the resumption takes over: one that has ended, or has no record any more.

    As with leases, a recovery fences a STARTING execution, which may have been killed. Raises CannotStart if one runs,
    for a drill also if one is in clean-up; RecordChanged if the holder was fenced, removed or closed.
    """
    holder = services.history.holder(before.plan_id)
    if holder is None:
        return None
    found = services.history.load(holder)
    if found is not None:
        _end_if_dead(services, found, before)
    if found is not None and found.status is ExecutionStatus.STARTING and not before.is_drill:
        cancel_for(services, holder, successor)
        raise RecordChanged
    if found is not None and (before.is_drill or not found.ended):
        in_the_way = holder_of(found)
        raise CannotStart([plan_in_use(in_the_way, before.execution_type, "this resumption", before.execution_id)])
    return holder


def _planned(services: Services, request: ResumeRequest, before: Execution) -> Execution:
    """The first state of the resumption. Raises CannotStart with all problems of plan, choices and instances."""
    document = services.plans.plan(before.plan_id)
    if document is None:
        raise CannotStart([f"plan {before.plan_id} does not exist any more; load it with `apply`"])
    groups = services.plans.groups(sorted(named_groups(document)))
    target = target_of(document, account_id=services.account_id, region=services.region)
    if problems := [str(problem) for problem in document_problems(document, groups, target)]:
        raise CannotStart(problems)
    plan = parse_plan(document, groups, target)
    if problems := [*plan_problems(before, plan), *choice_problems(before, request.choices)]:
        raise CannotStart(problems)
    servers = tuple(server.source_server_id for _, server in before.servers())
    try:
        existing = _existing(services.recovery(target), before)
        if before.is_drill:
            labels = {one.source_server_id: one.host_name or one.source_server_id for _, one in before.servers()}
            require_new_instances(services.recovery(target), plan, labels, services.now)
    except (CallError, RoleNotAssumed) as error:
        raise CannotStart([drs_unanswered(plan.plan_id, error)]) from error
    refused = refusals(plan.plan_id, request.choices.existing, existing, servers)
    refused += snapshot_problems(before, request.choices, existing)
    if refused:
        raise CannotStart(refused, [existing[server] for server in sorted(existing)])
    return resumption(
        before,
        plan,
        request.choices,
        existing,
        execution_id=_successor_id(request),
        initiated_by=request.initiated_by,
        servers_per_job=services.servers_per_job,
    )


def _existing(recovery: RecoveryService, before: Execution) -> Mapping[str, ExistingInstance]:
    """The instances that the resumption may keep: real ones, of a drill its own. Raises CannotStart, CallError."""
    servers = [server for _, server in before.servers()]
    ids = [server.source_server_id for server in servers]
    if not before.is_drill:
        existing = recovery.recovered(ids)
        return recovery.described(existing) if existing else existing
    # A cancelled drill does not wait for its jobs, so that the record may lack their instances.
    jobs = recovery.jobs(sorted({server.job_id for server in servers if server.job_in_flight and server.job_id}))
    own = {known for one in servers if (known := one.recovery_instance_id or one.existing_instance_id)}
    own |= {instance for job in jobs.values() for instance in job.recovery_instances.values()}
    found = recovery.recovered(ids, kept=own)
    found = recovery.described(found) if found else found
    kept = {server: one for server, one in found.items() if one.recovery_instance_id in own}
    real = {server: one for server, one in found.items() if server not in kept}
    busy = [job.job_id for job in jobs.values() if not job.ended]
    if problems := drill_problems(before, kept, real, busy):
        raise CannotStart(problems)
    return kept
