"""A rehearsal is kept separately, shown for criteria that were not run, and never counted as a proof."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from tests.traceability.conftest import ON_BOTH_AND_SIMULATED, Suite
from traceability.bundle import manifest
from traceability.cli.group import GREEN, RED
from traceability.cli.runs import exit_code
from traceability.model import feature_files
from traceability.reporting import console, provenance
from traceability.reporting.allure_report import headline
from traceability.running import run as runs

FEATURE = (
    ON_BOTH_AND_SIMULATED
    + """
  @AC-10.1 @aws
  Scenario: real only
    Then {what}
"""
)
SERVED = """
def target(context):
    return "moto" if context.config.userdata["target"] == "moto" else "aws"

def before_scenario(context, scenario):
    if target(context) not in scenario.effective_tags:
        scenario.skip("runs elsewhere")

def after_scenario(context, scenario):
    evidence.attach_text("what was seen", "nothing but text")
    run_notes.record_endpoint("127.0.0.1:4599", connected=target(context) == "aws")
"""
STATES = ("proven", "violated", "suite_defect", "not_run", "no_scenario", "rehearsed")


def rehearse(suite: Suite, what: str = "nothing is wrong", environment: str = SERVED) -> runs.RunResult:
    suite.feature(FEATURE.format(what=what)).environment(environment)
    scenarios, _ = feature_files.read(suite.root / "features", suite.root)
    places = suite.places.of_rehearsal
    judged = runs.run(places, suite.catalogue, scenarios, "rehearsal", (), lambda done, total: None)
    manifest.write(places, judged.coverage)
    return judged


def row(judged: runs.RunResult, criterion: str) -> dict[str, object]:
    return next(one for one in judged.coverage["criteria"] if one["id"] == criterion)


def test_a_passed_scenario_is_rehearsed_and_not_proven(suite: Suite) -> None:
    judged = rehearse(suite)
    assert judged.differences == []
    assert judged.coverage["target"] == "aws-rehearsal"
    assert [judged.coverage["totals"][state] for state in STATES] == [0, 0, 0, 3, 57, 2]
    found = row(judged, "10.1")
    assert (found["state"], found["rehearsed"], found["proven_on"]) == ("not_run", True, [])
    assert suite.reasons(judged, "10.1") == ["rehearsed, not run on AWS"]
    assert row(judged, "1.2")["rehearsed"] is False


def test_a_failed_scenario_is_violated(suite: Suite) -> None:
    judged = rehearse(suite, "the expectation fails")
    assert (row(judged, "10.1")["state"], row(judged, "10.1")["rehearsed"]) == ("violated", False)


@pytest.mark.parametrize(("what", "code"), [("nothing is wrong", GREEN), ("the step gives up: not today", RED)])
def test_it_passes_only_if_all_scenarios_for_aws_were_rehearsed(suite: Suite, what: str, code: int) -> None:
    judged = rehearse(suite, what)
    scenarios, _ = feature_files.read(suite.root / "features", suite.root)
    assert exit_code(judged, scenarios, strict=False) == code


def test_it_is_no_rehearsal_when_no_served_simulator_was_called(suite: Suite) -> None:
    judged = rehearse(suite, environment=SERVED.replace("127.0.0.1:4599", "drs.us-east-1.amazonaws.com"))
    assert any("prove aws" in line for line in judged.differences)
    assert judged.coverage["totals"]["rehearsed"] == 0


def test_the_run_on_the_simulator_shows_the_rehearsal_of_the_same_tree(suite: Suite) -> None:
    rehearsal = rehearse(suite)
    before = suite.places.of_rehearsal.coverage.read_bytes()
    judged = suite.run()
    assert (row(judged, "10.1")["state"], row(judged, "10.1")["rehearsed"]) == ("not_run", True)
    assert (row(judged, "1.1")["state"], row(judged, "1.1")["rehearsed"]) == ("proven", False)
    assert suite.places.of_rehearsal.coverage.read_bytes() == before
    assert json.loads(before)["totals"] == rehearsal.coverage["totals"]
    suite.steps((suite.root / "features" / "steps" / "small.py").read_text() + "\n# another tree\n")
    assert row(suite.run(), "10.1")["rehearsed"] is False


def test_the_matrix_shows_a_rehearsal_that_is_kept_with_its_records(suite: Suite) -> None:
    rehearse(suite)
    judged = suite.run()
    known = provenance.gather(suite.places, suite.catalogue, judged.coverage)
    assert (known.found["10.1"]["aws-rehearsal"].state, known.ignored) == ("rehearsed", [])
    assert "rehearsed <b>○</b>" in suite.places.matrix.read_text(encoding="utf-8")


def test_the_terminal_shows_a_separate_sign(suite: Suite) -> None:
    judged = rehearse(suite)
    out = io.StringIO()
    console.summary(Console(file=out, width=200), judged.coverage, suite.catalogue)
    said = out.getvalue()
    assert "○ rehearsed, not run on AWS: AC-1.1, AC-10.1" in said
    assert headline(judged.coverage).startswith("2 of 60 criteria rehearsed, none of them on AWS")
    assert "proven" not in said.replace("✓ proven", "")
