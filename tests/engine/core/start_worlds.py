"""Worlds in which two executions start over two shared servers, and every move that changes them.

A world has DynamoDB's conditional writes and Step Functions' runs, each an atomic move. `explore` visits every
interleaving of two starts, of their state machines, of one killed function, of one state machine that dies, and of
one refused start that is repeated with its client token. A kill lies between any two moves, so that a function dies
before and after each of its writes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from engine.core.plan import ExecutionType
from engine.core.start_protocol import (
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
from engine.core.statuses import FINAL_EXECUTION, ExecutionStatus

DRILL, RECOVERY = ExecutionType.DRILL, ExecutionType.RECOVERY


STARTING, RUNNING = ExecutionStatus.STARTING, ExecutionStatus.RUNNING


COMPLETED, CANCELLED, FAILED = ExecutionStatus.COMPLETED, ExecutionStatus.CANCELLED, ExecutionStatus.FAILED


SERVERS = ("s-1", "s-2")


EVERYTHING = Consent(cancel_drills=True, take_over=frozenset({"a", "b"}))


@dataclass(frozen=True)
class Record:
    status: ExecutionStatus = STARTING
    cancelled: bool = False
    settled: bool = False
    machine: str = "none"  # none, running, dead
    version: int = 0
    launched: bool = False

    @property
    def can_launch(self) -> bool:
        begun = self.status is RUNNING or (self.status is STARTING and self.machine == "running")
        return begun and not self.cancelled

    @property
    def fenced(self) -> bool:
        return self.cancelled or self.status is not STARTING


class HashedDict(dict[Any, Any]):
    """Never changed after its creation, so states that hold one can be members of a set."""

    def __hash__(self) -> int:  # type: ignore[override]  # dict sets it to None
        return hash(frozenset(self.items()))


@dataclass(frozen=True)
class Start:
    """A running invocation: its knowledge, and its work that is left after the protocol."""

    view: StartView
    rest: str = ""  # "": the protocol goes on; begin: save RUNNING; release: delete the own leases


@dataclass(frozen=True)
class World:
    """Executions and leases as AWS keeps them, the invocations at work, and the answers of the others."""

    types: HashedDict
    consents: HashedDict
    records: HashedDict
    leases: HashedDict = field(default_factory=HashedDict)
    starts: HashedDict = field(default_factory=HashedDict)
    answers: HashedDict = field(default_factory=HashedDict)
    kills: int = 0
    deaths: int = 0
    repeats: int = 0

    def record(self, name: str) -> Record | None:
        return self.records.get(name)

    def fenced(self, name: str) -> bool:
        record = self.record(name)
        return record is None or record.fenced

    def with_(self, mapping: str, name: str, value: Any) -> World:
        """`value` under `name`; None removes it."""
        found = {**getattr(self, mapping), name: value}
        changed: Any = {mapping: HashedDict((k, v) for k, v in found.items() if v is not None)}
        return replace(self, **changed)

    def changed(self, name: str, **fields: Any) -> World:
        record = self.record(name)
        assert record is not None
        return self.with_("records", name, replace(record, version=record.version + 1, **fields))

    def released(self, name: str) -> World:
        return replace(self, leases=HashedDict((s, owner) for s, owner in self.leases.items() if owner != name))

    def started(self, name: str) -> World:
        """A new invocation of the start, with a record if it has none."""
        view = StartView(name, self.types[name], SERVERS, self.consents[name])
        world = self if self.record(name) else self.with_("records", name, Record())
        return world.with_("starts", name, Start(normal(view)))

    def answered(self, name: str, answer: str) -> World:
        return self.with_("starts", name, None).with_("answers", name, answer)


def normal(view: StartView) -> StartView:
    """The same view with hashable mappings, so that equal worlds are found equal."""
    leases = None if view.leases is None else HashedDict(view.leases)
    return replace(view, leases=leases, holders=HashedDict(view.holders))


def begin(types: dict[str, ExecutionType], consents: dict[str, Consent] | None = None, **limits: Any) -> World:
    given = HashedDict({name: (consents or {}).get(name, NO_CONSENT) for name in types})
    world = World(HashedDict(types), given, HashedDict(), **limits)
    for name in types:
        world = world.started(name)
    return world


def advance(world: World, name: str) -> World:
    """The invocation `name` makes its next move: one read, one write or one transaction."""
    start = world.starts[name]
    if start.rest == "begin":
        record = world.record(name)
        if not world.fenced(name):
            return world.changed(name, status=RUNNING, launched=True).answered(name, "started")
        # The first tick was faster, or the start was fenced.
        alive = record is not None and not record.cancelled
        return world.answered(name, "started" if alive else "refused")
    if start.rest == "release":
        # Not if the same client token has created the record again.
        return (world if world.record(name) else world.released(name)).answered(name, "refused")
    step = next_step(start.view)
    if isinstance(step, RunMachine):
        record = world.record(name)
        if record is not None and record.machine == "none":
            # The machine's name does not touch the record's version.
            world = world.with_("records", name, replace(record, machine="running"))
        return world.with_("starts", name, replace(start, rest="begin"))
    if isinstance(step, Superseded):
        record = world.record(name)
        if record is not None and record.status is not STARTING:
            return world.answered(name, "refused" if record.cancelled else "started")
        return world.with_("records", name, None).with_("starts", name, replace(start, rest="release"))
    world, outcome = perform(world, name, step)
    if isinstance(step, Withdraw) and isinstance(outcome, Written):
        return world.with_("starts", name, replace(start, rest="release"))
    return world.with_("starts", name, Start(normal(observe(start.view, step, outcome))))


def perform(world: World, name: str, step: Step) -> tuple[World, StepOutcome]:  # noqa: C901 - one case for each step
    match step:
        case ReadLeases():
            return world, LeasesRead(dict(world.leases))
        case ReadHolder(other):
            return world, HolderRead(holder(world, other))
        case AskMachine(other):
            record = world.record(other)
            return world, MachineSeen(record is not None and record.machine == "running")
        case CloseHolder(other):
            record = world.record(other)
            if record is not None and record.status not in FINAL_EXECUTION and record.machine != "running":
                return world.changed(
                    other, status=CANCELLED if record.cancelled else FAILED, machine="running"
                ), Written()
            return world, Written()
        case Fence(other, version):
            record = world.record(other)
            if world.fenced(name):
                return world, ConditionFailed(own=True)
            if record is None or record.version != version or record.fenced:
                return world, ConditionFailed()
            return world.changed(other, cancelled=True), Written()
        case CancelHolder(other):
            record = world.record(other)
            if record is None or record.status in FINAL_EXECUTION:
                return world, ConditionFailed()
            return world.changed(other, cancelled=True), Written()
        case TakeLeases(leases, checked):
            if world.fenced(name):
                return world, ConditionFailed(own=True)
            back = [one for one in checked if (record := world.record(one)) is not None and not record.cancelled]
            if back or any(world.leases.get(server) != owner for server, owner in leases):
                return world, ConditionFailed()
            for server, _ in leases:
                world = world.with_("leases", server, name)
            return world, Written()
        case Withdraw(_, server, owner):
            if world.fenced(name):
                return world, ConditionFailed(own=True)
            if world.leases.get(server) != owner:
                return world, ConditionFailed()
            return world.with_("records", name, None), Written()
    raise AssertionError(step)


def holder(world: World, name: str) -> Holder | None:
    record = world.record(name)
    if record is None:
        return None
    return Holder(
        execution_id=name,
        plan_id=f"plan-{name}",
        execution_type=world.types[name],
        status=record.status,
        settled=record.settled,
        cancelled=record.cancelled,
        version=record.version,
        launched=record.launched,
    )


def machine_moves(world: World, name: str, record: Record) -> Iterator[World]:
    """The next move of an execution's state machine, or its death."""
    if record.machine != "running":
        return
    if record.status is STARTING:
        cancelled = {"status": CANCELLED} if record.cancelled else {"status": RUNNING, "launched": True}
        yield world.changed(name, **cancelled)
    elif record.status is RUNNING:
        yield world.changed(name, status=CANCELLED if record.cancelled else COMPLETED)
    elif not record.settled:
        yield world.changed(name, settled=True)
    elif name in world.leases.values():
        yield world.released(name)
    if world.deaths and not record.settled:
        yield replace(world.with_("records", name, replace(record, machine="dead")), deaths=world.deaths - 1)


