"""A changed run is neither bundled nor shown nor reused, and no file is written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from tests.traceability.bundle.archives import commit, rewritten
from tests.traceability.command_line import PROJECT, Ended, run_command
from tests.traceability.conftest import Suite, small_suite
from tests.traceability.reporting.test_matrix_score import KEPT
from tests.traceability.running.test_rehearsal import rehearse, row
from traceability.bundle import bundle, integrity, last_run, manifest, run_loader
from traceability.cli.mutation import keep_score
from traceability.evaluation import coverage, record_readers
from traceability.model import catalogue, tree
from traceability.reporting import outputs
from traceability.running import run as runs

TWO = """
    Feature: Small
      @AC-1.1 @moto
      Scenario: first
        Then nothing is wrong
      @AC-1.2 @moto
      Scenario: second
        Then {second}
    """


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """A whole run with report and manifest, in which one criterion is proven and one is not run."""
    suite = small_suite(tmp_path_factory.mktemp("original"))
    (suite.root / "node_modules").symlink_to(PROJECT / "node_modules")
    commit(suite.feature(TWO.format(second="the step gives up: not today")).root)
    runs.write_report(suite.places, suite.catalogue, suite.run())
    return suite


@pytest.fixture
def judged(original: Suite, tmp_path: Path) -> Suite:
    return original.copy(tmp_path / "copy")


def command(suite: Suite, *arguments: object) -> Ended:
    return run_command(*arguments, "--root", suite.root)


def left(suite: Suite) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in suite.places.reports.rglob("*") if path.is_file()}


def proven_everywhere(suite: Suite) -> None:
    """Mark all criteria and scenarios proven, including the totals."""
    content = json.loads(suite.places.coverage.read_text(encoding="utf-8"))
    for one in content["criteria"]:
        one.update(state="proven", proven_on=["moto"])
        for scenario in one["scenarios"]:
            scenario.update(status="passed", verdict="passed", reason="")
    content["totals"] = coverage.totals_of(content["criteria"])
    suite.places.coverage.write_text(json.dumps(content, indent=1), encoding="utf-8")


def word_replaced(suite: Suite) -> None:
    text = suite.places.coverage.read_text(encoding="utf-8")
    suite.places.coverage.write_text(text.replace('"proven"', '"violated"'), encoding="utf-8")


def cut_off(suite: Suite) -> None:
    suite.places.coverage.write_bytes(suite.places.coverage.read_bytes()[:200])


def reworded(suite: Suite) -> None:
    suite.feature(TWO.format(second="nothing is wrong"))


def fit_the_manifest(suite: Suite) -> None:
    """Rewrite the manifest, so that checksums and totals fit the forged coverage."""
    places = suite.places
    content = json.loads(places.coverage.read_text(encoding="utf-8"))
    manifest.write(places, content)


CHANGES: dict[str, tuple[Callable[[Suite], None], str]] = {
    "coverage": (proven_everywhere, "changed: reports/coverage.json"),
    "one word of coverage": (word_replaced, "changed: reports/coverage.json"),
    "half of coverage": (cut_off, "changed: reports/coverage.json"),
    "a feature": (
        reworded,
        "changed: features/r01.feature",
    ),
    "a result": (
        lambda suite: next(suite.places.junit.glob("*.xml")).unlink(),
        "missing: reports/junit/TESTS-r01.xml",
    ),
    "the manifest": (lambda suite: suite.places.manifest.unlink(), "missing: reports/manifest.json"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_changed_run_is_neither_shown_nor_bundled(judged: Suite, kind: str) -> None:
    change, line = CHANGES[kind]
    change(judged)
    before = left(judged)
    ended = command(judged, "matrix")
    assert (ended.returncode, ended.stdout, left(judged)) == (2, "", before)
    said = ended.stderr.splitlines()
    assert said[0] == line
    assert said[-1].startswith("1 change since the last run, so it cannot be shown; run `make acceptance` again")
    ended = command(judged, "bundle")
    assert (ended.returncode, ended.stdout, left(judged)) == (2, "", before)
    assert line.rpartition("/")[2] in ended.stderr


@pytest.mark.parametrize("name", ["matrix", "bundle"])
def test_a_manifest_that_was_made_to_fit_does_not_help(judged: Suite, name: str) -> None:
    proven_everywhere(judged)
    fit_the_manifest(judged)
    before = left(judged)
    ended = command(judged, name)
    assert (ended.returncode, ended.stdout, left(judged)) == (2, "", before)
    assert "coverage.json: AC-1.2 is proven, the records of the run say not_run" in ended.stderr


def claims(judged: Suite, change: Callable[[dict[str, Any]], object]) -> list[str]:
    """Return the detected changes after `change` edited the coverage and the manifest was made to fit."""
    content = run_loader.read(judged.places.coverage)
    change(content)
    coverage.write(content, judged.catalogue, judged.places.reports)
    manifest.write(judged.places, content)
    return integrity.changes(judged.places, judged.catalogue)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda content: content["criteria"][0]["scenarios"].clear(),
            "AC-1.1: scenarios differs from the records of the run",
        ),
        (lambda content: content["criteria"][0].update(can_fail=True), "AC-1.1 is marked can_fail, but prove.json"),
        (
            lambda content: content["criteria"][0].update(revision="0" * 12),
            "revision differs from the records of the run",
        ),
        (lambda content: content.update(target="aws"), "target is 'aws', the records of the run say 'moto'"),
        (lambda content: content["criteria"].reverse(), "its criteria are not those of the catalogue"),
    ],
)
def test_each_claim_is_compared_with_the_records(
    judged: Suite, change: Callable[[dict[str, Any]], object], said: str
) -> None:
    assert said in claims(judged, change)[0]


def test_totals_of_the_manifest_are_those_of_the_coverage(judged: Suite) -> None:
    content = manifest.read(judged.places)
    assert content is not None
    content["totals"]["proven"] = 60
    judged.places.manifest.write_text(json.dumps(content), encoding="utf-8")
    assert integrity.changes(judged.places, judged.catalogue) == [
        "changed: reports/manifest.json: totals differs from coverage.json"
    ]


def test_totals_of_the_extensions_in_the_manifest_are_those_of_the_coverage(judged: Suite) -> None:
    content = manifest.read(judged.places)
    assert content is not None
    content["extensions"]["totals"]["proven"] = 4
    for forged in (content, {key: value for key, value in content.items() if key != "extensions"}):
        judged.places.manifest.write_text(json.dumps(forged), encoding="utf-8")
        assert integrity.changes(judged.places, judged.catalogue) == [
            "changed: reports/manifest.json: extensions differs from coverage.json"
        ]


def test_an_unchanged_run_can_be_shown_and_bundled_repeatedly(judged: Suite) -> None:
    before = manifest.read(judged.places)
    for _ in range(2):
        ended = command(judged, "matrix")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.startswith("1 of 60 criteria are proven on simulated AWS")
    after = manifest.read(judged.places)
    assert before is not None
    assert after is not None
    assert before["files"]["reports/coverage.json"] == after["files"]["reports/coverage.json"]
    assert before | {"files": {}} == after | {"files": {}}
    assert command(judged, "bundle").returncode == 0


def test_a_run_whose_records_disagreed_is_unchanged(judged: Suite) -> None:
    case = next(case for case in record_readers.read_allure(judged.places.allure_results) if case.name == "first")
    content = json.loads(case.path.read_text(encoding="utf-8"))
    case.path.write_text(json.dumps(content | {"status": "failed"}), encoding="utf-8")
    again = judged.judge_again()
    last_run.remember(judged.places, again.differences, "moto", 0)
    runs.write_report(judged.places, judged.catalogue, again)
    assert again.differences
    assert integrity.changes(judged.places, judged.catalogue) == []


def test_later_results_do_not_hide_a_change(judged: Suite) -> None:
    last = last_run.recall(judged.places)
    assert last is not None
    judged.feature(TWO.format(second="nothing is wrong"))
    outputs.add_proof(judged.places, judged.catalogue, last, {"1.1": True})
    with pytest.raises(integrity.StaleRun) as refused:
        bundle.write(judged.places, judged.catalogue)
    assert "changed: features/r01.feature" in refused.value.changes


def proof_added(judged: Suite, *, with_result: bool) -> None:
    """Add a proof of criterion 1.1 to the run: with the result of a defect, or as a mere claim."""
    defect = "features/defects/AC-1.1_other.yaml"
    result = {"criterion": "1.1", "source": defect, "outcome": "noticed"}
    (judged.root / defect).parent.mkdir()
    (judged.root / defect).write_text("criterion: '1.1'\n", encoding="utf-8")
    runs.write_report(judged.places, judged.catalogue, judged.run())
    proof = {"tree": tree.digest(judged.root), "can_fail": {"1.1": True}, "defects": [result] if with_result else []}
    judged.places.proof.write_text(json.dumps(proof), encoding="utf-8")
    last = last_run.recall(judged.places)
    assert last is not None
    outputs.add_proof(judged.places, judged.catalogue, last, {"1.1": True})


def test_a_proof_without_the_results_of_its_defects_is_a_contradiction(judged: Suite) -> None:
    proof_added(judged, with_result=False)
    (found,) = integrity.changes(judged.places, judged.catalogue)
    assert "AC-1.1 is marked can_fail, but prove.json lacks it" in found


def test_the_results_of_the_negative_proof_keep_a_run_intact(judged: Suite) -> None:
    proof_added(judged, with_result=True)
    assert integrity.changes(judged.places, judged.catalogue) == []
    assert command(judged, "matrix").returncode == 0
    assert bundle.verify(bundle.write(judged.places, judged.catalogue)).consistent


def test_a_mutation_score_that_is_kept_later_keeps_a_run_intact(judged: Suite) -> None:
    keep_score(Console(), judged.places, judged.catalogue, KEPT, None)
    assert integrity.changes(judged.places, judged.catalogue) == []
    assert "noticed 90 of 100 mutants" in judged.places.matrix.read_text(encoding="utf-8")
    assert bundle.verify(bundle.write(judged.places, judged.catalogue)).consistent


def test_a_changed_run_is_not_reused(judged: Suite) -> None:
    assert integrity.recall(judged.places, judged.catalogue) is not None
    proven_everywhere(judged)
    with pytest.raises(integrity.StaleRun):
        integrity.recall(judged.places, judged.catalogue)


def test_a_changed_rehearsal_does_not_count(suite: Suite) -> None:
    judged = rehearse(suite)
    places = suite.places.of_rehearsal
    assert row(suite.run(), "10.1")["rehearsed"] is True
    judged.coverage["criteria"][0]["rehearsed"] = True
    places.coverage.write_text(json.dumps(judged.coverage), encoding="utf-8")
    assert row(suite.run(), "10.1")["rehearsed"] is False


def test_a_report_that_cannot_be_made_leaves_the_run_as_it_was(judged: Suite) -> None:
    (judged.root / "node_modules").unlink()
    before = left(judged)
    assert command(judged, "matrix").returncode == 2
    after = left(judged)
    assert {name: after[name] for name in before if "/.run/" not in name} == {
        name: body for name, body in before.items() if "/.run/" not in name
    }
    assert integrity.changes(judged.places, catalogue.load()) == []


def test_a_bundle_that_was_changed_is_not_merged(judged: Suite, tmp_path: Path) -> None:
    archive = bundle.write(judged.places, judged.catalogue)
    assert command(judged, "matrix", "--merge", archive).returncode == 0
    forged = rewritten(archive, lambda files: files.update({"features/r01.feature": b"Feature: Other"}))
    before = left(judged)
    ended = command(judged, "matrix", "--merge", forged)
    assert (ended.returncode, left(judged)) == (2, before)
    assert "forged.zip: verification failed: reports/.run/last_run.json: its differences are not those" in ended.stderr
    assert "; features/r01.feature is not the file of the manifest; " in ended.stderr
