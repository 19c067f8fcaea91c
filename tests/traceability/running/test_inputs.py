"""A run belongs to the files that the commit has: no link, no compiled module and no change meanwhile may decide it."""

from __future__ import annotations

import importlib.util
import marshal
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.traceability.conftest import STEPS, Suite
from traceability.running.processes import ForeignInput
from traceability.running.run import BadInput

HELPED = (
    STEPS
    + """
from features.helper import found

@step("the helper finds two waves")
def finds(context):
    evidence.record_judgement("2 waves", f"{found()} waves", "Looked at the helper")
    assert found() == 2
"""
)


def test_a_link_below_the_features_is_refused(suite: Suite, tmp_path: Path) -> None:
    suite.scenario("Then nothing is wrong")
    outside = tmp_path / "outside.py"
    outside.write_text("", encoding="utf-8")
    (suite.root / "features" / "steps" / "a_link.py").symlink_to(outside)
    with pytest.raises(ForeignInput, match=r"features/steps/a_link\.py is a symbolic link"):
        suite.run()


@pytest.mark.parametrize("value", [2, 3], ids=["honest", "broken"])
def test_a_poisoned_compiled_module_is_not_run(suite: Suite, value: int) -> None:
    (suite.root / "features" / "__init__.py").write_text("", encoding="utf-8")
    helper = suite.root / "features" / "helper.py"
    helper.write_text(f"def found():\n    return {value}\n", encoding="utf-8")
    # Python runs a module of this form without a look at its source.
    poison = compile("def found():\n    return 2\n", str(helper), "exec")
    compiled = Path(importlib.util.cache_from_source(str(helper)))
    compiled.parent.mkdir()
    flags, no_hash = (0b01).to_bytes(4, "little"), bytes(8)
    compiled.write_bytes(importlib.util.MAGIC_NUMBER + flags + no_hash + marshal.dumps(poison))
    command = [sys.executable, "-c", "from features.helper import found; print(found())"]
    assert subprocess.run(command, cwd=suite.root, capture_output=True, check=True).stdout.strip() == b"2"
    judged = suite.steps(HELPED).scenario("Then the helper finds two waves").run()
    assert suite.state(judged) == ("proven" if value == 2 else "violated")


def test_a_run_whose_inputs_change_meanwhile_proves_nothing(suite: Suite) -> None:
    changes = """
@step("the plan changes on disk")
def changes(context):
    import pathlib
    pathlib.Path("features/plan.txt").write_text("another plan")
    evidence.record_judgement("a change", "a change", "Looked at the disk")
"""
    judged = suite.steps(STEPS + changes).scenario("Then the plan changes on disk").run()
    assert judged.differences == ["features/plan.txt changed while the suite ran: run it again"]
    assert suite.state(judged) == "suite_defect"
    assert suite.judge_again().differences == judged.differences
    assert suite.run().differences == []


LENIENT = """
from behave import matchers

def run(self, context):
    try:
        honest(self, context)
    except AssertionError:
        pass

honest, matchers.Match.run = matchers.Match.run, run
"""


def test_a_module_of_a_foreign_folder_is_not_run(
    suite: Suite, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python imports a module of this name before the first line of a program; this one lets each Then pass."""
    folder = tmp_path_factory.mktemp("foreign")
    (folder / "sitecustomize.py").write_text(LENIENT, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]))
    judged = suite.scenario("Then the expectation fails").run()
    assert suite.state(judged) == "violated"


@pytest.mark.parametrize("name", ["sitecustomize.py", "sitecustomize.pyc", "hamcrest.so", "hamcrest/__init__.py"])
def test_a_module_beside_the_tree_is_refused(suite: Suite, name: str) -> None:
    suite.scenario("Then the expectation fails")
    (suite.root / name).parent.mkdir(exist_ok=True)
    (suite.root / name).write_text(LENIENT, encoding="utf-8")
    with pytest.raises(ForeignInput, match=f"{name} could replace a library of the run"):
        suite.run()


@pytest.mark.parametrize(
    ("arguments", "option"),
    [
        (("--stage", "lenient"), "--stage"),
        (("--runner=lenient:Runner",), "--runner"),
        (("--dry-run",), "--dry-run"),
        (("--no-junit",), "--no-junit"),
        (("--steps-catalog", "--tags=@AC-1.1"), "--steps-catalog"),
        (("-D", "target=aws"), "-D target"),
    ],
)
def test_an_argument_that_decides_how_the_suite_runs_is_refused(
    suite: Suite, arguments: tuple[str, ...], option: str
) -> None:
    with pytest.raises(BadInput) as refused:
        suite.scenario("Then the expectation fails").run(*arguments)
    assert f"{option} is no option of a run" in refused.value.lines[0]
