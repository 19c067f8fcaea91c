"""The state of each criterion, and the two files other tools read it from.

Invariant: each criterion of the catalogue is in exactly one of the five states, and their sum is the catalogue.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from traceability.evaluation.record_readers import AllureCase, JUnitCase, Key, junit_key, junit_verdict
from traceability.model import sign_offs
from traceability.model.catalogue import Catalogue
from traceability.model.feature_files import Scenario, for_target
from traceability.model.states import DESELECTED, NO_SCENARIO, PROVEN, REHEARSAL, REHEARSED, STATES
from traceability.model.verdict import NOT_RUN, PASSED, SUITE_DEFECT, VIOLATED

_COLUMNS = (
    "criterion",
    "requirement",
    "title",
    "state",
    "can_fail",
    "rehearsed",
    "proven_on",
    "scenarios",
    "reason",
    "sign_off",
    "text",
)


@dataclass(frozen=True)
class Outcome:
    """How one scenario ended: behave's word, the verdict, and why if it is not passed."""

    scenario: Scenario
    status: str
    verdict: str
    seconds: float
    reason: str
    reported: str = ""
    """The verdict of behave's own record; the other one may be worse, for reasons that behave does not know."""
    report_id: str = ""


@dataclass(frozen=True)
class Run:
    """The facts of a run that no scenario knows. Times are ISO-8601 UTC."""

    target: str
    commit: str
    started: str
    finished: str


def outcomes(
    scenarios: Sequence[Scenario], features: str, junit: Sequence[JUnitCase], allure: Sequence[AllureCase]
) -> list[Outcome]:
    """Judge every scenario of the features; one without a result is a defect of the suite, never proven."""
    cases = {case.key: case for case in junit}
    results = {case.key: case for case in allure}
    return [_outcome(one, cases.get(junit_key(one, features)), results.get(one.key)) for one in scenarios]


def state_of(ends: Sequence[Outcome], target: str) -> str:
    """Return the first of the five states that applies to a criterion with these scenarios."""
    verdicts = {end.verdict for end in ends}
    if VIOLATED in verdicts or SUITE_DEFECT in verdicts:
        return VIOLATED if VIOLATED in verdicts else SUITE_DEFECT
    if not ends:
        return NO_SCENARIO
    mine = [end for end in ends if for_target(end.scenario, target)]
    return PROVEN if mine and all(end.verdict == PASSED for end in mine) else NOT_RUN


