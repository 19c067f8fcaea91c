"""One archive of all that a run was and left, and what an auditor can say of it on another machine.

`write` makes the archive. `verify` says two things of one: which files are those of its manifest, and whether its
coverage is what its own records say. The first shows an edit, the second one whose author edited the manifest as well.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from traceability.bundle import archive, integrity, manifest
from traceability.bundle.archive import BadBundle
from traceability.model import catalogue
from traceability.model.catalogue import Catalogue
from traceability.model.paths import Places
from traceability.model.states import REHEARSAL


@dataclass
class Verification:
    """What became of the files of a bundle, and what its records contradict. `run` is what the manifest says of itself.

    `contradicting` has a line for each claim of the coverage or the manifest that the records do not bear out.
    """

    digest: str
    run: Mapping[str, Any]
    intact: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    contradicting: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not (self.changed or self.missing or self.added or self.contradicting)


def write(places: Places, known: Catalogue) -> Path:
    """Write the archive of the last run. Raises BadBundle without a run, StaleRun when it is no longer what it left."""
    content = manifest.read(places)
    if content is None:
        raise BadBundle(f"{places.manifest.name}: there is no run to bundle; `make acceptance` makes one")
    integrity.require_unchanged(places, known, "bundled")
    moment = re.sub(r"[^0-9T]", "", content["started"].split(".")[0])
    path = places.reports / f"bundle-{content['target'] or 'none'}-{moment}-{content['commit'][:7] or 'no-commit'}.zip"
    archive.pack(path, places.manifest.read_bytes(), manifest.paths(content), places.root)
    return path


def verify(path: Path) -> Verification:
    """Compare an archive with its manifest, and its coverage with its records. Raises BadBundle for what is none."""
    content, sums = archive.examine(path)
    if content.get(manifest.RECORDS_ONLY):
        raise BadBundle(
            f"{path}: no bundle, but the records of a run as the history keeps them; `make bundle` makes one"
        )
    found = Verification(archive.digest(path), content)
    wanted: Mapping[str, Any] = content["files"]
    for name, entry in wanted.items():
        if name not in sums:
            found.missing.append(name)
        else:
            (found.intact if sums[name] == entry["sha256"] else found.changed).append(name)
    found.added += [name for name in sums if name not in wanted and name != archive.MANIFEST]
    if found.good:
        found.contradicting += _contradictions(path, content, list(sums))
    return found


def objections(path: Path) -> list[str]:
    """Return why the run in an archive proves nothing, one line each; none where its records bear it out.

    The archive may be a bundle or what `history` keeps of a run. Raises BadBundle.
    """
    content, sums = archive.examine(path)
    wanted = {name: entry["sha256"] for name, entry in content["files"].items()}
    changed = [f"{name}: changed" for name in sums if name != archive.MANIFEST and wanted.get(name) != sums[name]]
    listed = [name for name in wanted if content.get(manifest.RECORDS_ONLY) and not archive.leads_outside(name)]
    return changed or _contradictions(path, content, list(sums), listed)


def _contradictions(
    path: Path, content: Mapping[str, Any], names: Sequence[str], listed: Sequence[str] = ()
) -> list[str]:
    """Judge the records of an archive anew, in a folder that is gone afterwards."""
    reports = "reports/rehearsal/" if content["target"] == REHEARSAL else "reports/"
    with tempfile.TemporaryDirectory(prefix="verify-") as folder:
        root = Path(folder)
        archive.unpack(path, [name for name in names if _is_needed(name, reports)], root)
        for name in (*names, *listed):
            if name.startswith(f"{reports}allure-results/") and not (root / name).exists():
                # That evidence is there is part of the judgement; what it says is for people to read.
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                (root / name).touch()
        places = Places(root, rehearsal=content["target"] == REHEARSAL)
        try:
            own = root / manifest.CRITERIA
            known = catalogue.load(own) if own.exists() else catalogue.load()
            return list(integrity.contradictions(places, known, content))
        except Exception as problem:  # noqa: BLE001 - a hostile file may make any reader fail; each means the same
            told = str(problem).replace(f"{folder}/", "")[:300]
            return [f"its records cannot be judged: {type(problem).__name__}: {told}"]


def _is_needed(name: str, reports: str) -> bool:
    """Whether a file takes part in the judgement: all but pages, attachments, log and the manifest itself."""
    if name.startswith(f"{reports}allure-results/"):
        return name.endswith("-result.json")
    return not name.startswith(f"{reports}allure-report/") and name not in (archive.MANIFEST, f"{reports}matrix.html")
