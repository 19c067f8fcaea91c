"""The entry point of the Lambda function: one handler for all events.

- from clients: `Action: start` with PlanId, ExecutionType, InitiatedBy and optionally ClientToken, KeepExisting (a
  boolean), ReplaceExisting (recovery instance id by source server id), AsOf, Snapshots (id by server),
  CancelDrills (a boolean) and TakeOver (a list of ExecutionIds); returns ExecutionId (with Existed if the execution
  existed already, with WarningCount and the first 20 Warnings about its servers), or Problems if the plan
  cannot be started, with Existing if recovered instances are in the way
  (SourceServerId, RecoveryInstanceId, and what is known of HostName, State, LaunchTime, ExecutionId);
- from clients: `Action: resume` with ExecutionId, InitiatedBy and optionally ClientToken, SkipWaves (wave numbers),
  SkipServers (source server ids), Snapshots (snapshot id by source server id) and ReplaceExisting; answers as start;
- from clients: `Action: check` with PlanId, and `Action: inspect` with PlanId, SourceServerIds and optionally AsOf;
  return facts about the readiness of servers (`engine.core.readiness_check`), or Problems;
- from clients: `Action: cancel` with ExecutionId and Reason; returns ExecutionId, or Refusal and Message;
- from clients: `Action: cleanup` with ExecutionId of a kept drill, or of one whose clean-up failed; returns
  ExecutionId, or Refusal and Message;
- from clients: `Action: pause` or `Action: continue` with ExecutionId and By; returns ExecutionId, or Refusal and
  Message (approvals have a function of their own: `engine.function.approvals`);
- an event of a client with a missing, wrong or unknown field returns Problems, or the Refusal InvalidEvent;
- from the state machine: `Action: tick` with ExecutionId, Run, Tick and optionally PolledAt; returns the next payload;
- from the state machine: `Action: close` with ExecutionId, Run and Failure; returns ExecutionId;
- from EventBridge, through the closer (the state machine `STACK-closer`): Step Functions Execution Status Change;
  returns ExecutionId.

The handler returns expected refusals as values. Unexpected errors are raised, and Lambda reports them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from engine.aws.caller import CallError
from engine.core.document import parse_timestamp
from engine.core.plan import ExecutionType
from engine.core.protection import ExistingInstance, ExistingInstances
from engine.core.resumption import ResumeChoices
from engine.core.start_protocol import Consent
from engine.function import holding
from engine.function.checking import plan_facts, server_facts
from engine.function.cleaning import CleanUpRefused, clean_up
from engine.function.events import event_problems
from engine.function.plan_loading import CannotStart
from engine.function.resuming import ResumeRequest, resume
from engine.function.starting import StartRequest, StartResult, start
from engine.function.stepping import ExecutionUnknown, tick
from engine.function.stopping import ExecutionEnded, cancel, close
from engine.function.wiring import Services, build

Answer = dict[str, Any]
_WARNINGS_SHOWN = 20


@cache
def services() -> Services:
    """The services, built at the first invocation and cached for the life of the Lambda environment."""
    return build(os.environ)


def handler(event: Mapping[str, Any], context: Any) -> Answer:
    """Handle one event; the docstring of the module lists events and answers."""
    engine = services()
    engine.log.bind(function_request_id=context.aws_request_id, ExecutionId=event.get("ExecutionId"))
    try:
        return _route(engine, event, context)
    except Exception as error:
        # The outermost edge: log the error; the caller of Lambda decides how to go on.
        engine.log.failure("The invocation failed", Cause=f"{type(error).__name__}: {error}")
        raise


def _route(engine: Services, event: Mapping[str, Any], context: Any) -> Answer:  # noqa: C901 - one case for each action
    if event.get("source") == "aws.states":
        return _on_status_change(engine, event["detail"])
    problems = event_problems(event)
    match event.get("Action"):
        case "start" | "resume" | "check" | "inspect" if problems:
            return {"Problems": problems}
        case "check" | "inspect":
            return (plan_facts if event["Action"] == "check" else server_facts)(engine, event)
        case "cancel" | "pause" | "continue" | "cleanup" if problems:
            return {"Refusal": "InvalidEvent", "Message": "; ".join(problems)}
        case "start":
            return _start(engine, event)
        case "resume":
            return _resume(engine, event)
        case "cancel" | "cleanup" as action:
            return _cancel(engine, event) if action == "cancel" else _clean_up(engine, event)
        case "pause" | "continue":
            return holding.hold(engine.history, event, engine.now())
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
            return _close(engine, event)
        case unknown:
            known = "start, resume, check, inspect, cancel, cleanup, pause, continue, tick or close"
            raise ValueError(f"unknown Action {unknown!r}: it must be {known}")


def _close(engine: Services, event: Mapping[str, Any]) -> Answer:
    cause = f"its Lambda function failed for good: {_failure(event['Failure'])}"
    close(engine, event["ExecutionId"], run=event["Run"], cause=cause)
    return {"ExecutionId": event["ExecutionId"]}


def _start(engine: Services, event: Mapping[str, Any]) -> Answer:
    request = StartRequest(
        plan_id=event["PlanId"],
        execution_type=ExecutionType(event["ExecutionType"]),
        initiated_by=event["InitiatedBy"],
        client_token=event.get("ClientToken"),
        existing=ExistingInstances(
            keep=event.get("KeepExisting", False), replacements=event.get("ReplaceExisting", {})
        ),
        as_of=parse_timestamp(event["AsOf"]) if "AsOf" in event else None,
        snapshots=event.get("Snapshots", {}),
        consent=Consent(event.get("CancelDrills", False), frozenset(event.get("TakeOver", []))),
    )
    return _answer(lambda: start(engine, request))


def _resume(engine: Services, event: Mapping[str, Any]) -> Answer:
    choices = ResumeChoices(
        skip_waves=frozenset(event.get("SkipWaves", ())),
        skip_servers=frozenset(event.get("SkipServers", ())),
        snapshots=event.get("Snapshots", {}),
        existing=ExistingInstances(keep=True, replacements=event.get("ReplaceExisting", {})),
    )
    request = ResumeRequest(event["ExecutionId"], event["InitiatedBy"], choices, event.get("ClientToken"))
    try:
        return _answer(lambda: resume(engine, request))
    except ExecutionUnknown as unknown:
        return {"Problems": [str(unknown)]}


def _answer(start_it: Callable[[], StartResult]) -> Answer:
    try:
        started = start_it()
    except CannotStart as refused:
        existing = [_existing_item(one) for one in refused.existing]
        return {"Problems": refused.problems} | ({"Existing": existing} if existing else {})
    answer: Answer = {"ExecutionId": started.execution_id}
    answer |= {"Existed": True} if started.existed else {}
    warnings = started.warnings[:_WARNINGS_SHOWN]
    return answer | ({"WarningCount": len(started.warnings), "Warnings": list(warnings)} if warnings else {})


def _existing_item(one: ExistingInstance) -> Answer:
    item = {
        "SourceServerId": one.source_server_id,
        "RecoveryInstanceId": one.recovery_instance_id,
        "HostName": one.host_name,
        "State": one.state,
        "LaunchTime": one.launch_time,
        "ExecutionId": one.execution_id,
    }
    return {name: value for name, value in item.items() if value is not None}


def _cancel(engine: Services, event: Mapping[str, Any]) -> Answer:
    try:
        cancel(engine, event["ExecutionId"], event["Reason"])
    except ExecutionEnded as ended:
        return {"Refusal": "AlreadyEnded", "Message": str(ended)}
    except ExecutionUnknown as unknown:
        return {"Refusal": "ExecutionUnknown", "Message": str(unknown)}
    return {"ExecutionId": event["ExecutionId"]}


def _clean_up(engine: Services, event: Mapping[str, Any]) -> Answer:
    try:
        clean_up(engine, event["ExecutionId"])
    except CleanUpRefused as refused:
        return {"Refusal": "Refused", "Message": str(refused)}
    except ExecutionUnknown as unknown:
        return {"Refusal": "ExecutionUnknown", "Message": str(unknown)}
    return {"ExecutionId": event["ExecutionId"]}


def _failure(failure: Mapping[str, Any]) -> str:
    """The Error and Cause of Step Functions as text; the Cause of a Lambda error is JSON with an errorMessage."""
    error, cause = failure.get("Error", "unknown error"), failure.get("Cause", "")
    try:
        message = json.loads(cause)["errorMessage"]
    except (ValueError, KeyError, TypeError):
        message = cause
    return f"{error}: {message}"


_ABNORMAL_EXITS = {
    "TIMED_OUT": "the state machine timed out: it ran longer than its TimeoutSeconds",
    "ABORTED": "the state machine was stopped from outside",
}


def _on_status_change(engine: Services, detail: Mapping[str, Any]) -> Answer:
    """Close the record of a state machine that failed or was stopped; raise an alarm if that fails."""
    payload = json.loads(detail["input"])
    execution_id = payload["ExecutionId"]
    cause = _ABNORMAL_EXITS.get(detail["status"]) or f"the state machine ended as {detail['status']}"
    engine.log.bind(ExecutionId=execution_id)
    try:
        close(engine, execution_id, run=payload["Run"], cause=cause)
    except CallError:
        engine.log.alarm("CloserFailed", "The record of a failed or stopped state machine could not be closed")
        raise
    return {"ExecutionId": execution_id}
