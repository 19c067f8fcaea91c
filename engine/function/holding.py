"""The decisions of persons about a running execution: approve, reject, pause, continue."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from engine.aws.execution_history import ExecutionHistory, RecordChanged
from engine.core import approvals
from engine.core.events import Decided
from engine.core.state import Execution
from engine.core.statuses import ApprovalDecision
from engine.function.stepping import ExecutionUnknown

Answer = dict[str, Any]
DECISIONS = {"approve": ApprovalDecision.APPROVED, "reject": ApprovalDecision.REJECTED}


def decide(history: ExecutionHistory, event: Mapping[str, Any], now: datetime, request_id: str) -> Answer:
    """Record the decision of an event approve or reject; the answer has Decision, or Refusal and Message."""
    decision = Decided(
        wave_number=event["WaveNumber"],
        decision=DECISIONS[event["Action"]],
        by=event["By"],
        time=now,
        comment=event.get("Comment"),
        request_id=request_id,
    )
    answer = {"WaveNumber": decision.wave_number, "Decision": str(decision.decision)}
    return _answer(history, event["ExecutionId"], lambda state: approvals.decided(state, decision, now), answer)


def hold(history: ExecutionHistory, event: Mapping[str, Any], now: datetime) -> Answer:
    """Hold the execution before its next wave (event pause), or end that pause (event continue)."""
    change = approvals.paused if event["Action"] == "pause" else approvals.continued
    return _answer(history, event["ExecutionId"], lambda state: change(state, event["By"], now), {})


def _answer(
    history: ExecutionHistory, execution_id: str, change: Callable[[Execution], Execution], answer: Answer
) -> Answer:
    try:
        _save(history, execution_id, change)
    except approvals.Refused as refused:
        return {"Refusal": "Refused", "Message": str(refused)}
    except ExecutionUnknown as unknown:
        return {"Refusal": "ExecutionUnknown", "Message": str(unknown)}
    return {"ExecutionId": execution_id, **answer}


def _save(history: ExecutionHistory, execution_id: str, change: Callable[[Execution], Execution]) -> None:
    """Save the changed execution; after a save by another writer, read it and decide again."""
    while True:
        execution = history.load(execution_id)
        if execution is None:
            raise ExecutionUnknown(execution_id)
        try:
            history.save(execution, change(execution))
        except RecordChanged:
            continue
        return
