"""The negative proof: for each seeded defect, a scenario of its criterion must fail by a violated expectation.

The parent process imports all expensive modules once and forks one child for each defect. A child runs behave on a copy
of the tree that contains the defect. The baseline comes first: the scenarios run on a copy without a defect, because a
scenario that fails anyway cannot prove that a defect was noticed. All children need the modules that the baseline
imported.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from traceability.evaluation import record_readers
from traceability.model import feature_files
from traceability.model.catalogue import Catalogue, tag_of
from traceability.model.feature_files import Scenario, for_target
from traceability.model.problems import UserProblem
from traceability.model.verdict import PASSED, VIOLATED
from traceability.mutation import defects, trials
from traceability.mutation.defects import Defect

MAX_PROCESSES = 2
TIMEOUT_SECONDS = 90.0
"""A defect may make the engine wait forever; a child that takes longer has not noticed the defect."""
SECONDS_A_SCENARIO = 10.0
"""The limit of the baseline grows with its scenarios. On an idle machine a scenario takes a third of a second."""
_OUTCOMES = {VIOLATED: "noticed", PASSED: "unnoticed"}


@dataclass(frozen=True)
class DefectResult:
    """The result of one defect: outcome is noticed, unnoticed or not_by_expectation.

    `story` names the scenario that noticed the defect, or the reason why none did. `each` has (outcome, scenario,
    reason) of every scenario of the criterion if all of them were run.
    """

    defect: Defect
    outcome: str
    story: str
    seconds: float
    each: tuple[tuple[str, Scenario, str], ...] = ()
    red: tuple[tuple[str, str], ...] = ()
    """Place of a scenario, and the Then that the defect turned red."""

    @property
    def noticed(self) -> bool:
        return self.outcome == "noticed"


class BaselineFailed(UserProblem):
    """Scenarios that the proof needs fail without a defect; `problems` has one line for each."""

    exit_code = 1

    def __init__(self, problems: Sequence[str]) -> None:
        subject = "1 scenario fails" if len(problems) == 1 else f"{len(problems)} scenarios fail"
        super().__init__(f"{subject} without a defect")
        self.problems = problems

    @property
    def lines(self) -> list[str]:
        return [f"fails without a defect: {line}" for line in self.problems]


@dataclass(frozen=True)
class _Trial:
    """A child process that runs the scenarios of one defect in the copy of the tree at `place`."""

    defect: Defect
    process: BaseProcess
    place: Path
    limit: float
    started: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.started

    @property
    def is_over(self) -> bool:
        return not self.process.is_alive() or self.seconds >= self.limit


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
    """Run the scenarios of every defect, two defects at a time; call `report` with each result. Raises BaselineFailed.

    `passed` are scenarios that are known to pass on this tree; the baseline skips them. A run ends at the first
    scenario that notices the defect, unless `each` asks for the outcome of all scenarios.
    """
    shutil.rmtree(scratch, ignore_errors=True)
    if not chosen:
        return []
    scenarios, _ = feature_files.read(root / folder, root)
    _run_baseline(root, folder, chosen, scenarios, scratch, passed)
    results: list[DefectResult] = []
    waiting, running = list(chosen), list[_Trial]()
    while waiting or running:
        while waiting and len(running) < MAX_PROCESSES:
            running.append(_start(root, waiting.pop(0), scenarios, scratch, each=each))
        for trial in [one for one in running if one.is_over]:
            running.remove(trial)
            results.append(_result(trial, folder, each=each))
            report(results[-1])
        time.sleep(0.02)
    shutil.rmtree(scratch, ignore_errors=True)
    return results


def document(results: Sequence[DefectResult], catalogue: Catalogue, digest: str) -> dict[str, Any]:
    """Return `prove.json`: the result of each defect, and can_fail by criterion (absent: no defect)."""
    order = list(catalogue.criteria)
    rows = sorted(results, key=lambda one: (order.index(one.defect.criterion), one.defect.name))
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
                "red": [list(pair) for pair in one.red],
                "seconds": round(one.seconds, 2),
            }
            for one in rows
        ],
    }


def provable(scenarios: Iterable[Scenario]) -> set[str]:
    """Return the criteria that have a scenario; only these can have a negative proof."""
    return {criterion for one in scenarios for criterion in one.criteria}


def target_of(criterion: str, scenarios: Iterable[Scenario]) -> str:
    """Return the target for a criterion's defects: moto, or rehearsal if all its scenarios are for AWS."""
    mine = [one for one in scenarios if criterion in one.criteria]
    return "moto" if any(for_target(one, "moto") for one in mine) else "rehearsal"


