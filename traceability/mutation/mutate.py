"""The mutation score: how many small changes of the code do the scenarios notice?

First all scenarios run once on an unchanged copy, traced: each has to pass. Then one mutant after the other, in a
random order that the tree decides, meets the scenarios that execute its line, nearest first, until one is red. On a
line that few scenarios execute all of them run, so that each criterion gets a score of its own scenarios.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path

from traceability.model import feature_files
from traceability.model.feature_files import Scenario, for_target
from traceability.model.verdict import NOT_RUN, PASSED, VIOLATED
from traceability.mutation import defects, mutants, tracing, trials
from traceability.mutation.mutants import Mutant
from traceability.mutation.prove import MAX_PROCESSES, BaselineFailed

OWN_SCENARIOS = 15
"""A line that at most so many scenarios execute is beyond a plain drill: it counts for their criteria."""
_CHUNKS = (4, 20)
"""Sizes of the first groups of scenarios; the last group has the rest."""
_SECONDS, _SECONDS_EACH = 60.0, 5.0
"""Limit of a group: a mutant may make the engine wait forever."""
_TRACING = "traceability.mutation.tracing:TraceCode"
_TRACING_SECONDS = 1800.0
NOTICED, BY_ERROR, TIMED_OUT, SURVIVED = "noticed", "by_error", "timed_out", "survived"


@dataclass(frozen=True)
class MutantResult:
    """The end of one mutant. `red` has place, and Then, of each scenario that was violated.

    `met` has, by place of a scenario, whether it noticed the mutant; all scenarios are in it if `own` is true.
    """

    mutant: Mutant
    before: str
    after: str
    outcome: str
    met: dict[str, bool]
    red: tuple[tuple[str, str], ...]
    own: bool
    seconds: float


@dataclass
class _Hunt:
    """The scenarios that still have to meet a mutant, in groups; `process` runs the first of them."""

    mutant: Mutant
    place: Path
    groups: list[list[Scenario]]
    own: bool
    process: BaseProcess
    limit: float
    met: dict[str, bool] = field(default_factory=dict)
    red: list[tuple[str, str]] = field(default_factory=list)
    begun: float = field(default_factory=time.perf_counter)
    group_begun: float = field(default_factory=time.perf_counter)

    @property
    def timed_out(self) -> bool:
        return time.perf_counter() - self.group_begun >= self.limit


def trace(root: Path, folder: str, scratch: Path) -> tuple[tracing.Trace, list[Scenario]]:
    """Run all scenarios of the simulator on unchanged copies; return trace and scenarios. Raises BaselineFailed."""
    scenarios, _ = feature_files.read(root / folder, root)
    mine = [one for one in scenarios if for_target(one, "moto")]
    files = sorted({one.file for one in mine})
    shutil.rmtree(scratch, ignore_errors=True)
    started = []
    for number in range(MAX_PROCESSES):
        place, part = scratch / f"trace-{number}", files[number::MAX_PROCESSES]
        defects.overlay(None, root, place)
        started.append((place, part, _start(root, place, part, _TRACING)))
    found: tracing.Trace = {}
    failed = []
    for place, part, process in started:
        process.join(_TRACING_SECONDS)
        trials.end(process)
        of_part = [one for one in mine if one.file in part]
        ends = trials.endings(place, folder, of_part)
        failed += [f"{one.place}: {ends[one.key].reason}" for one in of_part if ends[one.key].verdict != PASSED]
        if (place / tracing.FILE).exists():
            found |= json.loads((place / tracing.FILE).read_text(encoding="utf-8"))
        trials.import_needs(place)
        shutil.rmtree(place)
    if failed:
        raise BaselineFailed(failed)
    return found, mine


def run(
    root: Path,
    folder: str,
    sample: Sequence[Mutant],
    traced: tuple[tracing.Trace, Sequence[Scenario]],
    scratch: Path,
    seconds: float,
    report: Callable[[MutantResult], None],
) -> list[MutantResult]:
    """Try the mutants in order, two at a time; begin no other after `seconds`. Call `report` with each result."""
    lines, scenarios = traced
    by_place = {one.place: one for one in scenarios}
    begun, waiting = time.perf_counter(), list(sample)
    running: list[_Hunt] = []
    results = []
    while running or (waiting and time.perf_counter() - begun < seconds):
        while waiting and len(running) < MAX_PROCESSES and time.perf_counter() - begun < seconds:
            mutant = waiting.pop(0)
            places = tracing.executing(lines, mutant.file, mutant.line)
            running.append(_begin(root, mutant, [by_place[one] for one in places], scratch / f"mutant-{len(waiting)}"))
        for one in [one for one in running if not one.process.is_alive() or one.timed_out]:
            if not _goes_on(one, root, folder):
                running.remove(one)
                results.append(_result(one, root))
                report(results[-1])
        time.sleep(0.02)
    return results


def _begin(root: Path, mutant: Mutant, scenarios: list[Scenario], place: Path) -> _Hunt:
    own = len(scenarios) <= OWN_SCENARIOS
    first, second = _CHUNKS
    groups = [scenarios] if own else [scenarios[:first], scenarios[first : first + second], scenarios[first + second :]]
    groups = [one for one in groups if one]
    process = _next_process(root, mutant, groups[0], place, own=own)
    return _Hunt(mutant, place, groups, own, process, _SECONDS + _SECONDS_EACH * len(groups[0]))


def _next_process(root: Path, mutant: Mutant, group: Sequence[Scenario], place: Path, *, own: bool) -> BaseProcess:
    shutil.rmtree(place, ignore_errors=True)
    defects.overlay(None, root, place)
    source = (root / mutant.file).read_text(encoding="utf-8")
    defects.rewrite(place / mutant.file, mutants.mutated(source, mutant))
    return _start(root, place, [one.place for one in group], trials.TO_END if own else trials.TO_FIRST_VIOLATION)


def _start(root: Path, place: Path, files: Sequence[str], formatter: str) -> BaseProcess:
    process: BaseProcess = trials.FORK.Process(
        target=trials.run_behave, args=(place, root, files, "", formatter, "moto")
    )
    process.start()
    return process


def _goes_on(hunt: _Hunt, root: Path, folder: str) -> bool:
    """Read how the running group ended; start the next one if the mutant survived this one and there is one."""
    group = hunt.groups.pop(0)
    if hunt.timed_out:
        hunt.groups.clear()
    trials.end(hunt.process)
    ends = trials.endings(hunt.place, folder, group)
    for one in group:
        found = ends[one.key]
        # behave ends at the first violation: the scenarios behind it were not run.
        if found.verdict not in ("missing", NOT_RUN):
            hunt.met[one.place] = found.verdict != PASSED
        if found.verdict == VIOLATED:
            hunt.red.append((one.place, found.step))
    unloadable = all(one.verdict == "missing" for one in ends.values())
    if hunt.timed_out or unloadable or any(hunt.met.values()) or not hunt.groups:
        return False
    hunt.process = _next_process(root, hunt.mutant, hunt.groups[0], hunt.place, own=hunt.own)
    hunt.limit, hunt.group_begun = _SECONDS + _SECONDS_EACH * len(hunt.groups[0]), time.perf_counter()
    return True


def _result(hunt: _Hunt, root: Path) -> MutantResult:
    shutil.rmtree(hunt.place, ignore_errors=True)
    if hunt.red:
        outcome = NOTICED
    elif hunt.timed_out:
        outcome = TIMED_OUT
    else:
        # No scenario left a result: the mutated code cannot even be loaded.
        outcome = BY_ERROR if any(hunt.met.values()) or not hunt.met else SURVIVED
    before, after = mutants.change((root / hunt.mutant.file).read_text(encoding="utf-8"), hunt.mutant)
    seconds = time.perf_counter() - hunt.begun
    return MutantResult(hunt.mutant, before, after, outcome, hunt.met, tuple(hunt.red), hunt.own, seconds)
