"""The states of a criterion, and their labels and signs in every output.

Other programs read the state names from `coverage.json`: the names never change.
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
"""From the verdict of a scenario to the status in its Allure result."""

REHEARSAL = "aws-rehearsal"
TARGET_WORDS = {"moto": "simulated AWS", "aws": "real AWS", REHEARSAL: "a rehearsal"}
"""The targets as readers know them; the files have the keys."""
REHEARSED = "rehearsed, not run on AWS"
RECORDS_DIFFER = "the records of this run do not agree"
DESELECTED = "Deselected by the tags or files of this run"


def requirement_label(requirement: Requirement) -> str:
    """Return the label of the report tree's first level; two digits keep the requirements of a document in order."""
    prefix = requirement.id.removesuffix(str(requirement.number))
    return f"{prefix}{requirement.number:02} {requirement.title}"


def criterion_label(criterion: Criterion) -> str:
    """Return the label of the report tree's second level: tag and full text."""
    return f"{criterion.tag} {criterion.text}"
