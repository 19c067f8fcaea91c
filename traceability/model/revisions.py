"""The confirmed wording of each criterion, and the criteria that were reworded since.

Invariant: a scenario counts for a criterion only while the criterion has the wording of its last confirmation.
`confirm` writes the wording to a lock file beside the features, `revisions.yaml`: so feature files stay readable, and
a review shows each confirmation as a change of that file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from traceability.model import yaml_text
from traceability.model.catalogue import Catalogue, id_of
from traceability.model.problems import UserProblem

FILE = "revisions.yaml"
_HEAD = """\
# The words of each criterion that its scenarios were confirmed for, written by `python -m traceability confirm AC-4.2`,
# which shows the old words and the new. A criterion that reads differently now makes its scenarios suspect.
"""


class BadRevisions(UserProblem):
    """The lock file cannot be used; the message names the file, the mistake and the remedy."""


@dataclass(frozen=True)
class Confirmed:
    """The confirmed wording of a criterion; `on` is an ISO date."""

    revision: str
    on: str
    text: str


def load(folder: Path) -> dict[str, Confirmed]:
    """Read the lock file of a folder with features, by criterion id; without a file no criterion is confirmed."""
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        content = yaml_text.load(path.read_text(encoding="utf-8")) or {}
        return {id_of(tag): _confirmed(tag, item) for tag, item in content.items()}
    except (yaml.YAMLError, AttributeError, KeyError, TypeError) as problem:
        raise BadRevisions(
            f"{path}: not a file of confirmed revisions ({type(problem).__name__} {problem}); take it back from git, "
            "or write it anew with `python -m traceability confirm --all`"
        ) from problem


def suspects(catalogue: Catalogue, confirmed: Mapping[str, Confirmed]) -> dict[str, str]:
    """Return, by criterion id, why its scenarios are suspect; criteria with a confirmed wording are left out."""
    found = {}
    for one in catalogue.criteria.values():
        known = confirmed.get(one.id)
        cure = f"read its scenarios, then `python -m traceability confirm {one.tag}`"
        if known is None:
            found[one.id] = f"suspect: the scenarios of {one.tag} are not confirmed for its wording; {cure}"
        elif known.revision != one.revision:
            found[one.id] = (
                f"suspect: {one.tag} was reworded after its scenarios were confirmed on {known.on} "
                f"(revision {known.revision}, now {one.revision}); {cure}"
            )
    return found


def confirm(folder: Path, catalogue: Catalogue, criteria: Iterable[str], today: date) -> None:
    """Note that the scenarios of these criteria fit the words as they are now."""
    known = load(folder)
    for one in criteria:
        criterion = catalogue.criteria[one]
        known[one] = Confirmed(criterion.revision, today.isoformat(), criterion.text)
    content = {
        catalogue.criteria[one].tag: {
            "revision": known[one].revision,
            "confirmed": known[one].on,
            "text": known[one].text,
        }
        for one in catalogue.criteria
        if one in known
    }
    body = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=110)
    (folder / FILE).write_text(_HEAD + body, encoding="utf-8")


def _confirmed(tag: str, item: Mapping[str, Any]) -> Confirmed:
    # YAML reads twelve digits without a letter as a number, and a date as a date.
    return Confirmed(str(item["revision"]), str(item["confirmed"]), " ".join(item["text"].split()))
