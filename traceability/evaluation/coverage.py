"""Computes the state of each criterion and writes coverage.json and coverage.csv, which other tools read.

Invariant: each criterion of the catalogue is in exactly one of the five states. Each document of the catalogue has its
own totals: the requirements document at the top level of coverage.json, each other document below a key of its own.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from traceability.evaluation.record_readers import AllureCase, JUnitCase, Key, junit_key, junit_verdict
from traceability.model import sign_offs
from traceability.model.catalogue import DOCUMENTS, MAIN, Catalogue, Document, DocumentKind
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
class ScenarioOutcome:
    """How one scenario ended: behave's status, the verdict, and the reason if it did not pass."""

    scenario: Scenario
    status: str
    verdict: str
    seconds: float
    reason: str
    reported: str = ""
    """The verdict from behave's own record. `verdict` may be worse, for reasons unknown to behave."""
    report_id: str = ""


@dataclass(frozen=True)
class RunFacts:
    """The facts of a run that no scenario's record holds; times are ISO-8601 UTC.

    `selected` is the target that was selected; the endpoints called prove the actual one.
    """

    selected: str
    exit_code: int
    commit: str
    started: str
    finished: str
    partial: bool = False
    """Arguments selected a part of the scenarios."""


def outcomes(
    scenarios: Sequence[Scenario], features: str, junit: Sequence[JUnitCase], allure: Sequence[AllureCase]
) -> list[ScenarioOutcome]:
    """Return the outcome of every scenario of the features; one without a result is a suite defect."""
    cases = {case.key: case for case in junit}
    results = {case.key: case for case in allure}
    return [_outcome(one, cases.get(junit_key(one, features)), results.get(one.key)) for one in scenarios]


def state_of(outcomes: Sequence[ScenarioOutcome], target: str) -> str:
    """Return the state of a criterion with these scenarios; a red scenario decides before a skipped one."""
    verdicts = {one.verdict for one in outcomes}
    if VIOLATED in verdicts or SUITE_DEFECT in verdicts:
        return VIOLATED if VIOLATED in verdicts else SUITE_DEFECT
    if not outcomes:
        return NO_SCENARIO
    mine = [one for one in outcomes if for_target(one.scenario, target)]
    return PROVEN if mine and all(one.verdict == PASSED for one in mine) else NOT_RUN


def document(
    catalogue: Catalogue,
    outcomes: Sequence[ScenarioOutcome],
    facts: RunFacts,
    target: str,
    can_fail: Mapping[str, bool] | None = None,
    rehearsed: Collection[str] = (),
    suspects: Mapping[str, str] | None = None,
    signed: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Return the content of `coverage.json`.

    `target` is the proven target, else the selected one. By criterion: `can_fail` is the result of the negative proof,
    `suspects` the reason why its scenarios are not reliable, `signed` the row of its sign-off. `rehearsed` are the
    criteria that a rehearsal of the same tree passed.
    """
    rows = {
        one: _criterion_row(one, catalogue, _reliable_outcomes(one, outcomes, (suspects or {}).get(one, "")), target)
        for one in catalogue.criteria
    }
    for row in rows.values():
        row["can_fail"] = (can_fail or {}).get(row["id"])
        row["sign_off"] = (signed or {}).get(row["id"])
        row["rehearsed"] = row["rehearsed"] or (row["state"] == NOT_RUN and row["id"] in rehearsed)
    main, *others = catalogue.documents
    return {
        "document": main.title,
        "target": target,
        "commit": facts.commit,
        "started": facts.started,
        "finished": facts.finished,
        **_section(main, rows),
        **{one.kind.key: {"document": one.title, **_section(one, rows)} for one in others},
    }


def sections(run: Mapping[str, Any]) -> Iterator[tuple[DocumentKind, Mapping[str, Any]]]:
    """Yield each document of a coverage document or manifest with its `document`, `totals` and `criteria`.

    A manifest has no `criteria`; a run of an earlier version has fewer documents.
    """
    yield MAIN, run
    yield from ((kind, run[kind.key]) for kind in DOCUMENTS[1:] if kind.key in run)


def rows_of(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of all documents of a coverage document. Never count them: each document has its own totals."""
    return [row for _, section in sections(run) for row in section["criteria"]]


def _section(document: Document, rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    mine = [rows[one] for one in document.criteria]
    return {"totals": totals_of(mine), "criteria": mine}


def totals_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Count the criteria by state; deselected, rehearsed, signed off and expired overlap with the states."""
    return {
        "criteria": len(rows),
        **{state: sum(row["state"] == state for row in rows) for state in STATES},
        "deselected": sum(row["state"] == NOT_RUN and first_reason(row) == DESELECTED for row in rows),
        "rehearsed": sum(row["rehearsed"] for row in rows),
        "signed_off": sum(row["sign_off"] is not None for row in rows),
        "expired": sum(row["sign_off"] is not None and row["sign_off"]["expired"] for row in rows),
    }


def write(content: Mapping[str, Any], catalogue: Catalogue, directory: Path) -> None:
    """Write coverage.json and a CSV file for each document."""
    for name, body in files(content, catalogue).items():
        (directory / name).write_bytes(body)


def files(content: Mapping[str, Any], catalogue: Catalogue) -> dict[str, bytes]:
    """Return the bytes of the files by name; equal content gives equal bytes, so that a check can compare them."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    tables = {kind.coverage_table: _table(section["criteria"], catalogue) for kind, section in sections(content)}
    return {"coverage.json": text.encode(), **tables}


def _table(rows: Sequence[Mapping[str, Any]], catalogue: Catalogue) -> bytes:
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(_COLUMNS)
    for row in rows:
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
                sign_offs.describe(row),
                catalogue.criteria[row["id"]].text,
            ]
        )
    return table.getvalue().encode()


