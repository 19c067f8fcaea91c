"""All single mutations of a policy: remove an action, move a resource or principal, or remove a condition."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.least_privilege.policies import Document, PolicyLocation

# No resource and no principal has these names.
MOVED_RESOURCE = "arn:aws:nowhere:us-east-1:000000000000:moved"
MOVED_PRINCIPAL = "arn:aws:iam::000000000000:role/moved"


@dataclass(frozen=True)
class Mutation:
    """One change of one statement. `kind` is action, resource, principal or condition; `subject` is its name."""

    place: PolicyLocation
    statement: Document
    kind: str
    subject: str
    document: Document

    @property
    def sid(self) -> str:
        """The statement's id; a trust policy has one statement, called trust."""
        return self.place.name if self.place.name == "trust" else str(self.statement["Sid"])

    @property
    def title(self) -> str:
        verb = {"action": "without", "condition": "without the condition"}.get(self.kind, f"{self.kind} moved:")
        return f"{self.place.role}, {self.sid}: {verb} {self.subject}"

    @property
    def actions(self) -> list[str]:
        """The actions that the change can affect."""
        return [self.subject] if self.kind == "action" else listed(self.statement["Action"])


def mutations(place: PolicyLocation) -> Iterator[Mutation]:
    """Yield all mutations of a policy, each with one change."""
    document = place.document
    for index, statement in enumerate(document["Statement"]):
        for kind, subject, changed in _changes(statement):
            mutated = copy.deepcopy(document)
            mutated["Statement"][index : index + 1] = [] if changed is None else [changed]
            yield Mutation(place, statement, kind, subject, mutated)


def _changes(statement: Document) -> Iterator[tuple[str, str, Document | None]]:
    actions = listed(statement["Action"])
    for action in actions:
        left = [one for one in actions if one != action]
        yield "action", action, {**statement, "Action": left} if left else None
    if "Resource" in statement:
        resources = listed(statement["Resource"])
        for resource in resources:
            moved = [MOVED_RESOURCE if one == resource else one for one in resources]
            yield "resource", resource, {**statement, "Resource": moved}
    for kind, named in statement.get("Principal", {}).items():
        moved_to = MOVED_PRINCIPAL if kind == "AWS" else "nobody.amazonaws.com"
        yield "principal", str(named), {**statement, "Principal": {kind: moved_to}}
    for operator, keys in statement.get("Condition", {}).items():
        for key in keys:
            yield "condition", key, {**statement, "Condition": _without(statement["Condition"], operator, key)}


def _without(conditions: dict[str, dict[str, Any]], operator: str, key: str) -> dict[str, dict[str, Any]]:
    left = {name: {k: v for k, v in keys.items() if (name, k) != (operator, key)} for name, keys in conditions.items()}
    return {name: keys for name, keys in left.items() if keys}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
