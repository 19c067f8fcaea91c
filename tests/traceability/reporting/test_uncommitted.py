"""A run on a tree that differs from its commit: each output says so, and that of a clean tree does not."""

from __future__ import annotations

import csv
import json

import pytest
from click.testing import CliRunner

from tests.traceability.bundle.archives import commit
from tests.traceability.command_line import PROJECT
from tests.traceability.conftest import ON_BOTH_AND_SIMULATED, Suite
from tests.traceability.reporting.test_allure_report import data
from traceability.__main__ import main
from traceability.bundle import bundle, git
from traceability.running import run as runs

WORDS = " with uncommitted changes"


@pytest.mark.parametrize("changed", [True, False], ids=["changed", "clean"])
def test_each_output_says_whether_the_tree_was_that_of_the_commit(suite: Suite, changed: bool) -> None:
    (suite.root / "node_modules").symlink_to(PROJECT / "node_modules")
    commit(suite.feature(ON_BOTH_AND_SIMULATED).root)
    if changed:
        with (suite.root / "features" / "steps" / "small.py").open("a") as steps:
            steps.write("# not committed\n")
    runs.write_report(suite.places, suite.catalogue, suite.run())
    full, words = git.commit(suite.root), WORDS if changed else ""
    # The tree at the time of the run counts: a later change beside the inputs alters no output.
    (suite.root / "notes.txt").write_text("not committed\n")
    ended = CliRunner().invoke(main, ["export", "--root", str(suite.root), "oscal", "csv"])
    assert ended.exit_code == 0, ended.output
    assert f"commit {full[:12]}{words}," in suite.places.matrix.read_text(encoding="utf-8")
    report = (suite.places.allure_report / "index.html").read_text(encoding="utf-8")
    assert data(report, "widgets/variables.json")["Commit"] == f"{full[:12]}{words}"
    assert data(report, "widgets/variables.json").get("Uncommitted") == ("features/steps/small.py" if changed else None)
    named = f"Not of commit {full[:12]}: features/steps/small.py<"
    assert (named in suite.places.matrix.read_text(encoding="utf-8")) == changed
    verified = CliRunner().invoke(main, ["verify", str(bundle.write(suite.places, suite.catalogue))])
    assert ("uncommitted features/steps/small.py" in verified.output) == changed
    exports = suite.places.reports / "exports"
    (first, *_) = csv.DictReader((exports / "matrix.csv").read_text(encoding="utf-8-sig").splitlines())
    assert first["simulated commit"] == f"{full}{words}"
    result = json.loads((exports / "assessment-results.json").read_text())["assessment-results"]["results"][0]
    props = {one["name"]: one["value"] for one in result["props"]}
    assert props["uncommitted-changes"] == str(changed).lower()
