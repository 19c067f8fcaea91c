"""The negative proof: for each seeded defect, the criterion's own scenarios must go red, by their expectation.

The prover imports everything expensive once and forks a child a defect; a child sees a copy of the tree with the defect
in it, runs behave there and ends. First of all the scenarios run on the copy without a defect: a scenario that is red
anyway proves nothing, and what that run imported is what all children need.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from traceability.evaluation import record_readers
from traceability.model import feature_files
from traceability.model.catalogue import Catalogue
from traceability.model.feature_files import Scenario, for_target
from traceability.model.verdict import PASSED, VIOLATED
from traceability.mutation import defects, service_models
from traceability.mutation.defects import Defect

MAX_PROCESSES = 2
TIMEOUT_SECONDS = 90.0
"""A defect may make the engine wait for ever; a child that takes longer has noticed nothing."""
_FAILURE_STORY = re.compile(r"^(?:Expected|Seen): .*$", re.MULTILINE)
"""Lines of `traceability.recording.failure_story`."""
_OUTCOMES = {VIOLATED: "noticed", PASSED: "unnoticed"}
_PROJECT_PACKAGES = ("engine", "simulator", "features", "infra", "testdata")
_FORK = multiprocessing.get_context("fork")


@dataclass(frozen=True)
class DefectResult:
    """What came of one defect. outcome is noticed, unnoticed or not_by_expectation; `story` says by whom or why not.

    `each` has (outcome, scenario, why) of every scenario of the criterion, if all of them were run.
    """

    defect: Defect
    outcome: str
    story: str
    seconds: float
    each: tuple[tuple[str, Scenario, str], ...] = ()

    @property
    def noticed(self) -> bool:
        return self.outcome == "noticed"


class BaselineFailed(Exception):
    """Scenarios that the proof needs are red without any defect; `problems` has one line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(f"{len(problems)} scenarios are red without any defect")
        self.problems = problems


def prove(
    root: Path,
    folder: str,
    chosen: Sequence[Defect],
    scratch: Path,
    report: Callable[[DefectResult], None],
    passed: Set[record_readers.Key] = frozenset(),
    *,
    each: bool = False,
) -> list[DefectResult]:
    """Run every defect's scenarios, two at once; `report` hears of each as it ends. Raises BaselineFailed.

    `passed` are scenarios that are known to pass on this very tree: they need not show it again. The first scenario
    that notices a defect ends its run, unless `each` asks what all of them do.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    if not chosen:
        return []
    scenarios, _ = feature_files.read(root / folder, root)
    _run_without_defect(root, folder, chosen, scenarios, scratch, passed)
    findings: list[DefectResult] = []
    waiting, running = list(chosen), list[tuple[Defect, BaseProcess, float]]()
    while waiting or running:
        while waiting and len(running) < MAX_PROCESSES:
            defect = waiting.pop(0)
            child = _start(root, defect, scenarios, scratch / defect.name, stop=not each)
            running.append((defect, child, time.perf_counter()))
        for entry in list(running):
            many = sum(entry[0].criterion in one.criteria for one in scenarios) if each else 1
            finding = _finished(*entry, folder, scratch, TIMEOUT_SECONDS * many, each=each)
            if finding is not None:
                running.remove(entry)
                findings.append(finding)
                report(finding)
        time.sleep(0.02)
    shutil.rmtree(scratch, ignore_errors=True)
    return findings


def document(findings: Sequence[DefectResult], catalogue: Catalogue, digest: str) -> dict[str, Any]:
    """Return `prove.json`: each defect with what became of it, and can_fail by criterion (absent: no defect)."""
    order = list(catalogue.criteria)
    rows = sorted(findings, key=lambda one: (order.index(one.defect.criterion), one.defect.name))
    can_fail: dict[str, bool] = {}
    for one in rows:
        can_fail[one.defect.criterion] = can_fail.get(one.defect.criterion, False) or one.noticed
    return {
        "tree": digest,
        "can_fail": can_fail,
        "defects": [
            {
                "criterion": one.defect.criterion,
                "mistake": one.defect.mistake,
                "belief": one.defect.belief,
                "source": one.defect.source,
                "file": one.defect.file,
                "outcome": one.outcome,
                "story": one.story,
                "seconds": round(one.seconds, 2),
            }
            for one in rows
        ],
    }


def provable(scenarios: Iterable[Scenario]) -> set[str]:
    """Return the criteria that have a scenario, and so can have a negative proof."""
    return {criterion for one in scenarios for criterion in one.criteria}


def target_of(criterion: str, scenarios: Iterable[Scenario]) -> str:
    """Where a criterion's defects are seeded: on the simulator, or in a rehearsal if all its scenarios are for AWS."""
    mine = [one for one in scenarios if criterion in one.criteria]
    return "moto" if any(for_target(one, "moto") for one in mine) else "rehearsal"


