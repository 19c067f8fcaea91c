"""The manifest of a run: the SHA-256 of each input and output, the user, the time, the commit and the tools.

Invariant: one list contains the results and all inputs of their evaluation (features, criteria, test data, lock files),
so that a change of any file is detected.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from traceability.bundle import commit_comparison, git
from traceability.evaluation.coverage import sections
from traceability.model import mutation_score, proofs, redaction, run_notes, tree
from traceability.model.catalogue import DOCUMENTS, MAIN
from traceability.model.paths import Places
from traceability.model.problems import UserProblem
from traceability.model.states import STATES

VERSION = 1
CATALOGUE = "traceability/model"
"""The folder of the documents with the criteria, in the project and in an archive."""
CRITERIA = tuple(f"{CATALOGUE}/{one.file}" for one in DOCUMENTS)
_TOOLS = ("behave", "allure-behave", "boto3", "moto", "PyHamcrest")
_FROM_COVERAGE = ("document", "target", "started", "finished", "commit", "totals")
_TEXT_FIELDS = ("document", "target", "account", "started", "finished", "who", "commit")
_TOTALS = {
    "type": "object",
    "required": ["criteria", *STATES],
    "additionalProperties": {"type": "integer", "minimum": 0},
}
UNCOMMITTED = "uncommitted"
"""The entry with the files that are not those of the commit."""
_SCHEMA = {
    "type": "object",
    "required": ["version", *_TEXT_FIELDS, "dirty", "totals", "files"],
    "properties": {
        "version": {"const": VERSION},
        **{one: {"type": "string"} for one in _TEXT_FIELDS},
        "dirty": {"type": ["boolean", "null"]},
        UNCOMMITTED: {"type": "array", "items": {"type": "string"}},
        "totals": _TOTALS,
        **{
            one.key: {
                "type": "object",
                "required": ["document", "totals"],
                "additionalProperties": False,
                "properties": {"document": {"type": "string"}, "totals": _TOTALS},
            }
            for one in DOCUMENTS[1:]
        },
        "files": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["sha256"],
                "properties": {"sha256": {"type": "string"}},
            },
        },
    },
}
RECORDS_ONLY = "records_only"
"""True in the manifest of a run in the history: it lists only the files that an evaluation needs."""
_ACTORS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_USER_ID", "CI_ACTOR")


class BadManifest(UserProblem):
    """The file is not a valid manifest; the message names the problem."""


def write(places: Places, coverage: Mapping[str, Any]) -> None:
    """Write manifest.json of the run in `places`."""
    _write(places, document(places, coverage))


def update(places: Places, coverage: Mapping[str, Any]) -> None:
    """Update totals and the digests of coverage, matrix, report and proof. Raises BadManifest.

    All other entries keep the values of the run, so that other changes are still detected.
    """
    content = read(places)
    if content is None:
        return
    updated = {path.relative_to(places.root).as_posix(): _entry(path) for path in _rewritable_files(places)}
    _write(places, content | from_coverage(coverage) | {"files": content["files"] | updated})


def _write(places: Places, content: Mapping[str, Any]) -> None:
    places.manifest.write_bytes(encode(content))


def encode(content: Mapping[str, Any]) -> bytes:
    """Return the bytes of a manifest file."""
    return (redaction.text(json.dumps(content, indent=1, ensure_ascii=False)) + "\n").encode()


def document(places: Places, coverage: Mapping[str, Any]) -> dict[str, Any]:
    """Return the manifest: the run, the commit, the tools, and `files`: `{path: {"sha256": hex, "bytes": n}}`."""
    files = {path.relative_to(places.root).as_posix(): _entry(path) for path in _files(places)}
    changes = _uncommitted(places.root, {name: entry["sha256"] for name, entry in files.items()})
    return {
        "version": VERSION,
        **from_coverage(coverage),
        "account": account(places),
        "who": _user(places.root),
        "dirty": None if changes is None else bool(changes),
        UNCOMMITTED: changes or [],
        "tools": _tools(places.root),
        "files": files,
    }


def uncommitted(places: Places) -> list[str] | None:
    """Return the files of the tree that are not those of its commit, None outside of git."""
    return _uncommitted(places.root, {path.relative_to(places.root).as_posix(): _sum(path) for path in _files(places)})


def uncommitted_of(content: Mapping[str, Any]) -> Sequence[str]:
    """Return the files that a manifest calls uncommitted."""
    return content.get(UNCOMMITTED) or (["files that the manifest does not name"] if content["dirty"] else [])


def _uncommitted(root: Path, sums: Mapping[str, str]) -> list[str] | None:
    """git alone would miss an input that its index, its exclude file or a filter hides: the contents are compared."""
    reported = git.changed_names(root)
    if reported is None:
        return None
    compared = commit_comparison.compare(sums, git.commit(root), root)
    return sorted({*reported, *compared.names})


def from_coverage(coverage: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entries that a manifest repeats from its coverage document: the run, the totals of each document."""
    others = [(kind, section) for kind, section in sections(coverage) if kind is not MAIN]
    return {
        **{key: coverage[key] for key in _FROM_COVERAGE},
        **({"partial": coverage["partial"]} if "partial" in coverage else {}),
        **{kind.key: {key: section[key] for key in ("document", "totals")} for kind, section in others},
    }


