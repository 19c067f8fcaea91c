"""The typed gaps of the phrases: the text that each type accepts, its value, and the text that it refuses."""

from __future__ import annotations

import re
from typing import Any

import pytest

from features import parameter_types
from features.matchers.engine_calls import Pauses
from features.phrase_values import (
    REQUESTS,
    Between,
    Command,
    Existing,
    Gap,
    Moment,
    PlanShape,
    Requests,
    Selection,
    Source,
    Start,
)

QUERY = REQUESTS["job query"]


@pytest.mark.parametrize(
    ("convert", "text", "value"),
    [
        (parameter_types.duration, "90 seconds", 90),
        (parameter_types.duration, "1 minute", 60),
        (parameter_types.duration, "2 hours", 7200),
        (parameter_types.numbers, "3", [3]),
        (parameter_types.numbers, "2, 4 and 8", [2, 4, 8]),
        (parameter_types.pauses, "2 seconds", Pauses([2], at_least=False)),
        (parameter_types.pauses, "2, 4 and 8 seconds", Pauses([2, 4, 8], at_least=False)),
        (parameter_types.pauses, "at least 70 seconds", Pauses([70], at_least=True)),
        (parameter_types.between, "between 5 and 15 seconds", Between(5, 15)),
        (parameter_types.between, "between 1 and 30 minutes", Between(60, 1800)),
        (parameter_types.gap, "immediately", Gap("exactly", 0)),
        (parameter_types.gap, "90 seconds", Gap("exactly", 90)),
        (parameter_types.gap, "at most 15 minutes", Gap("at most", 900)),
        (parameter_types.gap, "about 1 hour", Gap("about", 3600)),
        (parameter_types.moment, "wave 12 started", Moment("wave 12", "started")),
        (parameter_types.moment, 'server "web-1" ended', Moment('server "web-1"', "ended")),
        (parameter_types.moment, "the execution ended", Moment("the execution", "ended")),
        (parameter_types.moment, "it was cancelled", Moment("the execution", "was cancelled")),
        (parameter_types.names, '"web-1"', ["web-1"]),
        (parameter_types.names, '"web-1, web-2"', ["web-1", "web-2"]),
        (parameter_types.selection, 'only "web-1, web-2"', Selection(("web-1", "web-2"))),
        (parameter_types.selection, "no server", Selection()),
        (parameter_types.selection, "no server of wave 3", Selection(wave=3)),
        (parameter_types.requests, "every job query", Requests(QUERY, None)),
        (parameter_types.counted, "1 job query was", Requests(QUERY, 1)),
        (parameter_types.counted, "4 job queries were", Requests(QUERY, 4)),
        (parameter_types.requests, "all job queries", Requests(QUERY, None)),
        (parameter_types.requests, "the first job query", Requests(QUERY, 1)),
        (parameter_types.requests, "the first 3 job queries", Requests(QUERY, 3)),
        (parameter_types.requests, "the 2nd job query", Requests(QUERY, 1, after=1)),
        (parameter_types.requests, "3 job queries after the first", Requests(QUERY, 3, after=1)),
        (parameter_types.requests, "2 job queries after the first 4", Requests(QUERY, 2, after=4)),
        (parameter_types.fault, "loses", "lose_connection"),
        (parameter_types.status, "IN_PROGRESS", "IN_PROGRESS"),
        (parameter_types.statuses, "PENDING, STARTED, COMPLETED", ["PENDING", "STARTED", "COMPLETED"]),
        (parameter_types.place, "the record", "the record"),
        (parameter_types.quantity, "no", "no"),
        (parameter_types.trust, "trusts the engine", "trusts the engine"),
        (parameter_types.history, "the plan", ""),
        (parameter_types.history, "COMPLETED executions", "COMPLETED"),
        (parameter_types.wave_count, "1 wave", 1),
        (parameter_types.plan_shape, "1 sequential wave", PlanShape(1, "SEQUENTIAL", 0)),
        (parameter_types.plan_shape, "3 parallel waves, 2 of them dependent", PlanShape(3, "PARALLEL", 2)),
        (parameter_types.messages, "no message", 0),
        (parameter_types.messages, "2 messages", 2),
        (parameter_types.calls, "next call", 1),
        (parameter_types.calls, "next 24 calls", 24),
        (parameter_types.run_type, "drill", "DRILL"),
        (parameter_types.kind, "instance", "instance"),
        (parameter_types.start, "run", Start(to_end=True)),
        (parameter_types.start, "started", Start(to_end=False)),
        (parameter_types.start, 'started with the token "a"', Start(to_end=False, token="a")),
        (parameter_types.start, "run as of 2 hours ago", Start(to_end=True, as_of=7200)),
        (parameter_types.start, "run with existing instances kept", Start(to_end=True, existing=Existing())),
        (
            parameter_types.start,
            'run with the instances of "web-1, web-2" replaced',
            Start(to_end=True, existing=Existing(("web-1", "web-2"))),
        ),
        (
            parameter_types.start,
            'run with instance "i-0123456789abcdef0" of server "web-1" replaced',
            Start(to_end=True, existing=Existing(("web-1",), "i-0123456789abcdef0")),
        ),
        (parameter_types.command, "paused", Command("paused")),
        (parameter_types.command, 'cancelled with the reason "a test"', Command("cancelled", "a test")),
        (parameter_types.source, "the refusal of the decision", Source("the refusal of the decision")),
        (parameter_types.source, 'the error of server "web-1"', Source("the error of server", "web-1")),
        (parameter_types.mention, "names", True),
        (parameter_types.mention, "do not name", False),
        (parameter_types.row, "host name, id and instance", ["host name", "id", "instance"]),
        (parameter_types.servers, 'server "web-1"', "web-1"),
        (parameter_types.servers, "every server", ""),
    ],
)
def test_a_gap_is_parsed(convert: Any, text: str, value: Any) -> None:
    assert re.fullmatch(convert.pattern, text)
    assert convert(text) == value


