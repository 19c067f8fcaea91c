"""The mutation score, with a small project whose scenarios notice one mistake and miss another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.traceability.conftest import Suite
from traceability.model import feature_files
from traceability.mutation import mutants, mutate, score, survivors, tracing
from traceability.mutation.mutants import Mutant
from traceability.mutation.mutate import BY_ERROR, NOTICED, SURVIVED, TIMED_OUT, MutantResult, Traced, Workers
from traceability.mutation.prove import BaselineFailed
from traceability.mutation.survivors import Explanation

ENGINE = """\
def total(first, second):
    return first + second


LIMIT = 199


def fee(amount):
    if amount > LIMIT:
        return 5
    return 0


def never_called(value):
    return value - 1
"""
STEPS = """
from behave import step
from engine.shop.prices import fee, total
from traceability.recording import evidence

@step("{a:d} and {b:d} make {c:d}")
def makes(context, a, b, c):
    evidence.record_judgement(str(c), total(a, b), "Added")
    assert total(a, b) == c, "another total"

@step("{a:d} costs a fee")
def costs(context, a):
    evidence.record_judgement("a fee", fee(a), "Asked")
    assert fee(a) > 0, "no fee"
"""
FEATURE = """
Feature: Small
  @AC-1.1 @moto
  Scenario: adds
    Then 1 and 2 make 3

  @AC-1.2 @moto
  Scenario: costs
    Then 200 costs a fee