def account(places: Places) -> str:
    """Return the masked account that the run recorded, "simulated" without one."""
    return run_notes.load_account(places.notes) or "simulated"


def read(places: Places) -> dict[str, Any] | None:
    """Return the manifest of the last run, None where there is none. Raises BadManifest."""
    if not places.manifest.exists():
        return None
    try:
        return parse(places.manifest.read_bytes())
    except BadManifest as problem:
        raise BadManifest(f"{places.manifest}: {problem}; run `make acceptance` again") from problem


def parse(body: bytes) -> dict[str, Any]:
    """Parse and validate the JSON of a manifest. Raises BadManifest."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as problem:
        raise BadManifest(f"not a manifest ({type(problem).__name__})") from problem
    error = next(Draft202012Validator(_SCHEMA).iter_errors(content), None)
    if error is not None:
        where = "".join(f"{one}: " for one in error.absolute_path)
        raise BadManifest(f"not a manifest: {where}{error.message[:200]}")
    found: dict[str, Any] = content
    return found


def changed(places: Places, content: Mapping[str, Any]) -> list[str]:
    """Return a line for each file that is missing, added or changed since the manifest was written."""
    now = {path.relative_to(places.root).as_posix(): path for path in _files(places)}
    gone = [f"missing: {name}" for name in content["files"] if name not in now]
    new = [f"added: {name}" for name in now if name not in content["files"]]
    other = [
        f"changed: {name}"
        for name, path in now.items()
        if name in content["files"] and content["files"][name]["sha256"] != _entry(path)["sha256"]
    ]
    return sorted([*gone, *new, *other])


def _files(places: Places) -> Iterator[Path]:
    results = [places.allure_results, places.junit, places.allure_report]
    for folder in [places.root / places.features, *(places.root / one for one in tree.FOLDERS), *results]:
        yield from (
            path
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not path.is_symlink() and "__pycache__" not in path.parts and path.suffix != ".pyc"
        )
    yield from sorted([*places.notes.glob("endpoints-*.json"), *places.notes.glob("answers-*.jsonl")])
    notes = (places.log, places.memory, places.notes / run_notes.ACCOUNT, places.notes / run_notes.CHANGED_INPUTS)
    yield from (path for path in [*(places.root / one for one in tree.FILES), *notes] if path.is_file())
    yield from (path for path in _summary_files(places) if path.is_file())


def _summary_files(places: Places) -> tuple[Path, ...]:
    return places.proof, places.matrix, places.coverage, *places.coverage_tables


def _rewritable_files(places: Places) -> Iterator[Path]:
    """Yield the files that later results may rewrite."""
    yield from (path for path in sorted(places.allure_report.rglob("*")) if path.is_file())
    kept = (places.root / places.features / one for one in (proofs.FILE, mutation_score.FILE))
    yield from (path for path in (*_summary_files(places), *kept) if path.is_file())


def _entry(path: Path) -> dict[str, Any]:
    return {"sha256": _sum(path), "bytes": path.stat().st_size}


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _user(root: Path) -> str:
    """Return the CI actor, git's user name, the login name, or "unknown"."""
    actor = next((os.environ[one] for one in _ACTORS if os.environ.get(one)), "")
    if actor:
        return f"{actor} (CI)"
    try:
        return git.user_name(root) or getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _tools(root: Path) -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": f"{platform.system()} {platform.machine()}"}
    for name in _TOOLS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    allure = root / "node_modules" / "allure" / "package.json"
    if allure.exists():
        found["allure"] = json.loads(allure.read_text(encoding="utf-8"))["version"]
    return found


def paths(content: Mapping[str, Any]) -> Sequence[str]:
    """Return the files of a manifest, in order."""
    return sorted(content["files"])
