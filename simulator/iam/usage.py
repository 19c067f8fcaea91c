"""Which rights were exercised: what a later comparison with the granted ones needs."""

from __future__ import annotations

from dataclasses import dataclass

from .access import Access
from .principals import entity_arn, parse_principal


@dataclass(frozen=True)
class Used:
    """`principal` is the user or role, not its session; `via_service` is the service that acted in its name."""

    principal: str
    action: str
    resource: str | None
    via_service: str | None


# Insertion-ordered, each right once, with the number of its uses.
_uses: dict[Used, int] = {}


def note_use(access: Access) -> None:
    principal = entity_arn(parse_principal(access.principal_arn))
    use = Used(principal, access.action, access.resource, access.via_service)
    _uses[use] = _uses.get(use, 0) + 1


def used() -> list[Used]:
    """All rights exercised since the last `forget_usage`, in the order of their first use."""
    return list(_uses)


def forget_usage() -> None:
    _uses.clear()
