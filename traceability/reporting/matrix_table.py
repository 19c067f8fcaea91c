"""The matrix as a table for spreadsheets: one row for each criterion, with its latest result on each target."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from traceability.bundle.run_loader import TargetResult
from traceability.evaluation.coverage import first_reason, sections
from traceability.model import sign_offs
from traceability.model.catalogue import Catalogue
from traceability.reporting.matrix import TARGETS, commit_name
from traceability.reporting.provenance import Provenance

_OF_A_TARGET = ("state", "date", "since", "commit")
COLUMNS = (
    *("document", "criterion", "requirement", "title", "state", "can fail"),
    *(f"{word} {column}" for word in TARGETS.values() for column in _OF_A_TARGET),
    *("scenarios", "reason", "sign-off", "text"),
)
_NOT_TRIED = ("not tried", "", "", "")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def encode(coverage: Mapping[str, Any], catalogue: Catalogue, known: Provenance) -> bytes:
    """Return the bytes of the file: UTF-8 with a byte-order mark, by which spreadsheets know it."""
    table = io.StringIO(newline="")
    writer = csv.DictWriter(table, COLUMNS)
    writer.writeheader()
    for kind, section in sections(coverage):
        for row in section["criteria"]:
            cells = {"document": kind.key, **_cells(row, catalogue, known)}
            writer.writerow({name: _inert(str(value)) for name, value in cells.items()})
    return table.getvalue().encode("utf-8-sig")


def _cells(row: Mapping[str, Any], catalogue: Catalogue, known: Provenance) -> dict[str, object]:
    criterion = catalogue.criteria[row["id"]]
    requirement = catalogue.requirement_of(row["id"])
    results: dict[str, object] = {}
    for target, word in TARGETS.items():
        one = known.found[row["id"]].get(target)
        values = (_state(one), one.when[:10], one.since[:10], _commit(one, target, known)) if one else _NOT_TRIED
        results |= {f"{word} {column}": value for column, value in zip(_OF_A_TARGET, values, strict=True)}
    return {
        "criterion": criterion.tag,
        "requirement": requirement.id,
        "title": requirement.title,
        "state": row["state"],
        "can fail": "" if row["can_fail"] is None else str(row["can_fail"]).lower(),
        **results,
        "scenarios": len(row["scenarios"]),
        "reason": first_reason(row),
        "sign-off": sign_offs.describe(row),
        "text": criterion.text,
    }


def _commit(one: TargetResult, target: str, known: Provenance) -> str:
    return commit_name(one.commit, known.changes(target, one.when)) if one.commit else ""


def _state(one: TargetResult) -> str:
    earlier = "" if one.same_revision else ", for an earlier text"
    return f"{'not now, last ' if one.past else ''}{one.state}{earlier}"


def _inert(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: a reason may quote any program's words."""
    return f"'{text}" if text.startswith(_FORMULA) else text
