"""A warm behave: it has loaded features, steps and target once, and forks a child for each job.

To import the code, to read the features and to deploy takes seconds, a scenario a third of a second. A job names the
scenarios that a child runs, in order, and the changed source that it runs them on.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import FunctionType
from typing import Any, NoReturn

from behave.formatter.base import Formatter
from behave.model import Feature, Scenario, Step
from behave.runner import Runner, the_step_registry
from coverage import Coverage

from traceability.model.verdict import VIOLATED, StepEnd, verdict
from traceability.mutation import code_swap, trials

RUNNER = "traceability.mutation.warm:WarmRunner"
_MEMORY = 8 << 30
"""Bytes of address space of a child: a mutant may fill a list forever."""
_WALL = 10
"""How many times longer than its processor time a scenario may take: a child may wait for an event that never comes."""


@dataclass(frozen=True)
class Task:
    """A scenario to run: `criteria` are those it belongs to, `seconds` its limit of processor time."""

    place: str
    criteria: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class Job:
    """The tasks of one child, in order, on the changed source of `file` ("" for the code as it is).

    `each`: run all whose criteria have not noticed the change yet, else end at the first that noticed it. `traced`:
    tell which lines below the folder `code` the steps execute. `here`: run the tasks in the process that forks the
    children; so they inherit what a process loads when it first needs it, which takes as long as two scenarios.
    """

    tasks: tuple[Task, ...]
    code: str
    file: str = ""
    changed: str = ""
    each: bool = False
    traced: bool = False
    here: bool = False


@dataclass(frozen=True)
class Met:
    """How a scenario ended; `step` is the Then that was violated. `lines` is the trace, by path of the file."""

    place: str
    verdict: str
    step: str
    reason: str
    seconds: float
    lines: dict[str, list[int]]


@dataclass(frozen=True)
class Ended:
    """The child has ended: `done`, `timed_out`, `died`, or `at_import`: the change needs a process of its own."""

    how: str


AFTER_AN_ERROR = 5
"""A scenario that ends in an error has noticed a change; so many scenarios may still notice it by an expectation."""
_connections: list[Connection] = []


def listen(connection: Connection) -> None:
    """Let the runner of this process take its jobs from `connection`."""
    _connections.append(connection)


class WarmRunner(Runner):
    """behave's runner, for `--runner`: serves jobs instead of running the features."""

    def run_model(self, features: object = None) -> bool:
        self.step_registry = the_step_registry
        self.run_hook("before_all")
        if self.aborted:
            return True
        _serve(self, _connections[-1])
        self.run_hook("after_all")
        return False


def _serve(runner: Runner, connection: Connection) -> None:
    places = {f"{one.filename}:{one.line}": (feature, one) for feature, one in _scenarios(runner)}
    functions: list[FunctionType] | None = None
    while True:
        try:
            job: Job = connection.recv()
        except EOFError:
            return
        if job.here:
            _Child(runner, connection, places, ()).run(job)
            trials.note_needs(Path.cwd())
            connection.send(Ended("done"))
            continue
        if functions is None:
            functions = code_swap.functions_below(job.code)
        child = os.fork()
        if child == 0:
            _Child(runner, connection, places, functions).work(job)
        _, status = os.waitpid(child, 0)
        connection.send(Ended(_ended(status)))


def _scenarios(runner: Runner) -> Iterator[tuple[Feature, Scenario]]:
    return ((feature, one) for feature in runner.features for one in feature.walk_scenarios())


_EXITS = {0: "done", 3: "at_import"}


def _ended(status: int) -> str:
    if os.WIFSIGNALED(status):
        return "timed_out" if os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGALRM) else "died"
    return _EXITS.get(os.WEXITSTATUS(status), "died")


class _Child(Formatter):
    """Runs the tasks of a job. A formatter, because behave tells it when a step begins and how it ended."""

    name = "warm-child"

    def __init__(
        self,
        runner: Runner,
        connection: Connection,
        places: dict[str, tuple[Feature, Scenario]],
        functions: Sequence[FunctionType],
    ) -> None:
        self._runner, self._connection, self._places, self._functions = runner, connection, places, functions
        self._job = Job((), "")
        self._coverage: Coverage | None = None
        self._begun = 0.0
        runner.formatters = [self]

    def work(self, job: Job) -> NoReturn:
        """Run the tasks, and leave the process without any clean-up: threads may still wait on a virtual clock."""
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
            if job.file:
                code_swap.put(job.file, job.changed, self._functions)
            self.run(job)
            code = 0
        except code_swap.RunsAtImport:
            code = 3
        except Exception:  # noqa: BLE001 - the edge of the process, which shows the error in its log
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(code)

    def run(self, job: Job) -> None:
        """Run the tasks, and send how each ended."""
        self._job = job
        noticed: set[str] = set()
        red = 0
        for number, task in enumerate(self._job.tasks):
            if self._job.each and noticed.issuperset(task.criteria):
                continue
            met = self._run(task)
            self._connection.send(met)
            if met.verdict != "passed":
                noticed.update(task.criteria)
                red += 1
            if not self._job.each and (met.verdict == VIOLATED or (red and number + 1 >= AFTER_AN_ERROR)):
                return

    def _run(self, task: Task) -> Met:
        feature, scenario = self._places[task.place]
        self._limit(task.seconds)
        self._begun, self._task, self._coverage = time.process_time(), task, None
        with _alone(feature, scenario):
            feature.run(self._runner)
        self._limit(0)
        ends = _ends(scenario)
        judged = verdict(scenario.status.name, ends)
        step = next((one for one in scenario.all_steps if one.status.name in ("failed", "error")), None)
        reason = str(step.exception) if step else (scenario.error_message or "")
        text = f"{step.keyword} {step.name}" if step else ""
        return Met(task.place, judged, text, reason, time.process_time() - self._begun, self._lines())

    # behave calls these.

    def match(self, match: Any) -> None:
        if self._job.traced and self._coverage is None:
            self._coverage = Coverage(data_file=None, config_file=False, include=[f"*/{self._job.code}/*"])
            self._coverage.start()

    def result(self, step: Step) -> None:
        scenario = self._runner.context.scenario
        if self._coverage is not None and step is list(scenario.all_steps)[-1]:
            # What the hooks execute behind the last step, such as pages of evidence, is judged by no scenario.
            self._coverage.stop()
        if not self._job.each and not self._job.traced and any(one.violates for one in _ends(scenario)):
            # One violation is enough: leave without the clean-up of the scenario.
            self._limit(0)
            seconds = time.process_time() - self._begun
            reason = str(step.exception)
            self._connection.send(Met(self._task.place, VIOLATED, f"{step.keyword} {step.name}", reason, seconds, {}))
            os._exit(0)

    def _lines(self) -> dict[str, list[int]]:
        if self._coverage is None:
            return {}
        data = self._coverage.get_data()
        return {path: sorted(data.lines(path) or ()) for path in data.measured_files()}

    @staticmethod
    def _limit(seconds: float) -> None:
        """End this process by a signal after so many seconds of processor time, or ten times as long in all."""
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.setitimer(signal.ITIMER_REAL, seconds * _WALL)


@contextmanager
def _alone(feature: Feature, scenario: Scenario) -> Iterator[None]:
    whole, feature.run_items = feature.run_items, [scenario]
    try:
        yield
    finally:
        feature.run_items = whole


def _ends(scenario: Scenario) -> list[StepEnd]:
    background = len(scenario.background_steps) if scenario.background else 0
    return [
        StepEnd(number >= background and step.step_type == "then", step.status.name, str(step.exception or ""))
        for number, step in enumerate(scenario.all_steps)
    ]
