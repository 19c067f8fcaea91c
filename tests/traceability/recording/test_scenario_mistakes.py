"""A scenario that asks for what does not exist: a suite defect, told in one line without a stack, in each record."""

from __future__ import annotations

import json

import pytest

from tests.traceability.conftest import STEPS, Suite

MISTAKEN = (
    STEPS
    + """
from traceability.model.verdict import ScenarioMistake

@step("the server is missing")
def missing(context):
    evidence.record_judgement("a server", "none", "Looked for the server")
    raise ScenarioMistake("this scenario has no server 'web-9'; it has web-1")
"""
)
SENTENCE = "mistake in the scenario: this scenario has no server 'web-9'; it has web-1"


@pytest.mark.parametrize("keyword", ["Given", "When", "Then"])
def test_a_mistake_violates_nothing_behind_any_keyword(suite: Suite, keyword: str) -> None:
    judged = suite.steps(MISTAKEN).scenario(f"{keyword} the server is missing", "Then nothing is wrong").run()
    assert (suite.state(judged), judged.differences) == ("suite_defect", [])
    assert suite.reasons(judged)[0].endswith(SENTENCE)


def test_no_record_and_no_output_has_the_stack_of_a_mistake(suite: Suite) -> None:
    judged = suite.steps(MISTAKEN).scenario("Then the server is missing").run()
    assert "Traceback" not in judged.log.read_text(encoding="utf-8")
    (path,) = suite.places.allure_results.glob("*-result.json")
    result = json.loads(path.read_text(encoding="utf-8"))
    assert result["statusDetails"] == {"message": SENTENCE}
    assert result["steps"][0]["statusDetails"] == {"message": SENTENCE}


def test_an_expectation_has_no_stack_and_an_error_keeps_it(suite: Suite) -> None:
    suite.feature("""
        Feature: Small
          @AC-1.1 @moto
          Scenario: expectation
            Then the expectation fails

          @AC-1.2 @moto
          Scenario: error
            Then something breaks
        """).run()
    results = [json.loads(path.read_text()) for path in suite.places.allure_results.glob("*-result.json")]
    details = {one["name"]: one["statusDetails"] for one in results}
    assert "trace" not in details["expectation"]
    assert "a broken step" in details["error"]["message"]
    assert "small.py" in details["error"]["trace"]


def test_the_story_comes_before_the_evidence(suite: Suite) -> None:
    told = """
        from traceability.recording import failure_story

        def after_scenario(context, scenario):
            run_notes.record_endpoint("drs.us-east-1.amazonaws.com", connected=False)
            evidence.attach_text("AWS calls in order", "none")
            failure_story.save(scenario, failure_story.describe(scenario, [], [], {}))
        """
    suite.environment(told).scenario("Then the expectation fails").run()
    (path,) = suite.places.allure_results.glob("*-result.json")
    names = [one["name"] for one in json.loads(path.read_text(encoding="utf-8"))["attachments"]]
    assert names == ["What happened", "AWS calls in order", "Captured output"]
