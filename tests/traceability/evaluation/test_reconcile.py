"""For each known loss of a result: the run is refused, and none of its criteria counts as proven."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.traceability.conftest import EXTENSIONS, STEPS, Suite
from traceability.evaluation import reconcile, record_readers

TWO = """
    Feature: Small
      @AC-1.1 @moto
      Scenario: first
        Then {first}
      @AC-1.2 @moto
      Scenario: second
        Then nothing is wrong
    """


def both_passed(suite: Suite) -> Suite:
    return suite.feature(TWO.format(first="nothing is wrong"))


def result_of(suite: Suite, name: str) -> Path:
    return next(case.path for case in record_readers.read_allure(suite.places.allure_results) if case.name == name)


def change(path: Path, **values: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_records_that_agree_have_no_difference(suite: Suite) -> None:
    judged = both_passed(suite).run()
    assert judged.differences == []
    assert judged.coverage["totals"]["proven"] == 2
    assert judged.coverage["target"] == "moto"


HOOKS = {
    "before_all": "def before_all(context):\n    raise RuntimeError('broken')\n",
    "after_all": "def after_all(context):\n    raise RuntimeError('broken')\n",
    "before_feature": "def before_feature(context, feature):\n    raise RuntimeError('broken')\n",
    "after_feature": "def after_feature(context, feature):\n    raise RuntimeError('broken')\n",
}


@pytest.mark.parametrize("hook", HOOKS)
def test_a_broken_hook_of_the_run_or_a_feature_proves_nothing(suite: Suite, hook: str) -> None:
    judged = both_passed(suite).environment(HOOKS[hook]).run()
    assert judged.coverage["totals"]["proven"] == 0
    assert judged.differences or judged.coverage["totals"]["suite_defect"] == 2


def test_a_step_file_that_cannot_be_imported_is_noticed(suite: Suite) -> None:
    judged = both_passed(suite).steps(STEPS + "\nimport nothing_of_this_name\n").run()
    assert judged.differences[0] == "JUnit has no result at all: behave ended before the first result"
    assert judged.coverage["totals"]["suite_defect"] == 2


def test_a_stopped_run_does_not_look_whole(suite: Suite) -> None:
    judged = suite.feature(TWO.format(first="the expectation fails")).run("--stop")
    assert any('"second"' in line for line in judged.differences)
    assert suite.state(judged, "1.1") == "violated"
    assert suite.state(judged, "1.2") in ("suite_defect", "not_run")


def test_a_run_that_was_killed_does_not_look_whole(suite: Suite) -> None:
    killer = "\n@step('the process dies')\ndef dies(context):\n    import os\n    os._exit(0)\n"
    judged = suite.steps(STEPS + killer).feature(TWO.format(first="the process dies")).run()
    assert any("Allure has no result" in line for line in judged.differences)
    assert judged.coverage["totals"]["proven"] == 0


def test_equal_names_are_two_results_and_a_difference(suite: Suite) -> None:
    again = TWO.replace("Scenario: second", "Scenario: first").format(first="the expectation fails")
    judged = suite.feature(again).run()
    cases = record_readers.read_allure(suite.places.allure_results)
    assert sorted(case.verdict for case in cases) == ["passed", "violated"]
    assert len({json.loads(case.path.read_text())["historyId"] for case in cases}) == 2
    assert judged.coverage["totals"]["proven"] == 0


def test_a_scenario_that_passes_without_evidence_of_its_thens_is_a_suite_defect(suite: Suite) -> None:
    judged = suite.scenario(
        "Then nothing is wrong", "And nothing is wrong", tags="@AC-1.1 @moto @without_evidence"
    ).run()
    assert suite.state(judged) == "suite_defect"
    assert suite.reasons(judged) == ['passed without evidence for "Then nothing is wrong" (features/r01.feature:4)']
    assert judged.differences == []


def test_a_picture_or_a_text_below_a_then_is_no_comparison(suite: Suite) -> None:
    suite.steps(
        STEPS
        + """
@step("a text is attached")
def attached(context):
    evidence.attach_text("Judged on nothing", "all is well")
"""
    )
    judged = suite.scenario("Then a text is attached", tags="@AC-1.1 @moto").run()
    assert suite.state(judged) == "suite_defect"
    assert "passed without evidence" in suite.reasons(judged)[0]


def test_evidence_of_one_then_is_not_evidence_of_the_next(suite: Suite) -> None:
    suite.steps(
        STEPS
        + """
