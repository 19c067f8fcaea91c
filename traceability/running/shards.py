"""One shard of a CI matrix, and the merge of all shards into one run.

A shard leaves its records and `shard.json` in a folder of its own, and no statement about a criterion: only the merge
sees all scenarios. The merge evaluates the records of all shards as if one machine had made them, so that a lost or
doubled scenario shows as in any run. It refuses a missing or doubled shard, and shards of another tree.
"""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from traceability.bundle import git, last_run
from traceability.evaluation import coverage, reconcile, record_readers
from traceability.evaluation.coverage import RunFacts, ScenarioOutcome
from traceability.model import run_notes, tree
from traceability.model.catalogue import Catalogue
from traceability.model.feature_files import Scenario
from traceability.model.paths import Places
from traceability.running import run as runs
from traceability.running.processes import run_behave
from traceability.running.run import BadInput, Progress, RunResult
from traceability.running.sharing import Shard

FILE = "shard.json"
_NOTES = ("endpoints-*.json", "stories-*.json", "accesses-*.jsonl")
_TEXTS = ("tree", "selected", "commit", "started", "finished")
_NUMBERS = ("number", "count", "exit_code")
_SCHEMA = {
    "type": "object",
    "required": [*_TEXTS, *_NUMBERS],
    "properties": {one: {"type": "string"} for one in _TEXTS} | {one: {"type": "integer"} for one in _NUMBERS},
}


def folder(shard: Shard) -> str:
    """Return the name of the folder below reports/ that a shard leaves."""
    return f"shard-{shard.number}-of-{shard.count}"


@dataclass(frozen=True)
class ShardResult:
    """How the scenarios of one shard ended, and the differences between its records."""

    outcomes: Sequence[ScenarioOutcome]
    differences: Sequence[str]
    seconds: float
    """How long behave took."""


def run_shard(
    places: Places,
    catalogue: Catalogue,
    scenarios: Sequence[Scenario],
    selected: str,
    shard: Shard,
    progress: Progress,
    processes: int | None = None,
) -> ShardResult:
    """Run the shard's part of `scenarios`, all scenarios of the features, and leave its records in `places`.

    `places` are those of the shard. Raises BadInput.
    """
    mine = shard.of(scenarios, selected)
    shutil.rmtree(places.reports, ignore_errors=True)
    for folder in (places.allure_results, places.junit, places.notes):
        folder.mkdir(parents=True)
    started, start = runs.now(), time.perf_counter()
    code = run_behave(
        places,
        mine,
        selected,
        (),
        lambda done: progress(done, len(mine)),
        last_run.seconds(places.of_whole_run),
        processes=processes,
    )
    if refusal := runs.refusal(places, code):
        raise BadInput([refusal])
    runs.redact_records(places)
    facts = RunFacts(selected, code, git.commit(places.root), started, runs.now())
    seconds = time.perf_counter() - start
    found = _evaluate(places, catalogue, mine, facts, seconds)
    document = {
        "number": shard.number,
        "count": shard.count,
        "tree": tree.digest(places.root),
        **{name: getattr(facts, name) for name in ("selected", "exit_code", "commit", "started", "finished")},
    }
    (places.reports / FILE).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return found


def merge(
    places: Places, catalogue: Catalogue, scenarios: Sequence[Scenario], folders: Sequence[Path]
) -> tuple[RunResult, str]:
    """Merge the shards in `folders` into the run in `places`; return it with the target that was selected.

    Raises BadInput, before any file is changed.
    """
    found = [(folder, _read(folder)) for folder in folders]
    problems = [*_missing_or_doubled(found), *_foreign(places.root, found)] or [*_in_two_shards(found)]
    if problems:
        raise BadInput(problems)
    selected = found[0][1]["selected"]
    places = places.of_rehearsal if selected == "rehearsal" else places
    with runs.new_outputs(places):
        for folder, shard in found:
            _copy(folder, shard["number"], places)
        code = max((shard["exit_code"] for _, shard in found), key=abs)
        started, finished = min(one["started"] for _, one in found), max(one["finished"] for _, one in found)
        judged = runs.judge(places, catalogue, scenarios, code, selected, started, finished=finished)
        runs.remember(places, judged, selected, code)
    return judged, selected


