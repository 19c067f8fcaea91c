"""The negative proof, on a small engine of its own: noticed and unnoticed defects, and refused defect files."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from rich.console import Console

from tests.traceability.command_line import PROJECT
from tests.traceability.conftest import Suite
from traceability.bundle import last_run
from traceability.evaluation import record_readers
from traceability.model import tree
from traceability.mutation import defects, prove
from traceability.reporting import console, outputs
from traceability.running import run as run_module

ENGINE = "WAIT = 30\n\n\ndef wait(asked):\n    return max(asked, WAIT)\n"
STEPS = """
import json
import subprocess
import sys
import json
import subprocess
import sys
from pathlib import Path
from behave import step
from engine.waiting import wait

@step("a wait of {asked:d} lasts {seconds:d}")
def lasts(context, asked, seconds):
    limit = json.loads(Path("testdata/limit.json").read_text())
    assert min(wait(asked), limit) == seconds, f"it lasted {wait(asked)}"

@step("the engine can be imported")
def imported(context):
    pass
"""
FEATURE = """
    Feature: Small
      @AC-1.3 @moto
      Scenario: a long wait is kept
        Given the engine can be imported
        Then a wait of 60 lasts 60
      @AC-3.3 @moto
      Scenario: nothing is asked of the engine
        Then the engine can be imported
    """
TWO_MORE = """
      @AC-1.3 @moto
      Scenario: the shortest wait is lengthened
        Then a wait of 31 lasts 31
      @AC-1.3 @moto
      Scenario: a short wait is lengthened
        Then a wait of 30 lasts 30
