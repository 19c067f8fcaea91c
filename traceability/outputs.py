"""Writes anew what a run left, when something has been learned of it since: what can fail, what other runs proved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from traceability import coverage, manifest, matrix, recorded, report
from traceability.catalogue import Catalogue
from traceability.last_run import LastRun
from traceability.places import Places


def rewrite(places: Places, catalogue: Catalogue, content: dict[str, Any], differences: Sequence[str]) -> Path:
    """Write coverage, matrix, report and manifest of a run that is as it was left; return the report.

    Raises report.ReportFailed, and then nothing is written.
    """
    # First what may fail: a run of which only half was written anew would not be what its manifest says.
    page = _report(places, catalogue, content, differences)
    coverage.write(content, catalogue, places.reports)
    matrix.write(content, catalogue, places.matrix, recorded.known(places, content))
    manifest.renew(places, content)
    return page


def add_proof(places: Places, catalogue: Catalogue, last: LastRun, can_fail: Mapping[str, bool]) -> None:
    """Write into everything the last run left which criteria can fail: coverage, matrix, report."""
    for row in last.coverage["criteria"]:
        row["can_fail"] = can_fail.get(row["id"])
    if recorded.place(places, last.coverage).exists():
        recorded.keep(places, last.coverage)
    rewrite(places, catalogue, last.coverage, last.differences)


def report_and_manifest(
    places: Places, catalogue: Catalogue, content: Mapping[str, Any], differences: Sequence[str]
) -> Path:
    """Make the report of a run, with its matrix inside, and the manifest of all it left. Raises report.ReportFailed."""
    page = _report(places, catalogue, content, differences)
    manifest.write(places, content)
    return page


def _report(places: Places, catalogue: Catalogue, content: Mapping[str, Any], differences: Sequence[str]) -> Path:
    runs = recorded.known(places, dict(content))
    inside = places.notes / "matrix" / "matrix.html"
    inside.parent.mkdir(parents=True, exist_ok=True)
    matrix.write(content, catalogue, inside, runs, links=False)
    proofs = recorded.side_by_side(runs, {one.id: one.revision for one in catalogue.criteria.values()})
    shown = {one: matrix.told(found) for one, found in proofs.items()}
    return report.build(
        content, catalogue, places.allure_results, places.allure_report, places.root, differences, inside, shown
    )
