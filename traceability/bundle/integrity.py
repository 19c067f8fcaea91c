"""Checks that a run is unchanged: its files match the manifest, and its coverage matches its records.

Invariant: a run that fails a check is not bundled, shown or reused. The first check detects an edited file, the second
an edit with a fitting manifest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from traceability.bundle import last_run, manifest, run_loader
from traceability.bundle.last_run import LastRun
from traceability.evaluation import coverage
from traceability.evaluation.coverage import RunFacts, rows_of, sections
from traceability.evaluation.evaluate import evaluate_run
from traceability.model import feature_files, proofs
from traceability.model.catalogue import MAIN, Catalogue, tag_of
from traceability.model.paths import Places
from traceability.model.problems import UserProblem
from traceability.model.states import REHEARSAL

_COMMANDS = {"aws": "make acceptance-aws", REHEARSAL: "make rehearsal"}
_MOST_CHANGES = 20


class StaleRun(UserProblem):
    """The files of the last run were changed; `changes` has a line for each change, `remedy` the command to run."""

    def __init__(self, changes: list[str], use: str, command: str) -> None:
        count = f"{len(changes)} changes" if len(changes) > 1 else "1 change"
        super().__init__(f"{count} since the last run, so it cannot be {use}")
        self.changes = changes
        self.remedy = f"run `{command}` again"

    @property
    def lines(self) -> list[str]:
        return [*self.changes[:_MOST_CHANGES], f"{self}; {self.remedy}"]


def require_unchanged(places: Places, catalogue: Catalogue, use: str) -> None:
    """Raise StaleRun if the run was changed. `use` is the participle for the message, such as "bundled"."""
    found = changes(places, catalogue)
    if found:
        content = manifest.read(places) if places.manifest.exists() else None
        target = str(content["target"]) if content else REHEARSAL if places.rehearsal else ""
        raise StaleRun(found, use, _COMMANDS.get(target, "make acceptance"))


def changes(places: Places, catalogue: Catalogue) -> list[str]:
    """Return a line for each change of the run's files since it ended.

    Raises manifest.BadManifest, run_loader.BadRun.
    """
    content = manifest.read(places)
    if content is None:
        return [f"missing: {places.manifest.relative_to(places.root).as_posix()}"]
    changed = manifest.changed(places, content)
    return changed or [f"changed: {line}" for line in contradictions(places, catalogue, content)]


def recall(places: Places, catalogue: Catalogue) -> LastRun | None:
    """Return the last run, None if there was none, or the tree has changed since. Raises StaleRun for other changes."""
    if last_run.is_of_this_tree(places):
        require_unchanged(places, catalogue, "reused")
    return last_run.recall(places)


def rehearsed(places: Places, catalogue: Catalogue) -> set[str]:
    """Return the criteria that a rehearsal of this tree covered; none if the rehearsal fails a check."""
    try:
        last = recall(places.of_rehearsal, catalogue)
    except (StaleRun, manifest.BadManifest, run_loader.BadRun):
        return set()
    if last is None or last.differences:
        return set()
    return {row["id"] for row in rows_of(last.coverage) if row["rehearsed"]}


def contradictions(places: Places, catalogue: Catalogue, content: Mapping[str, Any]) -> Iterator[str]:
    """Evaluate the records again, and yield a line for each different claim of coverage or manifest.

    `content` is the manifest. Raises the errors of the record readers.
    """
    kept, noted = run_loader.read(places.coverage), last_run.memory(places)
    scenarios, _ = feature_files.read(places.root / places.features, places.root)
    times = (kept["started"], kept["finished"])
    facts = RunFacts(noted["selected"], noted["exit_code"], kept["commit"], *times, partial=noted["partial"])
    again, differences = evaluate_run(places, catalogue, scenarios, facts, ())
    name, memory = (path.relative_to(places.root).as_posix() for path in (places.coverage, places.memory))
    if noted["differences"] != differences:
        yield f"{memory}: its differences are not those between the records{_first(differences)}"
    if _listed_criteria(kept) != _listed_criteria(again):
        yield f"{name}: its criteria are not those of the catalogue"
        return
    yield from _different_files(places, catalogue, kept)
    # These results come from other runs, the negative proof and a rehearsal, so the records do not contain them.
    if content.get(manifest.RECORDS_ONLY):
        for row in rows_of(kept):
            row["can_fail"] = None
    external = {"can_fail"} if again["target"] == REHEARSAL else {"can_fail", "rehearsed"}
    for claimed, found in zip(rows_of(kept), rows_of(again), strict=True):
        other = _different_claim(claimed, found, external)
        if other:
            yield f"{name}: {tag_of(found['id'])}{other}"
    yield from (f"{name}: {one}" for one in _different_heads(kept, again))
    yield from _manifest_contradictions(places, content, kept)


def _different_heads(kept: Mapping[str, Any], again: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each claim outside of the criteria's rows that the evaluation does not support."""
    if kept["target"] != again["target"]:
        yield f"target is {kept['target']!r}, the records of the run say {again['target']!r}"
    if kept.get("partial") != again.get("partial"):
        yield "partial differs from the scenarios that the run selected"
    for key in ("losses", "accepted_losses"):
        if kept.get(key, []) != again[key]:
            yield f"{key} differs from the comparison with the list of proofs, {proofs.FILE}"
    for (_, section), (_, evaluated) in zip(sections(kept), sections(again), strict=True):
        if section["document"] != evaluated["document"]:
            yield f"document is {section['document']!r}, the catalogue says {evaluated['document']!r}"


def _manifest_contradictions(places: Places, content: Mapping[str, Any], kept: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each claim of the manifest that differs from coverage.json or from the recorded account."""
    described, account = places.manifest.relative_to(places.root).as_posix(), manifest.account(places)
    if content["account"] != account:
        yield f"{described}: account is {content['account']!r}, the run recorded {account!r}"
    if kept["target"] == "aws" and account == "simulated":
        yield f"{described}: the target is 'aws', but the run recorded no account"
    repeated = manifest.from_coverage(kept)
    for key in dict.fromkeys([*repeated, *(kind.key for kind, _ in sections(content) if kind is not MAIN)]):
        if content.get(key) != repeated.get(key):
            yield f"{described}: {key} differs from coverage.json"


def _different_files(places: Places, catalogue: Catalogue, kept: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each coverage file, read by other tools, that differs from the file of a run."""
    for name, body in coverage.files(kept, catalogue).items():
        path = places.reports / name
        if path.exists() and path.read_bytes() != body:
            yield f"{path.relative_to(places.root).as_posix()}: differs from the file that a run would write"


def _listed_criteria(run: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Return the ids of the criteria by document."""
    return [(kind.key, [row["id"] for row in section["criteria"]]) for kind, section in sections(run)]


def _first(differences: Sequence[str]) -> str:
    return f": {differences[0]}" if differences else ""


def _different_claim(claimed: Mapping[str, Any], found: Mapping[str, Any], external: Set[str]) -> str:
    """Return the claim of a coverage row that the records do not support, "" if there is none."""
    if claimed["state"] != found["state"]:
        return f" is {claimed['state']}, the records of the run say {found['state']}"
    other = [key for key in found if key not in external and claimed.get(key) != found[key]]
    if other:
        return f": {' and '.join(other)} differs from the records of the run"
    return " is marked can_fail, but prove.json lacks it" if claimed["can_fail"] and not found["can_fail"] else ""
