"""The files of the last run, read as other tools read them."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from traceability.bundle import bundle, last_run, manifest
from traceability.model import catalogue
from traceability.model.paths import Places

ROOT = Path(__file__).resolve().parents[2]
REPORTS = ROOT / "reports"
STATES = {"proven", "violated", "suite_defect", "not_run", "no_scenario"}

Coverage = dict[str, Any]

pytestmark = pytest.mark.skipif(
    not (REPORTS / "coverage.json").exists(), reason="no run to look at; `make acceptance` makes one"
)


@pytest.fixture(scope="module", params=["criteria", "extensions"])
def key(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def coverage(key: str) -> Coverage:
    """The coverage of one document: that of the requirements document is at the top level."""
    content: Coverage = json.loads((REPORTS / "coverage.json").read_text(encoding="utf-8"))
    return content if key == "criteria" else {"target": content["target"], **content[key]}


def test_every_criterion_of_the_catalogue_is_there_once_in_one_state(coverage: Coverage, key: str) -> None:
    content = yaml.safe_load((ROOT / "traceability" / "model" / f"{key}.yaml").read_text(encoding="utf-8"))
    wanted = [one["id"] for requirement in content["requirements"] for one in requirement["criteria"]]
    assert [row["id"] for row in coverage["criteria"]] == wanted
    assert {row["state"] for row in coverage["criteria"]} <= STATES
    assert len(wanted) == {"criteria": 60, "extensions": 25}[key]


def test_the_totals_are_those_of_the_rows(coverage: Coverage) -> None:
    for state in STATES:
        assert coverage["totals"][state] == sum(row["state"] == state for row in coverage["criteria"])
    assert coverage["totals"]["criteria"] == len(coverage["criteria"])


def test_a_proven_criterion_has_scenarios_that_passed_and_none_that_failed(coverage: Coverage) -> None:
    for row in coverage["criteria"]:
        statuses = {one["status"] for one in row["scenarios"]}
        assert (row["state"] == "no_scenario") == (not statuses), row["id"]
        if row["state"] == "proven":
            assert "passed" in statuses <= {"passed", "skipped"}, row["id"]
            assert row["proven_on"] == [coverage["target"]]
        else:
            assert row["proven_on"] == []


def test_scenarios_are_where_the_file_says(coverage: Coverage) -> None:
    for row in coverage["criteria"]:
        for one in row["scenarios"]:
            lines = (ROOT / one["file"]).read_text(encoding="utf-8").splitlines()
            assert catalogue.tag_of(row["id"]) in one["tags"]
            # A row of an outline stands at its place in the examples.
            assert one["name"] in lines[one["line"] - 1] or " -- @" in one["name"]


def test_the_table_matches_the_document(coverage: Coverage, key: str) -> None:
    name = {"criteria": "coverage.csv", "extensions": "coverage-extensions.csv"}[key]
    with (REPORTS / name).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["criterion"], row["state"]) for row in rows] == [
        (row["id"], row["state"]) for row in coverage["criteria"]
    ]


def test_no_file_of_the_run_holds_a_key() -> None:
    for path in REPORTS.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        assert "SecretAccessKey" not in text or '"SecretAccessKey": "***"' in text or '\\"SecretAccessKey\\"' in text, (
            path
        )
        assert "AKIA" not in text
        assert "ASIA" not in text


def test_the_report_is_small_enough_to_send() -> None:
    report = REPORTS / "allure-report" / "index.html"
    if not report.exists():
        pytest.skip("no report to weigh; `make acceptance` makes one")
    assert report.stat().st_size < 10_000_000


def test_the_manifest_is_that_of_the_files_and_its_bundle_is_intact() -> None:
    places = Places(ROOT)
    content = manifest.read(places)
    if content is None or last_run.recall(places) is None:
        pytest.skip("the tree has changed since the last run; `make acceptance` makes a new one")
    assert manifest.changed(places, content) == []
    assert {f"features/{path.name}" for path in (ROOT / "features").glob("*.feature")} <= content["files"].keys()
    archive = bundle.write(places, catalogue.load())
    assert bundle.verify(archive).consistent
    archive.unlink()
