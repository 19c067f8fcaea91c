"""The part of the scenarios that a partial run selected, and how they ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from traceability.evaluation.coverage import rows_of
from traceability.model.states import DESELECTED
from traceability.model.verdict import SUITE_DEFECT, VIOLATED


def entry(run: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Return `{"partial": counts}` for a coverage document that left scenarios out, {} for one of a whole run.

    The counts are numbers of scenarios. A scenario that the target cannot run is neither green nor red.
    """
    rows = _scenarios(run)
    if all(one["reason"] != DESELECTED for one in rows):
        return {}
    green, red = sum(1 for _ in green_ones(run)), sum(map(_is_red, rows))
    return {"partial": {"scenarios": len(rows), "run": green + red, "green": green, "red": red}}


def sentence(run: Mapping[str, Any]) -> str:
    """Return how much of the suite a partial run shows, "" for a whole run."""
    counts = entry(run).get("partial")
    if counts is None:
        return ""
    ran, how = f"{counts['run']} of {counts['scenarios']} scenarios", f"{counts['green']} green, {counts['red']} red"
    return f"Partial run: {ran}, {how}"


def green_ones(run: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the passed scenarios; a rehearsed one has passed, although it proves no criterion."""
    yield from (one for one in _scenarios(run) if one["status"] == "passed" and not _is_red(one))


def _is_red(one: Mapping[str, Any]) -> bool:
    return one["verdict"] in (VIOLATED, SUITE_DEFECT)


def _scenarios(run: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return each scenario once; one with several criteria stands below each of them, and its worst row counts."""
    found: dict[tuple[str, str, int], Mapping[str, Any]] = {}
    for one in (one for row in rows_of(run) for one in row["scenarios"]):
        key = one["file"], one["name"], one["line"]
        if key not in found or _is_red(one):
            found[key] = one
    return list(found.values())
