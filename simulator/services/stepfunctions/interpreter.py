"""moto's Step Functions interpreter on the virtual clock.

moto interprets the States Language with real threads, real sleeps and real time-outs. Here its threads become actors
and its events virtual ones, so Wait, Retry, TimeoutSeconds, Map and Parallel take exactly the virtual time they say.

An execution ends at the moment AWS would end it: StopExecution and TimeoutSeconds set status, stop date and the last
history event at once, although a Lambda that is just running goes on to its own end, as on AWS.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from botocore.config import Config
from moto.stepfunctions import models as simple_models
from moto.stepfunctions.parser import models as parser_models
from moto.stepfunctions.parser.api import (
    ExecutionAbortedEventDetails,
    ExecutionStatus,
    ExecutionTimedOutEventDetails,
    HistoryEventType,
)
from moto.stepfunctions.parser.asl.component.common.path import result_path
from moto.stepfunctions.parser.asl.component.eval_component import EvalComponent
from moto.stepfunctions.parser.asl.component.program import program as program_module
from moto.stepfunctions.parser.asl.component.state.exec import execute_state
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import timestamp as timestamp_module
from moto.stepfunctions.parser.asl.component.state.wait.wait_function import wait_function
from moto.stepfunctions.parser.asl.eval.callback import callback
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.eval.event.event_manager import EventManager
from moto.stepfunctions.parser.asl.eval.program_state import ProgramRunning
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser
from moto.stepfunctions.parser.asl.utils import json_path
from moto.stepfunctions.parser.backend import execution as execution_module
from moto.stepfunctions.parser.backend.execution_worker import ExecutionWorker

from simulator.gateway.permissions import Permissions
from simulator.patches.patching import Patch
from simulator.time.clock import Actor, VirtualClock, VirtualEvent

MAX_HISTORY_EVENTS = 25_000
_TERMINAL_EVENTS = {
    HistoryEventType.ExecutionSucceeded,
    HistoryEventType.ExecutionFailed,
    HistoryEventType.ExecutionAborted,
    HistoryEventType.ExecutionTimedOut,
}
# Parsing takes tens of milliseconds and its result holds no state of a run, so it outlives a simulator.
_parse = functools.lru_cache(maxsize=64)(AmazonStateLanguageParser.parse)
_parse_json_path = functools.lru_cache(maxsize=1024)(json_path.parse)
_parse_result_path = functools.lru_cache(maxsize=1024)(result_path.parse)


def spawn(clock: VirtualClock, name: str, run: Callable[[], object], owner: object) -> Actor:
    """An actor of the interpreter. No caller joins it, so its errors are reported to the suite."""

    def watched() -> None:
        try:
            run()
        except Exception as error:
            clock.failures.append(error)
            raise

    return clock.spawn(name, watched, source="states", owner=owner)


class ActorThread:
    """The part of `threading.Thread` that moto uses, as an actor on the virtual clock."""

    def __init__(
        self, clock: VirtualClock, target: Callable[..., object], args: tuple[Any, ...] = (), **_: object
    ) -> None:
        self._clock = clock
        self._run = functools.partial(target, *args)
        self._actor: Actor | None = None

    native_id = 0

    def start(self) -> None:
        parent = self._clock.current()
        assert parent is not None
        self._actor = spawn(self._clock, parent.name, self._run, parent.owner)

    def join(self, timeout: float | None = None) -> None:
        assert self._actor is not None
        self._actor.finished.wait(timeout)

    def is_alive(self) -> bool:
        return self._actor is not None and not self._actor.finished.is_set()


class VirtualCondition:
    """`threading.Condition` among actors: one runs at a time, so the lock itself needs no work."""

    def __init__(self, clock: VirtualClock) -> None:
        self._event = VirtualEvent(clock, "a Step Functions condition")

    def acquire(self) -> bool:
        return True

    def release(self) -> None: ...

    def __enter__(self) -> VirtualCondition:
        return self

    def __exit__(self, *_: object) -> None: ...

    def wait(self, timeout: float | None = None) -> bool:
        return self._event.wait(timeout)

    def notify_all(self) -> None:
        self._event.set()
        self._event.clear()

    notify = notify_all


def _virtual_threading(clock: VirtualClock) -> SimpleNamespace:
    return SimpleNamespace(
        Thread=functools.partial(ActorThread, clock),
        Event=functools.partial(VirtualEvent, clock, "a Step Functions event"),
        Condition=functools.partial(VirtualCondition, clock),
        Lock=threading.Lock,
        RLock=threading.RLock,
    )


class StepFunctions:
    """The Step Functions service of one simulator. `status_changed` gets each execution with a new status."""

    def __init__(
        self,
        clock: VirtualClock,
        permissions: Permissions,
        status_changed: Callable[[Any], None],
    ) -> None:
        self._clock = clock
        self._permissions = permissions
        self._status_changed = status_changed
        self._clients: dict[tuple[str, str, str], Any] = {}

    # -- an execution's life ------------------------------------------------------------------------------------------

    def _start(self, worker: Any) -> None:
        """Makes the environment before the first turn, so that an execution can be stopped from its first moment."""
        execution = worker._execution_communication.execution
        worker.env = _original_environment(worker)
        worker.env._program_state = ProgramRunning()
        spawn(self._clock, f"execution {execution.name}", worker._execution_logic, execution)
        self._status_changed(execution)

    def _evaluate(self, program: Any, env: Any) -> None:
        if not env.is_running():
            return
        env.next_state_name = program.start_at.start_at_name
        timeout = program.timeout_seconds.timeout_seconds if program.timeout_seconds else None
        env.ended = VirtualEvent(self._clock, "the execution's end")  # StopExecution sets it while a Lambda still runs

        def run() -> None:
            EvalComponent.eval(program, env)
            env.ended.set()

        me = self._clock.current()
        assert me is not None
        spawn(self._clock, me.name, run, me.owner)
        if not env.ended.wait(timeout) and env.is_running():
            env.set_timed_out()
            _close_history(
                env,
                HistoryEventType.ExecutionTimedOut,
                EventDetails(executionTimedOutEventDetails=ExecutionTimedOutEventDetails()),
            )

    def _terminated(self, communication: Any) -> None:
        execution = communication.execution
        if execution.exec_status == ExecutionStatus.RUNNING:  # otherwise it was stopped meanwhile
            communication._reflect_execution_status()
            self._status_changed(execution)

    def _stop(self, execution: Any, stop_date: datetime, error: str | None, cause: str | None) -> None:
        if execution.exec_status != ExecutionStatus.RUNNING:
            return
        env = execution.exec_worker.env
        env.set_stop(stop_date=stop_date, cause=cause, error=error)
        env.event_history_context.source_event_id = 0
        details = ExecutionAbortedEventDetails()
        if error is not None:
            details["error"] = error
        if cause is not None:
            details["cause"] = cause
        _close_history(env, HistoryEventType.ExecutionAborted, EventDetails(executionAbortedEventDetails=details))
        execution.exec_status = ExecutionStatus.ABORTED
        execution.stop_date = datetime.now(tz=UTC)
        execution.error, execution.cause = error, cause
        if hasattr(env, "ended"):
            env.ended.set()
        self._status_changed(execution)

    # -- waiting ------------------------------------------------------------------------------------------------------

    def _wait_interval(self, _: Any, env: Any, wait_seconds: float) -> None:
        end = self._clock.now().timestamp() + wait_seconds
        while env.is_running() and (remaining := round(end - self._clock.now().timestamp(), 6)) > 0:
            env.program_state_event.wait(remaining)

    def _seconds_until_timestamp(self, wait: Any, env: Any) -> float:
        wait.string.eval(env=env)
        text = env.stack.pop()
        moment = wait._from_timestamp_string(timestamp=text)
        if moment is None:
            raise timestamp_module.FailureEventException(wait._create_failure_event(env, text))
        return float((moment.replace(tzinfo=UTC) - self._clock.now()).total_seconds())

    # -- calling other services ---------------------------------------------------------------------------------------

    def _client_for(self, region: str, service: str, state_credentials: Any = None) -> Any:
        role_arn = state_credentials.role_arn
        key = (region, service, role_arn)
        if key not in self._clients:
            # moto does not pass the state machine here, so the source is any state machine of the role's account.
            _, partition, _, _, account, _ = role_arn.split(":", 5)
            machines = f"arn:{partition}:states:{region}:{account}:stateMachine:*"
            credentials = self._permissions.service_credentials(
                "states", role_arn, "StepFunctions", source_arn=machines
            )
            session: Any = credentials.session(region)
            self._clients[key] = session.client(
                service, config=Config(parameter_validation=False, retries={"total_max_attempts": 1})
            )
        return self._clients[key]

    # -- patches ------------------------------------------------------------------------------------------------------

    def patches(self) -> list[Patch]:
        virtual = _virtual_threading(self._clock)
        patches = [
            Patch(
                ExecutionWorker,
                "start",
                lambda worker: self._start(worker),
                "an execution is an actor, and can be stopped before its first turn (moto: env is None)",
            ),
            Patch(
                ExecutionWorker,
                "_get_evaluation_environment",
                lambda worker: worker.env,
                "the environment already exists, see start",
            ),
            Patch(
                program_module.Program,
                "eval",
                lambda program, env: self._evaluate(program, env),
                "TimeoutSeconds in virtual time; the history ends at that moment",
            ),
            Patch(
                execution_module.BaseExecutionWorkerCommunication,
                "terminated",
                lambda comm: self._terminated(comm),
                "a stopped execution keeps its status when its Lambda ends later; the change goes to EventBridge",
            ),
            Patch(
                execution_module.Execution,
                "stop",
                lambda execution, stop_date, error, cause: self._stop(execution, stop_date, error, cause),
                "StopExecution takes effect at once, with error, cause and stop date",
            ),
            Patch(
                wait_function.WaitFunction,
                "_wait_interval",
                lambda wait, env, wait_seconds: self._wait_interval(wait, env, wait_seconds),
                "moto counts whole seconds of time.time(), which rounds a fraction up to one second more",
            ),
            Patch(
                timestamp_module.Timestamp,
                "_get_wait_seconds",
                lambda wait, env: self._seconds_until_timestamp(wait, env),
                "moto subtracts local time and truncates, so it wakes before the time stamp",
            ),
            Patch(
                AmazonStateLanguageParser,
                "parse",
                staticmethod(_parse),
                "parsing takes tens of milliseconds at each create and start",
            ),
            Patch(
                EventManager, "add_event", _add_event, "no event follows the last one; 25,000 events end an execution"
            ),
            Patch(json_path, "parse", _parse_json_path, "a path takes 1 ms to parse, each time it is looked up"),
            Patch(result_path, "parse", _parse_result_path, "a path takes 1 ms to parse, each time it is looked up"),
            Patch(
                simple_models,
                "stepfunctions_backends",
                parser_models.stepfunctions_parser_backends,
                "CloudFormation creates state machines in the backend that does not execute them",
            ),
        ]
        for name, module in list(sys.modules.items()):
            if not name.startswith("moto.stepfunctions.parser."):
                continue
            if vars(module).get("threading") is threading:
                patches.append(Patch(module, "threading", virtual, "moto's threads live on the virtual clock"))
            if "boto_client_for" in vars(module):
                patches.append(
                    Patch(
                        module,
                        "boto_client_for",
                        self._client_for,
                        "moto calls services with invented credentials; AWS uses the state machine's role",
                    )
                )
        patches.append(Patch(execute_state, "Thread", virtual.Thread, "moto's threads live on the virtual clock"))
        patches.append(Patch(callback, "Event", virtual.Event, "a task that waits for its token lets other calls pass"))
        return patches


def _close_history(env: Any, event_type: HistoryEventType, details: EventDetails) -> None:
    env.event_manager.add_event(context=env.event_history_context, event_type=event_type, event_details=details)


_original_environment = ExecutionWorker._get_evaluation_environment
_original_add_event = EventManager.add_event


def _add_event(manager: Any, context: Any, event_type: Any, *args: Any, **kwargs: Any) -> Any:
    if getattr(manager, "closed", False):
        return context.last_published_event_id
    manager.closed = event_type in _TERMINAL_EVENTS
    if manager._event_id_gen._next_id >= MAX_HISTORY_EVENTS and not manager.closed:
        raise RuntimeError(f"The execution reached the maximum number of history events ({MAX_HISTORY_EVENTS}).")
    return _original_add_event(manager, context, event_type, *args, **kwargs)
