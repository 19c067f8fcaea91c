"""Finished runs: kept, limited in number, combined by target, and compared."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.traceability.command_line import PROJECT, run_command
from tests.traceability.conftest import Suite
from traceability.bundle import manifest, run_history, run_loader
from traceability.evaluation import diff
from traceability.model import catalogue
from traceability.model.states import STATES
from traceability.reporting import matrix, outputs
from traceability.reporting.provenance import Provenance

MAIN = catalogue.load().documents[0]


def run(
    target: str, day: int, states: dict[str, str], *, rehearsed: tuple[str, ...] = (), words: str = ""
) -> dict[str, Any]:
    """Return the coverage document of a run on the given day of May; criteria that are not named were not run."""
    rows = [
        {
            "id": one.id,
            "requirement": one.requirement,
            "revision": words or one.revision,
            "state": states.get(one.id, "not_run"),
            "can_fail": None,
            "rehearsed": one.id in rehearsed,
            "sign_off": None,
            "proven_on": [target] if states.get(one.id) == "proven" else [],
            "scenarios": [],
        }
        for one in MAIN.criteria.values()
    ]
    totals = {"criteria": len(rows), **{state: sum(row["state"] == state for row in rows) for state in STATES}}
    moment = f"2026-05-{day:02}T08:00:00.000Z"
    return {
        "document": "Execution Engine Testing",
        "target": target,
        "commit": f"{day:07}abc",
        "started": moment,
        "finished": moment,
        "totals": totals | {"rehearsed": len(rehearsed), "signed_off": 0, "expired": 0},
        "criteria": rows,
    }


def kept(suite: Suite) -> list[Path]:
    return sorted(suite.places.history.glob("*"))


REVISIONS = {one.id: one.revision for one in MAIN.criteria.values()}


def test_a_run_is_kept_and_the_next_run_does_not_clear_it(suite: Suite) -> None:
    suite.scenario("Then nothing is wrong").run()
    suite.run()
    assert [run_loader.read(path)["target"] for path in kept(suite)] == ["moto", "moto"]


def test_a_partial_run_is_not_kept(suite: Suite) -> None:
    suite.scenario("Then nothing is wrong").run("--tags", "@AC-1.1")
    assert kept(suite) == []


def test_the_history_is_bounded_for_each_target(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_history, "MAX_KEPT", 3)
    run_history.keep(suite.places, run("aws", 1, {}))
    for day in range(2, 9):
        run_history.keep(suite.places, run("moto", day, {}))
    assert [path.name[6:8] for path in kept(suite)] == ["01", "06", "07", "08"]


def test_the_latest_result_on_each_target_counts() -> None:
    runs = [
        run("aws", 3, {"1.1": "proven", "1.2": "proven"}),
        run("aws", 5, {"1.2": "violated"}),
        run("aws-rehearsal", 4, {}, rehearsed=("1.1",)),
        run("moto", 2, {"1.1": "proven"}),
    ]
    found = run_loader.latest_by_target(runs, REVISIONS)
    assert {target: one.state for target, one in found["1.1"].items()} == {
        "moto": "proven",
        "aws-rehearsal": "rehearsed",
        "aws": "proven",
    }
    assert found["1.2"]["aws"].state == "violated"
    assert found["1.3"] == {}
    assert "AWS: proven 2026-05-03, commit 0000003" in matrix.describe("1.1", Provenance(found, [], [], [], 0))
    assert (
        matrix.not_proven_on_aws(MAIN, found)
        == "Not proven on AWS: 59 of 60: AC-1.2, AC-1.3, AC-1.4, AC-1.5, "
        + ", ".join(f"all of requirement {one}" for one in range(2, 13))
        + "."
    )


def test_a_proof_of_an_earlier_text_does_not_count() -> None:
    found = run_loader.latest_by_target([run("aws", 3, {"1.1": "proven"}, words="0123456789ab")], REVISIONS)
    assert not found["1.1"]["aws"].same_revision
    assert "all 60" in matrix.not_proven_on_aws(MAIN, found)


def test_the_changes_between_two_runs() -> None:
    before = run("moto", 1, {"1.1": "proven", "1.2": "proven", "1.4": "violated"})
    after = run("moto", 2, {"1.1": "violated", "1.3": "proven", "1.4": "suite_defect"})
    after["criteria"][0]["revision"] = "ffffffffffff"
    found = diff.between(before, after)
    assert {kind: [row["id"] for row in found[kind]] for kind in diff.KINDS} == {
        "regressed": ["1.1"],
        "lost": ["1.2"],
        "newly_proven": ["1.3"],
        "reworded": ["1.1"],
    }
    assert diff.is_worse(found)
    assert not diff.is_worse(diff.between(after, after))


def test_a_criterion_of_another_target_is_not_lost() -> None:
    found = diff.between(run("moto", 1, {"1.1": "proven"}), run("aws", 2, {}))
    assert [row["id"] for row in found["lost"]] == ["1.1"]
    assert not diff.is_worse(found)


@pytest.mark.parametrize(("states", "code"), [({"1.1": "violated"}, 1), ({"1.1": "proven", "1.2": "proven"}, 0)])
def test_the_command_prints_the_changes_and_sets_the_exit_code(
    tmp_path: Path, states: dict[str, str], code: int
) -> None:
    for name, content in (("a.json", run("moto", 1, {"1.1": "proven"})), ("b.json", run("moto", 2, states))):
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    command = ("diff", tmp_path / "a.json", tmp_path / "b.json")
    ended = run_command(*command)
    assert ended.returncode == code
    assert ("AC-1.1  proven → violated" in ended.stdout) == (code == 1)
    ended = run_command(*command, "--json")
    assert len(json.loads(ended.stdout)["regressed"]) == code


@pytest.mark.parametrize("body", ["", "[]", "{}", '{"criteria": 1}', "[" * 100_000])
def test_an_invalid_run_is_named(tmp_path: Path, body: str) -> None:
    path = tmp_path / "coverage.json"
    path.write_text(body, encoding="utf-8")
    with pytest.raises(run_loader.BadRun, match=r"coverage\.json"):
        run_loader.read(path)
    with pytest.raises(run_loader.BadRun):
        run_loader.read(tmp_path / "nowhere")


def test_later_results_are_written_into_all_outputs(suite: Suite) -> None:
    (suite.root / "node_modules").symlink_to(PROJECT / "node_modules")
    judged = suite.scenario("Then nothing is wrong").run()
    manifest.write(suite.places, judged.coverage)
    judged.coverage["criteria"][0]["can_fail"] = True
    outputs.rewrite(suite.places, suite.catalogue, judged.coverage, judged.differences, judged.provenance)
    assert "can fail: shown by a defect" in suite.places.matrix.read_text(encoding="utf-8")
    kept = manifest.read(suite.places)
    assert kept is not None
    assert manifest.changed(suite.places, kept) == []


def test_totals_of_the_extensions_are_those_of_their_rows(suite: Suite) -> None:
    suite.scenario("Then nothing is wrong", tags="@EX-1.1 @moto").run()
    content = json.loads(suite.places.coverage.read_text(encoding="utf-8"))
    content["extensions"]["totals"]["proven"] = 4
    suite.places.coverage.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(run_loader.BadRun, match="its extensions' totals have 4 proven, its extensions' criteria 1"):
        run_loader.read(suite.places.coverage)


def test_a_kept_run_has_every_document_that_judged_it(suite: Suite) -> None:
    for name in manifest.CRITERIA:
        (suite.root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, suite.root / name)
    suite.scenario("Then nothing is wrong", tags="@EX-1.1 @moto").run()
    with zipfile.ZipFile(kept(suite)[0]) as archive:
        assert set(manifest.CRITERIA) <= set(archive.namelist())