def _run_baseline(
    root: Path,
    folder: str,
    chosen: Sequence[Defect],
    scenarios: Sequence[Scenario],
    scratch: Path,
    passed: Set[record_readers.Key],
) -> None:
    """Raise BaselineFailed unless all scenarios that the defects need pass; import the modules that they imported."""
    failed = []
    for target in ("moto", "rehearsal"):
        criteria = {defect.criterion for defect in chosen if target_of(defect.criterion, scenarios) == target}
        needed = [one for one in scenarios if for_target(one, target) and criteria & set(one.criteria)]
        # At least one scenario runs: the modules that it imports are imported here, once for all children.
        needed = [one for one in needed if one.key not in passed] or needed[:1]
        if needed:
            failed += _failed_without_defect(root, folder, needed, scratch / f"without-defect-{target}", target)
    if failed:
        raise BaselineFailed(failed)


def _failed_without_defect(root: Path, folder: str, needed: Sequence[Scenario], place: Path, target: str) -> list[str]:
    defects.overlay(None, root, place)
    child = trials.FORK.Process(
        target=trials.run_behave, args=(place, root, [one.place for one in needed], "", trials.TO_END, target)
    )
    child.start()
    limit = max(TIMEOUT_SECONDS, SECONDS_A_SCENARIO * len(needed))
    child.join(limit)
    timed_out = child.is_alive()
    trials.end(child)
    ends = trials.endings(place, folder, needed)
    trials.import_needs(place)
    failed = [one for one in needed if ends[one.key].verdict != PASSED]
    if failed and timed_out:
        return [f"the baseline timed out after {limit:.0f} s"]
    return [f"{one.place}: {one.name}: {ends[one.key].reason}" for one in failed]


def _start(root: Path, defect: Defect, scenarios: Sequence[Scenario], scratch: Path, *, each: bool) -> _Trial:
    mine, place = [one for one in scenarios if defect.criterion in one.criteria], scratch / defect.name
    defects.overlay(defect, root, place)
    files, tags, target = (
        sorted({one.file for one in mine}),
        f"@{tag_of(defect.criterion)}",
        target_of(defect.criterion, mine),
    )
    formatter = trials.TO_END if each else trials.TO_FIRST_VIOLATION
    child = trials.FORK.Process(target=trials.run_behave, args=(place, root, files, tags, formatter, target))
    child.start()
    return _Trial(defect, child, place, TIMEOUT_SECONDS * (len(mine) if each else 1))


def _result(trial: _Trial, folder: str, *, each: bool) -> DefectResult:
    """Return the result of a trial that is over, and remove its copy of the tree."""
    defect, place, seconds = trial.defect, trial.place, trial.seconds
    timed_out = trial.process.is_alive()
    trials.end(trial.process)
    scenarios, broken = feature_files.read(place / folder, place)
    target = target_of(defect.criterion, scenarios)
    mine = [one for one in scenarios if defect.criterion in one.criteria and for_target(one, target)]
    found = trials.endings(place, folder, mine)
    shutil.rmtree(place, ignore_errors=True)
    ends = tuple(
        (_OUTCOMES.get(found[one.key].verdict, "not_by_expectation"), one, found[one.key].reason) for one in mine
    )
    red = tuple((one.place, found[one.key].step) for one in mine if found[one.key].verdict == VIOLATED)
    noticed, failed = (
        [f"{one.place} {one.name}: {reason}" for outcome, one, reason in ends if outcome == wanted]
        for wanted in ("noticed", "not_by_expectation")
    )
    reasons = [*([f"timed out after {trial.limit:.0f} s"] if timed_out else []), *failed, *map(str, broken)]
    if noticed:
        outcome, story = "noticed", noticed[0]
    elif reasons:
        outcome, story = "not_by_expectation", reasons[0]
    else:
        outcome, story = "unnoticed", f"all {len(mine)} scenarios passed" if len(mine) > 1 else "its scenario passed"
    return DefectResult(defect, outcome, story, seconds, ends if each else (), red)
