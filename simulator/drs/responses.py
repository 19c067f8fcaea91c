"""Translates requests to calls of `models.DRSBackend` and its results to responses, without decisions.

moto dispatches to the method with the operation's name. An operation needs an initialised account if its errors in
botocore's model include UninitializedAccountException.
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.responses import ActionResult, BaseResponse, EmptyResult
from moto.core.utils import get_service_model

from simulator.drs.exceptions import DRSException
from simulator.drs.models import DRSBackend, drs_backends
from simulator.drs.paging import page
from simulator.drs.time_source import now
from simulator.iam import principal_of


class DRSResponse(BaseResponse):  # type: ignore[misc]  # moto's types are not read
    """Handler of DRS requests."""

    def __init__(self) -> None:
        super().__init__(service_name="drs")
        self.automated_parameter_parsing = True

    @property
    def drs(self) -> DRSBackend:
        """The backend of the caller's account and region, if it lets this call in."""
        backend: DRSBackend = drs_backends[self.current_account][self.region]
        operation = get_service_model("drs").operation_model(self._get_action())
        needs_initialization = any(one.name == "UninitializedAccountException" for one in operation.error_shapes)
        backend.admit(operation.name, needs_initialization)
        return backend

    def serialized(self, action_result: ActionResult) -> Any:
        """Results already have the shape of the wire; errors get the header members that moto's serialiser omits."""
        error = action_result.result
        if isinstance(error, dict):
            operation = get_service_model("drs").operation_model(self._get_action())
            headers = {"Content-Type": "application/json", **self.response_headers}
            return operation.http.get("responseCode", 200), headers, json.dumps(_without_nulls(error))
        status, headers, body = super().serialized(action_result)
        if isinstance(error, DRSException) and error.retry_after_seconds is not None:
            headers["Retry-After"] = str(error.retry_after_seconds)
        return status, headers, body

    def initialize_service(self) -> ActionResult:
        self.drs.initialize_service()
        return EmptyResult()

    def describe_source_servers(self) -> ActionResult:
        servers = self.drs.describe_source_servers(self._filters())
        items, token = self._page(servers, "source_server_id")
        moment = now()
        return ActionResult({"items": [one.describe(moment) for one in items], "nextToken": token})

    def describe_recovery_snapshots(self) -> ActionResult:
        snapshots = self.drs.describe_recovery_snapshots(
            self._get_param("sourceServerID"), self._filters(), self._get_param("order")
        )
        items, token = self._page(snapshots, "snapshot_id")
        return ActionResult({"items": [one.describe() for one in items], "nextToken": token})

    def get_launch_configuration(self) -> ActionResult:
        server = self.drs.source_server(self._get_param("sourceServerID"))
        return ActionResult(server.launch_configuration())

    def start_recovery(self) -> ActionResult:
        job = self.drs.start_recovery(
            self._get_param("sourceServers"),
            bool(self._get_param("isDrill", False)),
            self._get_param("tags", {}),
            principal_of(self.current_account, self.access_key),
        )
        return ActionResult({"job": job.describe(now())})

    def terminate_recovery_instances(self) -> ActionResult:
        job = self.drs.terminate_recovery_instances(
            self._get_param("recoveryInstanceIDs"), principal_of(self.current_account, self.access_key)
        )
        return ActionResult({"job": job.describe(now())})

    def describe_jobs(self) -> ActionResult:
        items, token = self._page(self.drs.describe_jobs(self._filters()), "job_id")
        moment = now()
        return ActionResult({"items": [one.describe(moment) for one in items], "nextToken": token})

    def describe_job_log_items(self) -> ActionResult:
        lines = list(enumerate(self.drs.describe_job_log_items(self._get_param("jobID"))))
        items, token = page(lines, lambda one: str(one[0]), *self._paging())
        return ActionResult({"items": [one.describe() for _, one in items], "nextToken": token})

    def describe_recovery_instances(self) -> ActionResult:
        items, token = self._page(self.drs.describe_recovery_instances(self._filters()), "recovery_instance_id")
        return ActionResult({"items": [one.describe() for one in items], "nextToken": token})

    def tag_resource(self) -> ActionResult:
        self.drs.tag_resource(self._get_param("resourceArn"), self._get_param("tags"))
        return EmptyResult()

    def untag_resource(self) -> ActionResult:
        self.drs.untag_resource(self._get_param("resourceArn"), self._get_param("tagKeys"))
        return EmptyResult()

    def list_tags_for_resource(self) -> ActionResult:
        return ActionResult({"tags": self.drs.tags_of(self._get_param("resourceArn"))})

    def _filters(self) -> dict[str, Any]:
        filters: dict[str, Any] = self._get_param("filters", {})
        return filters

    def _paging(self) -> tuple[int | None, str | None]:
        return self._get_param("maxResults"), self._get_param("nextToken")

    def _page(self, items: list[Any], key: str) -> tuple[Any, str | None]:
        return page(items, lambda one: str(getattr(one, key)), *self._paging())


def _without_nulls(value: Any) -> Any:
    """Leaves out absent members, which are None in the models."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list | tuple) else value
