"""The history: past runs, each an archive with its coverage and the records that an evaluation needs.

Invariant: a kept run can be evaluated again. Earlier versions kept only a coverage document; such a run appears in the
trend but proves no criterion.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traceability.bundle import archive, manifest, run_loader
from traceability.bundle.run_loader import BadRun, CoverageDocument, RunKey, key_of
from traceability.model.paths import Places

MAX_KEPT = 50
"""Number of runs kept for each target; older runs are deleted."""
_RECORD = re.compile(
    rf"features/.*\.feature|features/(?:revisions|sign-offs|proven)\.yaml|{'|'.join(map(re.escape, manifest.CRITERIA))}"
    r"|reports/(?:rehearsal/)?(?:junit/.*|coverage\.json|allure-results/.*-result\.json"
    r"|\.run/(?:endpoints-.*|last_run\.json|account\.txt))"
)
_LISTED = re.compile(r"reports/(?:rehearsal/)?allure-results/.*")


@dataclass(frozen=True)
class KnownRuns:
    """All runs, oldest first, including the current one; start and target identify a run.

    `files` are the paths of the kept runs; `ignored` has a line for each unreadable file, with the reason.
    """

    runs: Sequence[CoverageDocument]
    files: Mapping[RunKey, Path]
    ignored: Sequence[str]


def place(places: Places, run: Mapping[str, Any]) -> Path:
    """Return the path for a run, named after its start, target and commit."""
    moment = re.sub(r"[^0-9T]", "", run["started"])
    commit = re.sub(r"[^0-9a-f]", "", run["commit"])[:7] or "none"
    return places.history / f"{moment}_{_target(run)}_{commit}.zip"


def keep(places: Places, run: Mapping[str, Any]) -> Path:
    """Keep the run in `places` with its records, without evidence and pages; replaces its earlier copy."""
    content = manifest.document(places, run)
    names = [name for name in manifest.paths(content) if _RECORD.fullmatch(name)]
    listed = {name: entry for name, entry in content["files"].items() if name in names or _LISTED.fullmatch(name)}
    places.history.mkdir(parents=True, exist_ok=True)
    path = place(places, run)
    described = manifest.encode(content | {"files": listed, manifest.RECORDS_ONLY: True})
    archive.pack(path, described, names, places.root)
    _prune(places, run)
    return path


def keep_bundle(places: Places, bundle: Path, run: Mapping[str, Any]) -> Path:
    """Keep a copy of a bundle from elsewhere; the copy has the same digest."""
    places.history.mkdir(parents=True, exist_ok=True)
    own = place(places, run)
    path = own.with_name(f"{own.stem}_{archive.digest(bundle)[:12]}.zip")
    if not path.exists() or not path.samefile(bundle):
        shutil.copyfile(bundle, path)
    _prune(places, run)
    return path


def known(places: Places, current: CoverageDocument) -> KnownRuns:
    """Return the kept runs and the current run, which replaces its kept copy."""
    found: dict[RunKey, CoverageDocument] = {}
    files: dict[RunKey, Path] = {}
    ignored = []
    # Archives come last, so that they replace a coverage document of the same run.
    for path in sorted(places.history.glob("*.json")) + sorted(places.history.glob("*.zip")):
        try:
            run = run_loader.read(path)
        except BadRun as problem:
            name = path.relative_to(places.root).as_posix()
            ignored.append(f"{name}: {str(problem).replace(f'{path}: ', '')}")
            continue
        found[key_of(run)], files[key_of(run)] = run, path
    found[key_of(current)] = current
    return KnownRuns(sorted(found.values(), key=key_of), files, ignored)


def _prune(places: Places, run: Mapping[str, Any]) -> None:
    for old in sorted(places.history.glob(f"*_{_target(run)}_*.*"))[:-MAX_KEPT]:
        old.unlink()


def _target(run: Mapping[str, Any]) -> str:
    return re.sub(r"[^a-z-]", "", run["target"]) or "none"
