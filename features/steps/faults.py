"""Faults of AWS and of the engine's function. They concern the engine's calls only. Simulated AWS only."""

from __future__ import annotations

from typing import TYPE_CHECKING

from behave import given, step, then
from behave.runner import Context

from features.matchers import assert_that, at_most
from features.phrase_values import Requests
from features.world import World

if TYPE_CHECKING:
    from simulator.gateway.faults import Faults


def faults(context: Context) -> Faults:
    found: Faults = context.world.target.simulator.faults
    return found


def arrange(context: Context, fault: str, service: str, operation: str, times: int | None, after: int, by: str) -> None:
    """Call the method of `Faults` that arranges the fault, for calls `by` the engine ("lambda") or the suite."""
    method, _, moment = fault.partition("_lambda_")
    if moment:
        faults(context).kill_lambda(moment, service, operation, times, after=after, source=by)
    else:
        getattr(faults(context), method)(service, operation, times, after=after, source=by)


@given("AWS {fault:Fault} {requests:Requests}")
def aws_fault(context: Context, fault: str, requests: Requests) -> None:
    kind = requests.request
    arrange(context, fault, kind.service, kind.operation, requests.times, requests.after, "lambda")


@given("AWS throttles {requests:Requests} and asks for a pause of {seconds:Duration}")
def throttled_with_pause(context: Context, requests: Requests, seconds: int) -> None:
    kind = requests.request
    faults(context).throttle(
        kind.service, kind.operation, requests.times, after=requests.after, retry_after=seconds, source="lambda"
    )


@given("DRS {fault:Fault} the next request of the suite")
def drs_fault(context: Context, fault: str) -> None:
    arrange(context, fault, "drs", "*", 1, 0, "suite")


@step("the function fails the {count:Calls} of the state machine")
def function_fails(context: Context, count: int) -> None:
    world: World = context.world
    # The suite starts an execution with the same function: before the start, one call passes.
    faults(context).fail_lambda(count, after=0 if world.executions else 1)


@given("DRS accepts 1 request every {seconds:Duration}, with bursts of {burst:d}")
def rate_limited(context: Context, seconds: int, burst: int) -> None:
    faults(context).rate_limit("drs", 1 / seconds, burst, source="lambda")


@then("no function ran longer than {seconds:Duration}")
def functions_were_quick(context: Context, seconds: int) -> None:
    calls = context.world.target.engine_calls()
    for name in dict.fromkeys(call.invocation for call in calls):
        own = [call for call in calls if call.invocation == name]
        assert_that((own[-1].ended - own[0].started).total_seconds(), at_most(seconds), f"Read the calls of {name}")
