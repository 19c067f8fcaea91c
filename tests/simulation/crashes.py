"""The systematic cases: the function is killed at each single AWS call, and at pairs of calls.

The situations are a three-tier drill, and what operators do on a bad day: a resumption, a second recovery, a recovery
that cancels a drill, and one over the servers of an execution whose state machine was stopped. All executions must
always end as they do without a kill, and no server may be launched more often.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random

from simulator.gateway.faults import KILL_AFTER, KILL_BEFORE
from tests.simulation.cases import Case, Document
from tests.simulation.observation import Observation
from tests.simulation.oracle import violations
from tests.simulation.oracle_input import engine_calls, launches_of
from tests.simulation.runner import run_case

SERVER = {
    "launch": 60,
    "fails": None,
    "boot": 20,
    "becomes": "running",
    "replicates": "CONTINUOUS",
    "snapshot": False,
    "terminate_fails": None,
}
HEALTH = {"timeout": 300, "interval": 30}
DRILL = Case(
    seed=1,
    plans=[
        {
            "name": "Three tiers",
            "type": "DRILL",
            "waves": [
                {"order": "PARALLEL", "servers": [1, 2], "wait": 0, "health": HEALTH, "pinned": [], "depends_on": []},
                {"order": "PARALLEL", "servers": [3, 4], "wait": 0, "health": HEALTH, "pinned": []},
                {"order": "PARALLEL", "servers": [5, 6], "wait": 0, "health": HEALTH, "pinned": []},
            ],
            "timeout": 14400,
            "keeps_instances": False,
            "topic": True,
        }
    ],
    servers={str(number): SERVER for number in range(1, 7)},
    actions=[{"at": 0, "do": "start", "plan": 0}],
)
PAIRS = 500

Kill = tuple[str, int]


@dataclass(frozen=True)
class Situation:
    """A case and its end: the statuses in the order of the starts, and how many jobs may launch each server."""

    case: Case
    statuses: tuple[str, ...]
    jobs: Mapping[int, tuple[int, ...]]
    # Whether instances of a recovery stay.
    leaves: bool = True


def _plan(kind: str, *waves: list[int]) -> Document:
    parts = [{"order": "PARALLEL", "servers": one, "wait": 0, "health": HEALTH, "pinned": []} for one in waves]
    return {**DRILL.plans[0], "name": f"{len(waves)} waves", "type": kind, "waves": parts}


def _case(plans: list[Document], *later: Document, fails: int | None = None) -> Case:
    servers = {str(one): {**SERVER, "fails": "no capacity" if one == fails else None} for one in (1, 2, 3)}
    return replace(DRILL, plans=plans, servers=servers, actions=[*DRILL.actions, *later])


_OVERLAPPING = [_plan("DRILL", [1, 2]), _plan("RECOVERY", [2, 3])]
SITUATIONS: dict[str, Situation] = {
    "drill": Situation(DRILL, ("COMPLETED",), dict.fromkeys(range(1, 7), (1,)), leaves=False),
    "resumption": Situation(
        _case(
            [_plan("RECOVERY", [1], [2, 3])],
            {"at": 1, "do": "resume", "plan": 0, "patient": True, "heal": True},
            fails=3,
        ),
        ("FAILED", "COMPLETED"),
        {1: (1,), 2: (1,), 3: (2,)},
    ),
    "second recovery": Situation(
        _case([_plan("RECOVERY", [1], [2, 3])], {"at": 900, "do": "start", "plan": 0, "keep": True}),
        ("COMPLETED", "COMPLETED"),
        {1: (1,), 2: (1,), 3: (1,)},
    ),
    "cancelled drill": Situation(
        _case(_OVERLAPPING, {"at": 75, "do": "start", "plan": 1, "cancel_drills": True}),
        ("CANCELLED", "COMPLETED"),
        {1: (0, 1), 2: (1, 2), 3: (1,)},
    ),
    "stopped state machine": Situation(
        _case(_OVERLAPPING, {"at": 75, "do": "abort", "plan": 0}, {"at": 76, "do": "start", "plan": 1}),
        ("FAILED", "COMPLETED"),
        {1: (0, 1), 2: (1, 2), 3: (1,)},
    ),
}


def kill(when: str, place: int) -> Document:
    """The fault that kills the function at its call number `place`, counted from 0."""
    return {"kind": when, "source": "lambda", "times": 1, "after": place}


def calls_of(situation: str = "drill") -> int:
    return len(engine_calls(run_case(SITUATIONS[situation].case)))


def single_kills(calls: int) -> list[tuple[Kill, ...]]:
    return [((when, place),) for place in range(calls) for when in (KILL_BEFORE, KILL_AFTER)]


def kills_of_each_operation(situation: str = "drill") -> list[tuple[Kill, ...]]:
    """Kills before and after the first call of each operation: a small sample of all kills."""
    first: dict[str, int] = {}
    for place, call in enumerate(engine_calls(run_case(SITUATIONS[situation].case))):
        first.setdefault(call.operation, place)
    return [((when, place),) for place in first.values() for when in (KILL_BEFORE, KILL_AFTER)]


def pairs(calls: int, count: int = PAIRS) -> list[tuple[Kill, ...]]:
    """A fixed sample of pairs; the second kill comes at a later call than the first."""
    rng = Random("pairs of kills")  # noqa: S311 - a sample, no secret
    kinds = (KILL_BEFORE, KILL_AFTER)
    return [tuple((rng.choice(kinds), place) for place in sorted(rng.sample(range(calls), 2))) for _ in range(count)]


def problems_in(task: tuple[str, tuple[Kill, ...]]) -> list[str]:
    """The problems of the situation of this name whose function is killed at these calls."""
    situation, kills = task
    return [f"{situation}: {line}" for line in problems(kills, situation)]


def problems(kills: tuple[Kill, ...], situation: str = "drill") -> list[str]:
    """The problems of the situation whose function is killed at these calls."""
    expected = SITUATIONS[situation]
    observed = run_case(replace(expected.case, faults=[kill(*one) for one in kills]))
    found = [*violations(observed), *_different_end(observed, expected)]
    hits = sum(call.fault is not None for call in observed.calls)
    if hits != len(kills):
        found.append(f"{hits} of {len(kills)} kills happened")
    return [f"killed {' and '.join(f'{when[12:]} call {place}' for when, place in kills)}: {line}" for line in found]


def _different_end(observed: Observation, expected: Situation) -> Iterator[str]:
    records = sorted(observed.records.values(), key=lambda record: str(record["StartTime"]))
    ends = tuple(record["Status"] for record in records)
    if ends != expected.statuses:
        yield f"the executions ended {ends}, not {expected.statuses}"
    for number, allowed in expected.jobs.items():
        jobs = launches_of(observed.jobs, f"s-{number:017d}")
        if len(jobs) not in allowed:
            yield f"server {number} was launched by {len(jobs)} jobs"
    if observed.recovery_instances and not expected.leaves:
        yield f"{len(observed.recovery_instances)} recovery instances are left"
