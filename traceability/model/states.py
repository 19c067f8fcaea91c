"""The words and signs of results: the five states of a criterion, their labels, and the marks of a run.

Other programs read the state names from `coverage.json`; they never change.
"""

from __future__ import annotations

from traceability.model.catalogue import Criterion, Requirement
from traceability.model.verdict import NOT_RUN, PASSED, SUITE_DEFECT, VIOLATED

PROVEN, NO_SCENARIO = "proven", "no_scenario"
STATES = (PROVEN, VIOLATED, SUITE_DEFECT, NOT_RUN, NO_SCENARIO)
STATE_WORDS = {
    PROVEN: "Proven",
    VIOLATED: "Violated",
    SUITE_DEFECT: "Suite defect",
    NOT_RUN: "Not run",
    NO_SCENARIO: "No scenario",
}
STATE_SIGNS = {PROVEN: "✓", VIOLATED: "✗", SUITE_DEFECT: "!", NOT_RUN: "–", NO_SCENARIO: "·"}

ALLURE_STATUS = {PASSED: "passed", VIOLATED: "failed", SUITE_DEFECT: "broken", NOT_RUN: "skipped"}
"""Verdict of a scenario to the status in its Allure result."""

REHEARSAL = "aws-rehearsal"
REHEARSED = "rehearsed, not run on AWS"
DOUBTED = "the records of this run do not agree"
DESELECTED = "Deselected by the tags or files of this run"


def requirement_label(requirement: Requirement) -> str:
    """Return the first level of the report's tree; two digits keep the twelve in order."""
    return f"{int(requirement.id):02} {requirement.title}"


def criterion_label(criterion: Criterion) -> str:
    """Return the second level of the report's tree: number and full text."""
    return f"{criterion.tag} {criterion.text}"
