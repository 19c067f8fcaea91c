"""Rewrites the outputs of a finished run after new results: the negative proof, or runs on other targets."""

from __future__ import annotations

import json
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
    """Rewrite coverage, matrix, report and manifest of an unchanged run; return the path of the report.

    Raises allure_report.ReportFailed before any file is written.
    """
    # The report may fail, so it comes first: a half-written run would contradict its manifest.
    page = _report(places, catalogue, content, differences, known)
    coverage.write(content, catalogue, places.reports)
    matrix.write(content, catalogue, places.matrix, known)
    manifest.update(places, content)
    return page


def write_proof(
    places: Places, catalogue: Catalogue, proof: Mapping[str, Any], last_runs: Sequence[tuple[Places, LastRun]]
) -> None:
    """Write prove.json, and add its results to the outputs of the last runs."""
    places.proof.write_text(json.dumps(proof, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for of_run, last in last_runs:
        add_proof(of_run, catalogue, last, proof["can_fail"])


def add_proof(places: Places, catalogue: Catalogue, last: LastRun, can_fail: Mapping[str, bool]) -> None:
    """Add to coverage, matrix and report of the last run which criteria can fail."""
    for row in coverage.rows_of(last.coverage):
        row["can_fail"] = can_fail.get(row["id"])
    known = provenance.gather(places, catalogue, last.coverage)
    rewrite(places, catalogue, last.coverage, last.differences, known)


def refresh(places: Places, catalogue: Catalogue, content: dict[str, Any], differences: Sequence[str]) -> bool:
    """Rewrite matrix and report if the matrix is out of date; return True if it was.

    The run itself must be unchanged.
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
    """Write the report of a run, with the matrix attached, and the manifest. Raises allure_report.ReportFailed."""
    page = _report(places, catalogue, content, differences, known)
    manifest.write(places, content)
    return page


def _report(
    places: Places, catalogue: Catalogue, content: Mapping[str, Any], differences: Sequence[str], known: Provenance
) -> Path:
    inside = places.notes / "matrix" / "matrix.html"
    inside.parent.mkdir(parents=True, exist_ok=True)
    matrix.write(content, catalogue, inside, known, links=False)
    shown = {one: matrix.describe(one, known) for one in known.found}
    changes = known.changes(content["target"], content["finished"])
    tree = {"Commit": matrix.commit_name(content["commit"][:12], changes)}
    tree |= {"Uncommitted": matrix.few(changes)} if changes else {}
    return allure_report.build(
        content, catalogue, places.allure_results, places.allure_report, places.root, differences, inside, shown, tree
    )
