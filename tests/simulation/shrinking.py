"""Reduces a failing case: hypothesis searches for the smallest case that still fails.

A case has many removable parts: faults, actions, waves, servers; and fields that can be set to a plain value.
hypothesis draws an integer for each part, and 0 removes it. So hypothesis's own shrinking removes all parts that the
failure does not need.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from tests.simulation.cases import Case, Document

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
# A random draw keeps a part with a chance of 2000 to 1, so that most draws still fail.
KEEP_ODDS = 2000
TRIES = 250

Part = tuple[str, ...]


def shrink(case: Case, fails: Callable[[Case], bool], *, tries: int = TRIES) -> Case:
    """The smallest case found for which `fails` is true; `case` itself if no smaller one fails."""
    parts = list(parts_of(case))

    @st.composite
    def reductions(draw: st.DrawFn) -> Case:
        kept = [draw(st.integers(0, KEEP_ODDS)) > 0 for _ in parts]
        return without(case, {part for part, keep in zip(parts, kept, strict=True) if not keep})

    seen: dict[str, bool] = {}

    def still_fails(smaller: Case) -> bool:
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
        return case


def parts_of(case: Case) -> Iterator[Part]:
    """The parts of the case that can be removed or set to a plain value."""
    yield from (("fault", str(index)) for index in range(len(case.faults)))
    yield from (("action", str(index)) for index in range(len(case.actions)) if index)
    for index, plan in enumerate(case.plans):
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
    for server, behaviour in case.servers.items():
        yield from (("behaviour", server, name) for name, value in PLAIN_SERVER.items() if behaviour[name] != value)
    if case.quotas:
        yield ("quotas",)
    if case.other_account:
        yield ("other account",)


def without(case: Case, removed: set[Part]) -> Case:
    """The case without those parts; the result is always a valid case."""
    document = copy.deepcopy(case.to_dict())
    for index, plan in enumerate(document["plans"]):
        _reduce_plan(index, plan, removed)
    kept = {index for index in range(len(document["plans"])) if ("plan", str(index)) not in removed}
    kept = {index for index in kept if document["plans"][index]["waves"]} | {0}
    if not document["plans"][0]["waves"]:
        first = case.plans[0]["waves"][0]["servers"][0]
        document["plans"][0]["waves"] = [PLAIN_WAVE | {"servers": [first], "pinned": [], "depends_on": []}]
    positions = {old: new for new, old in enumerate(sorted(kept))}
    document["plans"] = [document["plans"][index] for index in sorted(kept)]
    for number, behaviour in document["servers"].items():
        behaviour |= {name: value for name, value in PLAIN_SERVER.items() if ("behaviour", number, name) in removed}
    for plan in document["plans"]:
        for wave in plan["waves"]:
            wave["pinned"] = [one for one in wave["pinned"] if document["servers"][str(one)]["snapshot"]]
    used = {str(server) for plan in document["plans"] for wave in plan["waves"] for server in wave["servers"]}
    document["servers"] = {number: behaviour for number, behaviour in document["servers"].items() if number in used}
    document["actions"] = _actions(document["actions"], removed, positions, used)
    document["faults"] = [fault for i, fault in enumerate(document["faults"]) if ("fault", str(i)) not in removed]
    if ("quotas",) in removed:
        document["quotas"] = {}
    if ("other account",) in removed:
        document["other_account"] = False
    return Case.from_dict(document)


def _reduce_plan(index: int, plan: Document, removed: set[Part]) -> None:
    here = str(index)
    plan |= {name: value for name, value in PLAIN_PLAN.items() if ("plan field", here, name) in removed}
    numbers: dict[int, int] = {}
    waves = []
    for number, wave in enumerate(plan["waves"]):
        place = (here, str(number))
        wave |= {name: value for name, value in PLAIN_WAVE.items() if ("wave field", *place, name) in removed}
        wave["servers"] = [one for one in wave["servers"] if ("member", *place, str(one)) not in removed]
        wave["pinned"] = [one for one in wave["pinned"] if one in wave["servers"]]
        if ("wave", *place) not in removed and wave["servers"]:
            waves.append(wave)
            numbers[number + 1] = len(waves)
    for wave in waves:
        if "depends_on" in wave:
            wave["depends_on"] = [numbers[one] for one in wave["depends_on"] if one in numbers]
    plan["waves"] = waves


def _actions(actions: list[Document], removed: set[Part], plans: dict[int, int], servers: set[str]) -> list[Document]:
    kept = []
    for index, action in enumerate(actions):
        if index and ("action", str(index)) in removed:
            continue
        if "plan" in action and action["plan"] not in plans:
            continue
        if "plan" in action:
            action = {**action, "plan": plans[action["plan"]]}
        if "servers" in action:
            action = {**action, "servers": [one for one in action["servers"] if str(one) in servers]}
            if not action["servers"]:
                continue
        kept.append(action)
    return kept
