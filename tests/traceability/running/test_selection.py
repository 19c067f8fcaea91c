"""A run of some files or lines: only they run, the records agree, and all outputs mark the run as partial."""

from __future__ import annotations

import pytest

from tests.traceability.command_line import run_command
from tests.traceability.conftest import Suite
from tests.traceability.running.test_processes import three
from traceability.bundle import integrity, manifest
from traceability.model import feature_files
from traceability.reporting.allure_report import scope
from traceability.running import sharing
from traceability.running.run import BadInput


@pytest.mark.parametrize(
    ("arguments", "ran"),
    [
        (["features/r02.feature"], {"2.1", "2.2"}),
        (["features/r02.feature", "features/r03.feature"], {"2.1", "2.2", "3.1", "3.2"}),
        (["features/r02.feature:6"], {"2.2"}),
        (["features/r02.feature:3", "features/r03.feature:3"], {"2.1", "3.1"}),
        (["--tags", "@AC-2.2 or @AC-3.1", "features/r02.feature"], {"2.2"}),
        (["features/r02.feature", "--tags=@AC-2.2"], {"2.2"}),
        (["features"], {"1.1", "1.2", "2.1", "2.2", "3.1", "3.2"}),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, list) else "",
)
def test_only_named_scenarios_run_and_the_records_agree(suite: Suite, arguments: list[str], ran: set[str]) -> None:
    judged = three(suite).run(*arguments, processes=2)
    assert judged.differences == []
    assert {row["id"] for row in judged.coverage["criteria"] if row["state"] == "proven"} == ran
    totals = judged.coverage["totals"]
    assert (totals["not_run"], totals["deselected"], totals["suite_defect"]) == (6 - len(ran), 6 - len(ran), 0)
    assert not list(suite.places.history.glob("*"))


def test_a_run_of_a_file_is_marked_as_partial_and_is_intact(suite: Suite) -> None:
    judged = three(suite).run("features/r02.feature")
    manifest.write(suite.places, judged.coverage)
    assert integrity.changes(suite.places, suite.catalogue) == []
    assert "; partial run, 4 deselected" in scope(judged.coverage)


def test_a_named_scenario_that_is_lost_still_shows(suite: Suite) -> None:
    dies = "\nimport os\ndef before_feature(context, feature):\n    if feature.name == 'two':\n        os._exit(3)\n"
    judged = three(suite).environment(dies).run("features/r02.feature")
    assert any("two 1" in line for line in judged.differences)
    assert judged.coverage["totals"]["proven"] == 0


def test_no_process_is_started_for_scenarios_that_were_not_named(suite: Suite) -> None:
    scenarios, _ = feature_files.read(three(suite).root / "features", suite.root)
    named = {one.place for one in scenarios if one.file == "features/r02.feature"}
    assert len(sharing.shares(scenarios, "moto", 4, None, named)) == 2


@pytest.mark.parametrize("argument", ["features/r9.feature", "features/steps/small.py", "nowhere", "features/steps"])
def test_a_path_without_features_is_refused_before_the_run(suite: Suite, argument: str) -> None:
    with pytest.raises(BadInput) as refused:
        three(suite).run(argument)
    cure = "no feature found; name one below features/, as FILE, FILE:LINE or a folder"
    assert refused.value.problems == [f"{argument}: {cure}"]
    assert not suite.places.reports.exists()


def test_a_feature_from_elsewhere_is_refused(suite: Suite) -> None:
    other = suite.root / "other.feature"
    other.write_text("Feature: Other\n  Scenario: one\n    Then nothing is wrong\n")
    with pytest.raises(BadInput) as refused:
        three(suite).run("other.feature")
    assert refused.value.problems == ["other.feature:2: no scenario of features/"]


def test_an_unknown_option_of_behave_gives_one_line(suite: Suite) -> None:
    scenario = ("Given nothing is wrong", "When nothing is wrong", "Then nothing is wrong")
    ended = run_command("run", "--root", suite.scenario(*scenario).root, "--", "--tag-s=x")
    assert (ended.returncode, ended.stderr) == (
        2,
        "behave rejects the arguments after --: unrecognized arguments: --tag-s=x; see behave --help\n",
    )
