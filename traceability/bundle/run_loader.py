"""Loads finished runs, and combines their results by criterion and target.

A run is represented by its coverage document, read from a coverage.json, a folder that contains one, or a bundle.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from traceability.bundle import archive, manifest
from traceability.evaluation.coverage import rows_of, sections, totals_of
from traceability.model import sign_offs
from traceability.model.catalogue import DOCUMENTS, MAIN
from traceability.model.problems import UserProblem
from traceability.model.states import NO_SCENARIO, PROVEN, REHEARSAL, STATES
from traceability.model.verdict import NOT_RUN, PASSED, SUITE_DEFECT, VIOLATED

_TEXT = {"type": "string"}
_SCENARIO = {
    "type": "object",
    "required": ["name", "file", "line", "status", "verdict", "seconds", "reason"],
    "properties": {
        **dict.fromkeys(("name", "file", "status", "reason", "report"), _TEXT),
        "verdict": {"enum": [PASSED, VIOLATED, SUITE_DEFECT, NOT_RUN]},
        "line": {"type": "integer"},
        "seconds": {"type": "number"},
    },
}
_SIGN_OFF = {
    "type": ["object", "null"],
    "required": ["kind", "owner", "reason", "expires", "expired"],
    "properties": {
        "kind": {"enum": list(sign_offs.WORDS)},
        **dict.fromkeys(("owner", "reason", "expires"), _TEXT),
        "expired": {"type": "boolean"},
    },
}
_ROW = {
    "type": "object",
    "required": ["id", "requirement", "state", "proven_on", "scenarios"],
    "properties": {
        "id": _TEXT,
        "requirement": _TEXT,
        "revision": _TEXT,
        "state": {"enum": list(STATES)},
        "can_fail": {"type": ["boolean", "null"]},
        "rehearsed": {"type": "boolean"},
        "sign_off": _SIGN_OFF,
        "proven_on": {"type": "array", "items": _TEXT},
        "scenarios": {"type": "array", "items": _SCENARIO},
    },
}
_TEXTS = ("document", "target", "commit", "started", "finished")
_SECTION = {
    "totals": {"type": "object", "required": ["criteria", *STATES], "additionalProperties": {"type": "integer"}},
    "criteria": {"type": "array", "items": _ROW},
}
_SCHEMA = {
    "type": "object",
    "required": [*_TEXTS, *_SECTION],
    "properties": {
        **dict.fromkeys(_TEXTS, _TEXT),
        **_SECTION,
        **{
            one.key: {
                "type": "object",
                "required": ["document", *_SECTION],
                "properties": {"document": _TEXT, **_SECTION},
            }
            for one in DOCUMENTS[1:]
        },
    },
}
MAX_BYTES = 20_000_000
_INSIDE = ("coverage.json", "reports/coverage.json", "reports/rehearsal/coverage.json")

CoverageDocument = dict[str, Any]
RunKey = tuple[str, str]


class BadRun(UserProblem):
    """The path is not a run; the message names it and the valid kinds of path."""


@dataclass(frozen=True)
class TargetResult:
    """The result of a criterion in the latest run on a target that evaluated it: a state, or "rehearsed"."""

    state: str
    when: str
    commit: str
    same_revision: bool
    since: str
    """Time of the first run in the unbroken series of such results; meaningful for a proven criterion."""
    past: bool
    """True if the current run did not repeat the result, or the criterion has no scenario now."""


def read(path: Path) -> CoverageDocument:
    """Return the coverage document of a run. Raises BadRun, also if it does not match the manifest beside it."""
    try:
        return _complete(path, json.loads(_text(path)))
    except BadRun:
        raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as problem:
        raise BadRun(
            f"{path}: not a run ({type(problem).__name__}); name a coverage.json, a folder with one, or a bundle"
        ) from problem


def _complete(path: Path, content: Any) -> CoverageDocument:
    error = next(Draft202012Validator(_SCHEMA).iter_errors(content), None)
    if error is not None:
        where = "".join(f"{one}: " for one in error.absolute_path)
        raise BadRun(f"{path}: not the coverage document of a run: {where}{error.message[:200]}")
    for row in rows_of(content):
        # Runs of earlier versions lack these keys.
        for key, value in {"rehearsed": False, "revision": "", "sign_off": None, "can_fail": None}.items():
            row.setdefault(key, value)
    for kind, section in sections(content):
        totals, where = section["totals"], "its" if kind is MAIN else f"its {kind.key}'"
        for key, count in totals_of(section["criteria"]).items():
            if totals.setdefault(key, count) != count:
                raise BadRun(f"{path}: not a run: {where} totals have {totals[key]} {key}, {where} criteria {count}")
    run: CoverageDocument = content
    return run


def key_of(run: Mapping[str, Any]) -> RunKey:
    """Return the identity of a run: its start and its target."""
    return str(run["started"]), str(run["target"])


def evaluated_criteria(run: CoverageDocument) -> set[str]:
    """Return the criteria with a result in a run: red, proven, or rehearsed."""
    return {row["id"] for row in rows_of(run) if _result_of(run, row)}


def latest_by_target(
    runs: Sequence[CoverageDocument],
    revisions: Mapping[str, str],
    current: CoverageDocument | None = None,
    earlier: Sequence[CoverageDocument] = (),
) -> dict[str, dict[str, TargetResult]]:
    """Return, by criterion and target, the result of the latest run that evaluated the criterion.

    `current` is the run to show: results on its target from other runs are marked past. `earlier` are the runs that
    determine since when a criterion is proven, by default `runs`.
    """
    since = _since(earlier or runs, revisions)
    found: dict[str, dict[str, TargetResult]] = {one: {} for one in revisions}
    gone = {row["id"] for row in rows_of(current) if row["state"] == NO_SCENARIO} if current else set()
    for run in sorted(runs, key=key_of):
        for row in rows_of(run):
            said, one = _result_of(run, row), row["id"]
            if one not in found or not said:
                continue
            past = one in gone or (current is not None and run["target"] == current["target"] and run is not current)
            same = row["revision"] in ("", revisions[one])
            first = since.get((one, run["target"]), run["finished"])
            found[one][run["target"]] = TargetResult(
                said, run["finished"], run["commit"], same, min(first, run["finished"]), past
            )
    return found


def _since(runs: Sequence[CoverageDocument], revisions: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """Return, by criterion and target, the end of the first run in the current unbroken series of proofs.

    A run without a result does not break the series; red, another text of the criterion, and no scenario do.
    """
    first: dict[tuple[str, str], str] = {}
    for run in sorted(runs, key=key_of):
        for row in rows_of(run):
            place, said = (row["id"], run["target"]), _result_of(run, row)
            same = row["revision"] in ("", revisions.get(row["id"]))
            if said in (PROVEN, "rehearsed") and same:
                first.setdefault(place, run["finished"])
            elif said or row["state"] == NO_SCENARIO:
                first.pop(place, None)
    return first


def _result_of(run: CoverageDocument, row: Mapping[str, Any]) -> str:
    """Return the result of a criterion in a run, "" if the run did not evaluate it."""
    if row["state"] not in (NOT_RUN, NO_SCENARIO):
        return str(row["state"])
    return "rehearsed" if row["rehearsed"] and run["target"] == REHEARSAL else ""


def last_proven(runs: Sequence[CoverageDocument], criterion: str) -> str:
    """Return when and where a criterion was last proven, "" if never."""
    for run in sorted(runs, key=lambda one: str(one["started"]), reverse=True):
        if any(row["id"] == criterion and row["proven_on"] for row in rows_of(run)):
            return f"{run['finished'][:10]} on {run['target']}"
    return ""


def _text(path: Path) -> str:
    if path.is_dir():
        inside = [path / one for one in _INSIDE if (path / one).is_file()]
        if not inside:
            raise BadRun(f"{path}: no coverage.json in this folder")
        path = inside[0]
    _require_unchanged(path)
    if not archive.is_archive(path):
        return path.read_text(encoding="utf-8")
    body = archive.read_first(path, _INSIDE, MAX_BYTES)
    if body is None:
        raise BadRun(f"{path}: no coverage.json in this bundle")
    described = archive.read_first(path, [archive.MANIFEST], MAX_BYTES)
    if described is not None:
        _require_listed(path, body, path / archive.MANIFEST, described)
    return body.decode()


def _require_unchanged(path: Path) -> None:
    beside = path.with_name(archive.MANIFEST)
    if path.name == "coverage.json" and beside.is_file():
        _require_listed(path, path.read_bytes(), beside, beside.read_bytes())


def _require_listed(path: Path, body: bytes, beside: Path, described: bytes) -> None:
    try:
        files = manifest.parse(described)["files"]
    except manifest.BadManifest as problem:
        raise BadRun(f"{beside}: {problem}") from problem
    known = {files[one]["sha256"] for one in _INSIDE if one in files}
    if hashlib.sha256(body).hexdigest() not in known:
        raise BadRun(f"{path}: changed since its run: {beside.name} has a different checksum")
