"""The protocol of a start: the next read or write until the execution holds all its servers, or the start is refused.

Each server has one lease item, which names the execution that may launch it. A start takes its leases in sorted order,
after its plan lock and its STARTING record are written, and before its state machine runs. `next_step` names the next
step from the present view (`StartView`); the shell performs it, and `observe` puts the answer into the view. Both are
pure. A shell that is killed loses nothing: the next start of the plan begins with an empty view and goes on.

    lock + STARTING record -> leases, 49 a transaction -> state machine -> record RUNNING ... settled -> leases released

Invariant: of all executions that share a server, at most one can request a launch. An execution can request one while
its record is RUNNING without a cancel request, or STARTING without a cancel request and with a state machine.

- A STARTING holder is fenced: a cancel request is written into its record, on the condition that the record has not
  changed and that the own record is not fenced itself (one transaction). Of two starts that fence each other one wins.
- Every lease is taken on the condition that its owner is the one that was read and that the own start is not fenced.
  If the owner had no record or was fenced, it must still be so: a repeated client token creates the same record again.
- A holder whose state machine does not run is closed, and then counts as ended.
- A recovery takes leases over from executions that have ended; a drill only from those that are settled as well, or
  that have launched nothing.
- A start that is refused withdraws before it fences or cancels any other execution.

A lease of a settled execution is free, so its release after the end is only tidy; no start depends on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from types import MappingProxyType

from engine.core.plan import ExecutionType
from engine.core.statuses import FINAL_EXECUTION, ExecutionStatus

# TransactWriteItems takes 100 items: each lease, at most one check of the owner for each, and one of the own record.
LEASES_A_TRANSACTION = 49


@dataclass(frozen=True)
class Holder:
    """An execution that holds a lease, as last read. `machine_runs` is None until Step Functions was asked."""

    execution_id: str
    plan_id: str
    execution_type: ExecutionType
    status: ExecutionStatus
    settled: bool
    cancelled: bool
    version: int
    # A wave has begun: there may be jobs and instances.
    launched: bool = True
    run: int = 1
    machine_runs: bool | None = None


@dataclass(frozen=True)
class Consent:
    """The executions that the operator allows this recovery to stop: all drills, and those named by id."""

    cancel_drills: bool = False
    take_over: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return self.cancel_drills or bool(self.take_over)


NO_CONSENT = Consent()


@dataclass(frozen=True)
class StartView:
    """What a start knows. `leases`: owner by server, None before they were read. `holders`: None for no record."""

    execution_id: str
    execution_type: ExecutionType
    servers: tuple[str, ...]
    consent: Consent = NO_CONSENT
    leases: Mapping[str, str] | None = None
    holders: Mapping[str, Holder | None] = field(default_factory=lambda: MappingProxyType({}))
    fenced: bool = False

    @property
    def missing(self) -> tuple[str, ...]:
        """The servers whose lease this execution does not hold, in sorted order."""
        leases = self.leases or {}
        return tuple(server for server in sorted(self.servers) if leases.get(server) != self.execution_id)

    @property
    def foreign(self) -> tuple[str, ...]:
        """The executions that hold a lease this start needs, in sorted order."""
        leases = self.leases or {}
        return tuple(sorted({leases[server] for server in self.missing if server in leases}))

    def held_by(self, execution_id: str) -> tuple[str, ...]:
        """The servers of this start that `execution_id` holds."""
        return tuple(server for server in self.missing if (self.leases or {}).get(server) == execution_id)


@dataclass(frozen=True)
class ReadLeases:
    servers: tuple[str, ...]


@dataclass(frozen=True)
class ReadHolder:
    execution_id: str


@dataclass(frozen=True)
class AskMachine:
    """Ask Step Functions whether the state machine of the holder's present run works."""

    execution_id: str
    run: int


@dataclass(frozen=True)
class CloseHolder:
    """End the record of an execution whose state machine does not run."""

    execution_id: str
    run: int