"""


@pytest.fixture
def small(suite: Suite) -> Suite:
    for folder in ("engine", "testdata", "features/defects"):
        (suite.root / folder).mkdir(parents=True)
    (suite.root / "engine" / "__init__.py").touch()
    (suite.root / "engine" / "waiting.py").write_text(ENGINE)
    (suite.root / "testdata" / "limit.json").write_text("300")
    return suite.steps(STEPS).feature(FEATURE)


def seed(suite: Suite, name: str = "AC-1.3_shorter.yaml", **values: str) -> None:
    content = {
        "criterion": '"1.3"',
        "mistake": "the shorter wait",
        "belief": "the engine may hurry",
        "file": "engine/waiting.py",
        "old": "return max(asked, WAIT)",
        "new": "return min(asked, WAIT)",
    } | values
    text = "".join(f"{key}: {value}\n" for key, value in content.items())
    (suite.root / "features" / "defects" / name).write_text(text)


def run(suite: Suite) -> list[prove.DefectResult]:
    chosen = defects.load(suite.root, "features", suite.catalogue)
    return prove.prove(suite.root, "features", chosen, suite.root / "reports" / ".prove", lambda one: None)


def test_a_defect_that_violates_the_expectation_is_noticed(small: Suite) -> None:
    seed(small)
    (finding,) = run(small)
    assert finding.outcome == "noticed"
    assert finding.story == "features/r01.feature:4 a long wait is kept: it lasted 30"


def test_a_defect_in_the_data_is_noticed_as_well(small: Suite) -> None:
    seed(small, file="testdata/limit.json", old='"300"', new='"45"')
    assert run(small)[0].outcome == "noticed"


def test_a_defect_that_no_scenario_notices_is_reported(small: Suite) -> None:
    seed(small, name="AC-3.3_unseen.yaml", criterion='"3.3"')
    (finding,) = run(small)
    assert (finding.outcome, finding.story) == ("unnoticed", "its scenario passed")


BREAKING = {
    "an error in the engine": "return asked - nothing",
    "a file that cannot be imported": "return (",
    "a process that ends": "import os; os._exit(0)",
}


@pytest.mark.parametrize("breaking", BREAKING)
def test_red_by_anything_but_the_expectation_does_not_count(small: Suite, breaking: str) -> None:
    seed(small, new=BREAKING[breaking])
    assert run(small)[0].outcome == "not_by_expectation"


def test_every_scenario_of_one_defect_reports_its_outcome(small: Suite) -> None:
    small.feature(FEATURE.replace("lasts 60\n", "lasts 60\n" + TWO_MORE))
    seed(small, new="'return max(asked, WAIT) if asked == 60 else 1 / (asked - 31)'")
    chosen = defects.load(small.root, "features", small.catalogue)
    found: list[prove.DefectResult] = []
    prove.prove(small.root, "features", chosen, small.root / "reports" / ".prove", found.append, each=True)
    assert [(outcome, one.name) for outcome, one, _ in found[0].each] == [
        ("unnoticed", "a long wait is kept"),
        ("not_by_expectation", "the shortest wait is lengthened"),
        ("noticed", "a short wait is lengthened"),
    ]
    out = Console(file=io.StringIO(), width=100)
    console.defect_result(out, found[0])
    assert isinstance(out.file, io.StringIO)
    kept, shortest, short = out.file.getvalue().splitlines()[1:]
    assert kept == "    – features/r01.feature:4 a long wait is kept: not noticed"
    assert (
        shortest == "    – features/r01.feature:9 the shortest wait is lengthened: not by expectation, division by zero"
    )
    assert short == "    ✓ features/r01.feature:12 a short wait is lengthened: noticed"


def test_an_error_does_not_hide_a_later_expectation(small: Suite) -> None:
    both = FEATURE.replace("lasts 60\n", "lasts 60\n" + TWO_MORE)
    small.feature(both)
    seed(small, new="'return max(asked, WAIT) if asked == 60 else 1 / (asked - 31)'")
    (finding,) = run(small)
    assert finding.outcome == "noticed"
    assert finding.story == "features/r01.feature:12 a short wait is lengthened: it lasted -1.0"


def test_a_hook_that_fails_as_well_does_not_hide_the_expectation(small: Suite) -> None:
    small.environment("""
        def after_scenario(context, scenario):
            if str(scenario.status).endswith("failed"):
                print("Expected:  60\\nSeen:      30")
                raise RuntimeError("something was left")
        """)
    seed(small)
    (finding,) = run(small)
    assert finding.outcome == "noticed"
    assert finding.story == "features/r01.feature:4 a long wait is kept: Expected: 60 Seen: 30"


def test_a_defect_that_never_ends_is_stopped(small: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove, "TIMEOUT_SECONDS", 2.0)
    seed(small, new='"while True: pass"')
    (finding,) = run(small)
    assert (finding.outcome, finding.story) == ("not_by_expectation", "timed out after 2 s")


def test_a_baseline_that_never_ends_is_stopped(small: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove, "TIMEOUT_SECONDS", 2.0)
    monkeypatch.setattr(prove, "SECONDS_A_SCENARIO", 1.0)
    (small.root / "engine" / "waiting.py").write_text(ENGINE.replace("    return", "    while True: pass\n    return"))
    seed(small)
    with pytest.raises(prove.BaselineFailed) as raised:
        run(small)
    assert raised.value.problems == ["the baseline timed out after 2 s"]


def test_the_limit_of_the_baseline_grows_with_its_scenarios(small: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove, "SECONDS_A_SCENARIO", 100.0)
    joined: list[float] = []
    monkeypatch.setattr(prove.trials.FORK.Process, "join", lambda child, limit=None: joined.append(limit))
    monkeypatch.setattr(prove.trials, "end", BaseProcess.join)
    seed(small)
    small.feature(FEATURE + TWO_MORE)
    run(small)
    assert joined == [300.0]


def test_the_checked_out_files_stay_as_they_are(small: Suite) -> None:
    seed(small)
    before = {path: path.read_bytes() for path in small.root.rglob("*") if path.is_file()}
    run(small)
    after = {path: path.read_bytes() for path in small.root.rglob("*") if path.is_file()}
    assert after == before


def test_stale_bytecode_does_not_hide_the_defect(small: Suite) -> None:
    subprocess.run([sys.executable, "-m", "compileall", "-q", "engine"], cwd=small.root, check=True)
    compiled = {path: path.read_bytes() for path in small.root.rglob("*.pyc")}
    assert compiled
    seed(small)
    assert run(small)[0].outcome == "noticed"
    assert {path: path.read_bytes() for path in small.root.rglob("*.pyc")} == compiled


def test_each_defect_sees_only_itself(small: Suite) -> None:
    for number in range(4):
        seed(small, name=f"AC-1.3_{number}.yaml")
        seed(small, name=f"AC-3.3_{number}.yaml", criterion='"3.3"')
    outcomes = {one.defect.name: one.outcome for one in run(small)}
    assert {outcomes[f"AC-1.3_{number}"] for number in range(4)} == {"noticed"}
    assert {outcomes[f"AC-3.3_{number}"] for number in range(4)} == {"unnoticed"}


def test_scenarios_that_are_red_anyway_prove_nothing(small: Suite) -> None:
    seed(small)
    small.feature(FEATURE.replace("lasts 60", "lasts 61"))
    with pytest.raises(prove.BaselineFailed) as raised:
        run(small)
    assert raised.value.problems == ["features/r01.feature:4: a long wait is kept: it lasted 60"]


MALFORMED = {
    "old text is gone": ({"old": "return asked"}, "the old text occurs 0 times in engine/waiting.py"),
    "old text is not the only one": ({"old": "WAIT"}, "the old text occurs 2 times in engine/waiting.py"),
    "nothing changes": ({"new": "return max(asked, WAIT)"}, "it changes 0 lines; a defect changes 1 to 3"),
    "too much changes": ({"new": "|\n  a\n  b\n  c\n  d"}, "it changes 4 lines; a defect changes 1 to 3"),
    "no such criterion": ({"criterion": '"1.9"'}, "there is no criterion '1.9'"),
    "named after another criterion": ({"criterion": '"1.4"'}, "name the file AC-1.4_<mistake>.yaml"),
    "no such file": ({"file": "engine/none.py"}, "engine/none.py is not a file of engine, infra, simulator"),
    "not of the tree": (
        {"file": "traceability/mutation/prove.py"},
        "traceability/mutation/prove.py is not a file of engine",
    ),
    "another key": ({"reason": "none"}, "a defect has exactly the keys criterion, mistake, belief, file, old, new"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_defect_that_does_not_fit_is_refused_by_name(small: Suite, case: str) -> None:
    values, message = MALFORMED[case]
    seed(small, **values)
    with pytest.raises(defects.BadDefect) as raised:
        defects.load(small.root, "features", small.catalogue)
    assert str(raised.value).startswith("features/defects/AC-1.3_shorter.yaml: " + message)


def test_a_proof_holds_for_the_tree_it_was_made_on(small: Suite) -> None:
    seed(small)
    proof = prove.document(run(small), small.catalogue, tree.digest(small.root))
    path = small.root / "reports" / "prove.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(proof))
    assert record_readers.read_can_fail(path, small.root) == {"1.3": True}
    (small.root / "engine" / "waiting.py").write_text(ENGINE + "\n")
    assert record_readers.read_can_fail(path, small.root) == {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, {"1.3": True}),
        ({"outcome": "unnoticed"}, {"1.3": False}),
        ({"criterion": "1.4"}, {}),
        ({"source": "features/defects/AC-1.3_invented.yaml"}, {}),
        ({"source": "features/defects/../defects/AC-1.3_shorter.yaml"}, {}),
    ],
    ids=str,
)
def test_can_fail_follows_from_the_results_of_the_defects_in_the_tree(
    small: Suite, change: dict[str, str], expected: dict[str, bool]
) -> None:
    seed(small)
    result = {"criterion": "1.3", "source": "features/defects/AC-1.3_shorter.yaml", "outcome": "noticed"} | change
    path = small.root / "reports" / "prove.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        json.dumps({"tree": tree.digest(small.root), "can_fail": {"1.3": True, "2.1": True}, "defects": [result]})
    )
    assert record_readers.read_can_fail(path, small.root) == expected


def test_the_proof_reaches_all_outputs_of_the_last_run(small: Suite) -> None:
    (small.root / "node_modules").symlink_to(PROJECT / "node_modules")
    seed(small)
    judged = small.run()
    run_module.write_report(small.places, small.catalogue, judged)
    last = last_run.recall(small.places)
    assert last is not None
    assert last.passed == {
        ("features/r01.feature", "a long wait is kept"),
        ("features/r01.feature", "nothing is asked of the engine"),
    }
    outputs.add_proof(small.places, small.catalogue, last, {"1.3": True})
    rows = json.loads(small.places.coverage.read_text())["criteria"]
    assert {row["id"]: row["can_fail"] for row in rows if row["can_fail"] is not None} == {"1.3": True}
    assert "can fail: shown by a defect" in small.places.matrix.read_text()


def test_a_run_on_another_tree_is_not_reused(small: Suite) -> None:
    small.run()
    (small.root / "engine" / "waiting.py").write_text(ENGINE + "\n")
    assert last_run.recall(small.places) is None


def test_scenarios_that_are_known_to_pass_are_not_run_again(small: Suite) -> None:
    small.feature(FEATURE + "  @AC-1.3 @moto\n      Scenario: red by itself\n        Then a wait of 60 lasts 61\n")
    seed(small)
    chosen = defects.load(small.root, "features", small.catalogue)
    scratch = small.root / "reports" / ".prove"
    with pytest.raises(prove.BaselineFailed):
        prove.prove(small.root, "features", chosen, scratch, lambda one: None)
    known = {("features/r01.feature", "red by itself")}
    (finding,) = prove.prove(small.root, "features", chosen, scratch, lambda one: None, known)
    assert finding.noticed


def test_no_python_file_is_compiled_into_the_checked_out_tree(small: Suite) -> None:
    seed(small)
    run(small)
    assert list(Path(small.root).rglob("__pycache__")) == []
