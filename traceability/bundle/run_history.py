"""The runs that stay when the next one begins: each an archive of its coverage and the records that it is judged by.

Invariant: what is kept can be judged anew. A coverage document alone, as earlier versions kept it, still stands in the
trend, and is no proof.
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
"""So many runs of each target are kept; the oldest go first."""
_RECORD = re.compile(
    rf"features/.*\.feature|features/(?:revisions|sign-offs)\.yaml|{re.escape(manifest.CRITERIA)}"
    r"|reports/(?:rehearsal/)?(?:junit/.*|coverage\.json|allure-results/.*-result\.json"
    r"|\.run/(?:endpoints-.*|last_run\.json|account\.txt))"
)
_LISTED = re.compile(r"reports/(?:rehearsal/)?allure-results/.*")


@dataclass(frozen=True)
class KnownRuns:
    """All runs that are known, oldest first, with the current one; a run is told from others by start and target.

    `files` says where each kept run lies; `left_out` has a line for each file that could not be read, and why.
    """

    runs: Sequence[CoverageDocument]
    files: Mapping[RunKey, Path]
    left_out: Sequence[str]


def place(places: Places, run: Mapping[str, Any]) -> Path:
    """Return where a run is kept: its start, its target and its commit tell it from every other."""
    moment = re.sub(r"[^0-9T]", "", run["started"])
    commit = re.sub(r"[^0-9a-f]", "", run["commit"])[:7] or "none"
    return places.history / f"{moment}_{_target(run)}_{commit}.zip"


def keep(places: Places, run: Mapping[str, Any]) -> Path:
    """Keep the run that lies in `places` with its records, without evidence and pages; it replaces itself."""
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
    """Keep a bundle that was made elsewhere, as it is: its digest stays the one its maker knows."""
    places.history.mkdir(parents=True, exist_ok=True)
    own = place(places, run)
    path = own.with_name(f"{own.stem}_{archive.digest(bundle)[:12]}.zip")
    if not path.exists() or not path.samefile(bundle):
        shutil.copyfile(bundle, path)
    _prune(places, run)
    return path


def known(places: Places, current: CoverageDocument) -> KnownRuns:
    """Return all runs that are known: those that were kept, and the current one, which outweighs its kept copy."""
    found: dict[RunKey, CoverageDocument] = {}
    files: dict[RunKey, Path] = {}
    left_out = []
    # What has its records outweighs a coverage document alone.
    for path in sorted(places.history.glob("*.json")) + sorted(places.history.glob("*.zip")):
        try:
            run = run_loader.read(path)
        except BadRun as problem:
            name = path.relative_to(places.root).as_posix()
            left_out.append(f"{name}: {str(problem).replace(f'{path}: ', '')}")
            continue
        found[key_of(run)], files[key_of(run)] = run, path
    found[key_of(current)] = current
    return KnownRuns(sorted(found.values(), key=key_of), files, left_out)


def _prune(places: Places, run: Mapping[str, Any]) -> None:
    for old in sorted(places.history.glob(f"*_{_target(run)}_*.*"))[:-MAX_KEPT]:
        old.unlink()


def _target(run: Mapping[str, Any]) -> str:
    return re.sub(r"[^a-z-]", "", run["target"]) or "none"
