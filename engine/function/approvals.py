"""The entry point of the approvals function: apart from the engine's, so that IAM can separate starts from approvals.

- from clients: `Action: approve` or `Action: reject` with ExecutionId, WaveNumber, By, and optionally Comment; returns
  ExecutionId, WaveNumber and Decision, or Refusal (InvalidEvent, ExecutionUnknown, Refused) and Message.

By is what the client says. The record also has the id of the invocation, by which CloudTrail names its caller.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from typing import Any

from engine.function import holding
from engine.function.events import event_problems
from engine.function.wiring import Records, build_records


@cache
def records() -> Records:
    """The objects of this function, built at the first invocation."""
    return build_records(os.environ)


def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Handle one event; the docstring of the module lists events and answers."""
    engine = records()
    engine.log.bind(function_request_id=context.aws_request_id, ExecutionId=event.get("ExecutionId"))
    if event.get("Action") not in holding.DECISIONS:
        return {"Refusal": "InvalidEvent", "Message": "Action must be approve or reject"}
    if problems := event_problems(event):
        return {"Refusal": "InvalidEvent", "Message": "; ".join(problems)}
    decision = {name: event.get(name) for name in ("WaveNumber", "By", "Comment")}
    engine.log.decision(event["Action"], **decision)
    return holding.decide(engine.history, event, engine.now(), context.aws_request_id)
