"""Lambda in this process: moto stores the functions, this module runs them as AWS does.

Each invocation is a separate actor. Its time limit is virtual: the invocation dies at the first AWS call or
`time.sleep` that waits past it. No later code of a dead invocation takes effect, although it may catch exceptions.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError
from moto.awslambda.models import LambdaFunction
from moto.awslambda_simple.models import LambdaSimpleBackend, lambda_simple_backends
from moto.logs.models import logs_backends
from moto.moto_api._internal import mock_random

from simulator.gateway.faults import FAIL_LAMBDA, Faults
from simulator.gateway.gateway import LambdaKilled
from simulator.gateway.identity import Credentials
from simulator.gateway.permissions import Permissions
from simulator.gateway.service_errors import AwsError
from simulator.patches.patching import Patch
from simulator.services.lambda_ import results
from simulator.services.lambda_.function_code import unpack
from simulator.services.lambda_.results import InvocationResult
from simulator.services.lambda_.sandbox import Sandbox
from simulator.time.clock import Actor, VirtualClock

CREDENTIAL_SECONDS = 12 * 3600
ASYNC_RETRY_WAITS = (60, 120)
ASYNC_PAYLOAD_LIMIT = 1024 * 1024
_ONCE = Config(retries={"total_max_attempts": 1})
_RUNTIME_LINES = ("START ", "END ", "REPORT ")


@dataclass
class ExecutionEnvironment:
    """An execution environment and its configuration; Lambda reuses idle ones."""

    key: str
    sandbox: Sandbox
    credentials_end: datetime
    log_stream: str
    logs: bool
    handler: Callable[[Any, Any], Any] | None = None


class Context:
    """The context object that a handler gets."""

    def __init__(
        self, clock: VirtualClock, function: Any, request_id: str, deadline: datetime, log_stream: str
    ) -> None:
        self._clock = clock
        self._deadline = deadline
        self.function_name = function.function_name
        self.function_version = str(function.version)
        self.invoked_function_arn = function.function_arn
        self.memory_limit_in_mb = str(function.memory_size)
        self.aws_request_id = request_id
        self.log_group_name = function.logs_group_name
        self.log_stream_name = log_stream
        self.identity = None
        self.client_context = None

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._deadline - self._clock.now()).total_seconds() * 1000))


class Functions:
    """The Lambda service of one simulator."""

    def __init__(self, clock: VirtualClock, faults: Faults, permissions: Permissions, seed: int) -> None:
        self._clock = clock
        self._permissions = permissions
        self._faults = faults
        self._seed = seed
        self._idle: dict[str, list[ExecutionEnvironment]] = defaultdict(list)
        self._cold_starts = 0
        self._lines: dict[str, list[dict[str, Any]]] = defaultdict(list)

    # -- invocation ---------------------------------------------------------------------------------------------------

    def invoke(self, function: Any, event: Any) -> InvocationResult:
        """Runs the function to its end in virtual time, as an actor of its own; the caller waits."""
        outcome: InvocationResult = self._spawn(function, event).join()
        return outcome

    def invoke_async(self, function: Any, event: Any, *, delay: float = 0.0) -> Actor:
        """Lambda's queue for events: two more attempts after 1 and 2 minutes, then the failure destination."""

        def deliver() -> None:
            try:
                self._deliver(function, event, delay)
            except Exception as error:  # no caller joins this actor: the suite's next step on the clock raises it
                self._clock.failures.append(error)
                raise

        return self._clock.spawn(f"event queue of {function.function_name}", deliver, source="lambda")

    def _spawn(self, function: Any, event: Any) -> Actor:
        request_id = str(mock_random.uuid4())
        run = functools.partial(self._run, function, event, request_id)
        return self._clock.spawn(f"{function.function_name} {request_id}", run, source="lambda")

    def _run(self, function: Any, event: Any, request_id: str) -> InvocationResult:
        actor = self._clock.current()
        assert actor is not None
        environment = self._environment(function)
        started = self._clock.now()
        deadline = started + timedelta(seconds=int(function.timeout))
        actor.deadline = deadline
        actor.past_deadline = lambda: LambdaKilled(f"Task timed out after {int(function.timeout):.2f} seconds")
        environment.sandbox.request_id = request_id
        self._log(function, environment, f"START RequestId: {request_id} Version: {function.version}")
        context = Context(self._clock, function, request_id, deadline, environment.log_stream)
        try:
            outcome = self._call(function, environment, actor, event, context)
        except LambdaKilled as killed:
            outcome = results.killed(killed, request_id, timed_out=killed.args[0].startswith("Task timed out"))
            self._log(function, environment, json.loads(outcome.payload)["errorMessage"])
            environment = None  # type: ignore[assignment]  # the environment died with its invocation
        finally:
            actor.leave_scope()
            actor.deadline = None
        if actor.killed is not None and environment is not None:
            outcome = results.killed(actor.killed, request_id, timed_out="timed out" in str(actor.killed))
        elif environment is not None:
            milliseconds = (self._clock.now() - started).total_seconds() * 1000
            self._log(function, environment, f"END RequestId: {request_id}")
            self._log(function, environment, f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms")
            self._idle[environment.key].append(environment)
        return outcome

    def _call(
        self, function: Any, environment: ExecutionEnvironment, actor: Actor, event: Any, context: Context
    ) -> InvocationResult:
        request_id = context.aws_request_id
        actor.enter_scope(environment.sandbox)
        try:
            if environment.handler is None:
                environment.handler = environment.sandbox.load(function.handler)
            result = environment.handler(event, context)
        except (ImportError, AttributeError) as error:
            if environment.handler is None:
                text = f"Unable to import module '{function.handler.rpartition('.')[0]}': {error}"
                return results.failed("Runtime.ImportModuleError", text, request_id, error)
            return results.failed(type(error).__name__, str(error), request_id, error)
        except Exception as error:  # noqa: BLE001 - the outermost edge: this is Lambda's runtime, which reports any error
            return results.failed(type(error).__name__, str(error), request_id, error)
        except SystemExit as left:
            text = f"RequestId: {request_id} Error: Runtime exited with error: exit status {left.code}"
            return results.failed("Runtime.ExitError", text, request_id, None)
        finally:
            environment.sandbox.flush()
            actor.leave_scope()
        return results.returned(result, request_id)

    # -- execution environments ---------------------------------------------------------------------------------------

    def _environment(self, function: Any) -> ExecutionEnvironment:
        key = _configuration_key(function)
        idle = self._idle[key]
        while idle:
            environment = idle.pop()
            if environment.credentials_end - timedelta(seconds=int(function.timeout)) > self._clock.now():
                return environment
        return self._cold_start(function, key)

    def _cold_start(self, function: Any, key: str) -> ExecutionEnvironment:
        self._cold_starts += 1
        code = unpack(function.code_sha_256, function.code_bytes)
        credentials = self._permissions.service_credentials(
            "lambda",
            function.role,
            function.function_name,
            source_arn=function.function_arn,
            seconds=CREDENTIAL_SECONDS,
        )
        stream = f"{self._clock.now():%Y/%m/%d}/[{function.version}]{mock_random.uuid4().hex}"
        variables = _variables(function, credentials, stream)

        def log(line: str) -> None:
            self._log(function, environment, line)

        seed = f"{self._seed}/{function.function_arn}/{self._cold_starts}"
        end = self._clock.now() + timedelta(seconds=CREDENTIAL_SECONDS)
        may_log = self._permissions.function_may_log(function, stream)
        environment = ExecutionEnvironment(key, Sandbox(code, variables, seed, log), end, stream, may_log)
        return environment

    # -- logs ---------------------------------------------------------------------------------------------------------

    def logs(self, function_name: str) -> list[dict[str, Any]]:
        """The function's output without Lambda's own lines: JSON lines as documents, others as {"message": line}."""
        return list(self._lines[function_name])

    def _log(self, function: Any, environment: ExecutionEnvironment, line: str) -> None:
        if not line.startswith(_RUNTIME_LINES):
            self._lines[function.function_name].append(_as_document(line))
        if not environment.logs:
            return
        backend = logs_backends[function.account_id][function.region]
        backend.ensure_log_group(function.logs_group_name)
        group = backend.groups[function.logs_group_name]
        if environment.log_stream not in group.streams:
            backend.create_log_stream(function.logs_group_name, environment.log_stream)
        moment = int(self._clock.now().timestamp() * 1000)
        backend.put_log_events(
            function.logs_group_name, environment.log_stream, [{"timestamp": moment, "message": line}]
        )

    # -- asynchronous invocation --------------------------------------------------------------------------------------

    def _deliver(self, function: Any, event: Any, delay: float) -> None:
        if delay:
            self._clock.sleep(delay, "the event to arrive")
        settings = function.event_invoke_config[-1].config if function.event_invoke_config else {}
        attempts = 1 + int(settings.get("MaximumRetryAttempts", len(ASYNC_RETRY_WAITS)))
        outcome = self._attempt(function, event)
        for attempt in range(1, attempts):
            if outcome.function_error is None:
                break
            self._clock.sleep(ASYNC_RETRY_WAITS[attempt - 1], f"retry {attempt} of {function.function_name}")
            outcome = self._attempt(function, event)
        wanted = "OnFailure" if outcome.function_error else "OnSuccess"
        destination = settings.get("DestinationConfig", {}).get(wanted, {}).get("Destination")
        if destination:
            record = results.destination_record(function, event, outcome, attempts, self._clock.now())
            self._send(function, destination, record)
        if outcome.function_error and function.dead_letters:
            self._send(function, function.dead_letters, event)

    def _attempt(self, function: Any, event: Any) -> InvocationResult:
        fault = self._faults.hit(
            frozenset({FAIL_LAMBDA}), "lambda", function.function_name, {"Payload": event}, "lambda", self._clock.now()
        )
        return results.runtime_died() if fault is not None else self.invoke(function, event)

    def _send(self, function: Any, destination: str, record: Any) -> None:
        """Sends with the function's role; if the role lacks the right, the record is lost, as on AWS."""
        credentials = self._permissions.service_credentials(
            "lambda", function.role, function.function_name, source_arn=function.function_arn
        )
        session: Any = credentials.session(destination.split(":")[3])
        with contextlib.suppress(ClientError):
            if destination.split(":")[2] == "sns":
                session.client("sns", config=_ONCE).publish(TopicArn=destination, Message=json.dumps(record))
            else:
                client = session.client("sqs", config=_ONCE)
                client.send_message(QueueUrl=_queue_url(destination), MessageBody=json.dumps(record))

    # -- moto's end ---------------------------------------------------------------------------------------------------

    def patches(self) -> list[Patch]:
        def invoke(
            backend: Any, function_name: str, qualifier: str | None, body: Any, headers: Any, response_headers: Any
        ) -> bytes | None:
            return self._invoke(backend, function_name, qualifier, body, headers, response_headers)

        return [
            Patch(LambdaSimpleBackend, "invoke", invoke, "moto only echoes where it has no Docker"),
            Patch(LambdaFunction, "__init__", _make_function, "moto forgets the dead-letter queue"),
        ]

    def _invoke(
        self, backend: Any, function_name: str, qualifier: str | None, body: Any, headers: Any, response_headers: Any
    ) -> bytes:
        function = backend.get_function(function_name, qualifier)
        kind = headers.get("X-Amz-Invocation-Type", "RequestResponse")
        event = _parse_event(body)
        if kind == "DryRun":
            return b""
        if kind == "Event":
            if len(body or "") > ASYNC_PAYLOAD_LIMIT:
                raise AwsError(
                    "RequestTooLargeException",
                    f"{len(body)} byte payload is too large for the Event invocation type",
                    413,
                )
            self.invoke_async(function, event)
            return b""
        me = self._clock.current()
        source = me.source if me else "suite"
        fault = self._faults.hit(
            frozenset({FAIL_LAMBDA}), "lambda", function.function_name, {"Payload": event}, source, self._clock.now()
        )
        if fault is not None and fault.code == "service":
            raise AwsError("ServiceException", "An error occurred and the request cannot be processed.", 500)
        outcome = results.runtime_died() if fault is not None else self.invoke(function, event)
        if outcome.function_error:
            response_headers["x-amz-function-error"] = outcome.function_error
        response_headers["x-amz-executed-version"] = str(function.version)
        return outcome.payload


_make = LambdaFunction.__init__


def _make_function(function: Any, account_id: str, spec: dict[str, Any], *args: Any, **kwargs: Any) -> None:
    # A template may give numbers; Lambda keeps and shows text.
    variables = spec.get("Environment", {}).get("Variables", {})
    variables.update({name: str(value) for name, value in variables.items()})
    function.dead_letters = spec.get("DeadLetterConfig", {}).get("TargetArn")
    _make(function, account_id, spec, *args, **kwargs)


def function_of(arn: str) -> Any | None:
    """moto's function behind an ARN; None when there is none."""
    parts = arn.split(":")
    backend = lambda_simple_backends[parts[4]][parts[3]]
    return next((fn for fn in backend.list_functions() if fn.function_name == parts[6]), None)


def _queue_url(arn: str) -> str:
    region, account, queue = arn.split(":")[3:6]
    return f"https://sqs.{region}.amazonaws.com/{account}/{queue}"


def _variables(function: Any, credentials: Credentials, stream: str) -> dict[str, str]:
    return {
        **credentials.variables(),
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.run_time}",
        "AWS_LAMBDA_FUNCTION_NAME": function.function_name,
        "AWS_LAMBDA_FUNCTION_VERSION": str(function.version),
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_size),
        "AWS_LAMBDA_LOG_GROUP_NAME": function.logs_group_name,
        "AWS_LAMBDA_LOG_STREAM_NAME": stream,
        "_HANDLER": function.handler,
        "LAMBDA_TASK_ROOT": "/var/task",
        "TZ": ":UTC",
        **function.environment_vars,
    }


def _configuration_key(function: Any) -> str:
    """Changes with each setting that makes Lambda start a new environment."""
    parts = [
        function.function_arn,
        str(function.version),
        function.code_sha_256,
        function.handler,
        function.role,
        str(function.timeout),
        str(function.memory_size),
        json.dumps(function.environment_vars, sort_keys=True),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _parse_event(body: Any) -> Any:
    if not body:
        return {}
    try:
        return json.loads(body)
    except ValueError as error:
        raise AwsError(
            "InvalidRequestContentException", f"Could not parse request body into json: {error}", 400
        ) from error


def _as_document(line: str) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except ValueError:
        return {"message": line}
    return document if isinstance(document, dict) else {"message": line}
