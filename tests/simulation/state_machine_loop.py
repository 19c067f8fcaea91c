"""A thin loop in place of moto's Step Functions interpreter: the same calls at the same virtual times, at less cost.

The loop follows the deployed definition: Tick with its retriers, Wait until ResumeAt, Tick, until Next is DONE. After a
Tick that failed for good it calls Close and fails the run. The closer, which few cases need, stays with the
interpreter. One case in twenty runs both ways and must give equal traces, so that the loop cannot drift from the
template.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from unittest.mock import patch

from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from simulator import Simulator
from simulator.gateway.faults import FAIL_LAMBDA
from simulator.services.lambda_.functions import function_of
from simulator.time.actors import VirtualEvent

HALF_A_CALL = 0.04

Document = dict[str, Any]


class _Stopped(Exception):
    """StopExecution ended the run."""


@contextmanager
def thin_loop(aws: Simulator, machine_arn: str, function_arn: Callable[[], str]) -> Iterator[None]:
    """Within this context the loop executes the runs of the state machine in `aws`."""
    interpret = ExecutionWorker._execution_logic

    def execute(worker: Any) -> None:
        if worker._evaluation_details.state_machine_details.arn == machine_arn:
            _Run(aws, worker, function_arn()).execute()
        else:
            interpret(worker)

    with patch.object(ExecutionWorker, "_execution_logic", execute):
        yield


class _Run:
    """One run of the state machine."""

    def __init__(self, aws: Simulator, worker: Any, function_arn: str) -> None:
        self._clock = aws.clock
        self._faults = aws.faults
        self._functions = aws._functions  # skips the interpreter's HTTP call, which costs 2 ms
        self._function = function_of(function_arn)
        self._communication = worker._execution_communication
        self._env = worker.env
        self._input = worker._evaluation_details.execution_details.inpt
        definition = json.loads(worker._evaluation_details.state_machine_details.definition)
        self._retriers = {name: definition["States"][name]["Retry"] for name in ("Tick", "Close")}
        # The simulator's StopExecution sets it.
        self._env.ended = VirtualEvent(self._clock, "the execution's end")

    def execute(self) -> None:
        try:
            failure = self._tick_until_done(dict(self._input))
        except _Stopped:
            pass
        else:
            if failure is None:
                self._env.set_ended()
            else:
                self._env.set_error(error=failure)
        self._communication.terminated()

    def _tick_until_done(self, payload: Document) -> Document | None:
        while True:
            answer, failure = self._task("Tick", payload)
            if failure is not None:
                close = {"Action": "close", **{name: payload[name] for name in ("ExecutionId", "Run")}}
                _, lost = self._task("Close", close | {"Failure": failure})
                if lost is not None:
                    return {"error": lost["Error"], "cause": lost["Cause"]}
                return {"error": "EngineFailed", "cause": "The engine's Lambda function failed for good"}
            if answer["Next"] == "DONE":
                return None
            payload = answer
            self._pause((datetime.fromisoformat(payload["ResumeAt"]) - self._clock.now()).total_seconds())

    def _task(self, state: str, payload: Document) -> tuple[Document, Document | None]:
        """The function's answer, or the error as Step Functions reports it after all retries of the state."""
        left = [retrier["MaxAttempts"] for retrier in self._retriers[state]]
        waits = [float(retrier["IntervalSeconds"]) for retrier in self._retriers[state]]
        while True:
            answer, failure = self._invoke(payload)
            if not self._env.is_running():
                raise _Stopped
            place = self._retrier(state, failure["Error"]) if failure is not None else -1
            if place < 0 or left[place] == 0:
                return answer, failure
            left[place] -= 1
            self._pause(waits[place])
            retrier = self._retriers[state][place]
            waits[place] = min(waits[place] * retrier["BackoffRate"], retrier.get("MaxDelaySeconds", 10**9))

    def _retrier(self, state: str, error: str) -> int:
        for place, retrier in enumerate(self._retriers[state]):
            if {error, "States.ALL"} & set(retrier["ErrorEquals"]):
                return place
        return -1

    def _invoke(self, payload: Document) -> tuple[Document, Document | None]:
        self._clock.sleep(HALF_A_CALL, "lambda Invoke to arrive")
        function = self._function
        fault = self._faults.hit(
            frozenset({FAIL_LAMBDA}),
            "lambda",
            function.function_name,
            {"Payload": payload},
            "states",
            self._clock.now(),
        )
        if fault is not None and fault.code == "service":
            self._clock.sleep(HALF_A_CALL, "the error of lambda Invoke")
            return {}, {"Error": "Lambda.ServiceException", "Cause": "the invocation failed"}
        if fault is not None:
            self._clock.sleep(HALF_A_CALL, "the answer of lambda Invoke")
            return {}, {"Error": "Runtime.ExitError", "Cause": "the runtime died"}
        outcome = self._functions.invoke(function, payload)
        self._clock.sleep(HALF_A_CALL, "the answer of lambda Invoke")
        body = json.loads(outcome.payload or b"{}")
        if outcome.function_error:
            cause = (outcome.payload or b"").decode()
            return {}, {"Error": body.get("errorType", "Lambda.Unknown"), "Cause": cause}
        return body, None

    def _pause(self, seconds: float) -> None:
        if seconds > 0 and self._env.is_running():
            self._env.ended.wait(seconds)
        if not self._env.is_running():
            raise _Stopped
