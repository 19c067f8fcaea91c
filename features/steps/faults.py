"""Given: what AWS does to the engine's calls. Faults concern the engine only, never the suite. Simulated AWS only."""

from __future__ import annotations

from typing import Any

from behave import given, then, when
from behave.runner import Context

from features.matchers import assert_that, within
from features.parameter_types import Request
from simulator.gateway.faults import Faults

ENGINE: dict[str, Any] = {"source": "lambda"}
FOR_EVER = None


def faults(context: Context) -> Faults:
    found: Faults = context.world.target.simulator.faults
    return found


@given("AWS throttles the first {count:d} {request:Request}")
def throttled(context: Context, count: int, request: Request) -> None:
    faults(context).throttle(request.service, request.operation, count, **ENGINE)


@given("AWS throttles every {request:Request}")
def always_throttled(context: Context, request: Request) -> None:
    faults(context).throttle(request.service, request.operation, FOR_EVER, **ENGINE)


@given("AWS throttles the first {request:Request} and asks for a pause of {seconds:Duration}")
def throttled_with_pause(context: Context, request: Request, seconds: int) -> None:
    faults(context).throttle(request.service, request.operation, 1, retry_after=seconds, **ENGINE)


@given("the connection is lost for the first {count:d} {request:Request}")
def connection_lost(context: Context, count: int, request: Request) -> None:
    faults(context).lose_connection(request.service, request.operation, count, **ENGINE)


@given("the connection is lost for every {request:Request}")
def connection_always_lost(context: Context, request: Request) -> None:
    faults(context).lose_connection(request.service, request.operation, FOR_EVER, **ENGINE)


@given("the answer to the first {request:Request} is lost")
def answer_lost(context: Context, request: Request) -> None:
    faults(context).lose_answer(request.service, request.operation, 1, **ENGINE)


@given("the engine's credentials are called expired at the {place:d}rd {request:Request}")
def token_expired(context: Context, place: int, request: Request) -> None:
    faults(context).expire_token(request.service, request.operation, 1, after=place - 1, **ENGINE)


@given("AWS denies every {request:Request}")
def denied(context: Context, request: Request) -> None:
    faults(context).deny(request.service, request.operation, FOR_EVER, **ENGINE)


@given("the function dies {moment} the first {request:Request} takes effect")
def function_killed(context: Context, moment: str, request: Request) -> None:
    when = {"before": "before", "right after": "after"}[moment]
    faults(context).kill_lambda(when, request.service, request.operation, 1)


@given("AWS throttles {count:d} {request:Request} after the first")
def throttled_later(context: Context, count: int, request: Request) -> None:
    faults(context).throttle(request.service, request.operation, count, after=1, **ENGINE)


@given("AWS fails {count:d} {request:Request} after the first")
def server_errors_later(context: Context, count: int, request: Request) -> None:
    faults(context).server_error(request.service, request.operation, count, after=1, **ENGINE)


@given("the connection is lost for {count:d} {request:Request} after the first")
def connection_lost_later(context: Context, count: int, request: Request) -> None:
    faults(context).lose_connection(request.service, request.operation, count, after=1, **ENGINE)


@given("the answer to the second {request:Request} is lost")
def second_answer_lost(context: Context, request: Request) -> None:
    faults(context).lose_answer(request.service, request.operation, 1, after=1, **ENGINE)


@given("the function fails the first {count:d} times that the state machine calls it")
def function_fails_at_first(context: Context, count: int) -> None:
    # The first invocation of all is the start, by the suite.
    faults(context).fail_lambda(count, after=1)


@when("the function stops working for {count:d} calls of the state machine")
def function_fails_now(context: Context, count: int) -> None:
    faults(context).fail_lambda(count)


@given("DRS accepts 1 request every {seconds:d} seconds, with bursts of {burst:d}")
def rate_limited(context: Context, seconds: int, burst: int) -> None:
    faults(context).rate_limit("drs", 1 / seconds, burst, **ENGINE)


@then("no function ran longer than {seconds:Duration}")
def functions_were_quick(context: Context, seconds: int) -> None:
    spans: dict[str, list[Any]] = {}
    for call in context.world.target.engine_calls():
        span = spans.setdefault(call.invocation, [call.started, call.ended])
        span[1] = call.ended
    for name, (started, ended) in spans.items():
        assert_that((ended - started).total_seconds(), within(seconds), f"Looked at the calls of {name}")
