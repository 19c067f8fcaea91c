"""The results of the last run that later commands may reuse while the tree is unchanged."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from traceability.bundle import run_loader
from traceability.evaluation.coverage import rows_of
from traceability.evaluation.record_readers import Key
from traceability.model import tree
from traceability.model.paths import Places


@dataclass(frozen=True)
class LastRun:
    """The coverage document of the run, and the differences between its records."""

    coverage: dict[str, Any]
    differences: list[str]

    @property
    def passed(self) -> set[Key]:
        """The scenarios that passed; none if the records of the run disagree."""
        rows = [one for row in rows_of(self.coverage) for one in row["scenarios"]]
        return set() if self.differences else {(one["file"], one["name"]) for one in rows if one["status"] == "passed"}


def remember(
    places: Places, differences: Sequence[str], selected: str, exit_code: int, *, partial: bool = False
) -> None:
    """Record the tree of the run and the facts that are missing from its records and its coverage document."""
    content = {
        "tree": tree.digest(places.root),
        "differences": list(differences),
        "selected": selected,
        "exit_code": exit_code,
        "partial": partial,
    }
    places.memory.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def recall(places: Places) -> LastRun | None:
    """Return the last run, None if there was none or the tree has changed since. Raises run_loader.BadRun.

    `integrity` checks that its files are unchanged.
    """
    if not is_of_this_tree(places):
        return None
    return LastRun(run_loader.read(places.coverage), memory(places)["differences"])


def is_of_this_tree(places: Places) -> bool:
    """Return whether the last run was on the current tree. Raises run_loader.BadRun."""
    if not (places.memory.exists() and places.coverage.exists()):
        return False
    return bool(memory(places)["tree"] == tree.digest(places.root))


def memory(places: Places) -> dict[str, Any]:
    """Return the facts from `remember`: tree, differences, selected, exit_code, partial. Raises run_loader.BadRun."""
    try:
        content = json.loads(places.memory.read_text(encoding="utf-8"))
        kept = {key: content[key] for key in ("tree", "differences", "selected", "exit_code")}
        return kept | {"partial": bool(content.get("partial", False))}  # Runs of earlier versions lack this key.
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise run_loader.BadRun(
            f"{places.memory}: not written by a run of this version ({type(problem).__name__}); run `make acceptance`"
        ) from problem


def seconds(places: Places) -> dict[Key, float]:
    """Return the duration of each scenario of the last run in seconds, also after changes; empty without a run."""
    try:
        content = json.loads(places.coverage.read_text(encoding="utf-8"))
        rows = [one for row in rows_of(content) for one in row["scenarios"]]
        return {(one["file"], one["name"]): float(one["seconds"]) for one in rows if one["status"] != "skipped"}
    except (OSError, ValueError, KeyError, TypeError):
        # The durations only balance the processes, so an unreadable file counts as a missing one.
        return {}