def first_reason(row: Mapping[str, Any]) -> str:
    """Return why a criterion is not proven, in one line; empty when it is."""
    return short(_reason(row))


def first_judgement(row: Mapping[str, Any]) -> str:
    """Return what `first_reason` does; of a failed comparison, only the expected and the found value."""
    return judgement(_reason(row))


def _reason(row: Mapping[str, Any]) -> str:
    return "" if row["state"] == PROVEN else next((str(one["reason"]) for one in _deciding(row) if one["reason"]), "")


def deciding_scenario(row: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the scenario that decides the state of a criterion, None if it has no scenario."""
    return next(iter(_deciding(row)), None)


def _deciding(row: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the scenarios of a criterion: first those with its state, then those that did not pass.

    A rehearsed scenario passed and gives the reason itself.
    """
    passed_first = bool(row["rehearsed"])
    return sorted(
        row["scenarios"],
        key=lambda one: (one["verdict"] != row["state"], (one["status"] == "passed") != passed_first),
    )


def short(reason: str, limit: int = 300) -> str:
    """Return a reason on one line, cut at `limit` characters."""
    line = " ".join(reason.split())
    return line if len(line) <= limit else f"{line[:limit]} …"


def judgement(reason: str) -> str:
    """Return the expected and the found value of a failed comparison on one line, any other reason as `short` does."""
    *_, compared = reason.rpartition("\nExpected: ")
    expected, but, seen = compared.partition("\n     but: ")
    return short(f"Expected: {expected}; seen: {seen}") if but else short(reason)


def _outcome(scenario: Scenario, case: JUnitCase | None, result: AllureCase | None) -> ScenarioOutcome:
    seconds = round(result.seconds, 3) if result else 0.0
    if case is None:
        return ScenarioOutcome(scenario, "missing", SUITE_DEFECT, seconds, "behave recorded no result")
    reported = junit_verdict(case, scenario)
    report_id = result.report_id if result else ""
    if reported == PASSED:
        missing = missing_evidence(scenario, result)
        verdict = SUITE_DEFECT if missing else PASSED
        return ScenarioOutcome(scenario, case.status, verdict, seconds, missing, PASSED, report_id)
    reason = (result.message if result else "") or case.message
    return ScenarioOutcome(scenario, case.status, reported, seconds, reason, reported, report_id)


def missing_evidence(scenario: Scenario, result: AllureCase | None) -> str:
    """Name the first expectation of a passed scenario that attached no evidence; "" when each attached some."""
    expectations = [(index, step) for index, step in enumerate(scenario.steps) if step.is_expectation]
    if not expectations:
        return "passed without an expectation: it has no Then"
    recorded = result.steps if result else ()
    for index, step in expectations:
        name = f"{step.keyword} {step.name}"
        if index >= len(recorded) or recorded[index] != (name, True):
            return f'passed without evidence for "{name}" ({scenario.file}:{step.line})'
    return ""


def _reliable_outcomes(criterion: str, outcomes: Sequence[ScenarioOutcome], suspect: str) -> list[ScenarioOutcome]:
    """Return the outcomes of a criterion's scenarios; with a suspicion, none of them proves the criterion."""
    mine = [one for one in outcomes if criterion in one.scenario.criteria]
    if not suspect:
        return mine
    return [
        replace(one, verdict=SUITE_DEFECT, reason=suspect) if one.verdict in (PASSED, NOT_RUN) else one for one in mine
    ]


def _criterion_row(criterion: str, catalogue: Catalogue, mine: list[ScenarioOutcome], target: str) -> dict[str, Any]:
    state = state_of(mine, target)
    # A rehearsal proves that the suite can run against AWS; it proves no behaviour on AWS.
    rehearsed = state == PROVEN and target == REHEARSAL
    if rehearsed:
        state = NOT_RUN
        mine = [replace(one, verdict=NOT_RUN, reason=REHEARSED) if one.verdict == PASSED else one for one in mine]
    return {
        "id": criterion,
        "requirement": catalogue.criteria[criterion].requirement,
        "revision": catalogue.criteria[criterion].revision,
        "state": state,
        "rehearsed": rehearsed,
        "proven_on": [target] if state == PROVEN else [],
        "scenarios": [_scenario_row(one) for one in mine],
    }


def _scenario_row(outcome: ScenarioOutcome) -> dict[str, Any]:
    one = outcome.scenario
    return {
        "name": one.name,
        "file": one.file,
        "line": one.line,
        "tags": list(one.tags),
        "status": outcome.status,
        "verdict": outcome.verdict,
        "seconds": outcome.seconds,
        "reason": outcome.reason,
        "report": f"allure-report/index.html#{outcome.report_id}" if outcome.report_id else "",
    }


def by_key(outcomes: Sequence[ScenarioOutcome]) -> dict[Key, ScenarioOutcome]:
    """Return the outcomes by file and name of their scenario, the key of Allure results."""
    return {one.scenario.key: one for one in outcomes}
