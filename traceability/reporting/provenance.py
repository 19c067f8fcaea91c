"""What every target proved of each criterion, and of which run that is known.

Invariant: a sign in the matrix rests on the current run or on a run whose records were judged anew and bear it out.
Dates before that (since when, the trend) come from the coverage of the runs that were kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from traceability.bundle import archive, bundle, run_history, run_loader
from traceability.bundle.run_loader import CoverageDocument, TargetResult, key_of
from traceability.model.catalogue import Catalogue
from traceability.model.paths import Places


@dataclass(frozen=True)
class SourceRun:
    """Another run that signs in the matrix rest on; who and account are what its manifest says."""

    target: str
    finished: str
    commit: str
    who: str
    account: str
    file: str
    digest: str
    criteria: int
    whole: bool
    """A bundle as it was handed over; the other kind is the copy that this project kept of its own run."""


@dataclass(frozen=True)
class Provenance:
    """`found` has, by criterion and target, the last word of a run that can be believed.

    `runs` are all that the trend is drawn from, oldest first; `bare` of them are kept without their records. `left_out`
    has a line for each that is not counted, and why.
    """

    found: Mapping[str, Mapping[str, TargetResult]]
    runs: Sequence[CoverageDocument]
    sources: Sequence[SourceRun]
    left_out: Sequence[str]
    bare: int


def gather(places: Places, catalogue: Catalogue, current: CoverageDocument) -> Provenance:
    """Return what is proven where; every run but the current one is judged anew before a sign rests on it."""
    known = run_history.known(places, current)
    revisions = {one.id: one.revision for one in catalogue.criteria.values()}
    believed, sources, doubted = [], [], {}
    wanted: dict[str, set[str]] = {}
    for run in reversed(known.runs):
        open_ones = wanted.setdefault(run["target"], set(revisions))
        tried = open_ones & run_loader.evaluated_criteria(run)
        if run is not current:
            file = known.files[key_of(run)]
            # A date claims something as well: without records nothing is told of AWS, or of a rehearsal.
            if not tried and (file.suffix == ".zip" or run["target"] == "moto"):
                continue
            doubt = _objection(file)
            if doubt:
                doubted[key_of(run)] = f"{file.relative_to(places.root).as_posix()}: {doubt}"
                continue
            sources.append(_source(file, file.relative_to(places.root).as_posix(), run, len(tried)))
        believed.append(run)
        open_ones -= tried
    bare = {key for key, file in known.files.items() if file.suffix != ".zip" and key != key_of(current)}
    in_trend = {key for key in bare if key[1] == "moto"}
    runs = [run for run in known.runs if key_of(run) not in doubted or key_of(run) in in_trend]
    found = run_loader.latest_by_target(believed, revisions, current, runs)
    return Provenance(found, runs, sources, [*known.left_out, *doubted.values()], len(in_trend))


def _objection(file: Path) -> str:
    """Return why a kept run proves nothing, "" if its records support it."""
    if file.suffix != ".zip":
        return "kept without its records, so it proves nothing; `matrix --merge` the bundle of that run"
    try:
        return next(iter(bundle.objections(file)), "")
    except archive.BadBundle as problem:
        return str(problem).replace(f"{file}: ", "")


def _source(file: Path, name: str, run: CoverageDocument, criteria: int) -> SourceRun:
    described: Mapping[str, Any] = archive.manifest_of(file)
    whole = not described.get("records_only")
    return SourceRun(
        run["target"],
        run["finished"],
        run["commit"],
        described["who"],
        described["account"],
        name,
        archive.digest(file),
        criteria,
        whole,
    )
