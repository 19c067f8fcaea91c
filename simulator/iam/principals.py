"""The principal of a call and its identity policies, read from moto's IAM and STS at the time of the call."""

from __future__ import annotations

import json
import marshal
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from simulator.iam.policy import Statement, compile_policy
from simulator.time.clock import SimulatorDefect

_ARN = re.compile(
    r"arn:(?P<partition>[^:]+):(?:iam|sts)::(?P<account>\d{12}):"
    r"(?P<kind>root|user|role|assumed-role|federated-user)(?:/(?P<path>.+))?"
)


@dataclass(frozen=True)
class Principal:
    """`kind` is root, user, role, federated-user or service. A session of a role is the role, with its `session`."""

    arn: str
    kind: str
    account: str = ""
    partition: str = "aws"
    name: str = ""
    session: str = ""

    @property
    def account_root(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}:root"


@lru_cache(maxsize=4096)
def parse_principal(arn: str) -> Principal:
    """A principal's ARN, or a service's name such as states.amazonaws.com."""
    if re.fullmatch(r"[a-z0-9.-]+\.amazonaws\.com", arn):
        return Principal(arn, "service")
    match = _ARN.fullmatch(arn)
    if match is None:
        raise SimulatorDefect(f"{arn!r} is no principal the simulator knows")
    kind, path = match["kind"], match["path"] or ""
    session = ""
    if kind == "assumed-role":
        kind, (path, _, session) = "role", path.partition("/")
    return Principal(arn, kind, match["account"], match["partition"], path.rpartition("/")[2], session)


def principal_of(account: str, access_key: str) -> str | None:
    """The ARN of the user or session of an access key; None for a key that was never issued."""
    for partition, backend in list(iam_backends[account].items()):
        key = backend.access_keys.get(access_key)
        if key is not None and key.user_name:
            return str(backend.get_user(key.user_name).arn)
        if key is not None:
            session = sts_backends[account][partition].get_assumed_role_from_access_key(access_key)
            return str(session.arn) if session else None
    return None


def entity(principal: Principal) -> Any:
    """moto's user or role, or None when it does not exist (any more)."""
    if principal.kind in ("service", "federated-user"):
        return None
    backend = iam_backends[principal.account][principal.partition]
    if principal.kind == "user":
        return next((one for one in backend.users.values() if one.name == principal.name), None)
    return next((one for one in backend.roles.values() if one.name == principal.name), None)


def entity_arn(principal: Principal) -> str:
    """The value of aws:PrincipalArn: the role, not its session."""
    found = entity(principal) if principal.kind == "role" else None
    return str(found.arn) if found else principal.arn


def identity_statements(principal: Principal) -> Iterator[Statement]:
    """All statements of inline and attached policies, of a user's groups too."""
    if principal.kind == "federated-user":
        parent = getattr(_newest_session(principal), "parent_arn", None)
        yield from identity_statements(parse_principal(parent)) if parent else ()
        return
    found = entity(principal)
    if found is None:
        return
    yield from _statements_of(found)
    if principal.kind == "user":
        for group in iam_backends[principal.account][principal.partition].groups.values():
            if found in group.users:
                yield from _statements_of(group)


def boundary_statements(principal: Principal) -> list[Statement] | None:
    """The permissions boundary, or None when there is none."""
    arn = getattr(entity(principal), "permissions_boundary_arn", None)
    if not arn:
        return None
    policy = iam_backends[principal.account][principal.partition].managed_policies[arn]
    return list(_statements(_default_version(policy)))


def session_statements(principal: Principal) -> list[Statement] | None:
    """The policy of AssumeRole or GetFederationToken, or None when there is none.

    A federated user without a policy has no permissions.
    """
    is_federated = principal.kind == "federated-user"
    if not principal.session and not is_federated:
        return None
    newest = _newest_session(principal)
    if newest and newest.policy:
        return list(compile_policy(newest.policy))
    return [] if is_federated else None


def _newest_session(principal: Principal) -> Any:
    sessions = sts_backends[principal.account][principal.partition].assumed_roles
    return next((one for one in reversed(sessions) if one.arn == principal.arn), None)


def tags(principal: Principal) -> dict[str, str]:
    found = entity(principal)
    listed = found.tags if found is not None else None
    if isinstance(listed, dict):
        listed = list(listed.values())
    return {one["Key"]: one["Value"] for one in listed or []}


def _statements_of(owner: Any) -> Iterator[Statement]:
    for document in owner.policies.values():
        yield from _statements(document)
    for policy in owner.managed_policies.values():
        yield from _statements(_default_version(policy))


def _default_version(policy: Any) -> Any:
    return next(one for one in policy.versions if one.version_id == policy.default_version_id).document


def _statements(document: Any) -> tuple[Statement, ...]:
    """The statements of a policy that moto keeps, as JSON or as a dict; it may have changed since the last question."""
    if isinstance(document, str):
        return compile_policy(document)
    try:
        # Ten times as fast as JSON; version 2 does not record which parts are the same object.
        return _compiled(marshal.dumps(document, 2))
    except ValueError:  # a class of its own somewhere inside
        return compile_policy(json.dumps(document))


@lru_cache(maxsize=1024)
def _compiled(document: bytes) -> tuple[Statement, ...]:
    return compile_policy(json.dumps(marshal.loads(document)))  # noqa: S302 - written by this process a moment ago
