"""Evaluates the records of a run: returns the coverage document and the differences between the records.

The evaluation writes no file. A run is evaluated when it ends, and again before an output is made from it: the same
records give the same result.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from traceability.evaluation import coverage, partial_run, proof_changes, reconcile, record_readers
from traceability.evaluation.coverage import RunFacts, ScenarioOutcome
from traceability.model import proofs, revisions, run_notes, sign_offs, states
from traceability.model.catalogue import Catalogue
from traceability.model.feature_files import Scenario
from traceability.model.paths import Places
from traceability.model.verdict import PASSED, SUITE_DEFECT


def evaluate_run(
    places: Places, catalogue: Catalogue, scenarios: Sequence[Scenario], facts: RunFacts, rehearsed: Collection[str]
) -> tuple[dict[str, Any], list[str]]:
    """Return the coverage document and one line for each difference. Raises record_readers.UnreadableResult.

    `rehearsed` are the criteria that a rehearsal of the same tree passed.
    """
    junit, allure = record_readers.read_junit(places.junit), record_readers.read_allure(places.allure_results)
    outcomes = coverage.outcomes(scenarios, places.features, junit, allure)
    target = run_notes.target_of(run_notes.load_endpoints(places.notes))
    records = reconcile.Records(catalogue, places.features, scenarios, junit, allure, outcomes, facts, target)
    differences = [*reconcile.differences(records), *_changed_meanwhile(run_notes.changed_inputs(places.notes))]
    # A run without a passed scenario called no endpoint that proves a target; it keeps the name of the selected one.
    selected = {"rehearsal": states.REHEARSAL}.get(facts.selected, facts.selected)
    folder = places.root / places.features
    # The day of the run decides whether a sign-off has expired, not the day of the evaluation.
    today = datetime.fromisoformat(facts.finished).date()
    content = coverage.document(
        catalogue,
        _discredited(outcomes, differences),
        facts,
        target or selected,
        record_readers.read_can_fail(places.proof, places.root),
        rehearsed,
        revisions.suspects(catalogue, revisions.load(folder)),
        {one: item.row(today) for one, item in sign_offs.load(folder, catalogue).items()},
    )
    content |= proof_changes.entries(content, proofs.load(folder), partial=facts.partial)
    content |= partial_run.entry(content)
    return content, [*differences, *reconcile.coverage_differences(catalogue, content)]


def _changed_meanwhile(names: Sequence[str]) -> list[str]:
    """One line, if inputs changed while the suite ran: its results belong to no tree."""
    if not names:
        return []
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return [f"{', '.join(names[:3])}{more} changed while the suite ran: run it again"]


def _discredited(outcomes: Sequence[ScenarioOutcome], differences: Sequence[str]) -> Sequence[ScenarioOutcome]:
    """Records that contradict each other prove no criterion: every passed scenario becomes a suite defect."""
    if not differences:
        return outcomes
    reason = f"{states.RECORDS_DIFFER}: {differences[0]}"
    return [replace(one, verdict=SUITE_DEFECT, reason=reason) if one.verdict == PASSED else one for one in outcomes]
