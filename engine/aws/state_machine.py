"""The state machine that calls the Lambda function until an execution is settled."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from engine.aws.caller import Caller, Refused


@dataclass(frozen=True)
class StateMachine:
    caller: Caller
    states: Any
    arn: str

    def run(self, execution_id: str, run: int = 1) -> None:
        """Start run `run` of the state machine. A repetition does no harm, because it has the same name."""
        name = execution_id if run == 1 else f"{execution_id}-{run}"
        payload = json.dumps({"Action": "tick", "ExecutionId": execution_id, "Run": run, "Tick": 1})
        try:
            self.caller.call(self.states, "start_execution", stateMachineArn=self.arn, name=name, input=payload)
        except Refused as error:
            if error.code != "ExecutionAlreadyExists":
                raise
