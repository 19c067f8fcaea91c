"""Every way to take a little away from a policy: an action, a resource, a principal; or a condition, which adds."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.least_privilege.policies import Document, PolicyLocation

# Nobody and nothing is called so.
ELSEWHERE = "arn:aws:nowhere:us-east-1:000000000000:moved"
NOBODY = "arn:aws:iam::000000000000:role/moved"


@dataclass(frozen=True)
class Mutation:
    """One change of one statement. `kind` is action, resource, principal or condition; `what` is what was changed."""

    place: PolicyLocation
    statement: Document
    kind: str
    what: str
    document: Document

    @property
    def title(self) -> str:
        sid = self.place.name if self.place.name == "trust" else self.statement["Sid"]
        verb = {"action": "without", "condition": "without the condition"}.get(self.kind, f"{self.kind} moved:")
        return f"{self.place.role}, {sid}: {verb} {self.what}"

    @property
    def actions(self) -> list[str]:
        """The actions whose accesses the change can concern."""
        return [self.what] if self.kind == "action" else listed(self.statement["Action"])


def mutations(place: PolicyLocation) -> Iterator[Mutation]:
    """All changes of the policy, one at a time."""
    document = place.document
    for index, statement in enumerate(document["Statement"]):
        for kind, what, changed in _changes(statement):
            mutated = copy.deepcopy(document)
            mutated["Statement"][index : index + 1] = [] if changed is None else [changed]
            yield Mutation(place, statement, kind, what, mutated)


def _changes(statement: Document) -> Iterator[tuple[str, str, Document | None]]:
    actions = listed(statement["Action"])
    for action in actions:
        left = [one for one in actions if one != action]
        yield "action", action, {**statement, "Action": left} if left else None
    if "Resource" in statement:
        resources = listed(statement["Resource"])
        for resource in resources:
            moved = [ELSEWHERE if one == resource else one for one in resources]
            yield "resource", resource, {**statement, "Resource": moved}
    for kind, named in statement.get("Principal", {}).items():
        moved_to = NOBODY if kind == "AWS" else "nobody.amazonaws.com"
        yield "principal", str(named), {**statement, "Principal": {kind: moved_to}}
    for operator, keys in statement.get("Condition", {}).items():
        for key in keys:
            yield "condition", key, {**statement, "Condition": _without(statement["Condition"], operator, key)}


def _without(conditions: dict[str, dict[str, Any]], operator: str, key: str) -> dict[str, dict[str, Any]]:
    left = {name: {k: v for k, v in keys.items() if (name, k) != (operator, key)} for name, keys in conditions.items()}
    return {name: keys for name, keys in left.items() if keys}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
