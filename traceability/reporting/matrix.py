"""The matrix: all requirements and criteria on one static page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traceability.bundle import run_loader
from traceability.bundle.run_loader import CoverageDocument, TargetResult
from traceability.evaluation import partial_run
from traceability.evaluation.coverage import deciding_scenario, first_judgement, rows_of, sections
from traceability.model import sign_offs
from traceability.model.catalogue import MAIN, Catalogue, Criterion, Document, DocumentKind, Requirement, tag_of
from traceability.model.states import NO_SCENARIO, PROVEN, REHEARSAL, REHEARSED, STATE_SIGNS, STATE_WORDS, STATES
from traceability.model.verdict import NOT_RUN, SUITE_DEFECT, VIOLATED
from traceability.recording.templates import render
from traceability.reporting import overview, proof_summary
from traceability.reporting.allure_report import target_words
from traceability.reporting.overview import OpenCriteria
from traceability.reporting.provenance import Provenance, SourceRun

TARGETS = {"moto": "simulated", REHEARSAL: "rehearsed", "aws": "AWS"}
UNCOMMITTED = " with uncommitted changes"
_HISTORY = 20
_NAMED = 5
"""Number of names that a line lists."""


@dataclass(frozen=True)
class Cell:
    """One criterion: its row of the coverage document, and its latest result on each target."""

    criterion: Criterion
    row: Mapping[str, Any]
    reason: str
    scenario: Mapping[str, Any] | None
    """The scenario that decides the state."""
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


@dataclass(frozen=True)
class Part:
    """One document of the page: its sentence, its totals, and each requirement with its cells and its trend."""

    document: Document
    sentence: str
    on_aws: str
    open: Sequence[OpenCriteria]
    since: str
    totals: Mapping[str, int]
    requirements: Sequence[tuple[Requirement, Sequence[Cell], Trend]]


def write(
    coverage: Mapping[str, Any], catalogue: Catalogue, path: Path, known: Provenance, *, links: bool = True
) -> None:
    """Write the page. `links` lead to the report beside the page; omit them inside the report."""
    path.write_text(page(coverage, catalogue, known, links=links), encoding="utf-8")


def page(coverage: Mapping[str, Any], catalogue: Catalogue, known: Provenance, *, links: bool = True) -> str:
    """Return the page: no script, no network request; each state has a colour, a sign and a word."""
    rows = {row["id"]: row for row in rows_of(coverage)}
    cells = {
        one.id: Cell(
            one,
            rows[one.id],
            first_judgement(rows[one.id]),
            deciding_scenario(rows[one.id]),
            known.found[one.id],
            _last_proven(known, one.id, rows[one.id]),
            sign_offs.describe(rows[one.id]),
        )
        for one in catalogue.criteria.values()
    }
    alike = [run for run in known.runs if run["target"] == coverage["target"]]
    changes = known.changes(coverage["target"], coverage["finished"])
    listed, unlisted = overview.run_list(dict(coverage), catalogue, known)
    return render(
        "matrix.html",
        coverage=coverage,
        parts=[
            Part(
                document,
                summary(kind, section, coverage["target"], known.found),
                not_proven_on_aws(document, known.found),
                overview.open_criteria(section),
                overview.proven_since(section, known.found, coverage["target"]),
                section["totals"],
                [
                    (one, [cells[criterion.id] for criterion in one.criteria], strip(one, alike[-_HISTORY:]))
                    for one in document.requirements
                ],
            )
            for document, (kind, section) in zip(catalogue.documents, sections(coverage), strict=True)
        ],
        states=STATES,
        words=STATE_WORDS,
        signs=STATE_SIGNS,
        targets=TARGETS,
        rehearsed=REHEARSED,
        links=links,
        known=known,
        footer=_css_text(
            f"{coverage['document']}, run of {coverage['finished'][:16].replace('T', ' ')} UTC on "
            f"{target_words(coverage['target'])}, commit {coverage['commit'][:12] or 'not known'}"
        ),
        state_word=overview.state_word,
        runs=listed,
        unlisted=unlisted,
        bare=describe_bare_runs(known),
        losses=proof_summary.lines(coverage, []),
        partial=partial_run.sentence(coverage),
        commit=commit_name(coverage["commit"][:12], changes),
        changes=few(changes),
    )


def _css_text(text: str) -> str:
    """Return a text without the characters that would end a string in a style sheet, or the sheet itself."""
    return re.sub(r"[^\w ,.:()-]", " ", text)


def describe_source(one: SourceRun) -> str:
    """Return one line about a run that provides signs: its target, time, user and digest."""
    origin = "bundle, evaluated again" if one.is_bundle else "from the history, evaluated again"
    return (
        f"{TARGETS.get(one.target, one.target)} {one.finished[:10]}, commit "
        f"{commit_name(one.commit[:7], one.uncommitted)}, "
        f"by {one.who}, account {one.account}: {one.criteria} ({origin}), {one.file}, SHA-256 {one.digest}"
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


def summary(
    kind: DocumentKind, section: Mapping[str, Any], target: str, proofs: Mapping[str, Mapping[str, TargetResult]]
) -> str:
    """Return the result of the run for one document in one sentence."""
    totals, count = section["totals"], section["totals"]["criteria"]
    on_aws = sum(_proven(proofs[row["id"]].get("aws")) for row in section["criteria"])
    if target == REHEARSAL:
        return f"{totals['rehearsed']} of {count} {kind.key} were rehearsed; a rehearsal is no proof for AWS."
    parts = [f"{totals[PROVEN]} of {count} {kind.key} are proven on {target_words(target)}"]
    if target != "aws":
        parts.append(f"{on_aws or 'none'} on real AWS")
    words = STATE_WORDS | {NO_SCENARIO: "without scenario"}
    shown = [state for state in (VIOLATED, SUITE_DEFECT, NOT_RUN, NO_SCENARIO) if totals[state]]
    rest = ", ".join(f"{totals[state]} {words[state].lower()}" for state in shown)
    none_violated = "" if totals[VIOLATED] else "none is violated"
    expired = f"expired sign-offs: {totals['expired']}" if totals.get("expired") else ""
    return f"{', '.join(parts)}; {'; '.join(filter(None, [rest, none_violated, expired]))}."


def not_proven_on_aws(document: Document, proofs: Mapping[str, Mapping[str, TargetResult]]) -> str:
    """Return the criteria of a document that are not proven on AWS in one line.

    A requirement without proof is named as a whole.
    """
    kind, count = document.kind, len(document.criteria)
    name = "Not proven on AWS" if kind is MAIN else f"{kind.key.capitalize()} not proven on AWS"
    lacking = [one for one in document.criteria if not _proven(proofs[one].get("aws"))]
    if not lacking:
        return f"{name}: none."
    if len(lacking) == count:
        return f"{name}: all {count}; no known run on AWS proved one."
    whole = Counter(one.split(".")[0] for one in document.criteria)
    missing = Counter(one.split(".")[0] for one in lacking)
    names = dict.fromkeys(
        f"all of requirement {one.split('.')[0]}"
        if missing[one.split(".")[0]] == whole[one.split(".")[0]]
        else tag_of(one)
        for one in lacking
    )
    return f"{name}: {len(lacking)} of {count}: {', '.join(names)}."


def commit_name(commit: str, changes: Sequence[str]) -> str:
    """Return a commit, and whether the tree of the run had changes that are not in it."""
    return f"{commit or 'not known'}{UNCOMMITTED if changes else ''}"


def few(names: Sequence[str]) -> str:
    """Return the first names of a list, and the number of the others."""
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"{', '.join(names[:_NAMED])}{more}"


def describe(criterion: str, known: Provenance) -> str:
    """Return the latest result of a criterion on each target, in one line."""
    found = known.found[criterion]
    parts = []
    for target, word in TARGETS.items():
        one = found.get(target)
        changes = known.changes(target, one.when) if one else ()
        result = "not tried" if one is None else f"{_dated(one)}, commit {commit_name(one.commit[:7], changes)}"
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
        states = {row["id"]: row["state"] for row in rows_of(run) if row["requirement"] == requirement.id}
        found.append((run["finished"][:16].replace("T", " "), [states.get(one, "no_scenario") for one in ids]))
    return Trend(found)


def _proven(found: TargetResult | None) -> bool:
    return found is not None and found.state == PROVEN and found.same_revision and not found.past
