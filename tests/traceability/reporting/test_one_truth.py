"""All outputs agree: each is read on its own and shows the same five states of 60 criteria."""

from __future__ import annotations

import base64
import csv
import io
import json
import re

import pytest
from rich.console import Console

from tests.traceability.conftest import Suite
from tests.traceability.reporting.test_allure_report import FIVE, PROJECT, data, unpacked
from traceability.model.catalogue import Catalogue
from traceability.reporting import console
from traceability.running import run

SIGNS = {"✓": "proven", "✗": "violated", "!": "suite_defect", "–": "not_run", "·": "no_scenario"}
EXPECTED = {"1.1": "proven", "1.2": "violated", "1.3": "suite_defect", "1.4": "not_run"}

States = dict[str, str]


def on_console(text: str, known: Catalogue) -> States:
    found = {}
    for requirement in known.requirements:
        line = next(line for line in text.splitlines() if line.startswith(f"{requirement.id:>2}  {requirement.title}"))
        signs = line[4 + len(requirement.title) :].split()[:5]
        found.update({one.id: SIGNS[sign] for one, sign in zip(requirement.criteria, signs, strict=True)})
    return found


def in_allure(page: str) -> States:
    """Return the state of each criterion in the report's tree."""
    tree = next(base64.b64decode(body).decode() for name, body in unpacked(page).items() if name.endswith("tree.json"))
    return {criterion: SIGNS[sign] for criterion, sign in re.findall(r'"name": ?"AC-(\d+\.\d+) (\S) ', tree)}


def in_matrix(page: str) -> States:
    return {criterion: state for state, criterion in re.findall(r'<div class="cell (\w+)" id="AC-([\d.]+)">', page)}


@pytest.fixture
def judged(suite: Suite) -> run.RunResult:
    (suite.root / "node_modules").symlink_to(PROJECT / "node_modules")
    return suite.feature(FIVE).run()


def test_all_outputs_say_the_same(suite: Suite, judged: run.RunResult) -> None:
    page = run.write_report(suite.places, suite.catalogue, judged).read_text(encoding="utf-8")
    out = Console(file=io.StringIO(), width=200)
    console.summary(out, judged.coverage, suite.catalogue)
    said = out.file.getvalue()
    with (suite.places.reports / "coverage.csv").open(encoding="utf-8", newline="") as file:
        table = {row["criterion"]: row["state"] for row in csv.DictReader(file)}
    document = json.loads(suite.places.coverage.read_text(encoding="utf-8"))
    wanted = {one: EXPECTED.get(one, "no_scenario") for one in suite.catalogue.criteria}
    matrix = suite.places.matrix.read_text(encoding="utf-8")
    assert {row["id"]: row["state"] for row in document["criteria"]} == wanted
    assert table == wanted
    assert on_console(said, suite.catalogue) == wanted
    assert in_matrix(matrix) == wanted
    assert in_allure(page) == wanted
    counts = [1, 1, 1, 1, 56]
    variables = data(page, "widgets/variables.json")
    words = ["Proven", "Violated", "Suite defect", "Not run", "No scenario"]
    assert [variables[word] for word in words] == [f"{count} of 60" for count in counts]
    assert [document["totals"][word.lower().replace(" ", "_")] for word in words] == counts
    assert "1 of 60 criteria proven on moto: 1 proven, 1 violated, 1 suite defect, 1 not run, 56 no scenario" in said
    for word, count in zip(words, counts, strict=True):
        assert re.search(rf"{word.lower()} <b>{count}</b> of 60", matrix)
    assert data(page, "widgets/pie_chart.json")["percentage"] == 1.7


def test_a_scenario_that_is_no_proof_is_not_green_in_allure_either(suite: Suite) -> None:
    (suite.root / "node_modules").symlink_to(PROJECT / "node_modules")
    judged = suite.scenario("Then nothing is wrong", tags="@AC-1.1 @moto @without_evidence").run()
    page = run.write_report(suite.places, suite.catalogue, judged).read_text(encoding="utf-8")
    statistic = data(page, "widgets/statistic.json")
    assert (statistic.get("passed", 0), statistic["broken"]) == (0, 1)
    assert in_allure(page)["1.1"] == "suite_defect"
