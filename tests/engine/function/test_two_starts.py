"""Two starts of one plan, interleaved at every AWS call of the first: one execution, or a refusal that says why.

    whole      the second start runs from its beginning to its end between two calls of the first
    half-way   both run at once, the second begun half a call later each time, so that their calls alternate

One simulator lives all interleavings of a kind, each with a plan and a server of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from engine.client import StartRefused
from simulator import Simulator
from simulator.gateway.gateway import DEFAULT_LATENCY
from tests.engine.deployed import aws_with_engine, client_of

# More calls than a start makes; the first interleaving beyond its last call is the ordinary second start.
MOST_CALLS = 12
KINDS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "no token": ({}, {}),
    "one token": ({"client_token": "friday"}, {"client_token": "friday"}),
    "two tokens": ({"client_token": "friday"}, {"client_token": "monday"}),
    "two types": ({"execution_type": "RECOVERY"}, {"execution_type": "DRILL"}),
}
Start = Callable[[], str]


class Starts:
    """The deployed engine, and pairs of starts of fresh plans."""

    def __init__(self, aws: Simulator, first: dict[str, Any], second: dict[str, Any]) -> None:
        self.aws = aws
        self.client = client_of(aws)
        self.arguments = first, second
        self.answers: dict[str, list[str]] = {}

    def pair(self, name: str) -> tuple[Start, Start]:
        """Two starts of a new plan of this name."""
        server = f"s-{len(self.answers):017x}"
        self.aws.drs.add_source_server(server)
        self.aws.drs.set_launch(server, launch_seconds=30)
        group = {"GroupId": name, "GroupName": name, "SourceServerIds": [server], "Region": self.aws.region}
        self.client.put_group(group | {"AccountId": self.aws.account})
        wave = {"WaveNumber": 1, "WaveName": name, "ProtectionGroupId": name, "ExecutionType": "PARALLEL"}
        wave["HealthCheck"] = {"Enabled": False}
        self.client.put_plan({"PlanId": name, "PlanName": name, "TimeoutSeconds": 86_400, "Waves": [wave]})
        self.answers[name] = []
        one, other = (lambda arguments=arguments: self._start(name, arguments) for arguments in self.arguments)
        return one, other

    def _start(self, plan: str, arguments: dict[str, Any]) -> str:
        """The answer to the operator, which is also stored in `answers`."""
        try:
            told = self.client.start(plan, **{"execution_type": "RECOVERY", **arguments})
        except StartRefused as refused:
            told = str(refused)
        self.answers[plan].append(told)
        return told

    def before_call(self, number: int, first: Start, second: Start) -> bool:
        """Run `first` with the whole of `second` before its call of this number (from 0); False if it made fewer.

        No other execution is under way: the first call of a function is that of `first`.
        """
        gateway, clock = self.aws._gateway, self.aws.clock
        handle, seen, calls = gateway.handle, set(), 0

        def interrupted(request: Any) -> Any:
            nonlocal calls
            actor = clock.current()
            if actor is not None and actor.source == "lambda" and (not seen or actor.name in seen):
                seen.add(actor.name)
                calls += 1
                if calls == number + 1:
                    self.aws.spawn("second operator", second).join()
            return handle(request)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(gateway, "handle", interrupted)
            self.aws.spawn("first operator", first).join()
        return calls > number

    def apart(self, seconds: float, first: Start, second: Start) -> None:
        """Run both at once, the second begun so much later."""
        one = self.aws.spawn("first operator", first)
        if seconds:
            self.aws.advance(seconds)
        other = self.aws.spawn("second operator", second)
        one.join()
        other.join()

    def finish(self) -> None:
        running = self.client.list_by_status
        self.aws.wait_until(lambda: not running("RUNNING").items, 86_400, settle=20, of="dynamodb")
        self.aws.wait_until(lambda: not self.client.at_work(), 86_400, settle=20)

    def runs(self) -> list[str]:
        pages = self.aws.session().client("stepfunctions").get_paginator("list_executions")
        arn = self.client._outputs["StateMachineArn"]
        return [run["name"] for page in pages.paginate(stateMachineArn=arn) for run in page["executions"]]


@pytest.fixture(params=KINDS)
def starts(request: pytest.FixtureRequest) -> Iterator[Starts]:
    with aws_with_engine() as aws:
        yield Starts(aws, *KINDS[request.param])


def require_one_execution_each(starts: Starts) -> None:
    records = {plan: starts.client.list_by_plan(plan).items for plan in starts.answers}
    assert {plan: len(items) for plan, items in records.items()} == dict.fromkeys(starts.answers, 1)
    ids = {plan: items[0]["ExecutionId"] for plan, items in records.items()}
    assert sorted(starts.runs()) == sorted(ids.values())
    refused = starts.arguments[0].get("execution_type") != starts.arguments[1].get("execution_type")
    for plan, told in starts.answers.items():
        others = [answer for answer in told if answer != ids[plan]]
        assert len(told) == 2
        assert len(others) == int(refused), f"{plan}: {told}"
        assert all(ids[plan] in answer and "in the way of a" in answer for answer in others), f"{plan}: {told}"
    assert {items[0]["Status"] for items in records.values()} == {"COMPLETED"}
    launches = starts.aws.journal.select("drs", "StartRecovery")
    launched = [one["sourceServerID"] for call in launches for one in call.parameters["sourceServers"]]
    assert sorted(launched) == sorted(set(launched))
    assert len(launched) == len(starts.answers)


def test_a_start_between_any_two_calls_of_another(starts: Starts) -> None:
    interrupted = 0
    for number in range(MOST_CALLS):
        first, second = starts.pair(f"whole-{number}")
        if not starts.before_call(number, first, second):
            second()
            break
        interrupted += 1
        starts.finish()
    starts.finish()
    assert 5 <= interrupted < MOST_CALLS, "too few to be a start, or not all were lived"
    require_one_execution_each(starts)


def test_a_start_beside_another_half_a_call_later_each_time(starts: Starts) -> None:
    for number in range(2 * MOST_CALLS):
        starts.apart(number * DEFAULT_LATENCY / 2, *starts.pair(f"half-{number}"))
        starts.finish()
    require_one_execution_each(starts)
