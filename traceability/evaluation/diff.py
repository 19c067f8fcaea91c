"""Compares two runs criterion by criterion: newly proven, regressed, lost, reworded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from traceability.evaluation.coverage import first_reason, rows_of
from traceability.model.states import PROVEN
from traceability.model.verdict import SUITE_DEFECT, VIOLATED

KINDS = {
    "regressed": "red now, not red before",
    "lost": "proven or rehearsed before, not run now",
    "newly_proven": "proven now, not proven before",
    "reworded": "the text of the criterion changed",
}
_RED = (VIOLATED, SUITE_DEFECT)


def between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return `{"from": run, "to": run, "regressed": [row], "lost": [row], "newly_proven": [row], "reworded": [row]}`.

    A row is `{"id", "before", "after", "reason"}`; "absent" is the state of a criterion that one run does not contain.
    """
    old = {row["id"]: row for row in rows_of(before)}
    new = {row["id"]: row for row in rows_of(after)}
    found: dict[str, list[dict[str, str]]] = {kind: [] for kind in KINDS}
    for one in dict.fromkeys([*new, *old]):
        state_before, state_now = _state_label(old.get(one)), _state_label(new.get(one))
        reason = first_reason(new[one]) if one in new else ""
        row = {"id": one, "before": state_before, "after": state_now, "reason": reason}
        if state_now in _RED and state_before not in _RED:
            found["regressed"].append(row)
        elif state_before in (PROVEN, "rehearsed") and state_now not in (PROVEN, "rehearsed", *_RED):
            found["lost"].append(row)
        elif state_now == PROVEN and state_before != PROVEN:
            found["newly_proven"].append(row)
        words = (old.get(one, {}).get("revision"), new.get(one, {}).get("revision"))
        if all(words) and words[0] != words[1]:
            found["reworded"].append(row)
    return {"from": _run(before), "to": _run(after), **found}


def is_worse(found: Mapping[str, Any]) -> bool:
    """Return whether a criterion regressed or was lost; a lost one counts only between runs on the same target."""
    same_target = found["from"]["target"] == found["to"]["target"]
    return bool(found["regressed"] or (same_target and found["lost"]))


def _state_label(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "absent"
    return "rehearsed" if row["rehearsed"] and row["state"] == "not_run" else str(row["state"])


def _run(run: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(run[key]) for key in ("target", "commit", "started", "finished")}
