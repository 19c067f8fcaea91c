"""One evaluated run: runs behave, reads and reconciles its records, and writes the coverage files.

All files of a run are below `reports/`. A run first sets the files of the last run aside, so that no old file is taken
for a new one. If the suite refuses to start, the files of the last run are restored.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from traceability.model.problems import UserProblem
from traceability.reporting import matrix, outputs, provenance
from traceability.reporting.provenance import Provenance
from traceability.running import keeping, selection
from traceability.running.processes import run_behave

Progress = Callable[[int, int], None]
REFUSED = 2
"""The exit code of a suite that refuses to start; it prints the reason to standard error."""


class BadInput(UserProblem):
    """The features or arguments are invalid; `problems` has one line for each problem."""

    def __init__(self, problems: Sequence[SuiteProblem | str]) -> None:
        super().__init__(f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'} in the input")
        self.problems = [str(one) for one in problems]

    @property
    def lines(self) -> list[str]:
        return self.problems


@dataclass(frozen=True)
class RunResult:
    """The result of a run: the coverage document, the differences between the records, and behave's log."""

    coverage: dict[str, Any]
    differences: list[str]
    log: Path
    provenance: Provenance
    behave_seconds: float = 0.0


def feature_folder(places: Places) -> Path:
    """Return the folder of the features. Raises BadInput if it does not exist."""
    folder = places.root / places.features
    if not folder.is_dir():
        raise BadInput([f"{places.features}/: no such folder; run from the project's root, or name it with --features"])
    return folder


def checked_scenarios(places: Places, catalogue: Catalogue) -> list[Scenario]:
    """Return the scenarios of the features. Raises BadInput with all problems."""
    scenarios, broken = feature_files.read(feature_folder(places), places.root)
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
    accepted: Mapping[str, str] | None = None,
    processes: int | None = None,
) -> RunResult:
    """Run behave on `scenarios`, all scenarios of the features; evaluate them and write the coverage files.

    `arguments` are for behave; if they contain files or lines, only those run. `accepted` has the reasons for lost
    proofs, by criterion. Raises BadInput, proofs.BadProofs.
    """
    try:
        for_behave, named = selection.split(arguments, scenarios, places)
    except selection.BadSelection as problem:
        raise BadInput([str(problem)]) from problem
    known_seconds = last_run.seconds(places)
    with new_outputs(places):
        started, start = now(), time.perf_counter()
        exit_code = run_behave(
            places,
            scenarios,
            selected,
            for_behave,
            lambda done: progress(done, len(scenarios)),
            known_seconds,
            named,
            processes,
        )
        if reason := refusal(places, exit_code) or _nothing_selected(places, exit_code, arguments, selected):
            raise BadInput([reason])
    seconds = time.perf_counter() - start
    partial = bool(arguments)
    judged = judge(places, catalogue, scenarios, exit_code, selected, started, accepted, partial=partial)
    remember(places, judged, selected, exit_code, partial=partial)
    return replace(judged, behave_seconds=seconds)


def remember(places: Places, judged: RunResult, selected: str, exit_code: int, *, partial: bool = False) -> None:
    """Keep the facts of the run for later commands, and a whole run in the history."""
    last_run.remember(places, judged.differences, selected, exit_code, partial=partial)
    if not partial:
        # In the history, a partial run would look like a loss.
        run_history.keep(places, judged.coverage)


def refusal(places: Places, exit_code: int) -> str | None:
    """Return the reason why the suite did not start, None if it did. Such a run is not evaluated."""
    if exit_code != REFUSED or any(places.junit.glob("*.xml")):
        return None
    _redact_log(places.log)
    lines = [line for line in places.log.read_text(encoding="utf-8").splitlines() if "USING RUNNER" not in line]
    return f"the suite did not start: {lines[-1] if lines else 'see the reason above'}"


def _nothing_selected(places: Places, exit_code: int, arguments: Sequence[str], selected: str) -> str | None:
    """Return why the arguments of a partial run selected no scenario, None if they selected one or behave failed."""
    cases = record_readers.read_junit(places.junit) if arguments and exit_code == 0 else []
    if not cases or any(one.status != "skipped" for one in cases):
        return None
    return f"{' '.join(arguments)}: no scenario that runs on {selected} fits these files, lines, tags or names"


def judge(
    places: Places,
    catalogue: Catalogue,
    scenarios: Sequence[Scenario],
    exit_code: int,
    selected: str,
    started: str,
    accepted: Mapping[str, str] | None = None,
    *,
    partial: bool = False,
    finished: str = "",
) -> RunResult:
    """Evaluate the records of a run, and write the coverage files and the matrix. It has just finished by default."""
    redact_records(places)
    facts = RunFacts(selected, exit_code, git.commit(places.root), started, finished or now(), partial=partial)
    content, differences = evaluate_run(places, catalogue, scenarios, facts, integrity.rehearsed(places, catalogue))
    if accepted:
        keeping.accept(places, catalogue, content, accepted, partial=partial)
    coverage.write(content, catalogue, places.reports)
    known = provenance.gather(places, catalogue, content)
    matrix.write(content, catalogue, places.matrix, known)
    return RunResult(content, differences, places.log, known)


def write_report(places: Places, catalogue: Catalogue, judged: RunResult) -> Path:
    """Write the Allure report of an evaluated run and the manifest. Raises allure_report.ReportFailed."""
    return outputs.report_and_manifest(places, catalogue, judged.coverage, judged.differences, judged.provenance)


def _folders(places: Places) -> tuple[Path, ...]:
    return places.allure_results, places.allure_report, places.junit, places.notes


def _outputs_of_a_run(places: Places) -> list[Path]:
    return [*_folders(places), places.coverage, *places.coverage_tables, places.matrix, places.manifest]


@contextmanager
def new_outputs(places: Places) -> Iterator[None]:
    """Set the files of the last run aside, and create empty folders for this run. A refusal restores the files."""
    shutil.rmtree(places.set_aside, ignore_errors=True)
    places.set_aside.mkdir(parents=True)
    for path in _outputs_of_a_run(places):
        if path.exists():
            path.rename(places.set_aside / path.name)
    for folder in _folders(places):
        folder.mkdir()
    try:
        yield
    except UserProblem:
        _put_back(places)
        raise
    shutil.rmtree(places.set_aside, ignore_errors=True)


def _put_back(places: Places) -> None:
    """Restore the files of the last run, and delete those of the refused one."""
    for folder in _folders(places):
        shutil.rmtree(folder)
    for path in places.set_aside.iterdir():
        path.rename(places.reports / path.name)
    places.set_aside.rmdir()


def redact_records(places: Places) -> None:
    """Remove credentials from the records that behave writes without redaction."""
    _redact_log(places.log)
    record_readers.redact_junit(places.junit)


def _redact_log(log: Path) -> None:
    if log.exists():
        log.write_text(redaction.text(log.read_text(encoding="utf-8", errors="replace")), encoding="utf-8")


def now() -> str:
    """Return the time of the machine as ISO 8601 UTC with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
