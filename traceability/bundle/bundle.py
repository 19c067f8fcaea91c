"""The bundle: one archive with all inputs and outputs of a run, which an auditor can verify on another machine.

`write` creates the archive. `verify` compares the files with the manifest, and the coverage with the records. The first
check detects an edited file, the second an edit with a fitting manifest.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from traceability.bundle import archive, attestation, commit_comparison, integrity, manifest, run_loader
from traceability.bundle.archive import BadBundle
from traceability.bundle.attestation import Maker, Signature
from traceability.bundle.commit_comparison import Comparison
from traceability.model import catalogue
from traceability.model.catalogue import Catalogue
from traceability.model.paths import Places
from traceability.model.states import REHEARSAL


@dataclass
class Verification:
    """The result of a verification: the files by result, the signature, the comparison. `run` is the manifest.

    `compared` is None if a file is not the one of the manifest: there is no run to compare. `contradicting` has a
    line for each claim of coverage or manifest that the records do not support.
    """

    digest: str
    run: Mapping[str, Any]
    intact: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    contradicting: list[str] = field(default_factory=list)
    signature: Signature = attestation.UNSIGNED
    compared: Comparison | None = None

    @property
    def consistent(self) -> bool:
        """The archive agrees with itself, whoever made it."""
        return not (self.changed or self.missing or self.added or self.contradicting)

    @property
    def good(self) -> bool:
        return self.consistent and not self.signature.problem and self.compared is not None and self.compared.good


def write(places: Places, known: Catalogue, maker: Maker | None = None) -> Path:
    """Write the archive of the last run, signed by its maker if one is given; return its path.

    Raises BadBundle without a run, StaleRun if its files were changed.
    """
    content = manifest.read(places)
    if content is None:
        raise BadBundle(f"{places.manifest.name}: no run to bundle; run `make acceptance` first")
    integrity.require_unchanged(places, known, "bundled")
    moment = re.sub(r"[^0-9T]", "", content["started"].split(".")[0])
    path = places.reports / f"bundle-{content['target'] or 'none'}-{moment}-{content['commit'][:7] or 'no-commit'}.zip"
    described, beside = places.manifest.read_bytes(), {}
    if maker is not None:
        sums = {name: entry["sha256"] for name, entry in content["files"].items()}
        sums[archive.MANIFEST] = hashlib.sha256(described).hexdigest()
        beside[attestation.FILE] = maker.sign(sums, run_loader.read(places.coverage))
    archive.pack(path, described, manifest.paths(content), places.root, beside)
    return path


def verify(path: Path, checkout: Path = Path(), key: Path | None = None, expected: str | None = None) -> Verification:
    """Compare an archive with its manifest, its records, its signature, and the commit in a trusted checkout.

    `expected` is the revision that the auditor wants to be that commit. With a key its owner's signature is demanded.
    Raises BadBundle, BadKey.
    """
    content, sums = archive.examine(path)
    if content.get(manifest.RECORDS_ONLY):
        raise BadBundle(
            f"{path}: not a bundle but the records of a run from the history; `make bundle` writes a bundle"
        )
    found = Verification(archive.digest(path), content)
    wanted: Mapping[str, Any] = content["files"]
    for name, entry in wanted.items():
        if name not in sums:
            found.missing.append(name)
        else:
            (found.intact if sums[name] == entry["sha256"] else found.changed).append(name)
    found.added += [name for name in sums if name not in wanted and name not in _UNLISTED]
    # A changed file is no excuse for records that contradict each other: both are named.
    found.contradicting += _contradictions(path, content, list(sums))
    body = archive.read_first(path, [attestation.FILE], attestation.MAX_BYTES)
    if found.consistent:
        signed = {name: one for name, one in sums.items() if name != attestation.FILE}
        found.signature = attestation.check(body, key, signed, run_loader.read(path))
        found.compared = commit_comparison.compare(sums, content["commit"], checkout, expected)
    else:
        # Nothing is signed as found: the key would only be blamed for the changed files.
        problem = NOT_CHECKED if body is not None or key else ""
        found.signature = Signature(signed=body is not None, keys=(), problem=problem)
    return found


NOT_CHECKED = "not checked: files differ from the manifest, or results from the records"
_UNLISTED = (archive.MANIFEST, attestation.FILE)
"""The files of an archive that its manifest does not list."""


def objections(path: Path, checkout: Path) -> list[str]:
    """Return the reasons why the run in an archive cannot be trusted, none if its records and its commit support it.

    The archive may be a bundle, or a run that the project kept itself, which has no inputs to compare. Raises
    BadBundle.
    """
    content, sums = archive.examine(path)
    wanted = {name: entry["sha256"] for name, entry in content["files"].items()}
    changed = [f"{name}: changed" for name in sums if name not in _UNLISTED and wanted.get(name) != sums[name]]
    listed = [name for name in wanted if content.get(manifest.RECORDS_ONLY) and not archive.leads_outside(name)]
    found = changed or _contradictions(path, content, list(sums), listed)
    if found or content.get(manifest.RECORDS_ONLY):
        return found
    compared = commit_comparison.compare(sums, content["commit"], checkout)
    return [] if compared.good else [compared.objection]


def _contradictions(
    path: Path, content: Mapping[str, Any], names: Sequence[str], listed: Sequence[str] = ()
) -> list[str]:
    """Evaluate the records of an archive again, in a temporary folder."""
    reports = "reports/rehearsal/" if content["target"] == REHEARSAL else "reports/"
    with tempfile.TemporaryDirectory(prefix="verify-") as folder:
        root = Path(folder)
        places = Places(root, rehearsal=content["target"] == REHEARSAL)
        try:
            archive.unpack(path, [name for name in names if _is_needed(name, reports)], root)
            for name in (*names, *listed):
                if name.startswith(f"{reports}allure-results/") and not (root / name).exists():
                    # The evaluation needs the existence of evidence, not its content.
                    (root / name).parent.mkdir(parents=True, exist_ok=True)
                    (root / name).touch()
            own = root / manifest.CATALOGUE
            known = catalogue.load(own) if own.exists() else catalogue.load()
            return [*_in_the_future(content["finished"]), *integrity.contradictions(places, known, content)]
        except Exception as problem:  # noqa: BLE001 - a hostile file may make any reader fail; each means the same
            text = str(problem).replace(f"{folder}/", "")[:300]
            return [f"its records cannot be evaluated: {type(problem).__name__}: {text}"]


def _in_the_future(finished: str) -> list[str]:
    """A run of tomorrow would stay the latest of its target, whatever later runs find."""
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    late = datetime.fromisoformat(finished) > tomorrow
    return [f"{archive.MANIFEST}: the run finished in the future, at {finished}"] if late else []


def _is_needed(name: str, reports: str) -> bool:
    """Return whether the evaluation needs a file: all except pages, attachments and the manifest."""
    if name.startswith(f"{reports}allure-results/"):
        return name.endswith("-result.json")
    return not name.startswith(f"{reports}allure-report/") and name not in (*_UNLISTED, f"{reports}matrix.html")