@step("nobody looks")
def nobody(context):
    pass
"""
    )
    judged = suite.scenario("Then nothing is wrong", "And nobody looks").run()
    assert "And nobody looks" in suite.reasons(judged)[0]
    assert suite.state(judged) == "suite_defect"


def test_a_scenario_that_expects_nothing_proves_nothing(suite: Suite) -> None:
    judged = suite.scenario("Given nothing is wrong", "When nothing is wrong").run()
    assert suite.state(judged) == "suite_defect"
    assert suite.reasons(judged) == ["passed without an expectation: it has no Then"]


def lose_allure(suite: Suite) -> None:
    result_of(suite, "first").unlink()


def lose_junit(suite: Suite) -> None:
    for path in suite.places.junit.glob("*.xml"):
        path.unlink()


def add_result(suite: Suite) -> None:
    path = result_of(suite, "first")
    path.with_name("old-result.json").write_text(path.read_text())


def add_foreign_result(suite: Suite) -> None:
    path = result_of(suite, "first")
    foreign = path.with_name("old-result.json")
    foreign.write_text(path.read_text())
    change(foreign, fullName="features/r09.feature:from another run")


def colour_it_red(suite: Suite) -> None:
    change(result_of(suite, "first"), status="failed")


def move_it(suite: Suite) -> None:
    change(result_of(suite, "first"), labels=[{"name": "feature", "value": "AC-9.9 something else"}])


def lose_attachment(suite: Suite) -> None:
    for path in suite.places.allure_results.glob("*-attachment.*"):
        path.unlink()


def lose_endpoints(suite: Suite) -> None:
    for path in suite.places.notes.glob("endpoints-*.json"):
        path.unlink()


def leave_the_machine(suite: Suite) -> None:
    endpoints = [{"host": "drs.us-east-1.amazonaws.com", "connected": True}]
    lose_endpoints(suite)
    (suite.places.notes / "endpoints-1.json").write_text(json.dumps(endpoints))


LOSSES: dict[str, tuple[Callable[[Suite], None], str]] = {
    "an Allure result is lost": (lose_allure, 'Allure has no result for "first"'),
    "the JUnit file is lost": (lose_junit, "JUnit has no result at all"),
    "an Allure result is there twice": (add_result, 'Allure has a surplus result for "first"'),
    "a result of another run lies there": (add_foreign_result, 'Allure has a surplus result for "from another run"'),
    "the reporters disagree": (colour_it_red, "JUnit says passed, Allure says violated"),
    "it stands below another criterion": (move_it, "is below other criteria"),
    "evidence is lost": (lose_attachment, "is missing"),
    "no endpoint was recorded": (lose_endpoints, "prove no target"),
    "real AWS was called": (leave_the_machine, "prove aws"),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_after_the_run_is_noticed(suite: Suite, loss: str) -> None:
    assert both_passed(suite).run().differences == []
    lose, said = LOSSES[loss]
    lose(suite)
    judged = suite.judge_again()
    assert any(said in line for line in judged.differences), judged.differences
    assert judged.coverage["totals"]["proven"] == 0


def test_nothing_of_an_earlier_run_is_taken_for_new(suite: Suite) -> None:
    both_passed(suite).run()
    judged = suite.scenario("Then nothing is wrong").run()
    assert judged.differences == []
    assert judged.coverage["totals"]["proven"] == 1


def test_a_coverage_that_lost_a_document_or_a_criterion_differs_from_the_catalogue(suite: Suite) -> None:
    content = both_passed(suite).run().coverage
    assert reconcile.coverage_differences(suite.catalogue, content) == []
    other = copy.deepcopy(content)
    lost = other["extensions"]["criteria"].pop()
    assert reconcile.coverage_differences(suite.catalogue, other) == [
        "coverage does not list the extensions of the catalogue"
    ]
    other["extensions"]["criteria"].append(lost)
    other["extensions"]["totals"]["no_scenario"] = EXTENSIONS - 1
    assert reconcile.coverage_differences(suite.catalogue, other) == [
        f"coverage: the five states of the extensions do not add up to {EXTENSIONS}"
    ]
    del other["extensions"]
    assert reconcile.coverage_differences(suite.catalogue, other) == [
        "coverage does not list the documents of the catalogue"
    ]