def moves(world: World) -> Iterator[World]:
    for name in world.starts:
        yield advance(world, name)
        if world.kills:
            yield replace(world.with_("starts", name, None), kills=world.kills - 1)
    for name, record in world.records.items():
        yield from machine_moves(world, name, record)
        # The next start of the plan goes on with the record of a killed one, or removes a fenced one.
        if name not in world.starts and name not in world.answers and record.status is STARTING:
            yield world.started(name)
    for name, answer in world.answers.items():
        if world.repeats and answer == "refused" and world.record(name) is None:
            yield replace(world.with_("answers", name, None).started(name), repeats=world.repeats - 1)


@cache
def explore(first: World) -> tuple[World, ...]:
    """Every state that can follow; each was checked."""
    seen, queue = {first}, deque([first])
    while queue:
        world = queue.popleft()
        check(world)
        for after in moves(world):
            if after not in seen:
                seen.add(after)
                queue.append(after)
    return tuple(seen)


def check(world: World) -> None:
    launching = [name for name, record in world.records.items() if record.can_launch]
    assert len(launching) <= 1, f"{launching} can launch the same servers: {world}"
    if launching:
        owners = {world.leases.get(server) for server in SERVERS}
        assert owners == set(launching), f"{launching} can launch without its leases: {world}"


