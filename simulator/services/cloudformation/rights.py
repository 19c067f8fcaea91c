"""The rights of the caller behind CloudFormation: it calls the services with the credentials of its caller.

If a stack has a role (RoleARN), CloudFormation calls them with that role instead, in this operation and in later ones.
A denied call fails its resource, with the service's message in the event. Source of the message's form: field reports
of deployments by narrow roles ("Resource handler returned message: …"); that the code at its end is AccessDenied for
all services is a guess [U].
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.parsing import ResourceMap
from moto.cloudformation.responses import CloudFormationResponse
from moto.moto_api._internal import mock_random
from moto.utilities.utils import get_partition

from simulator.iam import AwsRequest, Denied, authorise, principal_of
from simulator.patches.patching import Patch
from simulator.services.cloudformation.failed_resources import FailedResource, ResourceFailed
from simulator.services.cloudformation.handler_rights import (
    DELETE,
    UPDATE,
    HandlerCall,
    StackResource,
    calls,
    given_name,
)

_SERVICE = "cloudformation.amazonaws.com"


@dataclass(frozen=True)
class _Caller:
    """`via` is CloudFormation if it works with its caller's credentials; a role that it assumes calls by itself."""

    principal: str
    via: str | None


class CallerRights:
    """Judges the calls of the operation in progress; without `enforced`, or outside an operation, all are allowed."""

    def __init__(self, *, enforced: bool) -> None:
        self._enforced = enforced
        self._caller: _Caller | None = None
        self._handler: str | None = None
        self._leaves_undeleted = False
        # By logical id, why a deletion of this operation was refused.
        self.undeleted: dict[str, str] = {}

    # -- the operation ------------------------------------------------------------------------------------------------

    def operating(self, real: Callable[[Any], Any]) -> Callable[[Any], Any]:
        """The operation of moto's CloudFormation, as its caller or as the role of the stack."""

        def operate(response: Any) -> Any:
            self.undeleted = {}
            self._caller = self._caller_of(response) if self._enforced else None
            try:
                return real(response)
            finally:
                self._caller = None

        return operate

    @contextmanager
    def unjudged(self) -> Iterator[None]:
        """CloudFormation undoes its own work in here."""
        caller, self._caller = self._caller, None
        try:
            yield
        finally:
            self._caller = caller

    @contextmanager
    def leaving_undeleted(self) -> Iterator[None]:
        """A resource whose deletion is denied in here stays, and the operation goes on."""
        self._leaves_undeleted = True
        try:
            yield
        finally:
            self._leaves_undeleted = False

    @contextmanager
    def handling(self, handler: str) -> Iterator[None]:
        """moto names a resource in here, to create or to update it."""
        before, self._handler = self._handler, handler
        try:
            yield
        finally:
            self._handler = before

    def _caller_of(self, response: Any) -> _Caller | None:
        account, backend = response.current_account, response.cloudformation_backend
        name = response._get_param("StackName")
        stack = next((one for one in backend.stacks.values() if name in (one.name, one.stack_id)), None)
        role = response._get_param("RoleARN") or getattr(stack, "role_arn", None)
        if role is None:
            principal = principal_of(account, response.access_key)
            return _Caller(principal, _SERVICE) if principal else None
        request = {"RoleArn": role, "RoleSessionName": "AWSCloudFormation"}
        if authorise(AwsRequest("sts", "AssumeRole", request, account, response.region, _SERVICE)) is not None:
            raise ValidationError(message=f"Role {role} is invalid or cannot be assumed")
        _, partition, _, _, owner, path = role.split(":", 5)
        session = f"assumed-role/{path.rpartition('/')[2]}/AWSCloudFormation"
        return _Caller(f"arn:{partition}:sts::{owner}:{session}", None)

    def patches(self) -> list[Patch]:
        """All but CreateStack, whose operation `failures` completes."""
        reason = "moto makes and removes resources with any caller"
        operations = ("update_stack", "delete_stack", "execute_change_set")
        return [
            *(
                Patch(CloudFormationResponse, name, self.operating(vars(CloudFormationResponse)[name]), reason)
                for name in operations
            ),
            Patch(
                parsing,
                "parse_resource_and_generate_name",
                self._naming(parsing.parse_resource_and_generate_name),
                reason,
            ),
            Patch(parsing, "parse_and_update_resource", self._updating(parsing.parse_and_update_resource), reason),
            Patch(ResourceMap, "_delete_resource", self._deleting(vars(ResourceMap)["_delete_resource"]), reason),
        ]

    # -- the calls ----------------------------------------------------------------------------------------------------

    def _naming(self, real: Callable[..., Any]) -> Callable[..., Any]:
        """moto names each resource just before it creates or updates it, when its properties are known."""

        def name(logical_id: str, description: Any, resources: Any) -> Any:
            found = real(logical_id, description, resources)
            if found and self._caller is not None and self._handler is not None:
                _, resolved, generated = found
                existing = resources._parsed_resources.get(logical_id)
                named = getattr(existing, "physical_resource_id", None) or given_name(resolved["Properties"])
                named = named or generated
                self._require(self._handler, logical_id, _resource(resolved, named, resources))
            return found

        return name

    def _updating(self, real: Callable[..., Any]) -> Callable[..., Any]:
        def update(logical_id: str, description: Any, resources: Any, **place: Any) -> Any:
            existing = resources[logical_id]
            with self.handling(UPDATE):
                # moto has no result for a type that it cannot update, and would forget the resource.
                return real(logical_id, description, resources, **place) or existing

        return update

    def _deleting(self, real: Callable[..., None]) -> Callable[..., None]:
        def delete(resources: Any, resource: Any, description: Any) -> None:
            if self._caller is not None and type(resource) is not FailedResource:
                known = {
                    **description,
                    "Properties": getattr(resource, "properties", None) or description["Properties"],
                }
                named = getattr(resource, "physical_resource_id", None) or ""
                try:
                    self._require(DELETE, resource.logical_resource_id, _resource(known, named, resources))
                except ResourceFailed as failure:
                    self.undeleted[resource.logical_resource_id] = failure.reason
                    if self._leaves_undeleted:
                        return
                    raise
            real(resources, resource, description)

        return delete

    def _require(self, handler: str, logical_id: str, resource: StackResource) -> None:
        """Raises ResourceFailed for the first call of the handler that is denied."""
        for call in calls(resource, handler):
            if denied := self._denial(call, resource):
                failed = FailedResource(logical_id, resource.kind, status=f"{handler.upper()}_FAILED")
                raise ResourceFailed(failed, _reason(denied, call))

    def _denial(self, call: HandlerCall, resource: StackResource) -> Denied | None:
        caller = self._caller
        if caller is None:
            return None
        return authorise(
            AwsRequest(
                call.service,
                call.operation,
                call.parameters,
                resource.account,
                resource.region,
                caller.principal,
                via_service=caller.via,
            )
        )


def _resource(description: Any, named: str, resources: Any) -> StackResource:
    account, region = resources._account_id, resources._region_name
    tags = {key: value for key, value in resources.tags.items() if not key.startswith("aws:")}
    name = str(named).rpartition(":")[2] if str(named).startswith("arn:") else str(named)
    properties = description.get("Properties", {})
    return StackResource(description["Type"], name, properties, account, region, get_partition(region), tags)


def _reason(denied: Denied, call: HandlerCall) -> str:
    request, token = mock_random.uuid4(), mock_random.uuid4()
    details = f"(Service: {call.sdk_name}, Status Code: {denied.status}, Request ID: {request})"
    return (
        f'Resource handler returned message: "{denied.message} {details}" '
        f"(RequestToken: {token}, HandlerErrorCode: AccessDenied)"
    )
