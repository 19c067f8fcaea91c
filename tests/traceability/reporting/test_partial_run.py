"""A partial run: each output says so with the same counts, and the scenario that ran explains its criterion."""

from __future__ import annotations

import csv
import html
import io
import json
import re

import pytest
from rich.console import Console

from tests.traceability.command_line import PROJECT
from tests.traceability.conftest import Suite
from traceability.bundle import integrity, manifest
from traceability.cli.runs import _ran
from traceability.reporting import console
from traceability.running import run

FEATURE = """
Feature: One
  @AC-1.1 @moto
  Scenario: is left out
    Then nothing is wrong
  @AC-1.1 @moto
  Scenario: is violated
    Then the expectation fails
  @AC-1.2 @moto
  Scenario: is green
    Then nothing is wrong
  @AC-1.2 @moto
  Scenario: is left out, too
    Then nothing is wrong
"""
ON_AWS = """
  @AC-1.3 @aws
  Scenario: needs AWS
    Then nothing is wrong
"""
SENTENCE = "Partial run: 2 of 4 scenarios, 1 green, 1 red"
REASON = "AssertionError: expected 3 waves, but there were 2"


@pytest.fixture
def judged(suite: Suite) -> run.RunResult:
    return suite.feature(FEATURE.lstrip()).run("features/r01.feature:6", "features/r01.feature:9")


def printed(judged: run.RunResult, suite: Suite) -> list[str]:
    out = Console(file=io.StringIO(), width=200)
    console.summary(out, judged.coverage, suite.catalogue)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue().splitlines()


def test_the_last_line_counts_the_scenarios_that_ran(judged: run.RunResult, suite: Suite) -> None:
    assert _ran(judged, 4) == "2 of 4 scenarios ran"
    assert _ran(suite.run(), 4) == "4 scenarios"


def test_the_terminal_names_what_ran_and_nothing_else(judged: run.RunResult, suite: Suite) -> None:
    lines = printed(judged, suite)
    assert lines[lines.index(SENTENCE) :] == [
        SENTENCE,
        "✓ features/r01.feature:9  is green",
        f"✗ AC-1.1  features/r01.feature:6  is violated: {REASON}",
        "– 1 deselected by this run's tags or files",
    ]


def test_the_matrix_says_so_and_links_the_red_scenario(judged: run.RunResult, suite: Suite) -> None:
    page = suite.places.matrix.read_text(encoding="utf-8")
    assert f"<title>{SENTENCE}" in page
    assert f">{SENTENCE}</p>" in page
    cell = page.partition('id="AC-1.1"')[2].partition('id="AC-1.2"')[0]
    assert f"<li>{REASON}</li>" in cell
    row = next(row for row in judged.coverage["criteria"] if row["id"] == "1.1")
    red = next(one for one in row["scenarios"] if one["line"] == 6)
    assert f'<a href="{red["report"]}">2 scenarios</a>, r01.feature:6' in cell


def test_the_table_gives_the_reason_of_the_red_scenario(judged: run.RunResult, suite: Suite) -> None:
    with (suite.places.reports / "coverage.csv").open(encoding="utf-8", newline="") as file:
        assert next(row["reason"] for row in csv.DictReader(file) if row["criterion"] == "1.1") == REASON


def test_coverage_and_manifest_have_the_counts_and_stay_verifiable(judged: run.RunResult, suite: Suite) -> None:
    counts = {"scenarios": 4, "run": 2, "green": 1, "red": 1}
    manifest.write(suite.places, judged.coverage)
    for path in (suite.places.coverage, suite.places.manifest):
        assert json.loads(path.read_text(encoding="utf-8"))["partial"] == counts
    assert integrity.changes(suite.places, suite.catalogue) == []


def test_a_partial_run_that_claims_to_be_whole_is_noticed(judged: run.RunResult, suite: Suite) -> None:
    del judged.coverage["partial"]
    suite.places.coverage.write_text(json.dumps(judged.coverage, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    manifest.write(suite.places, judged.coverage)
    assert integrity.changes(suite.places, suite.catalogue) == [
        "changed: reports/coverage.json: partial differs from the scenarios that the run selected"
    ]


def test_the_report_has_it_in_its_title(judged: run.RunResult, suite: Suite) -> None:
    (suite.root / "node_modules").symlink_to(PROJECT / "node_modules")
    page = run.write_report(suite.places, suite.catalogue, judged).read_text(encoding="utf-8")
    assert re.search(rf'"reportName":\s*"{SENTENCE} · ', page)


def test_a_scenario_that_only_aws_can_run_counts_for_the_whole_alone(suite: Suite) -> None:
    judged = suite.feature(FEATURE.lstrip() + ON_AWS).run("features/r01.feature:9")
    assert "Partial run: 1 of 5 scenarios, 1 green, 0 red" in printed(judged, suite)


def test_a_failed_comparison_shows_its_two_values_first(suite: Suite) -> None:
    raising = 'raise AssertionError("Read the record:\\na\\nb\\nExpected: a <3>\\n     but: was <2>\\n")'
    steps = f"from behave import step\n@step('the expectation fails')\ndef fails(context):\n    {raising}\n"
    judged = suite.steps(steps).scenario("Then the expectation fails").run()
    said = "Expected: a <3>; seen: was <2>"
    assert f"✗ AC-1.1  features/r01.feature:3  only: {said}" in printed(judged, suite)
    assert f"<li>{html.escape(said)}</li>" in suite.places.matrix.read_text(encoding="utf-8")


def test_names_select_as_tags_do(suite: Suite) -> None:
    judged = suite.feature(FEATURE.lstrip()).run("--name", "is green")
    assert "Partial run: 1 of 4 scenarios, 1 green, 0 red" in printed(judged, suite)


def test_a_whole_run_is_not_partial(suite: Suite) -> None:
    judged = suite.feature(FEATURE.lstrip()).run()
    assert "partial" not in judged.coverage
    assert not [line for line in printed(judged, suite) if "artial" in line]
    assert "artial" not in suite.places.matrix.read_text(encoding="utf-8")