def _run_without_defect(
    root: Path,
    folder: str,
    chosen: Sequence[Defect],
    scenarios: Sequence[Scenario],
    scratch: Path,
    passed: Set[record_readers.Key],
) -> None:
    """Raise BaselineFailed unless all scenarios that the defects need pass; import what they imported."""
    red = []
    for target in ("moto", "rehearsal"):
        criteria = {defect.criterion for defect in chosen if target_of(defect.criterion, scenarios) == target}
        needed = [one for one in scenarios if for_target(one, target) and criteria & set(one.criteria)]
        # One scenario runs in any case: what it imports is imported here, once for all children.
        needed = [one for one in needed if one.key not in passed] or needed[:1]
        if needed:
            red += _red_without_defect(root, folder, needed, scratch / f"without-defect-{target}", target)
    if red:
        raise BaselineFailed(red)


def _red_without_defect(root: Path, folder: str, needed: Sequence[Scenario], place: Path, target: str) -> list[str]:
    defects.overlay(None, root, place)
    child = _FORK.Process(target=_child, args=(place, root, [one.place for one in needed], "", False, target))
    child.start()
    child.join(TIMEOUT_SECONDS * MAX_PROCESSES)
    _terminate(child)
    verdicts = _verdicts(place, folder, needed)
    if (place / "imported.json").exists():
        needs = json.loads((place / "imported.json").read_text(encoding="utf-8"))
        for name in needs["modules"]:
            importlib.import_module(name)
        service_models.preload(needs["service_models"])
    return [f"{one.place}: {one.name}: {verdicts[one.key][1]}" for one in needed if verdicts[one.key][0] != PASSED]


def _start(root: Path, defect: Defect, scenarios: Sequence[Scenario], place: Path, *, stop: bool) -> BaseProcess:
    mine = [one for one in scenarios if defect.criterion in one.criteria]
    defects.overlay(defect, root, place)
    target = target_of(defect.criterion, mine)
    child = _FORK.Process(target=_child, args=(place, root, _files(mine), _tags([defect.criterion]), stop, target))
    child.start()
    return child


def _finished(
    defect: Defect, child: BaseProcess, began: float, folder: str, scratch: Path, limit: float, *, each: bool
) -> DefectResult | None:
    """Return what came of a child, None while it works."""
    seconds = time.perf_counter() - began
    if child.is_alive() and seconds < limit:
        return None
    timed_out = child.is_alive()
    _terminate(child)
    place = scratch / defect.name
    scenarios, broken = feature_files.read(place / folder, place)
    target = target_of(defect.criterion, scenarios)
    mine = [one for one in scenarios if defect.criterion in one.criteria and for_target(one, target)]
    verdicts = _verdicts(place, folder, mine)
    shutil.rmtree(place, ignore_errors=True)
    all_of_them = (
        tuple((_OUTCOMES.get(verdicts[one.key][0], "not_by_expectation"), one, verdicts[one.key][1]) for one in mine)
        if each
        else ()
    )
    by = [one for one in mine if verdicts[one.key][0] == VIOLATED]
    if by:
        return DefectResult(
            defect, "noticed", f"{by[0].place} {by[0].name}: {verdicts[by[0].key][1]}", seconds, all_of_them
        )
    red = [f"{one.place} {one.name}: {verdicts[one.key][1]}" for one in mine if verdicts[one.key][0] != PASSED]
    if red or broken or timed_out:
        story = f"no end after {limit:.0f} s" if timed_out else next(iter([*red, *map(str, broken)]))
        return DefectResult(defect, "not_by_expectation", story, seconds, all_of_them)
    return DefectResult(defect, "unnoticed", f"all {len(mine)} scenarios passed", seconds, all_of_them)