def document(
    catalogue: Catalogue,
    ends: Sequence[Outcome],
    run: Run,
    can_fail: Mapping[str, bool] | None = None,
    rehearsed: Collection[str] = (),
    suspects: Mapping[str, str] | None = None,
    signed: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return `coverage.json` as the design fixes it.

    `can_fail` is what the negative proof found, by criterion; `rehearsed` are criteria that a rehearsal of the same
    tree went through; `suspects` says of criteria why their scenarios cannot be relied on; `signed` are rows of
    `sign_offs.SignOff`, by criterion.
    """
    rows = [
        _criterion_row(one, catalogue, _relied_on(one, ends, (suspects or {}).get(one, "")), run.target)
        for one in catalogue.criteria
    ]
    for row in rows:
        row["can_fail"] = (can_fail or {}).get(row["id"])
        row["sign_off"] = (signed or {}).get(row["id"])
        row["rehearsed"] = row["rehearsed"] or (row["state"] == NOT_RUN and row["id"] in rehearsed)
    return {
        "document": catalogue.document,
        "target": run.target,
        "commit": run.commit,
        "started": run.started,
        "finished": run.finished,
        "totals": totals_of(rows),
        "criteria": rows,
    }


def totals_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Count the criteria: the five states, which add up to all, and what is counted apart."""
    return {
        "criteria": len(rows),
        **{state: sum(row["state"] == state for row in rows) for state in STATES},
        "deselected": sum(row["state"] == NOT_RUN and first_reason(row) == DESELECTED for row in rows),
        "rehearsed": sum(row["rehearsed"] for row in rows),
        "signed_off": sum(row["sign_off"] is not None for row in rows),
        "expired": sum(row["sign_off"] is not None and row["sign_off"]["expired"] for row in rows),
    }


def write(content: Mapping[str, Any], catalogue: Catalogue, directory: Path) -> None:
    """Write coverage.json and coverage.csv."""
    for name, body in files(content, catalogue).items():
        (directory / name).write_bytes(body)


def files(content: Mapping[str, Any], catalogue: Catalogue) -> dict[str, bytes]:
    """Return the two files by name; equal content gives equal files, so that both can be held against it."""
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(_COLUMNS)
    for row in content["criteria"]:
        requirement = catalogue.requirement_of(row["id"])
        writer.writerow(
            [
                row["id"],
                row["requirement"],
                requirement.title,
                row["state"],
                "" if row["can_fail"] is None else str(row["can_fail"]).lower(),
                str(row["rehearsed"]).lower(),
                " ".join(row["proven_on"]),
                len(row["scenarios"]),
                first_reason(row),
                sign_offs.told(row),
                catalogue.criteria[row["id"]].text,
            ]
        )
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    return {"coverage.json": text.encode(), "coverage.csv": table.getvalue().encode()}


def first_reason(row: Mapping[str, Any]) -> str:
    """Return why a criterion is not proven, in one line; empty when it is."""
    if row["state"] == PROVEN:
        return ""
    # What passed has a reason when it was rehearsed; or when the whole run is in doubt, and then others come first.
    passed_first = bool(row["rehearsed"])
    rows = sorted(row["scenarios"], key=lambda one: (one["status"] == "passed") != passed_first)
    reasons = [one["reason"] for one in rows if one["reason"]]
    return short(reasons[0]) if reasons else ""


def short(reason: str, limit: int = 300) -> str:
    """Return a reason on one line: an expectation says what it looked at, what it expected and what there was."""
    line = " ".join(reason.split())
    return line if len(line) <= limit else f"{line[:limit]} …"


def _outcome(scenario: Scenario, case: JUnitCase | None, result: AllureCase | None) -> Outcome:
    seconds = round(result.seconds, 3) if result else 0.0
    if case is None:
        return Outcome(scenario, "missing", SUITE_DEFECT, seconds, "behave left no result of this scenario")
    judged = junit_verdict(case, scenario)
    if judged == PASSED:
        lacking = without_evidence(scenario, result)
        judged_so = SUITE_DEFECT if lacking else PASSED
        return Outcome(scenario, case.status, judged_so, seconds, lacking, PASSED, result.report_id if result else "")
    reason = (result.message if result else "") or case.message
    return Outcome(scenario, case.status, judged, seconds, reason, judged, result.report_id if result else "")


def without_evidence(scenario: Scenario, result: AllureCase | None) -> str:
    """Say which expectation of a scenario that passed left nothing to judge it by; "" when each did."""
    expectations = [(index, step) for index, step in enumerate(scenario.steps) if step.is_expectation]
    if not expectations:
        return "passed without expecting anything: it has no Then"
    left = result.steps if result else ()
    for index, step in expectations:
        name = f"{step.keyword} {step.name}"
        if index >= len(left) or left[index] != (name, True):
            return f'passed without evidence: "{name}" ({scenario.file}:{step.line}) attached nothing it was judged on'
    return ""


def _relied_on(criterion: str, ends: Sequence[Outcome], suspect: str) -> list[Outcome]:
    """Return the outcomes of a criterion's scenarios; while they are suspect, none of them proves anything."""
    mine = [end for end in ends if criterion in end.scenario.criteria]
    if not suspect:
        return mine
    return [
        replace(end, verdict=SUITE_DEFECT, reason=suspect) if end.verdict in (PASSED, NOT_RUN) else end for end in mine
    ]


def _criterion_row(criterion: str, catalogue: Catalogue, mine: list[Outcome], target: str) -> dict[str, Any]:
    state = state_of(mine, target)
    # What passed in a rehearsal has proven the suite's way to AWS, and nothing about AWS.
    rehearsed = state == PROVEN and target == REHEARSAL
    if rehearsed:
        state = NOT_RUN
        mine = [replace(end, verdict=NOT_RUN, reason=REHEARSED) if end.verdict == PASSED else end for end in mine]
    return {
        "id": criterion,
        "requirement": catalogue.criteria[criterion].requirement,
        "revision": catalogue.criteria[criterion].revision,
        "state": state,
        "rehearsed": rehearsed,
        "proven_on": [target] if state == PROVEN else [],
        "scenarios": [_scenario_row(end) for end in mine],
    }


def _scenario_row(end: Outcome) -> dict[str, Any]:
    one = end.scenario
    return {
        "name": one.name,
        "file": one.file,
        "line": one.line,
        "tags": list(one.tags),
        "status": end.status,
        "verdict": end.verdict,
        "seconds": end.seconds,
        "reason": end.reason,
        "report": f"allure-report/index.html#{end.report_id}" if end.report_id else "",
    }


def by_key(ends: Sequence[Outcome]) -> dict[Key, Outcome]:
    """Return the outcomes by what Allure calls their scenario."""
    return {end.scenario.key: end for end in ends}
