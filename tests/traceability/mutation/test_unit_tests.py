"""The unit tests that explanations of survivors name are run against their mutants."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.traceability.conftest import Suite
from tests.traceability.mutation.test_mutate import ENGINE, needs_operators
from traceability.mutation import mutants, unit_tests
from traceability.mutation.mutate import NOTICED, SURVIVED, MutantResult
from traceability.mutation.survivors import Explanation, Survivor

FILE, BEFORE = "engine/shop/prices.py", "LIMIT = 199"
TESTS = """
from engine.shop.prices import fee, total

def test_a_fee_begins_at_200():
    assert fee(199) == 0 and fee(200) == 5

def test_a_total():
    assert total(1, 2) == 3

def test_fails_anyway():
    assert total(1, 2) == 4
"""


@pytest.fixture
def project(suite: Suite) -> Suite:
    for folder in ("engine", "engine/shop", "tests"):
        (suite.root / folder).mkdir(parents=True, exist_ok=True)
        (suite.root / folder / "__init__.py").write_text("")
    (suite.root / FILE).write_text(ENGINE)
    (suite.root / "tests" / "test_prices.py").write_text(TESTS)
    return suite


def survivor(root: Path, outcome: str = SURVIVED) -> MutantResult:
    """LIMIT = 200: a fee of 200 is lost."""
    source = (root / FILE).read_text()
    for one in mutants.of_source(FILE, source):
        before, after = mutants.change(source, mutants.mutated(source, one))
        if (before, after.replace(" ", "")) == (BEFORE, "LIMIT=200"):
            return MutantResult(one, before, after, outcome, {}, (), False, 1.0)
    raise AssertionError(f"no mutant of {BEFORE}")


def lines(project: Suite, test: str, outcome: str = SURVIVED) -> tuple[list[str], list[str]]:
    """Return the problems and the progress."""
    result, progress = survivor(project.root, outcome), list[str]()
    explained: dict[Survivor, Explanation] = {
        (FILE, BEFORE, result.after): Explanation("a unit test has it", test=test)
    }
    scratch = project.root / "reports" / ".survivors"
    found = unit_tests.unnoticed([result], explained, project.root, scratch, progress.append)
    assert not scratch.exists()
    assert (project.root / FILE).read_text() == ENGINE
    return found, progress


@needs_operators
def test_a_test_that_notices_its_mutant_is_no_problem(project: Suite) -> None:
    test = "tests/test_prices.py::test_a_fee_begins_at_200"
    found, progress = lines(project, test)
    assert found == []
    assert progress == [f"{test} on the unchanged code ...", f"{test} against {FILE}:5 ..."]


@needs_operators
def test_a_test_that_does_not_notice_its_mutant_is_named(project: Suite) -> None:
    (line,), _ = lines(project, "tests/test_prices.py::test_a_total")
    assert line.startswith(f"{FILE}:5  {BEFORE}  ->  LIMIT = ")
    assert line.endswith(": tests/test_prices.py::test_a_total does not notice it")


@needs_operators
@pytest.mark.parametrize("test", ["tests/test_prices.py::test_fails_anyway", "tests/test_gone.py"])
def test_a_test_that_fails_without_the_mutant_proves_nothing(project: Suite, test: str) -> None:
    (line,), progress = lines(project, test)
    assert line == f"{test} fails on the unchanged code; mend it, or explain its survivors without it"
    assert len(progress) == 1


@needs_operators
def test_a_mutant_that_a_scenario_notices_needs_no_test(project: Suite) -> None:
    assert lines(project, "tests/test_prices.py::test_a_total", NOTICED) == ([], [])
