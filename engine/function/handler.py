"""The Lambda function: one handler for all that reaches the engine.

- from clients: `Action: start` with PlanId, ExecutionType, InitiatedBy and perhaps ClientToken; answers ExecutionId
  (with Existed when nothing was started because it exists already), or Problems when the plan is refused;
- from clients: `Action: cancel` with ExecutionId and Reason; answers ExecutionId, or Refusal and Message;
- from the state machine: `Action: tick` with ExecutionId, Run, Tick and perhaps PolledAt; answers the next payload;
- from the state machine: `Action: close` with ExecutionId, Run and Failure; answers ExecutionId;
- from EventBridge, through the closer: Step Functions Execution Status Change; answers ExecutionId.

An answer that a caller must act on is a value; what nobody expects is raised, and Lambda reports it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from engine.aws.caller import CallError
from engine.core.document import parse_timestamp
from engine.core.plan import ExecutionType
from engine.function.starting import CannotStart, StartRequest, start
from engine.function.stepping import ExecutionUnknown, tick
from engine.function.stopping import ExecutionEnded, cancel, close
from engine.function.wiring import Services, build

Answer = dict[str, Any]


@cache
def services() -> Services:
    """Built at the first invocation, kept while the Lambda environment lives."""
    return build(os.environ)


def handler(event: Mapping[str, Any], context: Any) -> Answer:
    """Lambda's entry point; see the module's docstring for events and answers."""
    engine = services()
    engine.log.bind(function_request_id=context.aws_request_id, ExecutionId=event.get("ExecutionId"))
    try:
        return _route(engine, event, context)
    except Exception as error:
        # The outermost edge: recorded here, judged by Lambda's caller.
        engine.log.failure("The invocation failed", Cause=f"{type(error).__name__}: {error}")
        raise


def _route(engine: Services, event: Mapping[str, Any], context: Any) -> Answer:
    if event.get("source") == "aws.states":
        return _on_status_change(engine, event["detail"])
    match event.get("Action"):
        case "start":
            return _start(engine, event)
        case "cancel":
            return _cancel(engine, event)
        case "tick":
            return tick(
                engine,
                event["ExecutionId"],
                run=event["Run"],
                tick_number=event["Tick"],
                remaining_milliseconds=context.get_remaining_time_in_millis,
                polled_at=parse_timestamp(event["PolledAt"]) if "PolledAt" in event else None,
            )
        case "close":
            cause = f"its Lambda function failed for good: {_failure(event['Failure'])}"
            close(engine, event["ExecutionId"], run=event["Run"], cause=cause)
            return {"ExecutionId": event["ExecutionId"]}
        case unknown:
            raise ValueError(f"unknown Action {unknown!r}: it must be start, cancel, tick or close")


def _start(engine: Services, event: Mapping[str, Any]) -> Answer:
    request = StartRequest(
        plan_id=event["PlanId"],
        execution_type=ExecutionType(event["ExecutionType"]),
        initiated_by=event["InitiatedBy"],
        client_token=event.get("ClientToken"),
    )
    try:
        started = start(engine, request)
    except CannotStart as refused:
        return {"Problems": refused.problems}
    return {"ExecutionId": started.execution_id} | ({"Existed": True} if started.existed else {})


def _cancel(engine: Services, event: Mapping[str, Any]) -> Answer:
    try:
        cancel(engine, event["ExecutionId"], event["Reason"])
    except ExecutionEnded as ended:
        return {"Refusal": "AlreadyEnded", "Message": str(ended)}
    except ExecutionUnknown as unknown:
        return {"Refusal": "ExecutionUnknown", "Message": str(unknown)}
    return {"ExecutionId": event["ExecutionId"]}


def _failure(failure: Mapping[str, Any]) -> str:
    """Step Functions' Error and Cause; the cause of a Lambda error is JSON with an errorMessage."""
    error, cause = failure.get("Error", "unknown error"), failure.get("Cause", "")
    try:
        message = json.loads(cause)["errorMessage"]
    except (ValueError, KeyError, TypeError):
        message = cause
    return f"{error}: {message}"


_ABNORMAL_EXITS = {
    "TIMED_OUT": "the state machine timed out: it ran longer than Step Functions allows it (TimeoutSeconds)",
    "ABORTED": "the state machine was stopped from outside",
}


def _on_status_change(engine: Services, detail: Mapping[str, Any]) -> Answer:
    """A state machine that died closes its record; when even that is impossible, an alarm is raised."""
    payload = json.loads(detail["input"])
    execution_id = payload["ExecutionId"]
    cause = _ABNORMAL_EXITS.get(detail["status"]) or f"the state machine ended as {detail['status']}"
    engine.log.bind(ExecutionId=execution_id)
    try:
        close(engine, execution_id, run=payload["Run"], cause=cause)
    except CallError:
        engine.log.alarm("CloserFailed", "The record of a dead state machine could not be closed")
        raise
    return {"ExecutionId": execution_id}
