"""Answers of the Step Functions API that moto lacks: generated names, pages of a history, error and cause."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import Any

from moto.core.exceptions import AWSError, ServiceException
from moto.core.responses import ActionResult
from moto.moto_api._internal import mock_random
from moto.stepfunctions.parser import api
from moto.stepfunctions.parser.backend.execution import Execution
from moto.stepfunctions.responses import StepFunctionResponse

from simulator.patches.patching import Patch

# API reference of GetExecutionHistory: "The default is 100 … A value of 0 uses the default."
DEFAULT_PAGE = 100
# Members of an event's details that includeExecutionData=false leaves out: "input or output of a history event".
_EXECUTION_DATA = frozenset({"input", "output"})

_start = StepFunctionResponse.start_execution
_list = StepFunctionResponse.list_executions
_describe = StepFunctionResponse.describe_execution
_history = StepFunctionResponse.get_execution_history
_details = Execution.get_start_execution_details


class InvalidToken(ServiceException):  # type: ignore[misc]  # moto publishes no types
    code = "InvalidToken"
    message = "Invalid Token: 'Invalid token'"


def _start_execution(response: Any) -> ActionResult:
    """An execution without a name gets a UUID, as documented in StartExecution."""
    real = response._get_param
    name = real("name") or str(mock_random.uuid4())
    response._get_param = lambda key, *rest, **more: name if key == "name" else real(key, *rest, **more)
    return _start(response)


def _start_details(execution: Any) -> Any:
    """The start as in the examples of the context object, "2019-03-26T20:14:13.192Z"; moto's is no JSON value."""
    details = _details(execution)
    details.start_time = execution.start_date.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return details


def _stop_execution(response: Any) -> ActionResult:
    execution = response.stepfunction_backend.describe_execution(response._get_param("executionArn"))
    execution.stop(datetime.now(tz=UTC), error=response._get_param("error"), cause=response._get_param("cause"))
    return ActionResult({"stopDate": execution.stop_date})


def _describe_execution(response: Any) -> ActionResult:
    result = _describe(response)
    execution = response.stepfunction_backend.describe_execution(response._get_param("executionArn"))
    if execution.stop_date is not None:
        result.result["stopDate"] = execution.stop_date
    return result


def _list_executions(response: Any) -> ActionResult:
    result = _list(response)
    for listed in result.result["executions"]:
        execution = response.stepfunction_backend.describe_execution(listed["executionArn"])
        if execution.stop_date is not None:
            listed["stopDate"] = execution.stop_date
    return result


def _get_execution_history(response: Any) -> ActionResult:
    events = list(_history(response).result["events"])
    if response._get_param("reverseOrder"):
        events.reverse()
    if response._get_param("includeExecutionData") is False:
        events = [_without_data(event) for event in events]
    size = int(response._get_param("maxResults") or DEFAULT_PAGE)
    start = _position(response._get_param("nextToken"))
    token = _token(start + size) if start + size < len(events) else None
    return ActionResult({"events": events[start : start + size], "nextToken": token})


def _without_data(event: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {key: item for key, item in value.items() if key not in _EXECUTION_DATA}
        if isinstance(value, dict)
        else value
        for name, value in event.items()
    }


def _token(position: int) -> str:
    return base64.b64encode(f"event {position}".encode()).decode()


def _position(token: str | None) -> int:
    if token is None:
        return 0
    try:
        word, number = base64.b64decode(token, validate=True).decode().split(" ")
        if word == "event":
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise InvalidToken()


def _error_patches() -> list[Patch]:
    """The interpreter's errors have `code`, but their base class reads TYPE and demands a message."""
    reason = "moto sends an empty error code, or fails without a message"

    def create(error: Any, message: str | None = None) -> None:
        AWSError.__init__(error, message or type(error).TYPE)

    named = [one for one in vars(api).values() if isinstance(one, type) and issubclass(one, AWSError)]
    named = [one for one in named if isinstance(vars(one).get("code"), str)]
    return [
        *(Patch(one, "TYPE", vars(one)["code"], reason) for one in named),
        *(Patch(one, "__init__", create, reason) for one in named if "__init__" not in vars(one)),
    ]


def patches() -> list[Patch]:
    return [
        *_error_patches(),
        Patch(StepFunctionResponse, "start_execution", _start_execution, "moto names the execution None"),
        Patch(Execution, "get_start_execution_details", _start_details, "$$.Execution.StartTime fails in a payload"),
        Patch(StepFunctionResponse, "stop_execution", _stop_execution, "moto drops error and cause"),
        Patch(StepFunctionResponse, "describe_execution", _describe_execution, "moto omits stopDate of TIMED_OUT"),
        Patch(StepFunctionResponse, "list_executions", _list_executions, "moto omits stopDate of TIMED_OUT"),
        Patch(
            StepFunctionResponse,
            "get_execution_history",
            _get_execution_history,
            "moto ignores maxResults, nextToken, reverseOrder and includeExecutionData",
        ),
    ]