def _evaluate(
    places: Places, catalogue: Catalogue, scenarios: Sequence[Scenario], facts: RunFacts, seconds: float
) -> ShardResult:
    junit, allure = record_readers.read_junit(places.junit), record_readers.read_allure(places.allure_results)
    outcomes = coverage.outcomes(scenarios, places.features, junit, allure)
    target = run_notes.target_of(run_notes.load_endpoints(places.notes))
    records = reconcile.Records(catalogue, places.features, scenarios, junit, allure, outcomes, facts, target)
    return ShardResult(outcomes, reconcile.differences(records), seconds)


def _read(folder: Path) -> dict[str, Any]:
    """Return `shard.json` of a folder. Raises BadInput."""
    path = folder / FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise BadInput([f"{folder}: no shard of a run ({FILE}: {type(problem).__name__})"]) from problem
    error = next(Draft202012Validator(_SCHEMA).iter_errors(content), None)
    if error is not None:
        raise BadInput([f"{path}: not the file of a shard: {error.message[:200]}"])
    shard: dict[str, Any] = content
    return shard


def _missing_or_doubled(found: Sequence[tuple[Path, dict[str, Any]]]) -> Iterator[str]:
    counts = sorted({shard["count"] for _, shard in found})
    if len(counts) != 1:
        yield f"shards of different matrices: of {', of '.join(map(str, counts))}; name those of one run"
        return
    folders: dict[int, list[Path]] = defaultdict(list)
    for folder, shard in found:
        folders[shard["number"]].append(folder)
    for number in range(1, counts[0] + 1):
        if not folders[number]:
            yield f"shard {number}/{counts[0]} is missing; without it no criterion is evaluated"
        if len(folders[number]) > 1:
            yield f"shard {number}/{counts[0]} is named twice: {' and '.join(map(str, folders[number]))}"


def _foreign(root: Path, found: Sequence[tuple[Path, dict[str, Any]]]) -> Iterator[str]:
    """Yield a line for each shard of another tree or target: a proof holds only for the tree of its run."""
    digest, commit = tree.digest(root), git.commit(root)
    for folder, shard in found:
        if shard["tree"] != digest or shard["commit"] != commit:
            where = shard["commit"][:7] or "none"
            yield f"{folder}: ran on another tree, commit {where}; merge on the tree that it ran on"
    targets = sorted({shard["selected"] for _, shard in found})
    if len(targets) > 1:
        yield f"shards of different targets: {' and '.join(targets)}"


def _in_two_shards(found: Sequence[tuple[Path, dict[str, Any]]]) -> Iterator[str]:
    shards: dict[record_readers.Key, list[str]] = defaultdict(list)
    for folder, shard in found:
        for key in Counter(one.key for one in record_readers.read_allure(folder / "allure-results")):
            shards[key].append(f"shard {shard['number']}/{shard['count']}")
    for (file, name), names in sorted(shards.items()):
        if len(names) > 1:
            yield f'"{name}" ({file}) is in {" and in ".join(names)}; it may run in one only'


def _copy(folder: Path, number: int, places: Places) -> None:
    """Copy the records of a shard. Equal names of two shards get the number: the files of processes and features."""
    for path in sorted((folder / "allure-results").iterdir()):
        shutil.copyfile(path, places.allure_results / path.name)
    for path in sorted((folder / "junit").glob("*.xml")):
        shutil.copyfile(path, places.junit / f"{path.stem}.shard-{number}{path.suffix}")
    notes = folder / ".run"
    for path in sorted(one for pattern in _NOTES for one in notes.glob(pattern)):
        kind, _, rest = path.name.partition("-")
        shutil.copyfile(path, places.notes / f"{kind}-{number}-{rest}")
    log = notes / places.log.name
    if log.exists():
        with places.log.open("a", encoding="utf-8") as whole:
            whole.write(log.read_text(encoding="utf-8", errors="replace"))
