"""Writes anew what a run left, when something has been learned of it since: what can fail, what other runs proved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from traceability import coverage, manifest, matrix, recorded, report
from traceability.catalogue import Catalogue
from traceability.places import Places


def rewrite(places: Places, catalogue: Catalogue, content: dict[str, Any], differences: Sequence[str]) -> Path | None:
    """Write coverage, matrix, report and manifest; return the report, None where the run left no results to show."""
    coverage.write(content, catalogue, places.reports)
    matrix.write(content, catalogue, places.matrix, recorded.known(places, content))
    if not places.allure_results.exists():
        return None
    return report_and_manifest(places, catalogue, content, differences)


def report_and_manifest(
    places: Places, catalogue: Catalogue, content: Mapping[str, Any], differences: Sequence[str]
) -> Path:
    """Make the report of a run, with its matrix inside, and the manifest of all it left. Raises report.ReportFailed."""
    runs = recorded.known(places, dict(content))
    inside = places.notes / "matrix" / "matrix.html"
    inside.parent.mkdir(parents=True, exist_ok=True)
    matrix.write(content, catalogue, inside, runs, links=False)
    proofs = recorded.side_by_side(runs, {one.id: one.revision for one in catalogue.criteria.values()})
    shown = {one: matrix.told(found) for one, found in proofs.items()}
    page = report.build(
        content, catalogue, places.allure_results, places.allure_report, places.root, differences, inside, shown
    )
    manifest.write(places, content)
    return page
