"""What a later command may take from the last run, as long as the tree is still the one it ran on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from traceability import defects, outputs, recorded
from traceability.catalogue import Catalogue
from traceability.places import Places
from traceability.results import Key


@dataclass(frozen=True)
class LastRun:
    """The coverage document of the run, and what its records disagreed about."""

    coverage: dict[str, Any]
    differences: list[str]

    @property
    def passed(self) -> set[Key]:
        """The scenarios that passed; none when the records of the run cannot be believed."""
        rows = [one for row in self.coverage["criteria"] for one in row["scenarios"]]
        return set() if self.differences else {(one["file"], one["name"]) for one in rows if one["status"] == "passed"}


def remember(places: Places, differences: Sequence[str]) -> None:
    """Note which tree the run was made on; the coverage document lies beside."""
    content = {"tree": defects.digest(places.root), "differences": list(differences)}
    places.memory.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def recall(places: Places) -> LastRun | None:
    """Return the last run, None if there was none or the tree has changed since."""
    if not (places.memory.exists() and places.coverage.exists()):
        return None
    content = json.loads(places.memory.read_text(encoding="utf-8"))
    if content["tree"] != defects.digest(places.root):
        return None
    return LastRun(json.loads(places.coverage.read_text(encoding="utf-8")), content["differences"])


def differences(places: Places) -> list[str]:
    """Return what the records of the last run disagreed about, whatever has changed since."""
    if not places.memory.exists():
        return []
    return list(json.loads(places.memory.read_text(encoding="utf-8"))["differences"])


def seconds(places: Places) -> dict[Key, float]:
    """Return how long each scenario of the last run took, whatever has changed since; nothing is known without one."""
    try:
        content = json.loads(places.coverage.read_text(encoding="utf-8"))
        rows = [one for row in content["criteria"] for one in row["scenarios"]]
        return {(one["file"], one["name"]): float(one["seconds"]) for one in rows if one["status"] != "skipped"}
    except (OSError, ValueError, KeyError, TypeError):
        # A hint for sharing out the work, never a fact: a file that cannot be read is as good as none.
        return {}


def rehearsed(places: Places) -> set[str]:
    """The criteria that a rehearsal of this very tree went through; none where its records cannot be believed."""
    last = recall(places.of_rehearsal)
    if last is None or last.differences:
        return set()
    return {row["id"] for row in last.coverage["criteria"] if row["rehearsed"]}


def add_proof(last: LastRun, can_fail: Mapping[str, bool], places: Places, catalogue: Catalogue) -> None:
    """Write into everything the run left which criteria can fail: coverage, matrix, report."""
    for row in last.coverage["criteria"]:
        row["can_fail"] = can_fail.get(row["id"])
    if recorded.place(places, last.coverage).exists():
        recorded.keep(places, last.coverage)
    outputs.rewrite(places, catalogue, last.coverage, last.differences)
