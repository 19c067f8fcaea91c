"""A red scenario tells its story: on the terminal, in its result, in the run's summary. A green one is silent."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from tests.traceability.command_line import PROJECT
from tests.traceability.conftest import Suite
from traceability.recording import failure_story
from traceability.reporting import console

RECORD: dict[str, Any] = {
    "ExecutionId": "e-1",
    "PlanId": "plan-small",
    "ExecutionType": "DRILL",
    "Status": "FAILED",
    "StartTime": "2026-01-05T09:00:00.000Z",
    "EndTime": "2026-01-05T09:02:00.000Z",
    "StatusReason": "wave 1 failed",
    "Waves": [
        {
            "WaveNumber": 1,
            "WaveName": "Database",
            "Status": "FAILED",
            "StatusReason": "No capacity",
            "StartTime": "2026-01-05T09:00:01.000Z",
            "EndTime": "2026-01-05T09:01:30.000Z",
            "ServerResults": [
                {
                    "SourceServerId": "s-1",
                    "Status": "FAILED",
                    "ErrorMessage": "No capacity",
                    "EndTime": "2026-01-05T09:01:20.000Z",
                }
            ],
        },
        {"WaveNumber": 2, "Status": "SKIPPED", "StatusReason": "wave 1 failed", "ServerResults": []},
    ],
}


def call(second: int, code: str | None, source: str = "lambda") -> Any:
    return SimpleNamespace(
        service="drs",
        operation="StartRecovery",
        error_code=code,
        error_message="Rate exceeded" if code else None,
        started=datetime(2026, 1, 5, 9, 0, second, tzinfo=UTC),
        source=source,
    )


def step(status: str, message: str = "", keyword: str = "Then") -> Any:
    problem = AssertionError(message) if message else None
    return SimpleNamespace(
        keyword=keyword,
        step_type=keyword.lower(),
        name="wave 1 is COMPLETED",
        location="features/r01.feature:9",
        status=SimpleNamespace(name=status),
        exception=problem,
    )


def scenario(*steps: Any) -> Any:
    return SimpleNamespace(all_steps=steps, effective_tags=["AC-4.2", "moto"], filename="features/r01.feature", line=5)


FAILED = step(
    "failed", "Looked at the record\nExpected: Status COMPLETED\n     but: wave 1 is FAILED\n  why: No capacity\n"
)


def told(*calls: Any, steps: tuple[Any, ...] = (FAILED,), broken: tuple[str, ...] = ()) -> list[str]:
    return failure_story.describe(scenario(*steps), [RECORD], calls, {"s-1": "database-1"}, broken).splitlines()


def test_promise_expectation_and_what_was_seen_come_first() -> None:
    promise, *rest = told()
    assert promise.startswith("Promise:   AC-4.2: WHEN a wave fails THEN the Execution Engine SHALL mark")
    assert rest[:3] == [
        "Red:       Then wave 1 is COMPLETED (features/r01.feature:9)",
        "Expected:  Status COMPLETED",
        "Seen:      wave 1 is FAILED why: No capacity",
    ]


def test_the_course_is_told_in_order_each_reason_once() -> None:
    lines = told()
    begun = lines.index("Course of execution e-1 (AWS's time, UTC):")
    assert lines[begun + 1 : begun + 7] == [
        "  09:00:00  drill of plan-small started",
        "  09:00:01  wave 1 (Database) started",
        "  09:01:20  database-1 FAILED: No capacity",
        "  09:01:30  wave 1 (Database) FAILED, for the same reason",
        "  09:02:00  execution FAILED: wave 1 failed",
        "            wave 2 never started, SKIPPED, for the same reason",
    ]


def test_the_first_call_of_the_engine_that_went_wrong_is_named() -> None:
    lines = told(
        call(1, "NotMine", source="suite"),
        call(2, "ConditionalCheckFailedException"),
        call(3, "ThrottlingException"),
        call(4, "Later"),
    )
    assert "  09:00:03  drs StartRecovery, ThrottlingException: Rate exceeded (1 more failed later)" in lines


def test_that_no_call_failed_is_said_as_well() -> None:
    assert "No AWS call of the engine failed." in told(call(1, None))


def test_it_says_how_to_run_just_this_one_again() -> None:
    assert told()[-1] == "Again:     behave features/r01.feature:5"


def test_a_broken_invariant_has_a_story_though_every_step_is_green() -> None:
    lines = told(steps=(step("passed"),), broken=("server s-1 is in two live jobs",))
    assert "Broken:    an invariant of all executions is violated: server s-1 is in two live jobs" in lines


@pytest.mark.parametrize(
    ("red", "seen"),
    [
        (step("undefined"), 'Seen:      no phrase says "Then wave 1 is COMPLETED", and none comes near'),
        (step("error", "no server is called 'web-9'"), "Seen:      AssertionError: no server is called 'web-9'"),
        (step("failed"), "Seen:      no message"),
    ],
)
def test_what_is_no_expectation_is_told_as_it_was_raised(red: Any, seen: str) -> None:
    assert any(line.startswith(seen) for line in told(steps=(red,)))


def test_a_long_course_is_told_by_its_ends() -> None:
    wave = RECORD["Waves"][0]
    record = {**RECORD, "Waves": [{**wave, "WaveNumber": number} for number in range(1, 41)]}
    lines = failure_story.describe(scenario(FAILED), [record], [], {}).splitlines()
    assert [line for line in lines if "more moments" in line] == [
        f"            … {122 - failure_story.MOST_MOMENTS} more moments …"
    ]


def test_a_green_scenario_has_no_story() -> None:
    assert told(steps=(step("passed"),)) == []


def test_the_summary_tells_the_stories_of_the_red_scenarios_only(suite: Suite) -> None:
    suite.environment("""
        from traceability.recording import failure_story

        def after_scenario(context, scenario):
            evidence.attach_text("what was seen", "nothing but text")
            run_notes.record_endpoint("drs.us-east-1.amazonaws.com", connected=False)
            text = failure_story.describe(scenario, [], [], {})
            if text:
                failure_story.save(scenario, text)
        """)
    suite.feature("""
        Feature: One
          @AC-1.1 @moto
          Scenario: passes
            Then nothing is wrong
          @AC-1.2 @moto
          Scenario: is violated
            Then the expectation fails
        """)
    judged = suite.run()
    out = Console(file=io.StringIO(), width=100)
    console.stories(out, judged.coverage, failure_story.load(suite.places.notes))
    assert isinstance(out.file, io.StringIO)
    lines = out.file.getvalue().strip().splitlines()
    assert lines[1:] == [
        "Red:       Then the expectation fails (features/r01.feature:8)",
        "Seen:      expected 3 waves, but there were 2",
        "Course:    no execution was seen",
        "Again:     behave features/r01.feature:7",
    ]
    assert lines[0].startswith("Promise:   AC-1.2: ")
    shown = subprocess.run(
        [sys.executable, "-m", "behave", "--no-color", "features/r01.feature"],
        cwd=suite.root,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert shown.count("Promise: ") == 1
    assert "\nAgain:     behave features/r01.feature:7\n" in shown
