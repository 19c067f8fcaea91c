"""The mutation score: how many small changes of the code do the scenarios notice?

First each scenario runs once on the unchanged code, traced: it has to pass. Then one mutant after the other, in a
random order, meets scenarios that execute its line, nearest first, until one is red. On a line that few scenarios
execute all of them run, so that each criterion gets a score of its own scenarios.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from pathlib import Path

from traceability.model import feature_files
from traceability.model.feature_files import Scenario, for_target
from traceability.model.verdict import NOT_RUN, PASSED, VIOLATED
from traceability.mutation import code_swap, mutants, tracing, trials
from traceability.mutation.mutants import CODE, Mutant
from traceability.mutation.prove import MAX_PROCESSES, BaselineFailed
from traceability.mutation.warm import Ended, Job, Met, Task
from traceability.mutation.workers import Worker, WorkerDied

OWN_SCENARIOS = 15
"""A line that at most so many scenarios execute is beyond a plain drill: it counts for their criteria."""
NEAREST, VARIED = 20, 60
"""On another line the mutant meets the nearest scenarios, and so many others that execute the most different code. A
survivor of a line that all execute would take minutes; to stop early can only lower the score."""
_LIMIT, _LIMIT_TIMES = 10.0, 8.0
"""Limit of a scenario's processor time: so many seconds, or so many times its own: a mutant may loop forever."""
_TRACING_LIMIT = 120.0
_WARMING = 6
"""So many scenarios, of different features, load what a process needs before it forks the first child."""
NOTICED, BY_ERROR, TIMED_OUT, SURVIVED = "noticed", "by_error", "timed_out", "survived"


@dataclass(frozen=True)
class MutantResult:
    """The end of one mutant. `red` has place, and Then, of each scenario that was violated.

    `met` has, by place of a scenario, whether it noticed the mutant. `own`: the line is beyond a plain drill, and each
    criterion of its scenarios has noticed the mutant or missed it with all of them.
    """

    mutant: Mutant
    before: str
    after: str
    outcome: str
    met: dict[str, bool]
    red: tuple[tuple[str, str], ...]
    own: bool
    seconds: float


@dataclass(frozen=True)
class Traced:
    """What the run on the unchanged code found: the lines and the seconds of processor time of each scenario."""

    lines: tracing.Trace
    seconds: dict[str, float]


@dataclass
class _Hunt:
    """A mutant on its way through its scenarios; before and after are its line."""

    mutant: Mutant
    before: str
    after: str
    job: Job
    met: list[Met] = field(default_factory=list)
    begun: float = field(default_factory=time.perf_counter)


