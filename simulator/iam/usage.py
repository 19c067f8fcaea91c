"""The exercised rights, for a later comparison with the granted rights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.iam.access import Access
from simulator.iam.principals import entity_arn, parse_principal


@dataclass(frozen=True)
class Used:
    """`principal` is the user or role, not its session; `via_service` is the service that acted on its behalf."""

    principal: str
    action: str
    resource: str | None
    via_service: str | None


# One access for each set that no policy can distinguish, in the order of first use.
_accesses: dict[tuple[Any, ...], Access] = {}


def note_use(access: Access) -> None:
    context = tuple(access.context.items())
    key = (access.principal_arn, access.action, access.resource, access.via_service, access.source_arn, context)
    _accesses.setdefault(key, access)


def granted_accesses() -> list[Access]:
    """All accesses allowed since the last `forget_usage`, each once, with the input of their judgement."""
    return list(_accesses.values())


def used() -> list[Used]:
    """All rights exercised since the last `forget_usage`, in the order of their first use."""
    found = (
        Used(entity_arn(parse_principal(one.principal_arn)), one.action, one.resource, one.via_service)
        for one in _accesses.values()
    )
    return list(dict.fromkeys(found))


def forget_usage() -> None:
    _accesses.clear()
