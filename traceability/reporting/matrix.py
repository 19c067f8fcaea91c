"""The matrix: all requirements and criteria on one static page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traceability.bundle import run_loader
from traceability.bundle.run_loader import CoverageDocument, TargetResult
from traceability.evaluation.coverage import first_reason
from traceability.model import sign_offs
from traceability.model.catalogue import Catalogue, Criterion, Requirement
from traceability.model.states import NO_SCENARIO, PROVEN, REHEARSAL, REHEARSED, STATE_SIGNS, STATE_WORDS, STATES
from traceability.model.verdict import NOT_RUN, SUITE_DEFECT, VIOLATED
from traceability.recording.templates import render
from traceability.reporting.provenance import Provenance, SourceRun

TARGETS = {"moto": "simulated", REHEARSAL: "rehearsed", "aws": "AWS"}
_HISTORY = 20
_NAMES = {"moto": "simulated AWS", "aws": "real AWS"}


@dataclass(frozen=True)
class Cell:
    """One criterion: its row of the coverage document, and its latest result on each target."""

    criterion: Criterion
    row: Mapping[str, Any]
    reason: str
    proofs: Mapping[str, TargetResult]
    last_proven: str
    signed_off: str


@dataclass(frozen=True)
class Trend:
    """The states of a requirement's criteria in each run on one target, oldest first."""

    runs: Sequence[tuple[str, Sequence[str]]]

    @property
    def summary(self) -> str:
        whole = sum(all(state == PROVEN for state in states) for _, states in self.runs)
        return f"all proven in {whole} of the last {len(self.runs)} runs"


def write(
    coverage: Mapping[str, Any], catalogue: Catalogue, path: Path, known: Provenance, *, links: bool = True
) -> None:
    """Write the page. `links` lead to the report beside the page; omit them inside the report."""
    path.write_text(page(coverage, catalogue, known, links=links), encoding="utf-8")


def page(coverage: Mapping[str, Any], catalogue: Catalogue, known: Provenance, *, links: bool = True) -> str:
    """Return the page: no script, no network request; each state has a colour, a sign and a word."""
    rows = {row["id"]: row for row in coverage["criteria"]}
    cells = {
        one.id: Cell(
            one,
            rows[one.id],
            first_reason(rows[one.id]),
            known.found[one.id],
            _last_proven(known, one.id, rows[one.id]),
            sign_offs.describe(rows[one.id]),
        )
        for one in catalogue.criteria.values()
    }
    alike = [run for run in known.runs if run["target"] == coverage["target"]]
    return render(
        "matrix.html",
        coverage=coverage,
        sentence=summary(coverage, known.found),
        on_aws=not_proven_on_aws(known.found),
        requirements=[
            (one, [cells[criterion.id] for criterion in one.criteria], strip(one, alike[-_HISTORY:]))
            for one in catalogue.requirements
        ],
        states=STATES,
        words=STATE_WORDS,
        signs=STATE_SIGNS,
        targets=TARGETS,
        rehearsed=REHEARSED,
        links=links,
        known=known,
        source=describe_source,
        bare=describe_bare_runs(known),
    )


def describe_source(one: SourceRun) -> str:
    """Return one line about a run that provides signs: its target, time, user and digest."""
    origin = "bundle, evaluated again" if one.is_bundle else "from the history, evaluated again"
    criteria = "1 criterion" if one.criteria == 1 else f"{one.criteria} criteria"
    return (
        f"{TARGETS.get(one.target, one.target)} {one.finished[:10]}, commit {one.commit[:7] or 'not known'}, "
        f"by {one.who}, account {one.account}: {criteria} ({origin}), {one.file}, SHA-256 {one.digest}"
    )


def describe_bare_runs(known: Provenance) -> str:
    """Return a sentence about the runs that are kept without records, "" if there are none."""
    runs = f"{known.bare} earlier runs are" if known.bare > 1 else "1 earlier run is"
    use = "the trend and the start dates include them, but they cannot be verified."
    return f"{runs} kept without records: {use}" if known.bare else ""