@pytest.mark.parametrize(
    ("convert", "text"),
    [
        (parameter_types.duration, "90 secs"),
        (parameter_types.duration, "two minutes"),
        (parameter_types.duration, "1.5 hours"),
        (parameter_types.numbers, "2 or 3"),
        (parameter_types.names, "web-1"),
        (parameter_types.status, "completed"),
        (parameter_types.status, "A"),
        (parameter_types.run_type, "DRILL"),
        (parameter_types.pauses, "2 minutes"),
        (parameter_types.gap, "at least 5 minutes"),
        (parameter_types.moment, "server web-1 ended"),
        (parameter_types.moment, "wave 1 was cancelled"),
        (parameter_types.requests, "the job queries"),
        (parameter_types.requests, "some job queries"),
        (parameter_types.selection, '"web-1"'),
        (parameter_types.fault, "never receives"),
        (parameter_types.request, "recovery requestss"),
        (parameter_types.request, "job queryies"),
    ],
)
def test_other_text_does_not_match(convert: Any, text: str) -> None:
    assert not re.fullmatch(convert.pattern, text)


@pytest.mark.parametrize("words", REQUESTS)
def test_a_request_is_known_in_singular_and_plural_and_explained(words: str) -> None:
    plural = f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"
    for text in (words, plural):
        assert re.fullmatch(parameter_types.request.pattern, text)
        assert parameter_types.request(text) is REQUESTS[words]
    assert repr(words) in (parameter_types.counted.__doc__ or "")


def test_a_selection_of_requests_takes_them_in_order() -> None:
    calls = [1, 2, 3, 4, 5]
    assert Requests(QUERY, None).of(calls) == calls
    assert Requests(QUERY, 2).of(calls) == [1, 2]
    assert Requests(QUERY, 2, after=1).of(calls) == [2, 3]


def test_every_text_that_a_scenario_names_is_read():
    from features.steps.texts import TEXTS

    assert set(TEXTS) == set(parameter_types.SOURCES)
