"""Accepted risks and manual sign-offs, each with an owner, a reason and an end.

Invariant: a sign-off never changes the state of a criterion. It is shown beside the state, counted separately, and
fails the run once it has expired.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from traceability.model import yaml_text
from traceability.model.catalogue import DOCUMENTS, Catalogue, id_of
from traceability.model.problems import UserProblem

FILE = "sign-offs.yaml"
WORDS = {"accepted-risk": "risk accepted", "manual-sign-off": "signed off by hand"}
_SCHEMA = {
    "type": ["array", "null"],
    "items": {
        "type": "object",
        "required": ["criterion", "kind", "owner", "reason", "expires"],
        "additionalProperties": False,
        "properties": {
            "criterion": {
                "type": "string",
                "pattern": rf"^(?:{'|'.join(one.tag_prefix for one in DOCUMENTS)})[0-9]+\.[0-9]+$",
            },
            "kind": {"enum": list(WORDS)},
            "owner": {"type": "string", "minLength": 2},
            "reason": {"type": "string", "minLength": 10},
            "expires": {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
        },
    },
}


class BadSignOffs(UserProblem):
    """The file cannot be used; the message has a line for each problem, with its entry and field."""


@dataclass(frozen=True)
class SignOff:
    """`expires` is the last day on which it holds."""

    criterion: str
    kind: str
    owner: str
    reason: str
    expires: date

    def row(self, today: date) -> dict[str, Any]:
        """Return its entry in `coverage.json`."""
        return {
            "kind": self.kind,
            "owner": self.owner,
            "reason": self.reason,
            "expires": self.expires.isoformat(),
            "expired": today > self.expires,
        }


def load(folder: Path, catalogue: Catalogue) -> dict[str, SignOff]:
    """Read the sign-offs of a folder with features, by criterion id. Raises BadSignOffs."""
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        # Dates stay text, so that one that does not exist is a problem with a name and not a type.
        content = yaml_text.load_texts(path.read_text(encoding="utf-8")) or []
    except yaml.YAMLError as problem:
        raise BadSignOffs(f"{path}: not valid YAML: {' '.join(str(problem).split())}") from problem
    problems = [
        f"{path}: entry {'.'.join(map(str, error.absolute_path)) or 'list'}: {error.message}"
        for error in Draft202012Validator(_SCHEMA).iter_errors(content)
    ]
    if problems:
        raise BadSignOffs("\n".join(problems))
    found: dict[str, SignOff] = {}
    for number, item in enumerate(content):
        one = id_of(item["criterion"])
        if one not in catalogue.criteria:
            problems.append(f"{path}: entry {number}: {item['criterion']} is not in the catalogue")
        if one in found:
            problems.append(f"{path}: entry {number}: {item['criterion']} is signed off twice; keep one")
        try:
            found[one] = SignOff(one, item["kind"], item["owner"], item["reason"], date.fromisoformat(item["expires"]))
        except ValueError:
            problems.append(f"{path}: entry {number}: expires {item['expires']!r} is no date; write YYYY-MM-DD")
    if problems:
        raise BadSignOffs("\n".join(problems))
    return found


def describe(row: Mapping[str, Any]) -> str:
    """Return a criterion's sign-off in one line, "" where it has none."""
    one = row.get("sign_off")
    if not one:
        return ""
    until = f"EXPIRED on {one['expires']}" if one["expired"] else f"until {one['expires']}"
    return f"{WORDS[one['kind']]} by {one['owner']} {until}: {one['reason']}"
