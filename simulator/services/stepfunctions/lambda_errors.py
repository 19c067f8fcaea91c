"""The names that Step Functions gives to Lambda's own errors: Lambda.ServiceException and its like.

moto calls every such error of a plain Lambda task "Exception", and a lost connection States.Runtime, so that a Retry
for Lambda's transient errors would never match.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.stepfunctions.parser.api import (
    HistoryEventType,
    LambdaFunctionFailedEventDetails,
    TaskFailedEventDetails,
)
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import FailureEvent
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_lambda import (
    StateTaskServiceLambda,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.state_task_lambda import StateTaskLambda
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails

from simulator.patches.patching import Patch

_RETRYABLE = frozenset({"ServiceException", "TooManyRequestsException", "ResourceNotReadyException"})


def patches() -> list[Patch]:
    reason = "Lambda's own errors get the names that Step Functions documents for them"
    return [
        Patch(StateTaskLambda, "_from_error", _from_plain_task, reason),
        Patch(StateTaskServiceLambda, "_from_error", _from_integration, reason),
    ]


def _name_and_cause(error: Exception) -> tuple[str, str] | None:
    """None for errors that are not Lambda's own, such as an exception of the function."""
    if isinstance(error, BotoCoreError):
        return "Lambda.SdkClientException", str(error)
    if not isinstance(error, ClientError):
        return None
    code, text = error.response["Error"]["Code"], error.response["Error"]["Message"]
    metadata = error.response["ResponseMetadata"]
    details = f"Service: AWSLambda; Status Code: {metadata['HTTPStatusCode']}; Error Code: {code}"
    cause = f"{text} ({details}; Request ID: {metadata['RequestId']}; Proxy: null)"
    return f"Lambda.{code if code in _RETRYABLE else 'AWSLambdaException'}", cause


_plain = StateTaskLambda._from_error
_integration = StateTaskServiceLambda._from_error


def _from_plain_task(task: Any, env: Any, ex: Exception) -> Any:
    found = _name_and_cause(ex)
    if found is None:
        return _plain(task, env, ex)
    name, cause = found
    details = EventDetails(lambdaFunctionFailedEventDetails=LambdaFunctionFailedEventDetails(error=name, cause=cause))
    return FailureEvent(
        env=env,
        error_name=CustomErrorName(name),
        event_type=HistoryEventType.LambdaFunctionFailed,
        event_details=details,
    )


def _from_integration(task: Any, env: Any, ex: Exception) -> Any:
    found = _name_and_cause(ex)
    if found is None:
        return _integration(task, env, ex)
    name, cause = found
    failed = TaskFailedEventDetails(
        error=name, cause=cause, resource=task._get_sfn_resource(), resourceType=task._get_sfn_resource_type()
    )
    details = EventDetails(taskFailedEventDetails=failed)
    return FailureEvent(
        env=env, error_name=CustomErrorName(name), event_type=HistoryEventType.TaskFailed, event_details=details
    )
