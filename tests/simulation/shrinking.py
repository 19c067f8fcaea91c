"""A failing day made small: hypothesis looks for the smallest day that still fails.

A day can be reduced in many places: a fault, something that people do, a wave, a server can go; a server's fate, a
wait, a quota can become plain. hypothesis draws for each place whether it stays; drawing 0 means that it goes, so
hypothesis's own shrinking takes away whatever the failure does not need.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from tests.simulation.cases import Day, Document

PLAIN_SERVER = {
    "launch": 60,
    "fails": None,
    "boot": 20,
    "becomes": "running",
    "replicates": "CONTINUOUS",
    "snapshot": False,
    "terminate_fails": None,
}
PLAIN_WAVE = {"order": "PARALLEL", "wait": 0, "health": None, "pinned": []}
PLAIN_PLAN = {"type": "DRILL", "timeout": 14400, "keeps_instances": False, "topic": False}
# A place stays with this chance against one when hypothesis draws at random, so that most draws still fail.
STAYS = 2000
TRIES = 250

Place = tuple[str, ...]


def shrunk(day: Day, fails: Callable[[Day], bool], *, tries: int = TRIES) -> Day:
    """The smallest day found for which `fails` is true, `day` itself if there is none."""
    places = list(places_of(day))

    @st.composite
    def reductions(draw: st.DrawFn) -> Day:
        stays = [draw(st.integers(0, STAYS)) > 0 for _ in places]
        return reduced(day, {place for place, kept in zip(places, stays, strict=True) if not kept})

    seen: dict[str, bool] = {}

    def still_fails(smaller: Day) -> bool:
        key = repr(smaller)
        if key not in seen:
            seen[key] = fails(smaller)
        return seen[key]

    try:
        return find(
            reductions(),
            still_fails,
            settings=settings(
                max_examples=tries,
                deadline=None,
                database=None,
                derandomize=True,
                phases=[Phase.generate, Phase.shrink],
                suppress_health_check=list(HealthCheck),
            ),
        )
    except NoSuchExample:
        return day


def places_of(day: Day) -> Iterator[Place]:
    """Everything in the day that can be taken away or made plain."""
    yield from (("fault", str(index)) for index in range(len(day.faults)))
    yield from (("deed", str(index)) for index in range(len(day.people)) if index)
    for index, plan in enumerate(day.plans):
        if index:
            yield ("plan", str(index))
        yield from (("plan field", str(index), name) for name, value in PLAIN_PLAN.items() if plan[name] != value)
        for number, wave in enumerate(plan["waves"]):
            yield ("wave", str(index), str(number))
            yield from (
                ("wave field", str(index), str(number), name)
                for name, value in PLAIN_WAVE.items()
                if wave[name] != value
            )
            yield from (("member", str(index), str(number), str(server)) for server in wave["servers"])
    for server, fate in day.servers.items():
        yield from (("fate", server, name) for name, value in PLAIN_SERVER.items() if fate[name] != value)
    if day.quotas:
        yield ("quotas",)
    if day.other_account:
        yield ("other account",)


def reduced(day: Day, gone: set[Place]) -> Day:
    """The day without those places; always a day that can be lived."""
    document = copy.deepcopy(day.to_dict())
    for index, plan in enumerate(document["plans"]):
        _reduce_plan(index, plan, gone)
    kept = {index for index in range(len(document["plans"])) if ("plan", str(index)) not in gone}
    kept = {index for index in kept if document["plans"][index]["waves"]} | {0}
    if not document["plans"][0]["waves"]:
        first = day.plans[0]["waves"][0]["servers"][0]
        document["plans"][0]["waves"] = [PLAIN_WAVE | {"servers": [first], "pinned": [], "depends_on": []}]
    places = {old: new for new, old in enumerate(sorted(kept))}
    document["plans"] = [document["plans"][index] for index in sorted(kept)]
    for number, fate in document["servers"].items():
        fate |= {name: value for name, value in PLAIN_SERVER.items() if ("fate", number, name) in gone}
    for plan in document["plans"]:
        for wave in plan["waves"]:
            wave["pinned"] = [one for one in wave["pinned"] if document["servers"][str(one)]["snapshot"]]
    used = {str(server) for plan in document["plans"] for wave in plan["waves"] for server in wave["servers"]}
    document["servers"] = {number: fate for number, fate in document["servers"].items() if number in used}
    document["people"] = _deeds(document["people"], gone, places, used)
    document["faults"] = [fault for i, fault in enumerate(document["faults"]) if ("fault", str(i)) not in gone]
    if ("quotas",) in gone:
        document["quotas"] = {}
    if ("other account",) in gone:
        document["other_account"] = False
    return Day.from_dict(document)


def _reduce_plan(index: int, plan: Document, gone: set[Place]) -> None:
    here = str(index)
    plan |= {name: value for name, value in PLAIN_PLAN.items() if ("plan field", here, name) in gone}
    numbers: dict[int, int] = {}
    waves = []
    for number, wave in enumerate(plan["waves"]):
        spot = (here, str(number))
        wave |= {name: value for name, value in PLAIN_WAVE.items() if ("wave field", *spot, name) in gone}
        wave["servers"] = [one for one in wave["servers"] if ("member", *spot, str(one)) not in gone]
        wave["pinned"] = [one for one in wave["pinned"] if one in wave["servers"]]
        if ("wave", *spot) not in gone and wave["servers"]:
            waves.append(wave)
            numbers[number + 1] = len(waves)
    for wave in waves:
        if "depends_on" in wave:
            wave["depends_on"] = [numbers[one] for one in wave["depends_on"] if one in numbers]
    plan["waves"] = waves


def _deeds(people: list[Document], gone: set[Place], plans: dict[int, int], servers: set[str]) -> list[Document]:
    kept = []
    for index, doing in enumerate(people):
        if index and ("deed", str(index)) in gone:
            continue
        if "plan" in doing and doing["plan"] not in plans:
            continue
        if "plan" in doing:
            doing = {**doing, "plan": plans[doing["plan"]]}
        if "servers" in doing:
            doing = {**doing, "servers": [one for one in doing["servers"] if str(one) in servers]}
            if not doing["servers"]:
                continue
        kept.append(doing)
    return kept
