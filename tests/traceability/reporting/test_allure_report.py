"""The report of a run with all five states: complete, without network requests, criteria on the first page."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any

import pytest

from tests.traceability.command_line import PROJECT
from tests.traceability.conftest import EXTENSIONS, Suite, small_suite
from traceability.model import states
from traceability.reporting import allure_report
from traceability.running import run

FIVE = """
    Feature: Small
      @AC-1.1 @moto
      Scenario: is proven
        Then nothing is wrong
      @AC-1.2 @moto
      Scenario: is violated
        Then the expectation fails
      @AC-1.3 @moto
      Scenario: is broken
        Given something breaks
      @AC-1.4 @aws
      Scenario: needs AWS
        Then nothing is wrong
    """


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    suite = small_suite(tmp_path_factory.mktemp("page"))
    (suite.root / "node_modules").symlink_to(PROJECT / "node_modules")
    judged = suite.feature(FIVE).run()
    return run.write_report(suite.places, suite.catalogue, judged).read_text(encoding="utf-8")


def unpacked(page: str) -> dict[str, str]:
    """Return the data that the page carries, base64 by name, as the browser unpacks it."""
    found = re.search(r'atob\("([^"]+)"\)', page)
    assert found
    content: dict[str, str] = json.loads(gzip.decompress(base64.b64decode(found[1])))
    return content


def data(page: str, ending: str) -> dict[str, Any]:
    """Return the JSON that the page carries under a name."""
    content: dict[str, Any] = json.loads(
        base64.b64decode(next(body for name, body in unpacked(page).items() if name.endswith(ending)))
    )
    return content


def test_the_page_makes_no_network_request(page: str) -> None:
    assert "googletagmanager" not in page
    assert "gtag(" not in page


def test_the_first_page_counts_criteria(page: str) -> None:
    variables = data(page, "widgets/variables.json")
    assert variables["Extensions"] == f"0 proven, {EXTENSIONS} no scenario of {EXTENSIONS} (counted separately)"
    assert variables["Counted"] == "60 criteria, not scenarios"
    assert [variables[word] for word in states.STATE_WORDS.values()] == ["1 of 60"] * 4 + ["56 of 60"]
    assert "Execution Engine Testing: 1 of 60 criteria proven on simulated AWS" in page


def test_the_ring_is_the_share_of_criteria(page: str) -> None:
    assert data(page, "widgets/pie_chart.json")["percentage"] == 1.7


def test_every_scenario_and_every_criterion_without_one_is_there(page: str) -> None:
    # 56 criteria and all extensions have no scenario.
    assert data(page, "widgets/statistic.json") == {
        "total": 60 + EXTENSIONS,
        "passed": 1,
        "failed": 1,
        "broken": 1,
        "skipped": 1,
        "unknown": 56 + EXTENSIONS,
    }


def test_a_scenario_with_criteria_of_two_requirements_stands_below_each(suite: Suite) -> None:
    (suite.root / "node_modules").symlink_to(PROJECT / "node_modules")
    feature = """
        Feature: Small
          @AC-1.1 @AC-2.1 @AC-2.2 @moto
          Scenario: is shared
            Then nothing is wrong
        """
    judged = suite.feature(feature).run()
    assert [row["id"] for row in judged.coverage["criteria"] if row["state"] == "proven"] == ["1.1", "2.1", "2.2"]
    page = run.write_report(suite.places, suite.catalogue, judged).read_text(encoding="utf-8")
    tree = data(page, "tree.json")
    leaves = {leaf for leaf, found in tree["leavesById"].items() if found["name"] == "is shared"}
    below = [
        (branch["name"][:2], criterion["name"][:6])
        for branch in (tree["groupsById"][one] for one in tree["root"]["groups"])
        for criterion in (tree["groupsById"][one] for one in branch["groups"])
        if leaves & set(criterion.get("leaves", []))
    ]
    assert sorted(below) == [("01", "AC-1.1"), ("02", "AC-2.1"), ("02", "AC-2.2")]
    assert data(page, "widgets/statistic.json")["passed"] == 2


def test_records_that_disagree_are_named_in_the_report(suite: Suite) -> None:
    (suite.root / "node_modules").symlink_to(PROJECT / "node_modules")
    suite.feature(FIVE).run()
    next(iter(suite.places.allure_results.glob("*-result.json"))).unlink()
    judged = suite.judge_again()
    page = run.write_report(suite.places, suite.catalogue, judged).read_text(encoding="utf-8")
    messages = [error["message"] for error in data(page, "widgets/globals.json")["errors"]]
    assert messages == judged.differences != []
    assert "0 of 60 criteria proven" in page


def test_the_results_stay_unchanged(suite: Suite) -> None:
    (suite.root / "node_modules").symlink_to(PROJECT / "node_modules")
    judged = suite.feature(FIVE).run()
    before = sorted(path.name for path in suite.places.allure_results.iterdir())
    run.write_report(suite.places, suite.catalogue, judged)
    assert sorted(path.name for path in suite.places.allure_results.iterdir()) == before


def test_an_unknown_network_request_of_allure_is_refused() -> None:
    totals = {"proven": 1, "criteria": 60}
    with pytest.raises(allure_report.ReportFailed, match="would load"):
        allure_report._finish('<script src="https://example.org/count.js"></script>', {"totals": totals})
