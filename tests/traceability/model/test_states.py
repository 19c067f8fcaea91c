"""Each criterion ends in exactly one of five states; the tests run behave itself, without prepared results."""

from __future__ import annotations

import pytest

from tests.traceability.conftest import Suite
from traceability.cli.runs import exit_code
from traceability.evaluation.coverage import ScenarioOutcome, state_of
from traceability.model.feature_files import Scenario

# The steps of the scenario, and the state that its criterion must have.
ENDS = {
    "all passed": (["Given nothing is wrong", "Then nothing is wrong"], "", "proven"),
    "expectation in a Then": (["When nothing is wrong", "Then the expectation fails"], "", "violated"),
    "expectation in an And after a Then": (["Then nothing is wrong", "And the expectation fails"], "", "violated"),
    "expectation in a Given": (["Given the expectation fails", "Then nothing is wrong"], "", "suite_defect"),
    "expectation in a When": (["When the expectation fails", "Then nothing is wrong"], "", "suite_defect"),
    "error in a Then": (["Then something breaks"], "", "suite_defect"),
    "error within a Then's inner step": (["Then within it something breaks"], "", "suite_defect"),
    "expectation within a Then's inner step": (["Then within it the expectation fails"], "", "violated"),
    "undefined step": (["When nobody wrote this step", "Then nothing is wrong"], "", "suite_defect"),
    "undefined step after a failed one": (["Given something breaks", "Then nobody wrote this"], "", "suite_defect"),
    "before hook": (["Then nothing is wrong"], "@hook_before", "suite_defect"),
    "after hook": (["Then nothing is wrong"], "@hook_after", "suite_defect"),
    "after hook and expectation": (["Then the expectation fails"], "@hook_after", "violated"),
    "clean-up": (["Given the clean-up will break", "Then nothing is wrong"], "", "suite_defect"),
    "no step at all": ([], "", "suite_defect"),
    "skipped by a step": (["Given the step gives up: not today", "Then nothing is wrong"], "", "not_run"),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_state_of_a_criterion_is_that_of_its_scenario(suite: Suite, end: str) -> None:
    steps, tag, expected = ENDS[end]
    judged = suite.scenario(*steps, tags=f"@AC-1.1 @moto {tag}").run()
    assert suite.state(judged) == expected
    assert judged.differences == []
    assert judged.coverage["totals"][expected] == 1
    assert judged.coverage["totals"]["no_scenario"] == 59


@pytest.mark.parametrize(("step", "code"), [("Then nothing is wrong", 0), ("Then the expectation fails", 1)])
def test_a_violated_extension_fails_the_run_like_a_criterion(suite: Suite, step: str, code: int) -> None:
    judged = suite.scenario(step, tags="@EX-1.1 @moto").run()
    assert judged.coverage["totals"]["no_scenario"] == 60
    assert judged.coverage["extensions"]["totals"]["violated"] == code
    assert exit_code(judged, [], strict=False) == code
    assert exit_code(judged, [], strict=True) == 1


def test_a_scenario_of_another_target_keeps_its_reason(suite: Suite) -> None:
    judged = suite.scenario("Then nothing is wrong", tags="@AC-10.1 @aws").run()
    assert suite.state(judged, "10.1") == "not_run"
    assert suite.reasons(judged, "10.1") == ["needs AWS or rehearsal"]


def test_a_deselected_scenario_keeps_its_reason(suite: Suite) -> None:
    suite.scenario("Then nothing is wrong")
    suite.feature("Feature: Other\n  @AC-9.5 @moto\n  Scenario: other\n    Then nothing is wrong\n", "r09.feature")
    judged = suite.run("--tags=@AC-9.5")
    assert suite.state(judged) == "not_run"
    assert suite.reasons(judged) == ["Deselected by the tags or files of this run"]


def test_a_failing_then_in_a_background_is_a_failed_precondition(suite: Suite) -> None:
    judged = suite.feature("""
        Feature: Small
          Background:
            Then the expectation fails
          @AC-1.1 @moto
          Scenario: only
            Then nothing is wrong
        """).run()
    assert suite.state(judged) == "suite_defect"


def test_an_undefined_step_is_named_with_file_and_line(suite: Suite) -> None:
    judged = suite.scenario("When nobody wrote this step").run()
    (reason,) = suite.reasons(judged)
    assert reason.startswith(
        "Undefined step: When nobody wrote this step (features/r01.feature:4), and none comes near"
    )


def test_an_undefined_step_comes_with_the_nearest_that_exists(suite: Suite) -> None:
    judged = suite.scenario("When nothing was wrong").run()
    (reason,) = suite.reasons(judged)
    assert reason.endswith('(features/r01.feature:4); the nearest that exists: "nothing is wrong"')


def test_a_broken_clean_up_and_hook_say_what_broke(suite: Suite) -> None:
    judged = suite.scenario("Given the clean-up will break").run()
    assert "the clean-up broke" in suite.reasons(judged)[0]
    judged = suite.scenario("Given nothing is wrong", tags="@AC-1.1 @moto @hook_after").run()
    assert "the hook broke" in suite.reasons(judged)[0]


def test_rows_of_an_outline_are_scenarios_of_their_own(suite: Suite) -> None:
    judged = suite.feature("""
        Feature: Small
          @AC-2.3 @moto
          Scenario Outline: each word
            Then <what>
            Examples:
              | what                  |
              | nothing is wrong      |
              | the expectation fails |
        """).run()
    row = next(row for row in judged.coverage["criteria"] if row["id"] == "2.3")
    assert [one["status"] for one in row["scenarios"]] == ["passed", "failed"]
    assert row["state"] == "violated"


def test_seconds_are_real_although_the_scenario_stops_the_clock(suite: Suite) -> None:
    suite.environment("""
        import time
        import time_machine

        def before_feature(context, feature):
            context.travel = time_machine.travel("2030-01-01T00:00:00Z", tick=False)
            context.travel.start()

        def after_step(context, step):
            began = time.perf_counter()
            while time.perf_counter() < began + 0.2:
                pass
        """)
    judged = suite.scenario("Then nothing is wrong").run()
    row = judged.coverage["criteria"][0]["scenarios"][0]
    assert 0.2 <= row["seconds"] < 5
    assert judged.coverage["started"] < judged.coverage["finished"] < "2029"


# The first that applies counts; "other" is a scenario that does not belong to the run's target.
MIXTURES = [
    (["passed", "violated", "suite_defect"], "violated"),
    (["passed", "suite_defect", "not_run"], "suite_defect"),
    (["passed", "not_run"], "not_run"),
    (["passed", "passed"], "proven"),
    (["passed", "other"], "proven"),
    (["other"], "not_run"),
    ([], "no_scenario"),
]


@pytest.mark.parametrize(("mixture", "expected"), MIXTURES)
def test_the_first_state_that_applies_counts(mixture: list[str], expected: str) -> None:
    assert state_of([_outcome(verdict) for verdict in mixture], "moto") == expected


def _outcome(verdict: str) -> ScenarioOutcome:
    tag = "aws" if verdict == "other" else "moto"
    scenario = Scenario("only", "Small", "features/r01.feature", 3, ("AC-1.1", tag), ())
    return ScenarioOutcome(scenario, "", "not_run" if verdict == "other" else verdict, 0.0, "")
