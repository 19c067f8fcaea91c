"""One judged run: behave in a process of its own, its records read back, reconciled and written down.

Everything of a run lies below `reports/`. A run begins by setting aside what the last one left, so that nothing old can
be taken for new; a suite that refuses to begin gets it back, for it has nothing to put in its place.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from traceability.bundle import git, integrity, last_run, run_history
from traceability.evaluation import coverage, record_readers
from traceability.evaluation.coverage import RunFacts
from traceability.evaluation.evaluate import evaluate_run
from traceability.model import feature_files, redaction, settings
from traceability.model.catalogue import Catalogue
from traceability.model.feature_files import Scenario, SuiteProblem
from traceability.model.paths import Places
from traceability.reporting import matrix, outputs, provenance
from traceability.reporting.provenance import Provenance
from traceability.running import selection
from traceability.running.processes import run_behave

Progress = Callable[[int, int], None]
REFUSED = 2
"""The exit code of a suite that refuses to begin; it says why on the standard error output."""


class BadInput(Exception):
    """The features cannot be run as they are; `problems` has one line each."""

    def __init__(self, problems: Sequence[SuiteProblem | str]) -> None:
        super().__init__(f"{len(problems)} problems in the features")
        self.problems = [str(one) for one in problems]


@dataclass(frozen=True)
class RunResult:
    """What a run found: the coverage document, what the records disagree about, and what behave said."""

    coverage: dict[str, Any]
    differences: list[str]
    log: Path
    provenance: Provenance
    behave_seconds: float = 0.0


def checked_scenarios(places: Places, catalogue: Catalogue) -> list[Scenario]:
    """Return the scenarios of the features. Raises BadInput, naming every problem at once."""
    folder = places.root / places.features
    if not folder.is_dir():
        raise BadInput([f"{places.features}/: no such folder; run from the project's root, or name it with --features"])
    scenarios, broken = feature_files.read(folder, places.root)
    problems = [*broken, *feature_files.check(scenarios, catalogue, settings.load(places.root).tags)]
    if problems:
        raise BadInput(sorted(problems))
    return scenarios


def run(
    places: Places,
    catalogue: Catalogue,
    scenarios: Sequence[Scenario],
    selected: str,
    arguments: Sequence[str],
    progress: Progress,
) -> RunResult:
    """Run behave on `scenarios`, which are those of the features; judge and write coverage.json and coverage.csv.

    `arguments` are for behave; with files or lines among them only those run. Raises BadInput.
    """
    try:
        for_behave, named = selection.split(arguments, scenarios, places)
    except selection.BadSelection as problem:
        raise BadInput([str(problem)]) from problem
    known_seconds = last_run.seconds(places)
    _set_aside(places)
    started, begun = _now(), time.perf_counter()
    exit_code = run_behave(
        places, scenarios, selected, for_behave, lambda done: progress(done, len(scenarios)), known_seconds, named
    )
    if refusal := _refusal(places, exit_code):
        _put_back(places)
        raise BadInput([refusal])
    shutil.rmtree(places.set_aside, ignore_errors=True)
    seconds = time.perf_counter() - begun
    judged = judge(places, catalogue, scenarios, exit_code, selected, started)
    last_run.remember(places, judged.differences, selected, exit_code)
    if not arguments:
        # Part of a suite would look like a loss in the history of all.
        run_history.keep(places, judged.coverage)
    return replace(judged, behave_seconds=seconds)


def _refusal(places: Places, exit_code: int) -> str | None:
    """Return why the suite did not begin; a run that never began is not judged: it proves and disproves nothing."""
    if exit_code != REFUSED or any(places.junit.glob("*.xml")):
        return None
    _redact_log(places.log)
    lines = [line for line in places.log.read_text(encoding="utf-8").splitlines() if "USING RUNNER" not in line]
    return f"the suite did not begin, so nothing was judged: {lines[-1] if lines else 'its reason stands above'}"


def judge(
    places: Places, catalogue: Catalogue, scenarios: Sequence[Scenario], exit_code: int, selected: str, started: str
) -> RunResult:
    """Read the records that a run left and write the coverage files."""
    _redact_log(places.log)
    record_readers.redact_junit(places.junit)
    facts = RunFacts(selected, exit_code, git.commit(places.root), started, _now())
    content, differences = evaluate_run(places, catalogue, scenarios, facts, integrity.rehearsed(places, catalogue))
    coverage.write(content, catalogue, places.reports)
    known = provenance.gather(places, catalogue, content)
    matrix.write(content, catalogue, places.matrix, known)
    return RunResult(content, differences, places.log, known)


def write_report(places: Places, catalogue: Catalogue, judged: RunResult) -> Path:
    """Make the Allure report of a judged run and the manifest of all it left. Raises report.ReportFailed."""
    return outputs.report_and_manifest(places, catalogue, judged.coverage, judged.differences, judged.provenance)


def _folders(places: Places) -> tuple[Path, ...]:
    return places.allure_results, places.allure_report, places.junit, places.notes


def _left_by_a_run(places: Places) -> list[Path]:
    files = ("coverage.json", "coverage.csv", "matrix.html", "manifest.json")
    return [*_folders(places), *(places.reports / name for name in files)]


def _set_aside(places: Places) -> None:
    """Move away what the last run left, and make empty folders for this one."""
    shutil.rmtree(places.set_aside, ignore_errors=True)
    places.set_aside.mkdir(parents=True)
    for path in _left_by_a_run(places):
        if path.exists():
            path.rename(places.set_aside / path.name)
    for folder in _folders(places):
        folder.mkdir()


def _put_back(places: Places) -> None:
    """Everything as it was before `_set_aside`; what the refused suite left goes."""
    for folder in _folders(places):
        shutil.rmtree(folder)
    for path in places.set_aside.iterdir():
        path.rename(places.reports / path.name)
    places.set_aside.rmdir()


def _redact_log(log: Path) -> None:
    if log.exists():
        log.write_text(redaction.text(log.read_text(encoding="utf-8", errors="replace")), encoding="utf-8")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