@dataclass(frozen=True)
class Fence:
    """Write a cancel request into a STARTING record of this version, unless the own start is fenced."""

    execution_id: str
    version: int


@dataclass(frozen=True)
class CancelHolder:
    """Write a cancel request into the record of a running execution that the operator allows to be stopped."""

    execution_id: str


@dataclass(frozen=True)
class TakeLeases:
    """Take these leases, all or none: each with the owner that was read (None: it was free).

    `checked`: the owners that had no record or were fenced; each record must still be absent or have a cancel request.
    """

    leases: tuple[tuple[str, str | None], ...]
    checked: tuple[str, ...] = ()


@dataclass(frozen=True)
class Withdraw:
    """End the start as refused: remove the own STARTING record and the plan lock, then release the own leases.

    `blocking` hold servers. The removal needs the lease of `server` to be still owned by `owner`: another invocation
    that works on the same record may have taken it meanwhile and started the state machine.
    """

    blocking: tuple[Holder, ...]
    server: str
    owner: str


@dataclass(frozen=True)
class Superseded:
    """The own record has a cancel request, or is no longer STARTING: this start takes no more leases.

    The shell removes the record if it is still STARTING, as for Withdraw; otherwise another invocation has ended it.
    """


@dataclass(frozen=True)
class RunMachine:
    """All leases are held: start the state machine."""


Step = (
    ReadLeases
    | ReadHolder
    | AskMachine
    | CloseHolder
    | Fence
    | CancelHolder
    | TakeLeases
    | Withdraw
    | Superseded
    | RunMachine
)


@dataclass(frozen=True)
class LeasesRead:
    """Owner by server; a server without a lease is left out."""

    owners: Mapping[str, str]


@dataclass(frozen=True)
class HolderRead:
    holder: Holder | None


@dataclass(frozen=True)
class MachineSeen:
    runs: bool


@dataclass(frozen=True)
class Written:
    """The conditions of the write held."""


@dataclass(frozen=True)
class ConditionFailed:
    """Another writer was first. `own`: the condition on the own record failed, so this start is fenced."""

    own: bool = False


StepOutcome = LeasesRead | HolderRead | MachineSeen | Written | ConditionFailed


class Claim(Enum):
    """What a start may do about a holder."""

    FREE = auto()
    UNKNOWN = auto()
    BLOCKS = auto()
    DEAD = auto()
    STARTING = auto()
    CANCELLABLE = auto()


def next_step(view: StartView) -> Step:
    """The step to perform now. Superseded and RunMachine end the protocol, and a Withdraw that was written."""
    if view.fenced:
        return Superseded()
    if view.leases is None:
        return ReadLeases(tuple(sorted(view.servers)))
    if unread := [execution_id for execution_id in view.foreign if execution_id not in view.holders]:
        return ReadHolder(unread[0])
    return _step_about_holders(view) or _step_about_leases(view)


def _step_about_holders(view: StartView) -> Step | None:
    """Reads first, then the refusal, and only then the writes that stop another execution."""
    claims = [(holder, _claim(view, holder)) for one in view.foreign if (holder := view.holders[one]) is not None]
    if unknown := _first(claims, Claim.UNKNOWN):
        return AskMachine(unknown.execution_id, unknown.run)
    if dead := _first(claims, Claim.DEAD):
        return CloseHolder(dead.execution_id, dead.run)
    if blocking := tuple(holder for holder, claim in claims if claim is Claim.BLOCKS):
        first = blocking[0].execution_id
        return Withdraw(blocking, view.held_by(first)[0], first)
    if starting := _first(claims, Claim.STARTING):
        return Fence(starting.execution_id, starting.version)
    if cancellable := _first(claims, Claim.CANCELLABLE):
        return CancelHolder(cancellable.execution_id)
    return None


def _step_about_leases(view: StartView) -> Step:
    if not view.missing:
        return RunMachine()
    owners = {server: (view.leases or {}).get(server) for server in view.missing[:LEASES_A_TRANSACTION]}
    checked = {owner for owner in owners.values() if owner is not None and _may_return(view.holders[owner])}
    return TakeLeases(tuple(owners.items()), tuple(sorted(checked)))


