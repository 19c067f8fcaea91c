"""The scenarios are shared out over processes, and their results form one run."""

from __future__ import annotations

import pytest

from tests.traceability.conftest import Suite
from traceability.bundle import last_run
from traceability.running import processes
from traceability.running.run import BadInput

SMALL = "Feature: {name}\n" + "".join(
    f"  @AC-{{requirement}}.{number} @moto\n  Scenario: {{name}} {number}\n    Then nothing is wrong\n"
    for number in (1, 2)
)


def three(suite: Suite) -> Suite:
    for number, name in enumerate(("one", "two", "three"), 1):
        suite.feature(SMALL.format(name=name, requirement=number), f"r0{number}.feature")
    return suite


def test_durations_of_the_last_run_are_read_if_possible(suite: Suite) -> None:
    three(suite).run()
    assert set(last_run.seconds(suite.places)) == {
        (f"features/r0{number}.feature", f"{name} {row}")
        for number, name in enumerate(("one", "two", "three"), 1)
        for row in (1, 2)
    }
    suite.places.coverage.write_text("half a fi")
    assert last_run.seconds(suite.places) == {}


def test_a_shared_run_reconciles_like_one(suite: Suite) -> None:
    judged = three(suite).run(processes=2)
    assert judged.differences == []
    assert judged.coverage["totals"]["proven"] == 6
    assert len(list(suite.places.notes.glob("endpoints-*.json"))) == 2
    assert len(list(suite.places.junit.glob("*.xml"))) > 3, "no feature was shared out"


def test_a_few_scenarios_start_one_process(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    three(suite).run()
    assert len(list(suite.places.notes.glob("endpoints-*.json"))) == 1


def test_as_many_processes_run_as_the_user_asks_for(suite: Suite) -> None:
    judged = three(suite).run(processes=3)
    assert judged.differences == []
    assert len(list(suite.places.notes.glob("endpoints-*.json"))) == 3


def test_a_process_that_dies_does_not_hide_behind_the_other(suite: Suite) -> None:
    dies = "\nimport os\ndef before_feature(context, feature):\n    if feature.name == 'two':\n        os._exit(3)\n"
    judged = three(suite).environment(dies).run(processes=2)
    assert any("two 1" in line for line in judged.differences)
    assert judged.coverage["totals"]["proven"] == 0


def test_a_run_that_stalls_is_ended(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(processes.STALLED_SECONDS, "moto", 2.0)
    waits = "\nimport threading\ndef before_all(context):\n    threading.Event().wait()\n"
    judged = suite.scenario("Then nothing is wrong").environment(waits).run()
    assert "JUnit has no result at all: behave ended before the first result" in judged.differences


def test_a_suite_that_refuses_to_start_is_not_evaluated(suite: Suite) -> None:
    refuses = "\nimport os\ndef before_all(context):\n    os._exit(2)\n"
    with pytest.raises(BadInput) as refusal:
        suite.scenario("Then nothing is wrong").environment(refuses).run()
    assert refusal.value.problems[0].startswith("the suite did not start: ")
    assert not suite.places.coverage.exists()
    assert not list(suite.places.reports.glob("history/*"))


def test_a_suite_that_refuses_to_start_keeps_the_last_run(suite: Suite) -> None:
    suite.scenario("Then nothing is wrong").run()
    before = contents(suite)
    assert {"coverage.json", "matrix.html", ".run/last_run.json"} <= set(before)
    with pytest.raises(BadInput, match="1 problem in the input"):
        suite.environment("\nimport os\ndef before_all(context):\n    os._exit(2)\n").run()
    assert contents(suite) == before


def test_a_run_removes_the_files_of_the_last_one(suite: Suite) -> None:
    suite.scenario("Then nothing is wrong").run()
    left = [suite.places.allure_results / "of-the-last-run.json", suite.places.manifest]
    for path in left:
        path.write_text("{}")
    suite.run()
    assert not [path for path in [*left, suite.places.set_aside] if path.exists()]


def contents(suite: Suite) -> dict[str, bytes]:
    reports = suite.places.reports
    return {str(path.relative_to(reports)): path.read_bytes() for path in reports.rglob("*") if path.is_file()}