def _verdicts(place: Path, folder: str, scenarios: Sequence[Scenario]) -> dict[record_readers.Key, tuple[str, str]]:
    """Return (verdict, first line of its reason) of each scenario; one without a result is called missing."""
    cases = {case.key: case for case in record_readers.read_junit(place / "reports" / "junit")}
    found: dict[record_readers.Key, tuple[str, str]] = {}
    for one in scenarios:
        case = cases.get(record_readers.junit_key(one, folder))
        if case is None:
            found[one.key] = ("missing", _last_line(place / "behave.log"))
        else:
            found[one.key] = (record_readers.junit_verdict(case, one), _reason(case))
    return found


def _reason(case: record_readers.JUnitCase) -> str:
    """The first lines of what was wrong; where a hook that failed later hides the expectation, the story tells it."""
    told = _FAILURE_STORY.findall(case.listing) if case.status == "hook_error" else []
    lines = told or [line for line in case.message.splitlines() if line.strip()]
    return " ".join(" ".join(lines[:3]).split()) or case.status


def _child(place: Path, root: Path, files: Sequence[str], tags: str, stop: bool, target: str) -> None:
    """Run behave on the copy at `place`: nothing of the checked-out project is importable here but this package."""
    os.chdir(place)
    sys.path[:] = [str(place), *(entry for entry in sys.path if entry and Path(entry).resolve() != root)]
    for name in [name for name in sys.modules if name.partition(".")[0] in _PROJECT_PACKAGES]:
        del sys.modules[name]
    importlib.invalidate_caches()
    log = os.open(place / "behave.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    from behave.__main__ import main

    read = service_models.serve_preloaded()
    arguments = ["--no-color", "--no-skipped", "--no-summary", "--define", f"target={target}"]
    arguments += ["--format", "traceability.mutation.stopping:StopWhenViolated" if stop else "null"]
    arguments += ["--tags", tags] if tags else []
    code = main([*arguments, "--junit", "--junit-directory", "reports/junit", *files])
    imported = [
        name for name in sys.modules if name.partition(".")[0] not in (*_PROJECT_PACKAGES, "__main__", "__mp_main__")
    ]
    needs = {"modules": [name for name in imported if _importable(name)], "service_models": read}
    (place / "imported.json").write_text(json.dumps(needs), encoding="utf-8")
    sys.stdout.flush()
    # No clean-up of an interpreter that is thrown away; its threads may still wait on a virtual clock.
    os._exit(code)


def _importable(name: str) -> bool:
    """Whether a module came from a file of the environment, and not from something that a run put in place."""
    spec = getattr(sys.modules[name], "__spec__", None)
    origin = getattr(spec, "origin", None)
    return (
        spec is not None
        and spec.name == name
        and bool(origin)
        and Path(str(origin)).suffix == ".py"
        and ("site-packages" in str(origin))
    )


def _terminate(child: BaseProcess) -> None:
    if child.is_alive():
        child.kill()
    child.join()


def _files(scenarios: Iterable[Scenario]) -> list[str]:
    return sorted({one.file for one in scenarios})


def _tags(criteria: Iterable[str]) -> str:
    return " or ".join(f"@AC-{one}" for one in sorted(criteria))


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return next((line for line in reversed(lines) if line.strip()), "behave left no result")
