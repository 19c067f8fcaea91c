"""Runs that are over: read from wherever they are kept, and the history that stays when the next run begins.

A run is its coverage document. It is read from coverage.json itself, from a folder that holds one, or from a bundle.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from traceability import manifest, sign_offs
from traceability.coverage import NO_SCENARIO, REHEARSAL, STATES, totals_of
from traceability.places import Places
from traceability.verdict import NOT_RUN, PASSED, SUITE_DEFECT, VIOLATED

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
_SCHEMA = {
    "type": "object",
    "required": [*_TEXTS, "totals", "criteria"],
    "properties": {
        **dict.fromkeys(_TEXTS, _TEXT),
        "totals": {"type": "object", "required": ["criteria", *STATES], "additionalProperties": {"type": "integer"}},
        "criteria": {"type": "array", "items": _ROW},
    },
}
KEPT = 50
"""So many runs of each target are kept; the oldest go first."""
MOST_BYTES = 20_000_000
_INSIDE = ("coverage.json", "reports/coverage.json", "reports/rehearsal/coverage.json")

Run = dict[str, Any]


class BadRun(ValueError):
    """What was named is not a run; the message names it and what may stand there."""


@dataclass(frozen=True)
class Judgement:
    """What the latest run on a target that tried a criterion said of it: a state, or "rehearsed"."""

    state: str
    when: str
    commit: str
    same_words: bool


def read(path: Path) -> Run:
    """Return the coverage document of a run. Raises BadRun, also where the manifest beside it speaks of another."""
    try:
        return _complete(path, json.loads(_text(path)))
    except BadRun:
        raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError, zipfile.BadZipFile) as problem:
        raise BadRun(
            f"{path}: not a run ({type(problem).__name__}); name a coverage.json, a folder that holds one, or a bundle"
        ) from problem


def _complete(path: Path, content: Any) -> Run:
    error = next(Draft202012Validator(_SCHEMA).iter_errors(content), None)
    if error is not None:
        where = "".join(f"{one}: " for one in error.absolute_path)
        raise BadRun(f"{path}: not the coverage document of a run: {where}{error.message[:200]}")
    for row in content["criteria"]:
        # Runs of before these were written have none of them.
        for key, value in {"rehearsed": False, "revision": "", "sign_off": None, "can_fail": None}.items():
            row.setdefault(key, value)
    totals = totals_of(content["criteria"])
    for key, count in totals.items():
        if content["totals"].setdefault(key, count) != count:
            raise BadRun(f"{path}: not a run: its totals have {content['totals'][key]} {key}, its criteria {count}")
    run: Run = content
    return run


def place(places: Places, run: Mapping[str, Any]) -> Path:
    """Return where a run is kept: its start, its target and its commit tell it from every other."""
    moment = re.sub(r"[^0-9T]", "", run["started"])
    commit = re.sub(r"[^0-9a-f]", "", run["commit"])[:7] or "none"
    return places.history / f"{moment}_{_target(run)}_{commit}.json"


def keep(places: Places, run: Mapping[str, Any]) -> Path:
    """Keep a copy of a run's coverage document; the same run replaces itself."""
    places.history.mkdir(parents=True, exist_ok=True)
    path = place(places, run)
    path.write_text(json.dumps(run, ensure_ascii=False), encoding="utf-8")
    for old in sorted(places.history.glob(f"*_{_target(run)}_*.json"))[:-KEPT]:
        old.unlink()
    return path


def _target(run: Mapping[str, Any]) -> str:
    return re.sub(r"[^a-z-]", "", run["target"]) or "none"


def history(places: Places) -> list[Run]:
    """Return the runs that were kept, oldest first; one that cannot be read is no reason to lose the others."""
    found = []
    for path in sorted(places.history.glob("*.json")):
        try:
            found.append(read(path))
        except BadRun:
            continue
    return sorted(found, key=lambda run: run["started"])


def known(places: Places, current: Run) -> list[Run]:
    """Return all runs that are known: the history, the rehearsal of the same suite, and the current one."""
    runs = history(places)
    rehearsal = places.of_rehearsal.coverage
    if rehearsal.exists() and not places.rehearsal:
        with suppress(BadRun):
            runs.append(read(rehearsal))
    return list({(run["started"], run["target"]): run for run in [*runs, current]}.values())


def side_by_side(runs: Sequence[Run], revisions: Mapping[str, str]) -> dict[str, dict[str, Judgement]]:
    """Return, by criterion and target, what the latest run that tried it found; later runs outweigh earlier ones."""
    found: dict[str, dict[str, Judgement]] = {one: {} for one in revisions}
    for run in sorted(runs, key=lambda one: str(one["started"])):
        for row in run["criteria"]:
            of_rehearsal = run["target"] == REHEARSAL
            if row["id"] not in found or (
                row["state"] in (NOT_RUN, NO_SCENARIO) and not (of_rehearsal and row["rehearsed"])
            ):
                continue
            state = "rehearsed" if row["state"] == NOT_RUN else row["state"]
            same = row["revision"] in ("", revisions[row["id"]])
            found[row["id"]][run["target"]] = Judgement(state, run["finished"], run["commit"], same)
    return found


def last_proven(runs: Sequence[Run], criterion: str) -> str:
    """Return when and where a criterion was proven last, "" when none of the runs did."""
    for run in sorted(runs, key=lambda one: str(one["started"]), reverse=True):
        if any(row["id"] == criterion and row["proven_on"] for row in run["criteria"]):
            return f"{run['finished'][:10]} on {run['target']}"
    return ""


def _text(path: Path) -> str:
    if path.is_dir():
        inside = [path / one for one in _INSIDE if (path / one).is_file()]
        if not inside:
            raise BadRun(f"{path}: no coverage.json in this folder")
        path = inside[0]
    _require_as_left(path)
    if not zipfile.is_zipfile(path):
        return path.read_text(encoding="utf-8")
    with zipfile.ZipFile(path) as archive:
        names = [one for one in _INSIDE if one in archive.namelist()]
        if not names:
            raise BadRun(f"{path}: no coverage.json in this bundle")
        with archive.open(names[0]) as file:
            # However small it says it is: no more is read than a run can be.
            return file.read(MOST_BYTES).decode()


def _require_as_left(path: Path) -> None:
    beside = path.with_name("manifest.json")
    if path.name != "coverage.json" or not beside.is_file():
        return
    try:
        files = manifest.checked(beside.read_bytes())["files"]
    except manifest.BadManifest as problem:
        raise BadRun(f"{beside}: {problem}") from problem
    known = {files[one]["sha256"] for one in _INSIDE if one in files}
    if hashlib.sha256(path.read_bytes()).hexdigest() not in known:
        raise BadRun(f"{path}: not what its run left: {beside.name} beside it has another check sum")
