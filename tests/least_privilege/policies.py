"""The deployed policies of the roles as documents: read, changed, restored. Trust policies are included."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from moto.iam.models import iam_backends

Document = dict[str, Any]


@dataclass(frozen=True)
class PolicyLocation:
    """A policy of a role. `role` is its name on the page; `name` is the inline policy's name, or "trust"."""

    role: str
    name: str
    account: str
    owner: str

    @property
    def document(self) -> Document:
        found = self._read()
        return copy.deepcopy(json.loads(found) if isinstance(found, str) else found)

    @contextmanager
    def changed(self, document: Document) -> Iterator[None]:
        """Replace the policy by `document` inside the context."""
        before = self.document
        self.write(document)
        try:
            yield
        finally:
            self.write(before)

    def write(self, document: Document) -> None:
        """Replace the policy by `document`."""
        self._write(json.dumps(document) if isinstance(self._read(), str) else document)

    def _read(self) -> Any:
        role = iam_backends[self.account]["aws"].get_role(self.owner)
        return role.assume_role_policy_document if self.name == "trust" else role.policies[self.name]

    def _write(self, document: Any) -> None:
        role = iam_backends[self.account]["aws"].get_role(self.owner)
        if self.name == "trust":
            role.assume_role_policy_document = document
        else:
            role.policies[self.name] = document


def places(account: str, stack: str, target: tuple[str, str]) -> list[PolicyLocation]:
    """Return all policies of the engine's stack and of a target account's role, given as (account id, role name)."""
    found = []
    names = {
        "function": "engine",
        "approvals": "approvals",
        "state machine": "state-machine",
        "closer's starter": "closer-starter",
    }
    owners = [(role, account, f"{stack}-{name}") for role, name in names.items()]
    for role, owner_account, owner in [*owners, ("target account", *target)]:
        policies = iam_backends[owner_account]["aws"].get_role(owner).policies
        found += [PolicyLocation(role, name, owner_account, owner) for name in [*policies, "trust"]]
    return found
