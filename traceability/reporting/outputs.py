"""Writes anew what a run left, when something has been learned of it since: what can fail, what other runs proved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from traceability.bundle import manifest
from traceability.bundle.last_run import LastRun
from traceability.evaluation import coverage
from traceability.model.catalogue import Catalogue
from traceability.model.paths import Places
from traceability.reporting import allure_report, matrix, provenance
from traceability.reporting.provenance import Provenance


def rewrite(
    places: Places, catalogue: Catalogue, content: dict[str, Any], differences: Sequence[str], known: Provenance
) -> Path:
    """Write coverage, matrix, report and manifest of a run that is as it was left; return the report.

    Raises report.ReportFailed, and then nothing is written.
    """
    # First what may fail: a run of which only half was written anew would not be what its manifest says.
    page = _report(places, catalogue, content, differences, known)
    coverage.write(content, catalogue, places.reports)
    matrix.write(content, catalogue, places.matrix, known)
    manifest.update(places, content)
    return page


def add_proof(places: Places, catalogue: Catalogue, last: LastRun, can_fail: Mapping[str, bool]) -> None:
    """Write into everything the last run left which criteria can fail: coverage, matrix, report."""
    for row in last.coverage["criteria"]:
        row["can_fail"] = can_fail.get(row["id"])
    known = provenance.gather(places, catalogue, last.coverage)
    rewrite(places, catalogue, last.coverage, last.differences, known)


def refresh(places: Places, catalogue: Catalogue, content: dict[str, Any], differences: Sequence[str]) -> bool:
    """Write matrix and report anew if the matrix is not what the known runs say; return whether that was so.

    The run itself must be intact.
    """
    known = provenance.gather(places, catalogue, content)
    page = matrix.page(content, catalogue, known)
    if places.matrix.exists() and places.matrix.read_text(encoding="utf-8") == page:
        return False
    rewrite(places, catalogue, content, differences, known)
    return True


def report_and_manifest(
    places: Places, catalogue: Catalogue, content: Mapping[str, Any], differences: Sequence[str], known: Provenance
) -> Path:
    """Make the report of a run, with its matrix inside, and the manifest of all it left. Raises report.ReportFailed."""
    page = _report(places, catalogue, content, differences, known)
    manifest.write(places, content)
    return page


def _report(
    places: Places, catalogue: Catalogue, content: Mapping[str, Any], differences: Sequence[str], known: Provenance
) -> Path:
    inside = places.notes / "matrix" / "matrix.html"
    inside.parent.mkdir(parents=True, exist_ok=True)
    matrix.write(content, catalogue, inside, known, links=False)
    shown = {one: matrix.describe(found) for one, found in known.found.items()}
    return allure_report.build(
        content, catalogue, places.allure_results, places.allure_report, places.root, differences, inside, shown
    )
