"""The systematic days: a three-tier drill whose function is killed at each single AWS call, and at pairs of calls.

Whatever call the function dies of, the drill must end as the undisturbed one does, with one recovery job a wave.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from simulator.gateway.faults import KILL_AFTER, KILL_BEFORE
from tests.simulation.cases import Day, Document
from tests.simulation.oracle import judge
from tests.simulation.oracle_input import engine_calls, launches_of
from tests.simulation.runner import Life, live

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
DRILL = Day(
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
    people=[{"at": 0, "do": "start", "plan": 0}],
)
PAIRS = 500

Kill = tuple[str, int]


def kill(when: str, place: int) -> Document:
    """The function dies of its call number `place` (from 0)."""
    return {"kind": when, "source": "lambda", "times": 1, "after": place}


def calls_of_the_drill() -> int:
    return len(engine_calls(live(DRILL)))


def single_kills(calls: int) -> list[tuple[Kill, ...]]:
    return [((when, place),) for place in range(calls) for when in (KILL_BEFORE, KILL_AFTER)]


def kills_of_each_operation() -> list[tuple[Kill, ...]]:
    """The first call of each operation, before and after: the bounded part."""
    first: dict[str, int] = {}
    for place, call in enumerate(engine_calls(live(DRILL))):
        first.setdefault(call.operation, place)
    return [((when, place),) for place in first.values() for when in (KILL_BEFORE, KILL_AFTER)]


def pairs(calls: int, count: int = PAIRS) -> list[tuple[Kill, ...]]:
    """A fixed sample of pairs; the second kill hits a call after the first one's."""
    dice = Random("pairs of kills")  # noqa: S311 - a sample, no secret
    kinds = (KILL_BEFORE, KILL_AFTER)
    return [tuple((dice.choice(kinds), place) for place in sorted(dice.sample(range(calls), 2))) for _ in range(count)]


def problems(kills: tuple[Kill, ...]) -> list[str]:
    """What was wrong with the drill whose function was killed there."""
    life = live(replace(DRILL, faults=[kill(*one) for one in kills]))
    found = [*judge(life), *_other_end(life)]
    struck = sum(call.fault is not None for call in life.calls)
    if struck != len(kills):
        found.append(f"{struck} of {len(kills)} kills struck")
    return [f"killed {' and '.join(f'{when[12:]} call {place}' for when, place in kills)}: {line}" for line in found]


def _other_end(life: Life) -> Iterator[str]:
    ends = [record["Status"] for record in life.records.values()]
    if ends != ["COMPLETED"]:
        yield f"the drill ended {ends}"
    for number in range(1, 7):
        jobs = launches_of(life.jobs, f"s-{number:017d}")
        if len(jobs) != 1:
            yield f"server {number} was launched by {len(jobs)} jobs"
    if life.recovery_instances:
        yield f"{len(life.recovery_instances)} recovery instances are left"