class Workers:
    """Two warm processes, and one of its own for each mutant of code that runs at import.

    `scenarios` are all of the simulator; some of them warm the processes.
    """

    def __init__(self, root: Path, scratch: Path, scenarios: Sequence[Scenario]) -> None:
        shutil.rmtree(scratch, ignore_errors=True)
        self.root, self._scratch, self.scenarios = root, scratch, tuple(scenarios)
        self.idle: list[Worker] = []
        self.busy = [self._worker(f"worker-{number}") for number in range(MAX_PROCESSES)]
        self._made = 0
        first = self.scenarios[:: len(self.scenarios) // _WARMING + 1]
        tasks = tuple(Task(one.place, one.criteria, _TRACING_LIMIT) for one in first)
        for one in self.busy:
            one.give(Job(tasks, CODE, traced=True, here=True))

    def anew(self, file: str, changed: str) -> Worker:
        """Return a worker that imports the changed source of a file."""
        if not self._made:
            trials.import_needs(self._scratch / "worker-0")
        self._made += 1
        return self._worker(f"anew-{self._made}", file, changed)

    def close(self) -> None:
        for one in [*self.idle, *self.busy]:
            one.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def _worker(self, name: str, file: str = "", changed: str = "") -> Worker:
        return Worker(self.root, self._scratch / name, file, changed)


def scenarios_of(root: Path, folder: str) -> list[Scenario]:
    """Return the scenarios of the simulator."""
    found, _ = feature_files.read(root / folder, root)
    return [one for one in found if for_target(one, "moto")]


def trace(workers: Workers) -> Traced:
    """Run each scenario on the unchanged code. Raises BaselineFailed."""
    mine = workers.scenarios
    waiting = [Job((Task(one.place, one.criteria, _TRACING_LIMIT),), CODE, traced=True) for one in mine]
    _end_warming(workers)
    lines: tracing.Trace = {}
    seconds: dict[str, float] = {}
    failed: dict[str, str] = {one.place: "it ended the process" for one in mine}
    while waiting or workers.busy:
        _fill(workers, waiting)
        for worker, message in _messages(workers):
            if isinstance(message, Ended):
                workers.busy.remove(worker)
                workers.idle.append(worker)
            elif message.verdict == PASSED:
                del failed[message.place]
                lines[message.place] = tracing.in_tree(message.lines, workers.root)
                seconds[message.place] = message.seconds
            else:
                failed[message.place] = " ".join(message.reason.split())
    if failed:
        raise BaselineFailed([f"{place}: {reason}" for place, reason in failed.items()])
    return Traced(lines, seconds)


def run(
    workers: Workers,
    sample: Sequence[Mutant],
    traced: Traced,
    seconds: float,
    report: Callable[[MutantResult], None],
    *,
    every: bool = False,
) -> list[MutantResult]:
    """Try the mutants in order, two at a time; begin no other after `seconds`. Call `report` with each result.

    `every`: each scenario that executes a line meets its mutants, not only those that `chosen` returns.
    """
    _end_warming(workers)
    begun, waiting = time.perf_counter(), list(sample)
    reach = tracing.Reach(traced.lines, workers.root)
    hunts: dict[Worker, _Hunt] = {}
    results = []
    while hunts or (waiting and time.perf_counter() - begun < seconds):
        while waiting and len(hunts) < MAX_PROCESSES and time.perf_counter() - begun < seconds:
            mutant = waiting.pop(0)
            source = (workers.root / mutant.file).read_text(encoding="utf-8")
            changed = mutants.mutated(source, mutant)
            # An operator can write what is no Python, such as `not name := value`: nobody could make this mistake.
            if code_swap.is_python(changed):
                places = reach.executing(mutant.file, mutant.line) if every else chosen(reach, mutant)
                job = _job(workers, mutant, changed, places, traced)
                hunt = _Hunt(mutant, *mutants.change(source, changed), job)
                anew = code_swap.runs_at_import(source, mutant.line)
                hunts[_begin_anew(workers, job) if anew else _begin(workers, job)] = hunt
        for worker, message in _messages(workers):
            if isinstance(message, Met):
                hunts[worker].met.append(message)
                continue
            hunt = hunts.pop(worker)
            workers.busy.remove(worker)
            if worker.is_changed:
                worker.close()
            else:
                workers.idle.append(worker)
            if message.how == "at_import":
                hunts[_begin_anew(workers, hunt.job)] = hunt
                continue
            results.append(_result(hunt, message))
            report(results[-1])
    return results


def _end_warming(workers: Workers) -> None:
    while workers.busy:
        for worker, message in _messages(workers):
            if isinstance(message, Ended):
                workers.busy.remove(worker)
                workers.idle.append(worker)
            elif message.verdict != PASSED:
                raise BaselineFailed([f"{message.place}: {' '.join(message.reason.split())}"])


def _fill(workers: Workers, waiting: list[Job]) -> None:
    while waiting and workers.idle:
        worker = workers.idle.pop()
        worker.give(waiting.pop(0))
        workers.busy.append(worker)


def _messages(workers: Workers) -> list[tuple[Worker, Met | Ended]]:
    if not workers.busy:
        return []
    ready = wait([one.connection for one in workers.busy])
    found: list[tuple[Worker, Met | Ended]] = []
    for worker in [one for one in workers.busy if one.connection in ready]:
        try:
            found.append((worker, worker.receive()))
        except EOFError:
            # A changed worker that cannot even load the code has noticed the change.
            if not worker.is_changed:
                raise WorkerDied(worker.log) from None
            found.append((worker, Ended("died")))
    return found


def chosen(reach: tracing.Reach, mutant: Mutant) -> list[str]:
    """Return the scenarios that meet a mutant, of those that execute its line: the nearest, then the most varied."""
    places = reach.executing(mutant.file, mutant.line)
    return places[:NEAREST] + reach.varied(places[NEAREST:], VARIED)


def _job(workers: Workers, mutant: Mutant, changed: str, places: Sequence[str], traced: Traced) -> Job:
    criteria = {one.place: one.criteria for one in workers.scenarios}
    tasks = tuple(Task(one, criteria[one], max(_LIMIT, _LIMIT_TIMES * traced.seconds[one])) for one in places)
    return Job(tasks, CODE, mutant.file, changed, each=len(tasks) <= OWN_SCENARIOS)


def _begin(workers: Workers, job: Job) -> Worker:
    worker = workers.idle.pop()
    worker.give(job)
    workers.busy.append(worker)
    return worker


def _begin_anew(workers: Workers, job: Job) -> Worker:
    worker = workers.anew(job.file, job.changed)
    worker.give(Job(job.tasks, job.code, each=job.each))
    workers.busy.append(worker)
    return worker


def _result(hunt: _Hunt, ended: Ended) -> MutantResult:
    met = {one.place: one.verdict != PASSED for one in hunt.met if one.verdict != NOT_RUN}
    red = tuple((one.place, one.step) for one in hunt.met if one.verdict == VIOLATED)
    if red:
        outcome = NOTICED
    elif any(met.values()) or ended.how == "died":
        outcome = BY_ERROR
    else:
        outcome = TIMED_OUT if ended.how == "timed_out" else SURVIVED
    own, seconds = hunt.job.each, time.perf_counter() - hunt.begun
    return MutantResult(hunt.mutant, hunt.before, hunt.after, outcome, met, red, own, seconds)
