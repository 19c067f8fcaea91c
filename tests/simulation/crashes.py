"""The systematic cases: a three-tier drill whose function is killed at each single AWS call, and at pairs of calls.

The drill must always end as it does without a kill, and each server must be launched by one job.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from simulator.gateway.faults import KILL_AFTER, KILL_BEFORE
from tests.simulation.cases import Case, Document
from tests.simulation.oracle import violations
from tests.simulation.oracle_input import engine_calls, launches_of
from tests.simulation.runner import Observation, run_case

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


def kill(when: str, place: int) -> Document:
    """The fault that kills the function at its call number `place`, counted from 0."""
    return {"kind": when, "source": "lambda", "times": 1, "after": place}


def calls_of_the_drill() -> int:
    return len(engine_calls(run_case(DRILL)))


def single_kills(calls: int) -> list[tuple[Kill, ...]]:
    return [((when, place),) for place in range(calls) for when in (KILL_BEFORE, KILL_AFTER)]


def kills_of_each_operation() -> list[tuple[Kill, ...]]:
    """Kills before and after the first call of each operation: a small sample of all kills."""
    first: dict[str, int] = {}
    for place, call in enumerate(engine_calls(run_case(DRILL))):
        first.setdefault(call.operation, place)
    return [((when, place),) for place in first.values() for when in (KILL_BEFORE, KILL_AFTER)]


def pairs(calls: int, count: int = PAIRS) -> list[tuple[Kill, ...]]:
    """A fixed sample of pairs; the second kill comes at a later call than the first."""
    rng = Random("pairs of kills")  # noqa: S311 - a sample, no secret
    kinds = (KILL_BEFORE, KILL_AFTER)
    return [tuple((rng.choice(kinds), place) for place in sorted(rng.sample(range(calls), 2))) for _ in range(count)]


def problems(kills: tuple[Kill, ...]) -> list[str]:
    """The problems of the drill whose function is killed at these calls."""
    observed = run_case(replace(DRILL, faults=[kill(*one) for one in kills]))
    found = [*violations(observed), *_different_end(observed)]
    hits = sum(call.fault is not None for call in observed.calls)
    if hits != len(kills):
        found.append(f"{hits} of {len(kills)} kills happened")
    return [f"killed {' and '.join(f'{when[12:]} call {place}' for when, place in kills)}: {line}" for line in found]


def _different_end(observed: Observation) -> Iterator[str]:
    ends = [record["Status"] for record in observed.records.values()]
    if ends != ["COMPLETED"]:
        yield f"the drill ended {ends}"
    for number in range(1, 7):
        jobs = launches_of(observed.jobs, f"s-{number:017d}")
        if len(jobs) != 1:
            yield f"server {number} was launched by {len(jobs)} jobs"
    if observed.recovery_instances:
        yield f"{len(observed.recovery_instances)} recovery instances are left"
