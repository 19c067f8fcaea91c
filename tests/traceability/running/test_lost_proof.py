"""A proof is not lost silently: a run that proves less than the committed list fails, and names the loss."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.traceability.conftest import Suite, small_suite
from traceability.bundle import integrity, manifest
from traceability.cli.runs import exit_code
from traceability.evaluation import proof_changes
from traceability.model import feature_files, proofs
from traceability.running import keeping
from traceability.running.run import BadInput, RunResult

TWO = """
Feature: Small
  @AC-8.1 @moto @aws
  Scenario: first
    Then nothing is wrong

  @AC-8.1 @moto
  Scenario: second
    Then nothing is wrong

  @AC-8.2 @moto
  Scenario: third
    Then nothing is wrong
"""
REASON = "the second scenario moved to AWS"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """A run of two criteria with three scenarios, and the list of their proofs."""
    suite = small_suite(tmp_path_factory.mktemp("original")).feature(TWO)
    judged = suite.run()
    assert keeping.keep(suite.places, suite.catalogue, judged.coverage, {}, partial=False) == ["8.1", "8.2"]
    assert listed(suite)["moto"] == {"AC-8.1": 2, "AC-8.2": 1}
    return suite


@pytest.fixture
def kept(original: Suite, tmp_path: Path) -> Suite:
    return original.copy(tmp_path / "copy")


def listed(suite: Suite) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((suite.root / "features" / proofs.FILE).read_text())
    return found


def code(suite: Suite, judged: RunResult) -> int:
    scenarios, _ = feature_files.read(suite.root / "features", suite.root)
    return exit_code(judged, scenarios, strict=False)


def losses(judged: RunResult) -> list[tuple[str, int, int]]:
    return [(one["criterion"], one["before"], one["now"]) for one in judged.coverage["losses"]]


def test_a_run_that_proves_as_much_is_green(kept: Suite) -> None:
    judged = kept.run()
    assert (losses(judged), code(kept, judged)) == ([], 0)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("@AC-8.1 @moto @aws", "@AC-8.1 @aws", [("AC-8.1", 2, 1)]),
        ("@AC-8.2 @moto", "@AC-8.2 @aws", [("AC-8.2", 1, 0)]),
        ("@AC-8.2 @moto", "@AC-8.3 @moto", [("AC-8.2", 1, 0)]),
        ("  @AC-8.2 @moto\n  Scenario: third\n    Then nothing is wrong\n", "", [("AC-8.2", 1, 0)]),
    ],
    ids=["one of two scenarios", "the only scenario", "another criterion", "removed"],
)
def test_a_scenario_that_stops_proving_fails_the_run(
    kept: Suite, old: str, new: str, found: list[tuple[str, int, int]]
) -> None:
    judged = kept.feature(TWO.replace(old, new)).run()
    assert (losses(judged), code(kept, judged)) == (found, 1)
    assert found[0][0] in kept.places.matrix.read_text()


def test_a_hook_that_skips_a_scenario_fails_the_run(kept: Suite) -> None:
    hook = "\ndef before_feature(context, feature):\n    feature.scenarios[2].skip('not today')\n"
    judged = kept.environment(hook).run()
    assert (losses(judged), code(kept, judged)) == ([("AC-8.2", 1, 0)], 1)


def test_a_red_scenario_is_red_and_no_loss(kept: Suite) -> None:
    judged = kept.feature(TWO.replace("third\n    Then nothing is wrong", "third\n    Then something breaks")).run()
    assert (losses(judged), code(kept, judged)) == ([], 1)


def test_a_part_compares_what_it_selected(kept: Suite) -> None:
    judged = kept.run("features/r01.feature:4")
    assert (losses(judged), code(kept, judged)) == ([], 0)
    judged = kept.feature(TWO.replace("@AC-8.2 @moto", "@AC-8.3 @moto")).run("features/r01.feature:12")
    assert losses(judged) == [("AC-8.2", 1, 0)]


def test_an_accepted_loss_is_recorded_in_list_and_report(kept: Suite) -> None:
    kept.feature(TWO.replace("@AC-8.2 @moto", "@AC-8.2 @aws"))
    scenarios, _ = feature_files.read(kept.root / "features", kept.root)
    from traceability.running import run as runs

    judged = runs.run(kept.places, kept.catalogue, scenarios, "moto", (), lambda *_: None, {"8.2": REASON})
    assert (losses(judged), code(kept, judged)) == ([], 0)
    assert [one["reason"] for one in judged.coverage["accepted_losses"]] == [REASON]
    assert listed(kept)["moto"] == {"AC-8.1": 2}
    assert [one["reason"] for one in listed(kept)["accepted"]] == [REASON]
    assert REASON in kept.places.matrix.read_text()
    manifest.write(kept.places, judged.coverage)
    assert integrity.changes(kept.places, kept.catalogue) == []


def test_an_accepted_loss_leaves_the_list_once_the_proof_is_back(kept: Suite) -> None:
    judged = kept.feature(TWO.replace("@AC-8.2 @moto", "@AC-8.2 @aws")).run()
    keeping.keep(kept.places, kept.catalogue, judged.coverage, {"8.2": REASON}, partial=False)
    judged = kept.feature(TWO).run()
    assert keeping.keep(kept.places, kept.catalogue, judged.coverage, {}, partial=False) == ["8.2"]
    assert (listed(kept)["moto"], listed(kept)["accepted"]) == ({"AC-8.1": 2, "AC-8.2": 1}, [])


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["AC-8.2"], "write AC-8.1="),
        (["AC-8.2=short"], "at least 10 characters"),
        (["AC-8.1=a reason that is long enough"], "AC-8.1: this criterion lost no proof"),
    ],
)
def test_a_loss_is_accepted_only_with_a_reason_and_only_if_there_is_one(
    kept: Suite, given: list[str], words: str
) -> None:
    judged = kept.feature(TWO.replace("@AC-8.2 @moto", "@AC-8.2 @aws")).run()
    with pytest.raises(proofs.BadProofs, match=words):
        keeping.keep(kept.places, kept.catalogue, judged.coverage, proofs.parse_accepted(given), partial=False)


def test_keep_never_lowers_a_number(kept: Suite) -> None:
    judged = kept.feature(TWO.replace("@AC-8.2 @moto", "@AC-8.2 @aws")).run()
    assert keeping.keep(kept.places, kept.catalogue, judged.coverage, {}, partial=False) == []
    assert listed(kept)["moto"] == {"AC-8.1": 2, "AC-8.2": 1}


def test_a_forged_comparison_is_a_contradiction(kept: Suite) -> None:
    judged = kept.feature(TWO.replace("@AC-8.2 @moto", "@AC-8.2 @aws")).run()
    manifest.write(kept.places, judged.coverage)
    content = json.loads(kept.places.coverage.read_text())
    kept.places.coverage.write_text(json.dumps(content | {"losses": []}, indent=1, ensure_ascii=False) + "\n")
    described = manifest.document(kept.places, content)
    kept.places.manifest.write_bytes(manifest.encode(described))
    assert any("losses differs" in line for line in integrity.changes(kept.places, kept.catalogue))


@pytest.mark.parametrize("text", ["moto: [1]\n", "moto: {AC-8.1: none}\n", "other: {}\n", "- 1\n", "a: [\n"])
def test_a_damaged_list_is_one_line(suite: Suite, text: str) -> None:
    (suite.root / "features" / proofs.FILE).write_text(text)
    with pytest.raises(proofs.BadProofs, match="take it back from git"):
        proofs.load(suite.root / "features")


@pytest.mark.parametrize("where", ["~/.behaverc", ".behaverc", "setup.cfg", "tox.ini"])
def test_foreign_configuration_deselects_no_scenario(
    suite: Suite, where: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("BEHAVE_STAGE", "other")
    place = home / ".behaverc" if where.startswith("~") else suite.root / where
    place.write_text("[behave]\ntags = not @AC-8.2\n")
    assert suite.feature(TWO).run().coverage["totals"]["proven"] == 2


def test_a_selection_of_the_projects_own_configuration_is_a_loss(kept: Suite) -> None:
    (kept.root / "behave.ini").write_text("[behave]\ntags = not @AC-8.2\n")
    assert losses(kept.run()) == [("AC-8.2", 1, 0)]


@pytest.mark.parametrize("arguments", [["--tags=@AC-1.9"], ["--name", "no such"], ["--tags=@aws and not @moto"]])
def test_a_selection_that_selects_no_scenario_is_refused(kept: Suite, arguments: list[str]) -> None:
    before = kept.run().coverage
    with pytest.raises(BadInput) as refused:
        kept.run(*arguments)
    assert "no scenario that runs on moto fits" in refused.value.lines[0]
    assert json.loads(kept.places.coverage.read_text())["started"] == before["started"]


def test_the_number_of_proofs_counts_scenarios_that_passed(suite: Suite) -> None:
    judged = suite.feature(TWO.replace("third\n    Then nothing is wrong", "third\n    Then something breaks")).run()
    assert proof_changes.passed(judged.coverage) == {"8.1": 2}


def test_the_command_line_names_what_is_lost_and_what_accepts_it(kept: Suite) -> None:
    kept.feature(TWO.replace("@AC-8.2 @moto", "@AC-8.2 @aws"))
    program = "from traceability.reporting import outputs; outputs.report_and_manifest = lambda *a: a[0].matrix\n"
    program += "import traceability.cli.runs as runs; runs.checked_scenarios = lambda p, k: "
    program += (
        "__import__('traceability.model.feature_files', fromlist=['read']).read(p.root / 'features', p.root)[0]\n"
    )
    program += "runs.write_report = lambda p, k, j: p.matrix\nfrom traceability.cli.group import main; main()"
    ended = subprocess.run(
        [sys.executable, "-c", program, "run"], cwd=kept.root, capture_output=True, text=True, env=os.environ
    )
    assert ended.returncode == 1, ended.stderr
    assert "Lost proof: AC-8.2 was proven by 1 scenario on moto, now by none;" in ended.stdout
    assert 'python -m traceability keep --accept-loss AC-8.2="reason"' in ended.stdout
