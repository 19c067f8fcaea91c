"""All outputs agree: each is read on its own and shows the same states of 60 criteria and, apart, of the extensions."""

from __future__ import annotations

import base64
import csv
import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console

from tests.traceability.command_line import PROJECT
from tests.traceability.conftest import EXTENSIONS, Suite, with_planned
from tests.traceability.reporting.test_allure_report import FIVE, data, unpacked
from traceability.model.catalogue import Catalogue
from traceability.reporting import allure_report, console
from traceability.running import run

SIGNS = {"✓": "proven", "✗": "violated", "!": "suite_defect", "–": "not_run", "·": "no_scenario"}
EXTENSION = """
  @EX-1.2 @moto
  Scenario: an extension is proven
    Then nothing is wrong
  @EX-1.3 @moto
  Scenario: an extension is violated
    Then the expectation fails
"""
EXPECTED = {
    "EX-1.2": "proven",
    "EX-1.3": "violated",
    "1.1": "proven",
    "1.2": "violated",
    "1.3": "suite_defect",
    "1.4": "not_run",
}

States = dict[str, str]


def on_console(text: str, known: Catalogue) -> States:
    found = {}
    for requirement in known.requirements:
        start = f"{requirement.id:>4}  {requirement.title}"
        line = next(line for line in text.splitlines() if line.startswith(start))
        signs = line[len(start) :].split()[: len(requirement.criteria)]
        found.update({one.id: SIGNS[sign] for one, sign in zip(requirement.criteria, signs, strict=True)})
    return found


def in_table(path: Path) -> States:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["criterion"]: row["state"] for row in csv.DictReader(file)}


def in_allure(page: str) -> States:
    """Return the state of each criterion in the report's tree."""
    tree = next(base64.b64decode(body).decode() for name, body in unpacked(page).items() if name.endswith("tree.json"))
    return {
        criterion: SIGNS[sign] for criterion, sign in re.findall(r'"name": ?"(?:AC-)?((?:EX-)?\d+\.\d+) (\S) ', tree)
    }


def in_matrix(page: str) -> States:
    cells = re.findall(r'<div class="cell (\w+)" id="(?:AC-)?((?:EX-)?[\d.]+)">', page)
    return {criterion: state for state, criterion in cells if state != "planned"}


@pytest.fixture
def judged(suite: Suite) -> run.RunResult:
    (suite.root / "node_modules").symlink_to(PROJECT / "node_modules")
    return suite.feature(FIVE).feature(f"Feature: Extension\n{EXTENSION}", "x01.feature").run()


def test_all_outputs_say_the_same(suite: Suite, judged: run.RunResult) -> None:
    page = run.write_report(suite.places, suite.catalogue, judged).read_text(encoding="utf-8")
    out = Console(file=io.StringIO(), width=200)
    console.summary(out, judged.coverage, suite.catalogue)
    said = out.file.getvalue()
    tables = [in_table(path) for path in suite.places.coverage_tables]
    document = json.loads(suite.places.coverage.read_text(encoding="utf-8"))
    wanted = {one: EXPECTED.get(one, "no_scenario") for one in suite.catalogue.criteria}
    matrix = suite.places.matrix.read_text(encoding="utf-8")
    assert [set(table) for table in tables] == [set(one.criteria) for one in suite.catalogue.documents]
    assert {row["id"]: row["state"] for row in document["criteria"]} == tables[0]
    assert {row["id"]: row["state"] for row in document["extensions"]["criteria"]} == tables[1]
    assert tables[0] | tables[1] == wanted
    assert on_console(said, suite.catalogue) == wanted
    assert in_matrix(matrix) == wanted
    assert in_allure(page) == wanted
    counts = [1, 1, 1, 1, 56]
    variables = data(page, "widgets/variables.json")
    words = ["Proven", "Violated", "Suite defect", "Not run", "No scenario"]
    assert [variables[word] for word in words] == [f"{count} of 60" for count in counts]
    assert [document["totals"][word.lower().replace(" ", "_")] for word in words] == counts
    assert (
        "1 of 60 criteria proven on simulated AWS: 1 proven, 1 violated, 1 suite defect, 1 not run, 56 no scenario"
        in said
    )
    for word, count in zip(words, counts, strict=True):
        assert re.search(rf"{word.lower()} <b>{count}</b> of 60", matrix)
    assert data(page, "widgets/pie_chart.json")["percentage"] == 1.7


def test_the_extensions_have_a_denominator_of_their_own(suite: Suite, judged: run.RunResult) -> None:
    page = run.write_report(suite.places, suite.catalogue, judged).read_text(encoding="utf-8")
    out = Console(file=io.StringIO(), width=200)
    console.summary(out, judged.coverage, suite.catalogue)
    left = EXTENSIONS - 2
    counts = {"criteria": EXTENSIONS, "proven": 1, "violated": 1, "suite_defect": 0, "not_run": 0, "no_scenario": left}
    assert counts.items() <= judged.coverage["extensions"]["totals"].items()
    said = out.file.getvalue()
    assert f"1 of {EXTENSIONS} extensions proven on simulated AWS: 1 proven, 1 violated, {left} no scenario" in said
    assert data(page, "widgets/variables.json")["Extensions"] == (
        f"1 proven, 1 violated, {left} no scenario of {EXTENSIONS} (counted separately)"
    )
    assert allure_report.headline(judged.coverage) == (
        f"1 of 60 criteria proven on simulated AWS · 1 of {EXTENSIONS} extensions proven on simulated AWS"
    )
    matrix = suite.places.matrix.read_text(encoding="utf-8")
    proven = f"1 of {EXTENSIONS} extensions are proven on simulated AWS, none on real AWS"
    assert f"{proven}; 1 violated, {left} without scenario" in matrix
    assert f"Extensions not proven on AWS: all {EXTENSIONS}" in matrix


def test_a_planned_extension_is_announced_and_not_counted(suite: Suite) -> None:
    (suite.root / "node_modules").symlink_to(PROJECT / "node_modules")
    suite.catalogue = with_planned(suite.catalogue, "EX-1.5")
    judged = suite.scenario("Then nothing is wrong").run()
    run.write_report(suite.places, suite.catalogue, judged)
    out = Console(file=io.StringIO(), width=200)
    console.summary(out, judged.coverage, suite.catalogue)
    assert "; planned: EX-1.5" in out.file.getvalue()
    assert 'class="cell planned" id="EX-1.5"' in suite.places.matrix.read_text(encoding="utf-8")
    assert "EX-1.5" not in [row["id"] for row in judged.coverage["extensions"]["criteria"]]


def test_a_scenario_that_is_no_proof_is_not_green_in_allure_either(suite: Suite) -> None:
    (suite.root / "node_modules").symlink_to(PROJECT / "node_modules")
    judged = suite.scenario("Then nothing is wrong", tags="@AC-1.1 @moto @without_evidence").run()
    page = run.write_report(suite.places, suite.catalogue, judged).read_text(encoding="utf-8")
    statistic = data(page, "widgets/statistic.json")
    assert (statistic.get("passed", 0), statistic["broken"]) == (0, 1)
    assert in_allure(page)["1.1"] == "suite_defect"
