"""The state machine that calls the Lambda function until an execution is settled."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from engine.aws.caller import Caller, Refused

_OVER = frozenset({"SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"})


@dataclass(frozen=True)
class StateMachine:
    caller: Caller
    states: Any
    arn: str

    def ensure_runs(self, execution_id: str, run: int) -> bool:
        """Start run `run` if Step Functions does not know it; False: the run is over.

        DescribeExecution is eventually consistent (Step Functions API reference), and a function may be killed between
        the record of a run and its start. So a run that is not known is no sign of a dead execution.
        """
        status = self._status(execution_id, run)
        if status is None:
            self.run(execution_id, run)
        return status not in _OVER

    def is_over(self, execution_id: str, run: int) -> bool:
        """Whether Step Functions knows run `run`, and it is over."""
        return self._status(execution_id, run) in _OVER

    def _status(self, execution_id: str, run: int) -> str | None:
        """The status of the run; None if Step Functions does not know it."""
        prefix = self.arn.replace(":stateMachine:", ":execution:")
        try:
            found = self.caller.call(
                self.states, "describe_execution", executionArn=f"{prefix}:{_run_name(execution_id, run)}"
            )
        except Refused as error:
            if error.code != "ExecutionDoesNotExist":
                raise
            return None
        return str(found["status"])

    def run(self, execution_id: str, run: int = 1) -> None:
        """Start run `run` of the state machine. A repetition does no harm, because it has the same name."""
        name = _run_name(execution_id, run)
        payload = json.dumps({"Action": "tick", "ExecutionId": execution_id, "Run": run, "Tick": 1})
        try:
            self.caller.call(self.states, "start_execution", stateMachineArn=self.arn, name=name, input=payload)
        except Refused as error:
            if error.code != "ExecutionAlreadyExists":
                raise


def _run_name(execution_id: str, run: int) -> str:
    return execution_id if run == 1 else f"{execution_id}-{run}"
