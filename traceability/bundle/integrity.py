"""Whether a run still is what it left, and what it left is what its records say.

Invariant: nothing of a run is bundled, shown anew or learned from while one of its files differs from its manifest, or
while its coverage differs from its own records. The first shows an edit; the second one whose author edited the
manifest as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Any

from traceability.bundle import last_run, manifest, run_loader
from traceability.bundle.last_run import LastRun
from traceability.evaluation import coverage
from traceability.evaluation.coverage import RunFacts
from traceability.evaluation.evaluate import evaluate_run
from traceability.model import feature_files
from traceability.model.catalogue import Catalogue
from traceability.model.paths import Places
from traceability.model.states import REHEARSAL

_COMMANDS = {"aws": "make acceptance-aws", REHEARSAL: "make rehearsal"}


class StaleRun(Exception):
    """What lies on disk is no longer what the run left; `changes` has a line each, `remedy` what to do."""

    def __init__(self, changes: list[str], done: str, command: str) -> None:
        count = f"{len(changes)} files differ" if len(changes) > 1 else "1 file differs"
        super().__init__(f"{count} from what the last run left")
        self.changes = changes
        self.remedy = f"nothing is {done}, as it would not be what was judged; run `{command}` again"


def require_unchanged(places: Places, catalogue: Catalogue, done: str) -> None:
    """Raise StaleRun unless the run is intact; `done` is what is not done with it then."""
    found = changes(places, catalogue)
    if found:
        content = manifest.read(places) if places.manifest.exists() else None
        target = str(content["target"]) if content else REHEARSAL if places.rehearsal else ""
        raise StaleRun(found, done, _COMMANDS.get(target, "make acceptance"))


def changes(places: Places, catalogue: Catalogue) -> list[str]:
    """Return a line for each file that is no longer what the run left, none where it is intact.

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
        require_unchanged(places, catalogue, "taken from it")
    return last_run.recall(places)


def rehearsed(places: Places, catalogue: Catalogue) -> set[str]:
    """The criteria that a rehearsal of this very tree went through; none where it cannot be believed."""
    try:
        last = recall(places.of_rehearsal, catalogue)
    except (StaleRun, manifest.BadManifest, run_loader.BadRun):
        return set()
    if last is None or last.differences:
        return set()
    return {row["id"] for row in last.coverage["criteria"] if row["rehearsed"]}


def contradictions(places: Places, catalogue: Catalogue, content: Mapping[str, Any]) -> Iterator[str]:
    """Judge the records anew, and say where coverage or manifest claim something else: the file, and what it claims.

    `content` is the manifest. Raises what reading the records raises.
    """
    kept, noted = run_loader.read(places.coverage), last_run.memory(places)
    scenarios, _ = feature_files.read(places.root / places.features, places.root)
    facts = RunFacts(noted["selected"], noted["exit_code"], kept["commit"], kept["started"], kept["finished"])
    again, differences = evaluate_run(places, catalogue, scenarios, facts, ())
    name, memory = (path.relative_to(places.root).as_posix() for path in (places.coverage, places.memory))
    if noted["differences"] != differences:
        yield f"{memory}: the records disagree about other things{_first(differences)}"
    if [row["id"] for row in kept["criteria"]] != [row["id"] for row in again["criteria"]]:
        yield f"{name}: its criteria are not those of the catalogue"
        return
    yield from _written_otherwise(places, catalogue, kept)
    # What other runs taught it, the negative proof and a rehearsal, is not in its records.
    if content.get(manifest.RECORDS_ONLY):
        for row in kept["criteria"]:
            row["can_fail"] = None
    taught = {"can_fail"} if again["target"] == REHEARSAL else {"can_fail", "rehearsed"}
    for claimed, found in zip(kept["criteria"], again["criteria"], strict=True):
        other = _claimed_otherwise(claimed, found, taught)
        if other:
            yield f"{name}: AC-{found['id']}{other}"
    for key in ("document", "target"):
        if kept[key] != again[key]:
            yield f"{name}: {key} is {kept[key]!r}, the records of the run say {again[key]!r}"
    yield from _described_otherwise(places, content, kept)


def _described_otherwise(places: Places, content: Mapping[str, Any], kept: Mapping[str, Any]) -> Iterator[str]:
    """Say where the manifest claims something else than the coverage, or than the run noted of its account."""
    described, account = places.manifest.relative_to(places.root).as_posix(), manifest.account(places)
    if content["account"] != account:
        yield f"{described}: account is {content['account']!r}, the run noted {account!r}"
    if kept["target"] == "aws" and account == "simulated":
        yield f"{described}: the target is 'aws', but the run noted no account"
    for key in manifest.FROM_COVERAGE:
        if content[key] != kept[key]:
            yield f"{described}: {key} is not what coverage says"


def _written_otherwise(places: Places, catalogue: Catalogue, kept: Mapping[str, Any]) -> Iterator[str]:
    """Say where a file of the coverage is not what a run writes: other tools might read something else there."""
    for name, body in coverage.files(kept, catalogue).items():
        path = places.reports / name
        if path.exists() and path.read_bytes() != body:
            yield f"{path.relative_to(places.root).as_posix()}: not as a run writes what coverage.json says"


def _first(differences: Sequence[str]) -> str:
    return f": {differences[0]}" if differences else ""


def _claimed_otherwise(claimed: Mapping[str, Any], found: Mapping[str, Any], taught: Set[str]) -> str:
    """Say what a row of the coverage claims that the records do not say, "" when there is nothing."""
    if claimed["state"] != found["state"]:
        return f" is {claimed['state']}, the records of the run say {found['state']}"
    other = [key for key in found if key not in taught and claimed.get(key) != found[key]]
    if other:
        return f": the records of the run say otherwise of its {' and '.join(other)}"
    return " can fail, which the negative proof does not say" if claimed["can_fail"] and not found["can_fail"] else ""
