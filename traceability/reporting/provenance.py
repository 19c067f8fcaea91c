"""The results of each criterion on every target, and the run that each result comes from.

Invariant: a sign in the matrix comes from the current run, or from a run whose records were evaluated again and support
it. Earlier dates (proven since, the trend) come from the coverage documents in the history.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from traceability.bundle import archive, bundle, manifest, run_history, run_loader
from traceability.bundle.run_loader import CoverageDocument, TargetResult, key_of
from traceability.model import mutation_score
from traceability.model.catalogue import Catalogue
from traceability.model.mutation_score import KeptScore
from traceability.model.paths import Places

_SINGULAR = {"criteria": "criterion", "extensions": "extension"}


@dataclass(frozen=True)
class SourceRun:
    """Another run that provides signs in the matrix; `who` and `account` come from its manifest."""

    target: str
    finished: str
    commit: str
    who: str
    account: str
    file: str
    digest: str
    criteria: str
    """The number of criteria and of extensions whose signs it provides."""
    is_bundle: bool
    """True for a bundle, False for the copy that this project kept of its own run."""
    uncommitted: Sequence[str]
    """The files of its maker's tree that are not those of the commit."""


@dataclass(frozen=True)
class Provenance:
    """`found` has, by criterion and target, the result of the latest verified run.

    `runs` are the runs of the trend, oldest first; `bare` of them are kept without records. `ignored` has a line for
    each run that does not count, with the reason. `score` is the kept mutation score, which
    holds for the commit that it names.
    """

    found: Mapping[str, Mapping[str, TargetResult]]
    runs: Sequence[CoverageDocument]
    sources: Sequence[SourceRun]
    ignored: Sequence[str]
    bare: int
    score: KeptScore | None = None
    uncommitted: Mapping[tuple[str, str], Sequence[str]] = field(default_factory=dict)
    """By target and end of a run, the files that were not those of its commit: of this run, and those of `sources`."""

    def changes(self, target: str, finished: str) -> Sequence[str]:
        """Return the files of a run that were not those of its commit, as far as they are known."""
        return self.uncommitted.get((target, finished), ())


def gather(places: Places, catalogue: Catalogue, current: CoverageDocument) -> Provenance:
    """Return the results by criterion and target. Every run except the current one is evaluated again first."""
    known = run_history.known(places, current)
    revisions = {one.id: one.revision for one in catalogue.criteria.values()}
    verified, sources, rejected = [], [], {}
    wanted: dict[str, set[str]] = {}
    for run in reversed(known.runs):
        open_ones = wanted.setdefault(run["target"], set(revisions))
        tried = open_ones & run_loader.evaluated_criteria(run)
        if run is not current:
            file = known.files[key_of(run)]
            # A date is a claim too: runs on AWS and rehearsals count only with their records.
            if not tried and (file.suffix == ".zip" or run["target"] == "moto"):
                continue
            objection = _objection(file, places.root)
            if objection:
                rejected[key_of(run)] = f"{file.relative_to(places.root).as_posix()}: {objection}"
                continue
            sources.append(_source(file, file.relative_to(places.root).as_posix(), run, counted(tried, catalogue)))
        verified.append(run)
        open_ones -= tried
    bare = {key for key, file in known.files.items() if file.suffix != ".zip" and key != key_of(current)}
    in_trend = {key for key in bare if key[1] == "moto"}
    runs = [run for run in known.runs if key_of(run) not in rejected or key_of(run) in in_trend]
    score = mutation_score.load(places.root / places.features)
    found = run_loader.latest_by_target(verified, revisions, current, runs)
    uncommitted = {(one.target, one.finished): one.uncommitted for one in sources}
    uncommitted[current["target"], current["finished"]] = _changes(places, current)
    ignored = [*known.ignored, *rejected.values()]
    return Provenance(found, runs, sources, ignored, len(in_trend), score, uncommitted)


def _changes(places: Places, current: CoverageDocument) -> Sequence[str]:
    """Return what the manifest of the current run says; before it is written, the tree is still the one of the run."""
    try:
        described = manifest.read(places)
    except manifest.BadManifest:
        described = None
    if described is not None and (described["target"], described["finished"]) == (
        current["target"],
        current["finished"],
    ):
        return manifest.uncommitted_of(described)
    return manifest.uncommitted(places) or ()


def counted(criteria: Collection[str], catalogue: Catalogue) -> str:
    """Return the number of criteria of each document: no output adds them up."""
    counts = [(document.kind, len(set(criteria) & set(document.criteria))) for document in catalogue.documents]
    words = [f"{count} {_SINGULAR[kind.key] if count == 1 else kind.key}" for kind, count in counts if count]
    return ", ".join(words) or "no criterion"


def _objection(file: Path, root: Path) -> str:
    """Return why a kept run cannot be trusted, "" if its records and its commit support it."""
    if file.suffix != ".zip":
        return "kept without records, so it cannot be verified; merge the bundle of that run with `matrix --merge`"
    try:
        return next(iter(bundle.objections(file, root)), "")
    except archive.BadBundle as problem:
        return str(problem).replace(f"{file}: ", "")


def _source(file: Path, name: str, run: CoverageDocument, criteria: str) -> SourceRun:
    described: Mapping[str, Any] = archive.manifest_of(file)
    is_bundle = not described.get("records_only")
    return SourceRun(
        run["target"],
        run["finished"],
        run["commit"],
        described["who"],
        described["account"],
        name,
        archive.digest(file),
        criteria,
        is_bundle,
        manifest.uncommitted_of(described),
    )
