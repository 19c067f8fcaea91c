"""The verdict on one access, in IAM's order.

    explicit deny anywhere -> denied
    same account           -> an identity policy allows it, or the resource's policy names the principal itself
    another account        -> both: an identity policy allows it, and the resource's policy names principal or account
    a KMS key              -> its policy names the principal, or its account and an identity policy allows it
    assuming a role        -> its trust policy names the principal, or its account and an identity policy allows it
    a service              -> the resource's policy names it

A permissions boundary and a session's policy only take away: both must allow what an identity policy allows.
"""

from __future__ import annotations

from collections.abc import Iterable

from simulator.iam import principals, resource_policies
from simulator.iam.access import Access, Denied
from simulator.iam.policy import Statement
from simulator.iam.principals import Principal, parse_principal
from simulator.iam.request_context import RequestFacts, resource_account
from simulator.iam.resource_policies import Named

# Always allowed, regardless of the policies.
FREE_ACTIONS = frozenset({"sts:GetCallerIdentity"})


def judge(access: Access) -> Denied | None:
    """None when the access is allowed. Raises SimulatorDefect for policies that the simulator cannot evaluate."""
    if access.action in FREE_ACTIONS:
        return None
    principal = parse_principal(access.principal_arn)
    facts = RequestFacts(access, principal)
    granted = resource_policies.statements_for(access)
    by_resource, resource_denies = _resource_verdict(granted or (), access, facts, principal)
    if resource_denies:
        return Denied(access, "with an explicit deny in a resource-based policy")
    if principal.kind == "service":
        return None if by_resource is Named.DIRECTLY else Denied(access, _nothing_allows("resource-based", access))
    missing = _identity_verdict(access, facts, principal)
    if missing is not None and "explicit deny" in missing:
        return Denied(access, missing)
    if access.action.lower().startswith("sts:assumerole"):
        return _assume_role_verdict(access, by_resource, missing, principal)
    if access.action.startswith("kms:"):
        return _key_verdict(access, by_resource, missing, principal)
    if resource_account(access) != principal.account:
        if missing is not None:
            return Denied(access, missing)
        return None if by_resource is not Named.NOT else Denied(access, _nothing_allows("resource-based", access))
    return None if missing is None or by_resource is Named.DIRECTLY else Denied(access, missing)


def _assume_role_verdict(access: Access, trust: Named, missing: str | None, principal: Principal) -> Denied | None:
    """STS hides the reason: its answer is the same for a missing role, missing trust and a missing right."""
    same_account = resource_account(access) == principal.account
    if trust is Named.DIRECTLY and (same_account or missing is None):
        return None
    return None if trust is Named.ACCOUNT and missing is None else Denied(access, "")


def _key_verdict(access: Access, by_policy: Named, missing: str | None, principal: Principal) -> Denied | None:
    """A key's policy decides; identity policies count only where it names the account.

    Source: AWS's KMS developer guide, "Key policies". Actions without a key, such as ListKeys, have no such policy.
    """
    if access.resource in (None, "*"):
        return Denied(access, missing) if missing is not None else None
    same_account = resource_account(access) == principal.account
    if by_policy is Named.DIRECTLY and (same_account or missing is None):
        return None
    if by_policy is Named.NOT:
        return Denied(access, _nothing_allows("resource-based", access))
    return Denied(access, missing) if missing is not None else None


def _identity_verdict(access: Access, facts: RequestFacts, principal: Principal) -> str | None:
    """Why identity policies do not allow the access, or None when they do."""
    if principal.kind == "root":
        return None
    sides: list[tuple[str, Iterable[Statement] | None]] = [
        ("identity-based", principals.identity_statements(principal)),
        ("permissions boundary", principals.boundary_statements(principal)),
        ("session", principals.session_statements(principal)),
    ]
    reason = None
    for side, statements in sides:
        if statements is None:
            continue
        verdict = _verdict(statements, access, facts)
        if verdict is False:
            article = "an" if side[0] in "aeiou" else "a"
            return f"with an explicit deny in {article} {_named_policy(side)}"
        if verdict is None and reason is None:
            reason = _nothing_allows(side, access)
    return reason


def _verdict(statements: Iterable[Statement], access: Access, facts: RequestFacts) -> bool | None:
    """False for an explicit deny, True if a statement allows the access, None if no statement matches."""
    allowed = None
    for statement in statements:
        if (allowed is None or not statement.allows) and statement.applies(access, facts):
            if not statement.allows:
                return False
            allowed = True
    return allowed


def _resource_verdict(
    statements: Iterable[Statement], access: Access, facts: RequestFacts, principal: Principal
) -> tuple[Named, bool]:
    """How the resource's policy grants the access, and whether it denies it."""
    granted = Named.NOT
    for statement in statements:
        named = resource_policies.names(statement, principal)
        if named is Named.NOT or not statement.applies(access, facts):
            continue
        if not statement.allows:
            return Named.NOT, True
        granted = max(granted, named)
    return granted, False


def _named_policy(side: str) -> str:
    return side if side == "permissions boundary" else f"{side} policy"


def _nothing_allows(side: str, access: Access) -> str:
    return f"because no {_named_policy(side)} allows the {access.action} action"
