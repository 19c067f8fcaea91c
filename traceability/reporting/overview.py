"""The head and the foot of the matrix: what is not proven and why, since when the rest is, and the runs behind it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from traceability.bundle.run_loader import CoverageDocument, TargetResult, key_of
from traceability.evaluation.coverage import first_judgement, rows_of
from traceability.model.catalogue import Catalogue, tag_of
from traceability.model.states import PROVEN, STATE_WORDS, STATES
from traceability.model.verdict import NOT_RUN, PASSED, SUITE_DEFECT, VIOLATED
from traceability.reporting.provenance import Provenance, SourceRun, counted

_SHOWN = 8
"""Number of reasons at the head of the page; each criterion shows its own."""
_EARLIER = 20
"""Number of the runs in the list that provide dates alone."""


@dataclass(frozen=True)
class OpenCriteria:
    """Criteria that are not proven for the same reason."""

    state: str
    reason: str
    tags: Sequence[str]


@dataclass(frozen=True)
class RunRow:
    """One run in the list: when, where, on which tree, how many scenarios, for which figures, and its origin."""

    finished: str
    target: str
    commit: str
    changed: bool
    scenarios: str
    use: str
    origin: str


def open_criteria(section: Mapping[str, Any]) -> list[OpenCriteria]:
    """Return the criteria of a document that are not proven, by state and reason, the worst first."""
    groups: dict[tuple[str, str], list[str]] = {}
    for state in (one for one in STATES if one != PROVEN):
        for row in section["criteria"]:
            if row["state"] == state:
                groups.setdefault((state, first_judgement(row)), []).append(tag_of(row["id"]))
    found = [OpenCriteria(state, reason, tags) for (state, reason), tags in groups.items()]
    rest = [tag for one in found[_SHOWN:] for tag in one.tags]
    return [*found[:_SHOWN], *([OpenCriteria("", "for other reasons, named below", rest)] if rest else [])]


def proven_since(section: Mapping[str, Any], found: Mapping[str, Mapping[str, TargetResult]], target: str) -> str:
    """Return since when the criteria of a document are proven without a break, "" if none is."""
    since: dict[str, list[str]] = {}
    for row in section["criteria"]:
        result = found[row["id"]].get(target)
        if row["state"] == PROVEN and result is not None and not result.past:
            since.setdefault(result.since[:10], []).append(tag_of(row["id"]))
    if not since:
        return ""
    oldest, newest = min(since), max(since)
    if oldest == newest:
        return f"Proven without a break since {oldest}."
    names = since[newest]
    named = ", ".join(names) if len(names) <= _SHOWN else f"{len(names)} criteria"
    return f"Proven without a break since {oldest}; the newest since {newest}: {named}."


def run_list(current: CoverageDocument, catalogue: Catalogue, known: Provenance) -> tuple[list[RunRow], int]:
    """Return the runs behind the figures, and the number of further runs that provide dates alone."""
    results = {one: found.get(current["target"]) for one, found in known.found.items()}
    mine = [one for one, result in results.items() if result and not result.past and result.when == current["finished"]]
    sources = {(one.finished, one.target): one for one in known.sources}
    rows = [_row(current, known, counted(mine, catalogue), "this run: manifest.json has its files")]
    earlier = [one for one in reversed(known.runs) if key_of(one) != key_of(current)]
    others: list[RunRow] = []
    for run in earlier:
        source = sources.get((run["finished"], run["target"]))
        if source is not None:
            rows.append(_row(run, known, source.criteria, _origin(source)))
        else:
            others.append(_row(run, known, "dates and trend only", "kept in reports/history"))
    return [*rows, *others[:_EARLIER]], len(others[_EARLIER:])


def _row(run: CoverageDocument, known: Provenance, use: str, origin: str) -> RunRow:
    changed = bool(known.changes(run["target"], run["finished"]))
    return RunRow(run["finished"], run["target"], run["commit"][:12], changed, _scenarios(run), use, origin)


def _scenarios(run: CoverageDocument) -> str:
    """Return the numbers of scenarios by verdict; a scenario of several criteria counts once."""
    scenarios = [one for row in rows_of(run) for one in row["scenarios"]]
    counts = Counter({(one["file"], one["line"], one["name"]): one["verdict"] for one in scenarios}.values())
    words = {PASSED: "passed", VIOLATED: "violated", SUITE_DEFECT: "broken", NOT_RUN: "not run"}
    return ", ".join(f"{counts[one]} {word}" for one, word in words.items() if counts[one]) or "none"


def _origin(one: SourceRun) -> str:
    kind = "bundle" if one.is_bundle else "from the history"
    return f"{kind}, evaluated again; by {one.who}, account {one.account}; {one.file}, SHA-256 {one.digest}"


def state_word(state: str) -> str:
    """Return the word of a state inside a sentence."""
    return STATE_WORDS[state].lower() if state else "not proven"
