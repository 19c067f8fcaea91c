"""What changed between two runs, criterion by criterion: newly proven, regressed, lost, reworded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from traceability.evaluation.coverage import first_reason
from traceability.model.states import PROVEN
from traceability.model.verdict import SUITE_DEFECT, VIOLATED

KINDS = {
    "regressed": "red now, and it was not",
    "lost": "proven or rehearsed before, and not tried now",
    "newly_proven": "proven now, and it was not",
    "reworded": "the criterion reads differently",
}
_RED = (VIOLATED, SUITE_DEFECT)


def between(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Return `{"from": run, "to": run, "regressed": [row], "lost": [row], "newly_proven": [row], "reworded": [row]}`.

    A row is `{"id", "before", "after", "reason"}`; a criterion that one of the runs does not know is "absent" there.
    """
    old = {row["id"]: row for row in before["criteria"]}
    new = {row["id"]: row for row in after["criteria"]}
    found: dict[str, list[dict[str, str]]] = {kind: [] for kind in KINDS}
    for one in dict.fromkeys([*new, *old]):
        was, is_now = _word(old.get(one)), _word(new.get(one))
        row = {"id": one, "before": was, "after": is_now, "reason": first_reason(new[one]) if one in new else ""}
        if is_now in _RED and was not in _RED:
            found["regressed"].append(row)
        elif was in (PROVEN, "rehearsed") and is_now not in (PROVEN, "rehearsed", *_RED):
            found["lost"].append(row)
        elif is_now == PROVEN and was != PROVEN:
            found["newly_proven"].append(row)
        words = (old.get(one, {}).get("revision"), new.get(one, {}).get("revision"))
        if all(words) and words[0] != words[1]:
            found["reworded"].append(row)
    return {"from": _run(before), "to": _run(after), **found}


def is_worse(found: Mapping[str, Any]) -> bool:
    """Say whether something regressed; what is not tried is worse only where the same target could have tried it."""
    same_target = found["from"]["target"] == found["to"]["target"]
    return bool(found["regressed"] or (same_target and found["lost"]))


def _word(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "absent"
    return "rehearsed" if row["rehearsed"] and row["state"] == "not_run" else str(row["state"])


def _run(run: Mapping[str, Any]) -> dict[str, str]:
    return {key: str(run[key]) for key in ("target", "commit", "started", "finished")}
