"""Compares a run with the committed list of proofs: the losses that fail the run, the accepted ones, the gains.

A red scenario is no loss: it fails the run by itself, and its criterion is proven again as soon as it is mended.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from traceability.evaluation.coverage import rows_of
from traceability.model import proofs
from traceability.model.proofs import Loss, Proofs
from traceability.model.states import DESELECTED
from traceability.model.verdict import SUITE_DEFECT, VIOLATED

_RED = (VIOLATED, SUITE_DEFECT)


def entries(run: Mapping[str, Any], known: Proofs, *, partial: bool) -> dict[str, Any]:
    """Return the entries `losses` and `accepted_losses` of a coverage document."""
    return {
        "losses": [one.row() for one in losses(run, known, partial=partial)],
        "accepted_losses": [one.row() for one in known.accepted if one.target == run["target"]],
    }


def losses(run: Mapping[str, Any], known: Proofs, *, partial: bool) -> list[Loss]:
    """Return the lost proofs of a run. `partial` says whether arguments selected a part of the scenarios."""
    rows = rows_of(run)
    present = {
        row["id"]: sum(one["verdict"] in _RED or one["status"] == "passed" for one in row["scenarios"]) for row in rows
    }
    deselected = {row["id"]: sum(one["reason"] == DESELECTED for one in row["scenarios"]) for row in rows}
    return proofs.losses(known, run["target"], present, deselected if partial else {})


def passed(run: Mapping[str, Any]) -> dict[str, int]:
    """Return, by criterion without a red scenario, the number of scenarios that passed, at least 1."""
    counts = {
        row["id"]: sum(one["status"] == "passed" for one in row["scenarios"])
        for row in rows_of(run)
        if not any(one["verdict"] in _RED for one in row["scenarios"])
    }
    return {one: count for one, count in counts.items() if count}
