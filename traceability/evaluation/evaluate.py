"""What a run's records say: the coverage document and what they disagree about. Nothing is written.

A run is judged when it ends, and again by whatever would write down something of it later: the same records give the
same judgement.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from traceability.evaluation import coverage, reconcile, record_readers
from traceability.model import revisions, run_notes, sign_offs, states
from traceability.model.catalogue import Catalogue
from traceability.model.feature_files import Scenario
from traceability.model.paths import Places
from traceability.model.verdict import PASSED, SUITE_DEFECT


@dataclass(frozen=True)
class Begun:
    """What was asked of behave and how it ended: facts that no record of a scenario holds."""

    selected: str
    exit_code: int
    commit: str
    started: str
    finished: str


def judge(
    places: Places, catalogue: Catalogue, scenarios: Sequence[Scenario], begun: Begun, rehearsed: Collection[str]
) -> tuple[dict[str, Any], list[str]]:
    """Return the coverage document and a line for each disagreement. Raises record_readers.UnreadableResult.

    `rehearsed` are the criteria that a rehearsal of the same tree went through.
    """
    junit, allure = record_readers.read_junit(places.junit), record_readers.read_allure(places.allure_results)
    ends = coverage.outcomes(scenarios, places.features, junit, allure)
    target = run_notes.target_of(run_notes.load_endpoints(places.notes))
    records = reconcile.Records(
        catalogue,
        places.features,
        scenarios,
        junit,
        allure,
        ends,
        begun.exit_code,
        begun.selected,
        target,
        begun.started,
        begun.finished,
    )
    differences = reconcile.differences(records)
    # A run without one passed scenario called no endpoint that could prove a target; it is named as it was selected.
    named = {"rehearsal": states.REHEARSAL}.get(begun.selected, begun.selected)
    facts = coverage.Run(target or named, begun.commit, begun.started, begun.finished)
    folder = places.root / places.features
    # A sign-off holds or has expired on the day of the run, whenever the run is judged.
    today = datetime.fromisoformat(begun.finished).date()
    content = coverage.document(
        catalogue,
        _believed(ends, differences),
        facts,
        record_readers.read_can_fail(places.proof, places.root),
        rehearsed,
        revisions.suspects(catalogue, revisions.load(folder)),
        {one: item.row(today) for one, item in sign_offs.load(folder, catalogue).items()},
    )
    return content, [*differences, *reconcile.coverage_differences(catalogue, content)]


def _believed(ends: Sequence[coverage.Outcome], differences: Sequence[str]) -> Sequence[coverage.Outcome]:
    """Records that contradict each other prove nothing: every scenario that seemed to pass becomes a suite defect."""
    if not differences:
        return ends
    reason = f"{states.DOUBTED}: {differences[0]}"
    return [replace(end, verdict=SUITE_DEFECT, reason=reason) if end.verdict == PASSED else end for end in ends]
