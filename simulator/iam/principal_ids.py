"""The principals of a trust policy: IAM stores a role's ARN in it as the role's unique id.

A role that is deleted and created again under the same name has another id: policies that named it no longer match,
until they are written again. moto stores the document as given. Here each write of a trust policy also stores the ids
of the roles that its ARNs name at that moment. A role that did not exist then is found by its name (AWS refuses such a
policy).
"""

from __future__ import annotations

import json
from typing import Any

from moto.iam.models import Role, iam_backends

from simulator.iam.policy import compile_policy
from simulator.patches.patching import Patch

_DOCUMENT, _MEANT = "_trust_policy", "_trusted_ids"


class _TrustPolicy:
    """Replaces the attribute in which moto's role stores its trust policy."""

    def __get__(self, role: Any, owner: type | None = None) -> Any:
        return vars(role)[_DOCUMENT]

    def __set__(self, role: Any, document: Any) -> None:
        vars(role)[_DOCUMENT] = document
        statements = compile_policy(document if isinstance(document, str) else json.dumps(document))
        named = {value for one in statements for kind, value in one.principals or () if kind == "AWS"}
        ids = {arn: role_id(arn) for arn in named}
        vars(role)[_MEANT] = {arn: found for arn, found in ids.items() if found is not None}


def role_id(arn: str) -> str | None:
    """The unique id of the role that has this ARN now; None when there is none."""
    parts = arn.split(":")
    if len(parts) < 6 or not parts[5].startswith("role/"):
        return None
    roles = iam_backends[parts[4]][parts[1]].roles.values()
    return next((str(one.id) for one in roles if one.arn == arn), None)


def meant(role: Any, arn: str) -> str:
    """The principal behind an ARN in the role's trust policy: the ARN, or the id of a deleted role."""
    known: dict[str, str] = vars(role).get(_MEANT, {})
    return arn if known.get(arn) in (None, role_id(arn)) else known[arn]


def patches() -> list[Patch]:
    return [Patch(Role, "assume_role_policy_document", _TrustPolicy(), "moto trusts a role made again as the first")]
