"""The suite's own judges: each takes what it should, refuses its neighbours, and says why in recovery's words."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hamcrest.core.string_description import StringDescription
from moto.stepfunctions.parser.asl.component import eval_component

from features import matchers
from features.parameter_types import Pauses
from features.targets import EngineCall
from simulator import Simulator

NINE = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
WAVE = {"WaveNumber": 2, "WaveName": "Web", "Status": "SKIPPED", "StatusReason": "depends on wave 1 (Database)"}


def call(second: float, took: float = 1) -> EngineCall:
    started = NINE + timedelta(seconds=second)
    return EngineCall("drs", "DescribeJobs", {}, None, started, started + timedelta(seconds=took), "role", "1", "run")


def at(seconds: float) -> datetime:
    return NINE + timedelta(seconds=seconds)


# Two calls whose pause is two seconds: from the first answer at 1 s to the second start at 3 s.
PAIR = [call(0), call(3)]

MATCHES: list[tuple[Any, Any]] = [
    (matchers.has_status("SKIPPED"), WAVE),
    (matchers.is_skipped_because_of(1), WAVE),
    (matchers.mentions("wave 1"), "because of Wave 1, which FAILED"),
    (matchers.mentions("s-1"), "server s-1: gone"),
    (matchers.were_made(2), PAIR),
    (matchers.were_made(0), []),
    (matchers.came_apart(Pauses([2], False)), PAIR),
    (matchers.came_apart(Pauses([2], False)), [call(0), call(3.004)]),
    (matchers.came_apart(Pauses([2], False), slack=1), [call(0), call(3.9)]),
    (matchers.started_after(90, NINE, 1), at(90)),
    (matchers.started_after(90, NINE, 1), at(90.9)),
    (matchers.lasted(20, 2), 21.9),
    (matchers.at_most(60), 60),
    (matchers.is_between(5, 15), 5),
    (matchers.is_between(5, 15), 15),
    (matchers.no_later_than(NINE), at(0)),
    (matchers.came_apart(Pauses([2], True)), [call(0), call(3), call(9)]),
    (matchers.has_no_null(), {"Waves": [{"Status": "PENDING"}]}),
    (matchers.has_only_pascal_case(), {"RecoverySnapshots": {"s-3d75cdc0d9a28a725": "pit-1"}}),
]


@pytest.mark.parametrize(("matcher", "good"), MATCHES)
def test_it_takes_what_it_should(matcher: Any, good: Any) -> None:
    assert matcher.matches(good)


# The matcher, what it must refuse, what it says it expected, what it says it saw.
MISMATCHES: list[tuple[Any, Any, str, str]] = [
    (
        matchers.has_status("COMPLETED"),
        WAVE,
        "Status COMPLETED",
        "wave 2 (Web) is SKIPPED; why: depends on wave 1 (Database)",
    ),
    (matchers.has_status("COMPLETED"), {"SourceServerId": "s-1"}, "Status COMPLETED", "server s-1 is no Status at all"),
    (matchers.is_skipped_because_of(3), WAVE, "depends on wave 3", "reason: depends on wave 1 (Database)"),
    (
        matchers.is_skipped_because_of(1),
        {**WAVE, "StatusReason": "wave 2 has started although wave 1 is FAILED"},
        "depends on wave 1",
        "reason: wave 2 has started although wave 1 is FAILED",
    ),
    (matchers.is_skipped_because_of(1), {**WAVE, "StartTime": "09:00"}, "never started", "started: 09:00"),
    (matchers.is_skipped_because_of(1), {**WAVE, "Status": "FAILED"}, "SKIPPED", "wave 2 (Web) is FAILED"),
    (matchers.mentions("wave 1"), "wave 12 is FAILED", "names 'wave 1'", "it reads: wave 12 is FAILED"),
    (matchers.mentions("web-1"), "old-web-1", "names 'web-1'", "it reads: old-web-1"),
    (matchers.mentions("wave 1"), "", "names 'wave 1'", "it reads: (empty)"),
    (matchers.were_made(1), PAIR, "exactly 1 call", "there were 2:\n            09:00:00.000000 drs:DescribeJobs ok"),
    (matchers.were_made(0), PAIR, "exactly 0 calls", "there were 2:"),
    (matchers.were_made(1), [], "exactly 1 call", "there were 0: none"),
    (
        matchers.came_apart(Pauses([4], False)),
        PAIR,
        "2 calls with pauses of 4 seconds",
        "the pauses were [2.0] seconds:",
    ),
    (
        matchers.came_apart(Pauses([2], False), slack=1),
        [call(0), call(4.1)],
        "2 seconds",
        "the pauses were [3.1] seconds:",
    ),
    (matchers.came_apart(Pauses([2], False)), [call(0), call(2.9)], "2 seconds", "the pauses were [1.9] seconds:"),
    (matchers.came_apart(Pauses([2, 4], False)), PAIR, "3 calls", "the pauses were [2.0] seconds:"),
    (
        matchers.started_after(90, NINE, 1),
        at(89.9),
        "90 s (and less than 1 s more) after 09:00:00.000000",
        "it was 89.9 s after it",
    ),
    (matchers.started_after(90, NINE, 1), at(91), "90 s", "it was 91 s after it, at 09:01:31.000000"),
    (matchers.lasted(20, 2), 22, "20 s, give or take less than 2 s", "it was 22 s"),
    (matchers.lasted(20, 2), 18, "20 s", "it was 18 s"),
    (matchers.at_most(60), 60.5, "at most 60 s", "it was 60.5 s"),
    (matchers.is_between(5, 15), 4.5, "between 5 and 15 s", "it was 4.5 s"),
    (matchers.is_between(5, 15), 15.5, "between 5 and 15 s", "it was 15.5 s"),
    (matchers.no_later_than(NINE), at(1), "at most 09:00:00.000000", "it was 09:00:01.000000"),
    (
        matchers.came_apart(Pauses([2], True)),
        [call(0), call(3), call(5)],
        "calls with pauses of at least 2 seconds",
        "the pauses were [2.0, 1.0] seconds:",
    ),
    (matchers.came_apart(Pauses([2], True)), [call(0)], "at least 2 seconds", "the pauses were [] seconds:"),
    (
        matchers.has_no_null(),
        {"Waves": [{"EndTime": None}]},
        "no field that is null",
        "Waves.0.EndTime is null",
    ),
    (matchers.has_only_pascal_case(), {"Waves": [{"waveName": 1}]}, "PascalCase", "Waves.0.waveName is not PascalCase"),
    (matchers.has_only_pascal_case(), {"Wave_Name": 1}, "PascalCase", "Wave_Name is not PascalCase"),
]


@pytest.mark.parametrize(("matcher", "bad", "expected", "seen"), MISMATCHES)
def test_it_refuses_and_says_why(matcher: Any, bad: Any, expected: str, seen: str) -> None:
    assert not matcher.matches(bad)
    wanted, found = StringDescription(), StringDescription()
    matcher.describe_to(wanted)
    matcher.describe_mismatch(bad, found)
    assert expected in str(wanted)
    assert seen in str(found)


def test_the_description_of_a_record_names_every_wave_and_server() -> None:
    record = {
        "ExecutionId": "e-1",
        "PlanId": "plan",
        "Status": "FAILED",
        "Errors": [{"Message": "No capacity"}],
        "Waves": [{**WAVE, "ServerResults": [{"SourceServerId": "s-1", "Status": "SKIPPED"}]}],
    }
    assert matchers.describe(record).splitlines() == [
        "e-1 of plan: FAILED (No capacity)",
        "  wave 2 (Web): SKIPPED, not started to not ended",
        "    s-1: SKIPPED, job none",
    ]


def test_a_reason_that_ended_several_parts_is_given_once() -> None:
    cause = "wave 3 has begun although wave 2 is SKIPPED"
    errors = [{"Message": one} for one in (cause, "No capacity", cause)]
    seen = StringDescription()
    matchers.has_status("COMPLETED").describe_mismatch({**WAVE, "StatusReason": cause, "Errors": errors}, seen)
    assert str(seen).endswith(f"why: {cause}; No capacity")


def test_motos_own_log_of_a_failed_state_does_not_stand_below_a_story(caplog: pytest.LogCaptureFixture) -> None:
    Simulator()
    logging.getLogger(eval_component.__name__).error("its whole parse tree")
    assert caplog.records == []