def _may_return(holder: Holder | None) -> bool:
    """Whether a start with the client token of this holder can create its record again; an ended one stays as it is."""
    return holder is None or holder.status is ExecutionStatus.STARTING


def observe(view: StartView, step: Step, outcome: StepOutcome) -> StartView:
    """The view after `step` had `outcome`."""
    match step, outcome:
        case ReadLeases(), LeasesRead(owners):
            return replace(view, leases=dict(owners))
        case ReadHolder(execution_id), HolderRead(holder):
            return _with_holder(view, execution_id, holder)
        case AskMachine(execution_id), MachineSeen(runs):
            holder = view.holders[execution_id]
            return _with_holder(view, execution_id, holder and replace(holder, machine_runs=runs))
        case ((CloseHolder(execution_id) | Fence(execution_id) | CancelHolder(execution_id)), Written()):
            return _without_holder(view, execution_id)
        case TakeLeases(leases), Written():
            taken = {server: view.execution_id for server, _ in leases}
            return replace(view, leases={**(view.leases or {}), **taken})
        case ((Fence() | TakeLeases() | Withdraw()), ConditionFailed(own=True)):
            return replace(view, fenced=True)
        case ((CloseHolder(execution_id) | Fence(execution_id) | CancelHolder(execution_id)), ConditionFailed()):
            return _without_holder(view, execution_id)
        case ((TakeLeases() | Withdraw()), ConditionFailed()):
            return replace(view, leases=None, holders={})
    raise TypeError(f"{type(step).__name__} cannot have the outcome {outcome!r}")


def _claim(view: StartView, holder: Holder) -> Claim:
    return claim(view.execution_type, view.consent, holder)


def claim(execution_type: ExecutionType, consent: Consent, holder: Holder) -> Claim:
    """What a start of `execution_type` may do about `holder`; the plan lock follows the same rules as the leases."""
    recovery = execution_type is ExecutionType.RECOVERY
    if holder.status in FINAL_EXECUTION:
        return Claim.FREE if holder.settled or recovery or not holder.launched else Claim.BLOCKS
    if holder.status is ExecutionStatus.STARTING:
        return Claim.FREE if holder.cancelled else Claim.STARTING
    if may_stop(execution_type, consent, holder):
        return Claim.FREE if holder.cancelled else Claim.CANCELLABLE
    if holder.machine_runs is None:
        return Claim.UNKNOWN
    return Claim.BLOCKS if holder.machine_runs else Claim.DEAD


def asks_machine(execution_type: ExecutionType, consent: Consent, holder: Holder) -> bool:
    """Whether a start asks Step Functions about the execution that holds its plan lock, before it joins it or waits.

    A STARTING execution is included: its start may have been killed after the state machine had started, and that one
    stopped before its first tick. A lease needs no such question, because a STARTING holder is fenced.
    """
    return claim(execution_type, consent, holder) in (Claim.UNKNOWN, Claim.STARTING)


def may_stop(execution_type: ExecutionType, consent: Consent, holder: Holder) -> bool:
    """Whether the operator allows a start of this type to stop the holder; no drill stops another execution."""
    named = holder.execution_id in consent.take_over
    drill = consent.cancel_drills and holder.execution_type is ExecutionType.DRILL
    return execution_type is ExecutionType.RECOVERY and (named or drill)


def _first(claims: Iterable[tuple[Holder, Claim]], wanted: Claim) -> Holder | None:
    return next((holder for holder, claim in claims if claim is wanted), None)


def _with_holder(view: StartView, execution_id: str, holder: Holder | None) -> StartView:
    return replace(view, holders={**view.holders, execution_id: holder})


def _without_holder(view: StartView, execution_id: str) -> StartView:
    """Forget the holder: the next step reads it again."""
    return replace(view, holders={one: holder for one, holder in view.holders.items() if one != execution_id})
