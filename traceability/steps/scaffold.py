"""Begins a scenario for a criterion: in the right file, behind its neighbours, with a mark in each gap to be filled.

The marks are steps that no phrase says: until they are replaced the scenario is a suite defect and `check` names them.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from traceability.model.catalogue import Catalogue, Criterion, id_of
from traceability.model.feature_files import Scenario


class UnknownCriterion(ValueError):
    """No criterion has this id; the message names the nearest."""


class NoFeature(ValueError):
    """No feature file belongs to the criterion's requirement; the message names the file to create."""


class NameTaken(ValueError):
    """A scenario of the feature has this name already; the message says where."""


@dataclass(frozen=True)
class Written:
    """Where a skeleton was put: `line` is that of its name."""

    file: str
    line: int
    criterion: Criterion


def find(asked: str, catalogue: Catalogue) -> Criterion:
    """Return the criterion that `4.2`, `AC-4.2`, `@ac-4.2` or `EX-1.1` means. Raises UnknownCriterion."""
    wanted = id_of(asked)
    if wanted in catalogue.criteria:
        return catalogue.criteria[wanted]
    if wanted in catalogue.planned:
        planned = f"{asked}: only planned; move it to the criteria of its document when the engine fulfils it"
        raise UnknownCriterion(planned)
    near = difflib.get_close_matches(wanted, list(catalogue.criteria), n=1, cutoff=0)
    same = [one for one in catalogue.criteria if one.split(".")[0] == wanted.split(".")[0]]
    nearest = catalogue.criteria[difflib.get_close_matches(wanted, same or near, n=1, cutoff=0)[0]]
    raise UnknownCriterion(
        f'{asked}: no such criterion; they go from {catalogue.spans}. The nearest is {nearest.tag}: "{nearest.text}"'
    )


def write(
    criterion: Criterion, catalogue: Catalogue, name: str, folder: Path, root: Path, scenarios: list[Scenario]
) -> Written:
    """Put a skeleton behind the last scenario of the criterion, else behind the last of a lower one.

    Raises NoFeature when the requirement has no feature file, NameTaken when the feature has a scenario of that name.
    """
    path = _feature_of(criterion, catalogue, folder, root)
    file = path.relative_to(root).as_posix()
    mine = [one for one in scenarios if one.file == file]
    taken = next((one for one in mine if one.name == name), None)
    if taken:
        raise NameTaken(f'{taken.place}: a scenario is called "{name}" already; give the new one a name of its own')
    lines = path.read_text(encoding="utf-8").rstrip("\n").split("\n")
    at = _end_of_block(lines, _last_before(criterion, mine)) if mine else len(lines)
    block = ["", *_block(criterion, name)]
    lines[at:at] = block
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return Written(file, at + 1 + next(i for i, line in enumerate(block) if line.startswith("  Scenario:")), criterion)


def _block(criterion: Criterion, name: str) -> list[str]:
    return [
        f"  @{criterion.tag} @moto",
        f"  Scenario: {name or f'<what {criterion.tag} promises, at its edge, in one sentence>'}",
        '    Given <the plan, for example: the "three-tier" plan>',
        "    And <what AWS or somebody does to it; remove this line if nothing>",
        "    When <one event, for example: a drill of the plan is run>",
        "    Then <what shows outside the engine that the promise is kept>",
        "    And <what must not have happened>",
    ]


def _feature_of(criterion: Criterion, catalogue: Catalogue, folder: Path, root: Path) -> Path:
    prefix, number = (
        catalogue.document_of(criterion.id).kind.feature_prefix,
        catalogue.requirement_of(criterion.id).number,
    )
    pattern = f"{prefix}{number:02}_*.feature"
    found = sorted(folder.rglob(pattern))
    if not found:
        where = folder.relative_to(root).as_posix()
        raise NoFeature(
            f"{where}/{pattern}: no such file; create it with a line `Feature:` and a title, then try again"
        )
    return found[0]


def _last_before(criterion: Criterion, mine: list[Scenario]) -> int:
    """Return the line of the last scenario that names this criterion or a lower one; of the first if none does."""
    lines = [
        one.line
        for one in mine
        if any(int(other.split(".")[1]) <= criterion.number for other in one.criteria if "." in other)
    ]
    return max(lines, default=0)


def _end_of_block(lines: list[str], line: int) -> int:
    """Return the index behind the scenario, its tables included, that stands at or above `line` (from 1)."""
    if line == 0:
        return (
            next((i for i, text in enumerate(lines) if text.lstrip().startswith(("@", "#", "Scenario"))), len(lines))
            - 1
        )
    for index in range(line, len(lines)):
        if not lines[index].strip() and not _goes_on(lines, index):
            return index
    return len(lines)


def _goes_on(lines: list[str], index: int) -> bool:
    """Say whether a blank line lies inside a scenario: Examples belong to the outline above them."""
    following = next((line.strip() for line in lines[index:] if line.strip()), "")
    return following.startswith(("Examples:", "|", "Scenarios:"))
