"""The shards of a CI matrix: merged they are one run, and no scenario is lost or doubled without a word."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.traceability.command_line import Ended, run_command
from tests.traceability.conftest import Suite, small_suite
from tests.traceability.running.test_processes import three
from traceability.bundle import integrity, manifest
from traceability.model.verdict import PASSED
from traceability.running import run as runs
from traceability.running import shards
from traceability.running.run import BadInput
from traceability.running.sharing import Shard


def run_shard(suite: Suite, text: str) -> shards.ShardResult:
    shard = Shard.parse(text)
    places = replace(suite.places, shard=shards.folder(shard))
    return shards.run_shard(places, suite.catalogue, suite.scenarios, "moto", shard, lambda done, total: None)


def folders(suite: Suite, *names: str) -> list[Path]:
    return [suite.root / "reports" / name for name in names]


def merge(suite: Suite, *names: str) -> runs.RunResult:
    return shards.merge(suite.places, suite.catalogue, suite.scenarios, folders(suite, *names))[0]


BOTH = ("shard-1-of-2", "shard-2-of-2")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """Six scenarios in three features, run in two shards: each shard has one of each feature."""
    suite = three(small_suite(tmp_path_factory.mktemp("original")))
    for text in ("1/2", "2/2"):
        found = run_shard(suite, text)
        assert (found.differences, [one.verdict for one in found.outcomes]) == ([], [PASSED] * 3)
    return suite


@pytest.fixture
def sharded(original: Suite, tmp_path: Path) -> Suite:
    return original.copy(tmp_path / "copy")


def test_merged_shards_are_one_run_whose_records_agree(sharded: Suite) -> None:
    judged = merge(sharded, *BOTH)
    assert judged.differences == []
    assert judged.coverage["totals"]["proven"] == 6
    assert judged.coverage["target"] == "moto"
    manifest.write(sharded.places, judged.coverage)
    assert integrity.changes(sharded.places, sharded.catalogue) == []
    assert len(list(sharded.places.history.glob("*.zip"))) == 1


def test_a_merge_proves_what_a_run_proves(sharded: Suite) -> None:
    merged, whole = merge(sharded, *BOTH).coverage, sharded.run().coverage
    for row in (*merged["criteria"], *whole["criteria"]):
        for one in row["scenarios"]:
            one.update(seconds=0.0, report="")
    assert merged["criteria"] == whole["criteria"]


def test_a_missing_shard_fails_the_merge_and_leaves_the_last_run(sharded: Suite) -> None:
    sharded.run()
    before = sharded.places.coverage.read_bytes()
    with pytest.raises(BadInput) as refused:
        merge(sharded, "shard-2-of-2")
    assert refused.value.problems == ["shard 1/2 is missing; without it no criterion is evaluated"]
    assert sharded.places.coverage.read_bytes() == before


def test_a_shard_named_twice_is_refused(sharded: Suite) -> None:
    shutil.copytree(sharded.root / "reports" / "shard-1-of-2", sharded.root / "reports" / "again")
    with pytest.raises(BadInput) as refused:
        merge(sharded, *BOTH, "again")
    first, again = folders(sharded, "shard-1-of-2", "again")
    assert refused.value.problems == [f"shard 1/2 is named twice: {first} and {again}"]


def test_a_scenario_in_two_shards_is_named(sharded: Suite) -> None:
    first, second = folders(sharded, *BOTH)
    doubled = next(path for path in first.glob("allure-results/*-result.json") if "two 1" in path.read_text())
    shutil.copy(doubled, second / "allure-results" / "other-result.json")
    with pytest.raises(BadInput) as refused:
        merge(sharded, *BOTH)
    line = '"two 1" (features/r02.feature) is in shard 1/2 and in shard 2/2; it may run in one only'
    assert refused.value.problems == [line]


def test_a_scenario_that_no_shard_recorded_shows(sharded: Suite) -> None:
    first = folders(sharded, *BOTH)[0]
    for path in first.glob("allure-results/*-result.json"):
        if "two 1" in path.read_text():
            path.unlink()
    judged = merge(sharded, *BOTH)
    assert judged.differences == ['Allure has no result for "two 1" (features/r02.feature)']
    assert judged.coverage["totals"]["proven"] == 0


def test_a_result_that_only_junit_has_twice_shows(sharded: Suite) -> None:
    first, second = folders(sharded, *BOTH)
    doubled = next(path for path in first.glob("junit/*.xml") if "two 1" in path.read_text())
    shutil.copy(doubled, second / "junit" / "TESTS-other.xml")
    assert merge(sharded, *BOTH).differences == ['JUnit has a surplus result for "two 1" (r02.two)']


def test_shards_of_another_tree_are_refused(sharded: Suite) -> None:
    with (sharded.root / "features" / "r01.feature").open("a") as feature:
        feature.write("# changed\n")
    with pytest.raises(BadInput) as refused:
        merge(sharded, *BOTH)
    reason = "ran on another tree, commit none; merge on the tree that it ran on"
    assert refused.value.problems == sorted(f"{one}: {reason}" for one in folders(sharded, *BOTH))


def test_shards_of_different_matrices_are_refused(sharded: Suite) -> None:
    run_shard(sharded, "1/3")
    with pytest.raises(BadInput, match="1 problem in the input") as refused:
        merge(sharded, "shard-2-of-2", "shard-1-of-3")
    assert refused.value.problems == ["shards of different matrices: of 2, of 3; name those of one run"]


@pytest.mark.parametrize("content", [None, "{", "[]", '{"number": "1"}'])
def test_what_is_no_shard_is_refused(sharded: Suite, content: str | None) -> None:
    path = sharded.root / "reports" / "shard-1-of-2" / shards.FILE
    path.unlink()
    if content is not None:
        path.write_text(content)
    with pytest.raises(BadInput) as refused:
        merge(sharded, *BOTH)
    assert str(path.parent) in refused.value.problems[0]


def test_a_red_scenario_stays_red_in_the_merge(suite: Suite) -> None:
    three(suite).scenario("Then the expectation fails")
    outcomes = {text: run_shard(suite, text) for text in ("1/2", "2/2")}
    red = [one for found in outcomes.values() for one in found.outcomes if one.verdict != PASSED]
    assert [one.scenario.name for one in red] == ["only"]
    judged = merge(suite, *BOTH)
    assert judged.differences == []
    assert suite.state(judged) == "violated"
    exit_codes = [json.loads((one / shards.FILE).read_text())["exit_code"] for one in folders(suite, *BOTH)]
    assert sorted(exit_codes) == [0, 1]


def command(suite: Suite, *arguments: str) -> Ended:
    return run_command(*arguments, "--root", suite.root)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--shard", "5/4"], "'5/4' is no shard; the first of four is 1/4, the last 4/4"),
        (["--shard", "1/4", "--", "features/r01.feature"], "--shard runs its part of all scenarios; omit"),
        (["--shard", "1/4", "--target", "aws"], "--target aws: its scenarios share one account"),
        (["--processes", "2", "--target", "aws"], "--target aws: its scenarios share one account"),
        (["--processes", "0"], "0 is not in the range x>=1"),
    ],
)
def test_options_that_do_not_fit_together_are_refused(suite: Suite, options: list[str], message: str) -> None:
    ended = command(three(suite), "run", *options)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert not suite.places.reports.exists()
