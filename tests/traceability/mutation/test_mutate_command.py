"""The command `mutate` on a small project: what it prints, and what it keeps."""

from __future__ import annotations

import json
import subprocess

import pytest
from click.testing import CliRunner

from tests.traceability.conftest import Suite
from tests.traceability.mutation.test_mutate import ENGINE, FEATURE, STEPS, needs_operators
from traceability.__main__ import main
from traceability.model import mutation_score
from traceability.running.run import BadInput

_BEGUN = """
@step("a shop")
@step("it opens")
def begins(context):
    pass
"""


@pytest.fixture
def project(suite: Suite) -> Suite:
    (suite.root / "engine" / "shop").mkdir(parents=True)
    for package in ("engine", "engine/shop"):
        (suite.root / package / "__init__.py").write_text("")
    (suite.root / "engine" / "shop" / "prices.py").write_text(ENGINE)
    begun = FEATURE.replace("    Then", "    Given a shop\n    When it opens\n    Then")
    suite.steps(STEPS + _BEGUN).feature(begun)
    (suite.root / "page.md").write_text(f"{mutation_score.BEGIN}\n{mutation_score.END}\n")
    (suite.root / ".gitignore").write_text("reports/\n__pycache__/\n")
    for command in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=suite.root, check=True)
    (suite.root / "reports").mkdir(exist_ok=True)
    return suite


@needs_operators
def test_a_whole_run_is_kept_with_its_commit(project: Suite) -> None:
    arguments = ["mutate", "--root", str(project.root), "--measure", "--sample", "3", "--seed", "s", "--keep"]
    ended = CliRunner().invoke(main, [*arguments, "--page", str(project.root / "page.md")])
    assert ended.exit_code == 0, ended.output
    content = json.loads(project.places.mutation.read_text())
    kept = mutation_score.load(project.root / "features")
    assert kept is not None
    assert (kept.tried, kept.seed, kept.commit) == (3, "s", content["commit"])
    assert kept.noticed == content["noticed"] + content["by_error"] + content["timed_out"]
    assert f"{kept.noticed} of 3 mutants noticed" in ended.output
    assert kept.sentence in (project.root / "page.md").read_text()
    again = CliRunner().invoke(main, arguments)
    assert isinstance(again.exception, BadInput)
    assert "the tree differs from its commit" in again.exception.lines[0]


@needs_operators
def test_the_mutants_of_a_line_meet_the_chosen_scenarios(project: Suite) -> None:
    """Line 11 is the end of a small amount, which no scenario asks for; line 2 is what the first one asks for."""
    places = ["engine/shop/prices.py:2", "engine/shop/prices.py:11"]
    ended = CliRunner().invoke(
        main, ["mutant", "--root", str(project.root), "--scenario", "features/r01.feature", *places]
    )
    assert ended.exit_code == 0, ended.output
    assert "return first + second  ->  return first - second: noticed, features/r01.feature:4" in ended.output
    assert "return 0  ->  return 1: SURVIVED, 0 scenarios met it" in ended.output
    ended = CliRunner().invoke(main, ["mutant", "--root", str(project.root), "engine/shop/prices.py:99"])
    assert isinstance(ended.exception, BadInput)