"""
SOURCE = "def less(a, b):\n    return a < b and not a == 0\n"

needs_operators = pytest.mark.skipif(
    not (mutants.OPERATORS_FOLDER / "cosmic_ray").exists(), reason="`make unit` installs the mutation operators"
)


@pytest.fixture
def project(suite: Suite) -> Suite:
    (suite.root / "engine" / "shop").mkdir(parents=True)
    for package in ("engine", "engine/shop"):
        (suite.root / package / "__init__.py").write_text("")
    (suite.root / "engine" / "shop" / "prices.py").write_text(ENGINE)
    return suite.steps(STEPS).feature(FEATURE)


@needs_operators
def test_each_mutant_changes_its_line_and_no_other() -> None:
    found = mutants.of_source("engine/less.py", SOURCE)
    changes = {changed(one)[1] for one in found}
    assert {
        "return a <= b and not a == 0",
        "return a >= b and not a == 0",
        "return a < b or not a == 0",
        "return a < b and  a == 0",
        "return a < b and not a != 0",
    } <= changes
    assert all(changed(one)[0] == "return a < b and not a == 0" for one in found)
    assert {one.line for one in found} == {2}


def changed(mutant: Mutant, source: str = SOURCE) -> tuple[str, str]:
    return mutants.change(source, mutants.mutated(source, mutant))


@needs_operators
@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ("def f(a, *, b):\n    return a * b\n", {"return a // b"}),
        ("if TYPE_CHECKING:\n    import a\n", set()),
        ("if a or b:\n    pass\n", {"if not a or b:", "if a and b:"}),
        ("@dataclass(frozen=True)\nclass A:\n    b: bool = True\n", {"b: bool = False"}),
        ("if a is None:\n    pass\n", {"if a is not None:"}),
        ("if not a:\n    pass\n", {"if  a:"}),
        ("if a in b:\n    pass\n", {"if not a in b:"}),
    ],
)
def test_what_is_no_mistake_or_repeats_a_mutant_is_left_out(source: str, changes: set[str]) -> None:
    assert [changed(one, source)[1] for one in mutants.of_source("engine/a.py", source)] == sorted(changes)[::-1]


@needs_operators
def test_the_sample_is_the_same_for_the_same_tree_and_leaves_out_what_no_scenario_executes(project: Suite) -> None:
    lines = {"engine/shop/prices.py": [2, 9, 10, 11]}
    found = mutants.of_tree(project.root)
    first = mutants.sample(found, lines, "seed")
    assert first == mutants.sample(found, lines, "seed")
    assert first != mutants.sample(found, lines, "other")
    assert {one.line for one in first} <= {2, 9, 10, 11}


@pytest.fixture
def workers(project: Suite) -> Iterator[Workers]:
    scratch = project.root / "reports" / ".mutate"
    found = Workers(project.root, scratch, mutate.scenarios_of(project.root, "features"))
    yield found
    found.close()
    assert not scratch.exists()


@needs_operators
def test_a_run_tells_noticed_mutants_from_survivors(project: Suite, workers: Workers) -> None:
    """Every line is one that a single scenario executes; no scenario asks for the fee of a smaller amount."""
    traced = mutate.trace(workers)
    assert traced.lines["features/r01.feature:4"] == {"engine/shop/prices.py": [2]}
    assert traced.lines["features/r01.feature:8"] == {"engine/shop/prices.py": [9, 10]}
    sample = mutants.sample(mutants.of_tree(project.root), tracing.Reach(traced.lines, project.root).executed(), "seed")
    told: list[MutantResult] = []
    results = mutate.run(workers, sample, traced, 300, told.append)
    assert told == results
    ends = {" ".join(one.after.split()): one.outcome for one in results}
    assert ends["return first - second"] == NOTICED
    assert ends["if amount <= LIMIT:"] == NOTICED
    assert ends["if amount >= LIMIT:"] == SURVIVED
    assert ends["return 6"] == SURVIVED
    noticed = next(one for one in results if one.after == "return first - second")
    assert noticed.red == (("features/r01.feature:4", "Then 1 and 2 make 3"),)
    rows = score.by_criterion(results, workers.scenarios, project.catalogue)
    assert rows["1.1"] == {"noticed": 1, "tried": 1}
    assert 0 < rows["1.2"]["noticed"] < rows["1.2"]["tried"]
    assert rows["1.3"] == {"noticed": 0, "tried": 0}
    assert score.never_red(results, workers.scenarios, {}) == {}
    assert project.root.joinpath("engine/shop/prices.py").read_text() == ENGINE


@needs_operators
def test_code_that_runs_at_import_is_imported_anew(project: Suite, workers: Workers) -> None:
    """The warm process has imported the limit; a scenario that executes its line meets the mutant all the same."""
    traced = Traced({"features/r01.feature:8": {"engine/shop/prices.py": [5]}}, {"features/r01.feature:8": 1.0})
    sample = [one for one in mutants.of_source("engine/shop/prices.py", ENGINE) if one.line == 5]
    results = mutate.run(workers, sample, traced, 300, lambda _: None)
    assert {one.after: one.outcome for one in results} == {"LIMIT = 200": NOTICED, "LIMIT = 198": SURVIVED}


@needs_operators
@pytest.mark.parametrize(
    ("changed", "outcome"),
    [
        ("    while True:\n        pass", TIMED_OUT),
        ("    raise RuntimeError", BY_ERROR),
        ("    import os\n    os._exit(1)", BY_ERROR),
    ],
)
def test_a_change_that_ends_no_scenario_counts_by_its_cause(
    project: Suite, workers: Workers, changed: str, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mutate, "_LIMIT", 1.0)
    source = ENGINE.replace("    return first + second", changed)
    monkeypatch.setattr(mutants, "mutated", lambda *_: source)
    traced = Traced({"features/r01.feature:4": {"engine/shop/prices.py": [2]}}, {"features/r01.feature:4": 0.01})
    mutant = Mutant("engine/shop/prices.py", 2, "ReplaceBinaryOperator_Add_Sub", 0)
    [result] = mutate.run(workers, [mutant], traced, 300, lambda _: None)
    assert result.outcome == outcome


@needs_operators
def test_a_run_begins_no_mutant_after_its_time(project: Suite, workers: Workers) -> None:
    traced = Traced({"features/r01.feature:4": {"engine/shop/prices.py": [2]}}, {"features/r01.feature:4": 1.0})
    sample = [Mutant("engine/shop/prices.py", 2, "ReplaceBinaryOperator_Add_Sub", 0)]
    assert mutate.run(workers, sample, traced, 0, lambda _: None) == []


@needs_operators
def test_what_is_no_python_is_no_mutant(project: Suite, workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutants, "mutated", lambda *_: "if not name := value:\n    pass\n")
    traced = Traced({"features/r01.feature:4": {"engine/shop/prices.py": [2]}}, {"features/r01.feature:4": 1.0})
    mutant = Mutant("engine/shop/prices.py", 2, "AddNot", 0)
    assert mutate.run(workers, [mutant], traced, 300, lambda _: None) == []


def test_a_mutant_of_a_common_line_meets_the_nearest_and_the_most_varied_of_the_rest(tmp_path: Path) -> None:
    """All scenarios execute line 1; the smallest come first. Three of the last ones execute other files too."""
    lines: tracing.Trace = {f"a:{number:03}": {"f.py": [1], "g.py": [*range(number)]} for number in range(200)}
    lines["a:190"]["h.py"], lines["a:150"]["h.py"], lines["a:160"]["i.py"] = [1, 2, 3], [3, 4], [5]
    reach = tracing.Reach(lines, tmp_path)
    met = mutate.chosen(reach, Mutant("f.py", 1, "AddNot", 0))
    assert met[:20] == [f"a:{number:03}" for number in range(20)]
    assert met[20:24] == ["a:199", "a:190", "a:150", "a:160"]
    assert len(met) == len(set(met)) == 80
    assert mutate.chosen(tracing.Reach({"a:1": {"f.py": [1]}}, tmp_path), Mutant("f.py", 1, "AddNot", 0)) == ["a:1"]


def test_a_scenario_that_fails_without_a_mutant_ends_the_run(project: Suite) -> None:
    project.feature(FEATURE.replace("make 3", "make 4"))
    scenarios = mutate.scenarios_of(project.root, "features")
    workers = Workers(project.root, project.root / "reports" / ".mutate", scenarios)
    with pytest.raises(BaselineFailed, match="1 scenario fails"):
        mutate.trace(workers)
    workers.close()


def test_scenarios_of_rare_lines_around_come_first(tmp_path: Path) -> None:
    lines: tracing.Trace = {
        "a:1": {"f.py": [10, 11, 12], "g.py": [1, 2, 3]},
        "b:1": {"f.py": [10, 20]},
        "c:1": {"f.py": [10, 11, 12]},
        "d:1": {"f.py": [99]},
    }
    assert tracing.Reach(lines, tmp_path).executing("f.py", 10) == ["b:1", "c:1", "a:1"]


def test_scenarios_that_use_a_limit_are_near_its_line(project: Suite) -> None:
    """The limit in line 5 is defined at import, in line 9 it is used."""
    prices = "engine/shop/prices.py"
    reach = tracing.Reach({"a:1": {prices: [2, 5]}, "b:1": {prices: [5, 9]}, "c:1": {prices: [9]}}, project.root)
    assert reach.executing(prices, 5) == ["c:1", "b:1", "a:1"]
    assert reach.executed() == {prices: [2, 5, 9]}
    assert tracing.Reach({"c:1": {prices: [9]}}, project.root).executed() == {prices: [5, 9]}
    assert tracing.Reach({"a:1": {prices: [2]}}, project.root).executed() == {prices: [2]}


def result(outcome: str, met: dict[str, bool], *, own: bool = True) -> MutantResult:
    red = tuple((place, "Then it is so") for place, noticed in met.items() if noticed)
    return MutantResult(Mutant("engine/a.py", 1, "AddNot", 0), "if a:", "if not a:", outcome, met, red, own, 1.0)


def test_the_score_counts_errors_as_noticed_and_is_none_without_a_mutant() -> None:
    results = [result(NOTICED, {"a:1": True}), result(BY_ERROR, {}), result(SURVIVED, {"a:1": False})]
    assert score.score(results) == 0.667
    assert score.score([]) is None


def test_a_then_that_a_seeded_defect_turned_red_is_not_listed(project: Suite) -> None:
    scenarios, _ = feature_files.read(project.root / "features", project.root)
    proof = {"defects": [{"red": [["features/r01.feature:4", "Then 1 and 2 make 3"]]}]}
    assert score.never_red([], scenarios, proof) == {"features/r01.feature": {"costs": ["Then 200 costs a fee"]}}


def test_lines_that_no_scenario_executes_are_named() -> None:
    found = [Mutant(file, line, "AddNot", 0) for file in ("a.py", "b.py") for line in (1, 3, 4, 5, 9)]
    assert score.not_executed(found, [found[1], found[1]]) == {"a.py": "1, 4-5, 9", "b.py": "all"}


def test_explained_survivors_have_to_fit_the_code(project: Suite) -> None:
    path = project.root / "features" / survivors.FILE
    entry = (
        "- file: engine/shop/prices.py\n  before: {}\n  after: return  6\n  reason: no criterion promises the amount\n"
    )
    path.write_text(entry.format("return 5"))
    assert survivors.load(project.root, "features") == {
        ("engine/shop/prices.py", "return 5", "return  6"): Explanation("no criterion promises the amount")
    }
    path.write_text(entry.format("return 5") + "  test: tests/test_prices.py::test_five\n")
    (found,) = survivors.load(project.root, "features").values()
    assert (found.equal, found.test) == (False, "tests/test_prices.py::test_five")
    path.write_text(entry.format("return 5") + "  equal: true\n  test: tests/test_prices.py\n")
    with pytest.raises(survivors.BadSurvivors, match="should not be valid under"):
        survivors.load(project.root, "features")
    path.write_text(entry.format("return 7"))
    with pytest.raises(survivors.BadSurvivors, match="has no line 'return 7'; remove the entry"):
        survivors.load(project.root, "features")
    path.write_text("- file: a\n")
    with pytest.raises(survivors.BadSurvivors, match="'before' is a required property"):
        survivors.load(project.root, "features")


def test_a_project_without_the_file_explains_no_survivor(tmp_path: Path) -> None:
    assert survivors.load(tmp_path, "features") == {}