def at_rest(world: World) -> World:
    """The world after all state machines have settled their executions; killed invocations do not come back."""
    while True:
        for name, record in world.records.items():
            step = next(machine_moves(replace(world, deaths=0), name, record), None)
            if step is not None:
                world = step
                break
        else:
            return world


def stored(worlds: tuple[World, ...]) -> set[World]:
    """The part of the worlds that AWS keeps, after all invocations were killed."""
    nothing = HashedDict()
    return {replace(world, starts=nothing, answers=nothing, kills=0, deaths=0, repeats=0) for world in worlds}


def third_start(world: World, kind: ExecutionType, consent: Consent = NO_CONSENT) -> str | None:
    """The answer to one more start over both servers, of another plan, with no other invocation at work."""
    world = replace(
        world,
        types=HashedDict({**world.types, "c": kind}),
        consents=HashedDict({**world.consents, "c": consent}),
    )
    world = world.started("c")
    for _ in range(60):
        if "c" not in world.starts:
            check(world)
            answer: str = world.answers["c"]
            return answer
        world = advance(world, "c")
        check(world)
    return None


def same_plan_start(world: World, name: str, kind: ExecutionType) -> tuple[World, str]:
    """The answer to one more start of the plan that `name` has locked, and the state that AWS keeps afterwards.

    The plan lock follows the claims on leases, as in `engine.function.starting`.
    """
    found, record = holder(world, name), world.record(name)
    assert found is not None
    assert record is not None
    wanted = claim(kind, NO_CONSENT, found)
    if asks_machine(kind, NO_CONSENT, found) and record.machine == "dead":
        world, _ = perform(world, name, CloseHolder(name, found.run))
        return same_plan_start(world, name, kind)
    if record.status is STARTING and record.cancelled:
        return world.with_("records", name, None).released(name), "began"
    if wanted in (Claim.UNKNOWN, Claim.STARTING):
        if world.types[name] is not kind:
            return world, "refused"
        return (completed(world, name) if record.status is STARTING else world), "joined"
    return world, {Claim.FREE: "began", Claim.BLOCKS: "refused"}[wanted]


def completed(world: World, name: str) -> World:
    """The state that AWS keeps after another invocation has gone on with the start `name`."""
    world = world.started(name)
    while name in world.starts:
        world = advance(world, name)
    return world
