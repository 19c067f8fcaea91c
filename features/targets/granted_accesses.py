"""Records the accesses that IAM granted to the engine during a scenario; judged runs only."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulator.iam import Access, granted_accesses
from traceability.model.run_notes import RUN_DIRECTORY

# The suite itself, and people of its stories: not the engine's.
_STRANGERS = (":user/", ":root")


@dataclass(frozen=True)
class Grant:
    """An access that a scenario needed; `cost` counts the accesses of the whole scenario."""

    scenario: str
    file: str
    line: int
    cost: int
    access: Access


def note(scenario: str, file: str, line: int) -> None:
    """Add the granted accesses of the scenario to the notes of this process, if the run is a judged one."""
    directory = os.environ.get(RUN_DIRECTORY)
    if not directory:
        return
    engines = [one for one in granted_accesses() if not any(s in one.principal_arn for s in _STRANGERS)]
    accesses = [vars(one) for one in _distinct(engines)]
    row = {"scenario": scenario, "file": file, "line": line, "accesses": accesses}
    with Path(directory, f"accesses-{os.getpid()}.jsonl").open("a", encoding="utf-8") as notes:
        notes.write(json.dumps(row, separators=(",", ":")) + "\n")


def _distinct(accesses: Iterable[Access]) -> Iterable[Access]:
    """One of all accesses that no policy of the engine can tell apart."""
    found: dict[tuple[Any, ...], Access] = {}
    for one in accesses:
        context = tuple(sorted(one.context.items()))
        key = (one.principal_arn, one.action, _kind(one.resource), one.via_service, one.source_arn, context)
        found.setdefault(key, one)
    return found.values()


def _kind(resource: str | None) -> str | None:
    """DRS's, EC2's and the log's resources by their type and account; all others by their name."""
    if resource is not None and resource.split(":")[2:3] in (["drs"], ["ec2"], ["logs"]):
        return resource.partition("/")[0]
    return resource


def read(directory: Path) -> list[Grant]:
    """All grants of the last judged run, in the order of the features. Raises LookupError when there are none."""
    grants = [grant for file in sorted(directory.glob("accesses-*.jsonl")) for grant in _grants(file)]
    if not grants:
        raise LookupError(f"{directory} holds no accesses; run `make acceptance` first")
    return sorted(grants, key=lambda grant: (grant.file, grant.line))


def _grants(file: Path) -> Iterator[Grant]:
    for line in file.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        for access in row["accesses"]:
            context = {key: tuple(values) for key, values in access.pop("context").items()}
            found = Access(**access, context=context)
            yield Grant(row["scenario"], row["file"], row["line"], len(row["accesses"]), found)