def _last_proven(known: Provenance, criterion: str, row: Mapping[str, Any]) -> str:
    """Return when an unproven criterion was last proven, "" if the targets' results already show it."""
    said = any(one.past for one in known.found[criterion].values())
    return "" if said or row["state"] == PROVEN else run_loader.last_proven(known.runs, criterion)


def summary(coverage: Mapping[str, Any], proofs: Mapping[str, Mapping[str, TargetResult]]) -> str:
    """Return the result of the run in one sentence."""
    totals, count = coverage["totals"], coverage["totals"]["criteria"]
    on_aws = sum(_proven(one.get("aws")) for one in proofs.values())
    if coverage["target"] == REHEARSAL:
        return f"{totals['rehearsed']} of {count} criteria were rehearsed; a rehearsal is no proof for AWS."
    where = _NAMES.get(coverage["target"], "no known target")
    parts = [f"{totals[PROVEN]} of {count} criteria are proven on {where}"]
    if coverage["target"] != "aws":
        parts.append(f"{on_aws or 'none'} on real AWS")
    words = STATE_WORDS | {NO_SCENARIO: "without scenario"}
    shown = [state for state in (VIOLATED, SUITE_DEFECT, NOT_RUN, NO_SCENARIO) if totals[state]]
    rest = ", ".join(f"{totals[state]} {words[state].lower()}" for state in shown)
    none_violated = "" if totals[VIOLATED] else "none is violated"
    expired = f"expired sign-offs: {totals['expired']}" if totals.get("expired") else ""
    return f"{', '.join(parts)}; {'; '.join(filter(None, [rest, none_violated, expired]))}."


def not_proven_on_aws(proofs: Mapping[str, Mapping[str, TargetResult]]) -> str:
    """Return the criteria that are not proven on AWS in one line; a requirement without proof is named as a whole."""
    lacking = [one for one, found in proofs.items() if not _proven(found.get("aws"))]
    if not lacking:
        return "Not proven on AWS: none."
    if len(lacking) == len(proofs):
        return f"Not proven on AWS: all {len(proofs)}; no known run on AWS proved one."
    whole = Counter(one.split(".")[0] for one in proofs)
    missing = Counter(one.split(".")[0] for one in lacking)
    names = dict.fromkeys(
        f"all of requirement {one.split('.')[0]}"
        if missing[one.split(".")[0]] == whole[one.split(".")[0]]
        else f"AC-{one}"
        for one in lacking
    )
    return f"Not proven on AWS: {len(lacking)} of {len(proofs)}: {', '.join(names)}."


def describe(found: Mapping[str, TargetResult]) -> str:
    """Return the latest result of a criterion on each target, in one line."""
    parts = []
    for target, word in TARGETS.items():
        one = found.get(target)
        result = "not tried" if one is None else f"{_dated(one)}, commit {one.commit[:7] or 'not known'}"
        other = " (for an earlier text)" if one is not None and not one.same_revision else ""
        parts.append(f"{word}: {result}{other}")
    return "; ".join(parts)


def _dated(one: TargetResult) -> str:
    state = one.state.replace("_", " ")
    if one.past:
        return f"not now, last {state} {one.when[:10]}"
    if one.state in (PROVEN, "rehearsed") and one.since[:10] != one.when[:10]:
        return f"{state} since {one.since[:10]}, last {one.when[:10]}"
    return f"{state} {one.when[:10]}"


def strip(requirement: Requirement, runs: Sequence[CoverageDocument]) -> Trend:
    """Return a requirement's states in each run; a criterion that is missing in a run counts as no_scenario."""
    ids = [one.id for one in requirement.criteria]
    found = []
    for run in runs:
        states = {row["id"]: row["state"] for row in run["criteria"] if row["requirement"] == requirement.id}
        found.append((run["finished"][:16].replace("T", " "), [states.get(one, "no_scenario") for one in ids]))
    return Trend(found)


def _proven(found: TargetResult | None) -> bool:
    return found is not None and found.state == PROVEN and found.same_revision and not found.past
