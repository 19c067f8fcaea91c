"""Policies of roles and users in templates: inline and managed ones, their changes by an update, their removal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.iam.models import Role, User, iam_backends
from moto.utilities.utils import get_partition

from simulator.patches.patching import Patch

_CREATE, _UPDATE, _DELETE = (f"{verb}_from_cloudformation_json" for verb in ("create", "update", "delete"))


def _creating(real: Callable[..., Any]) -> Any:
    def create(
        cls: Any, /, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str, **_: Any
    ) -> Any:
        made = real(cls, resource_name, cloudformation_json, account_id, region_name)
        _apply(made, cloudformation_json.get("Properties", {}))
        return made

    return classmethod(create)


def _updating(real: Callable[..., Any]) -> Any:
    def update(
        cls: Any,
        /,
        original_resource: Any,
        new_resource_name: str,
        cloudformation_json: Any,
        account_id: str,
        region_name: str,
    ) -> Any:
        made = real(cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name)
        _apply(made, cloudformation_json.get("Properties", {}))
        return made

    return classmethod(update)


def _deleting(real: Callable[..., Any]) -> Any:
    def delete(cls: Any, /, resource_name: str, cloudformation_json: Any, account_id: str, region_name: str) -> None:
        backend = iam_backends[account_id][get_partition(region_name)]
        for owner in [*backend.roles.values(), *backend.users.values()]:
            if isinstance(owner, cls) and owner.name == resource_name:
                _apply(owner, {})
        real(cls, resource_name, cloudformation_json, account_id, region_name)

    return classmethod(delete)


def _apply(owner: Any, properties: dict[str, Any]) -> None:
    """Gives the entity the policies of its template, and takes those that an earlier template gave it."""
    earlier_inline, earlier_managed = getattr(owner, "policies_of_template", ((), ()))
    inline = {one["PolicyName"]: one["PolicyDocument"] for one in properties.get("Policies", [])}
    managed = list(properties.get("ManagedPolicyArns", []))
    for name in set(earlier_inline) - set(inline):
        owner.policies.pop(name, None)
    for name, document in inline.items():
        owner.put_policy(name, document if isinstance(document, str) else json.dumps(document, default=str))
    _attach(owner, [arn for arn in earlier_managed if arn not in managed], managed)
    owner.policies_of_template = (tuple(inline), tuple(managed))
    if isinstance(owner, Role) and (trust := properties.get("AssumeRolePolicyDocument")) is not None:
        owner.assume_role_policy_document = trust if isinstance(trust, str) else json.dumps(trust, default=str)


def _attach(owner: Any, gone: list[str], wanted: list[str]) -> None:
    backend: Any = iam_backends[owner.account_id][_partition(owner)]
    kind = "role" if isinstance(owner, Role) else "user"
    for arn in gone:
        if arn in owner.managed_policies:
            getattr(backend, f"detach_{kind}_policy")(arn, owner.name)
    for arn in wanted:
        if arn not in owner.managed_policies:
            getattr(backend, f"attach_{kind}_policy")(arn, owner.name)


def _partition(owner: Any) -> str:
    return str(owner.arn.split(":")[1])


def patches() -> list[Patch]:
    reason = "moto ignores ManagedPolicyArns, a user's Policies, and changes of policies in an update"
    wrappers = {_CREATE: _creating, _UPDATE: _updating, _DELETE: _deleting}
    return [
        Patch(owner, name, wrap(vars(owner)[name].__func__), reason)
        for owner in (Role, User)
        for name, wrap in wrappers.items()
    ]
