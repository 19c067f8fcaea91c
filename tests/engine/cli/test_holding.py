"""Approval, pause and objectives at the command line: what an operator sees and types."""

from __future__ import annotations

import pytest

from engine.cli.objectives import estimate, objective_lines, trend
from tests.engine.cli.operator import error_line, operator_of_engine
from tests.engine.core.simulated_aws import START
from tests.engine.deployed import STACK

PLAN = "plan-three-tier"


@pytest.fixture
def waiting():
    """A drill whose second wave waits for approval: operator, client, ExecutionId."""
    with operator_of_engine() as at:
        client = at.client
        plan = at.plan()
        plan["Waves"][1]["Approval"] = {"Required": True, "TimeoutSeconds": 7200, "Message": "Is the database whole?"}
        plan["RecoveryTimeObjectiveSeconds"] = 7200
        client.put_plan(plan)
        execution_id = client.start(PLAN)
        at.aws.advance(1800)
        yield at, client, execution_id


def status(at, execution_id):
    return at.run("status", execution_id, columns=80).stdout


def test_the_status_says_what_to_type_and_the_wave_goes_on(waiting):
    at, client, execution_id = waiting
    shown = status(at, execution_id)
    assert "Waiting for the approval of wave 2 until " in shown
    assert ": Is the database whole?\n" in shown
    assert f"  python -m engine approve {execution_id} --wave 2 \\\n    --stack {STACK}\n" in shown
    assert "Recovery time objective 2:00:00: 1:" in shown
    assert max(map(len, shown.splitlines())) <= 80
    given = at.run("approve", execution_id, "--wave", "2", "--comment", "whole")
    assert given.output == f"{execution_id}: wave 2 is approved; it starts within 60 seconds\n"
    at.aws.advance(3600)
    assert client.get(execution_id)["Status"] == "COMPLETED"
    assert "Wave 2 APPROVED 2026-01-05 09:" in status(at, execution_id)
    again = at.run("reject", execution_id, "--wave", "2")
    assert (again.exit_code, error_line(again)) == (
        1,
        f"Error: execution {execution_id} has already ended: COMPLETED",
    )


@pytest.mark.parametrize("columns", [80, 140])
def test_history_says_which_running_execution_waits_for_a_person(waiting, columns):
    at, client, execution_id = waiting

    def line():
        found = at.run("history", columns=columns).stdout.splitlines()
        assert max(map(len, found)) <= columns
        return next(one for one in found if execution_id in one)

    assert "awaits approval of wave 2" in line()
    client.pause(execution_id)
    client.approve(execution_id, 2)
    assert "paused" in line()
    client.continue_(execution_id)
    assert not {"paused", "awaits"} & set(line().replace(",", " ").split())


def test_a_pause_is_shown_with_the_command_that_ends_it(waiting):
    at, client, execution_id = waiting
    assert at.run("pause", execution_id).exit_code == 0
    given = at.run("approve", execution_id, "--wave", "2").stdout
    goes_on = f"  python -m engine continue {execution_id} \\\n    --stack {STACK}"
    assert given == f"{execution_id}: wave 2 is approved; the execution is paused; to start it:\n{goes_on}\n"
    at.aws.advance(600)
    shown = status(at, execution_id)
    assert (
        f"Waiting for the end of the pause\n  python -m engine continue {execution_id} \\\n    --stack {STACK}\n"
        in shown
    )
    assert "Paused since 2026-01-05 09:30:" in shown
    assert client.get(execution_id)["Waves"][1]["Status"] == "PENDING"
    assert at.run("continue", execution_id).output == f"{execution_id}: continues within 60 seconds\n"
    again = at.run("continue", execution_id)
    assert (again.exit_code, error_line(again)) == (1, f"Error: execution {execution_id} is not paused")


@pytest.mark.parametrize("command", ["approve", "reject"])
@pytest.mark.parametrize(
    ("execution", "wave", "said"),
    [
        (None, "7", "Error: execution {id} has no wave 7"),
        (None, "3", "Error: wave 3 (Web) does not wait for an approval; wave 2 (Application) does"),
        ("0d4b1b3a-0000-4000-8000-000000000001", "2", "Error: there is no execution {id}; `history` lists them"),
    ],
)
def test_a_decision_that_has_no_effect_is_one_line(waiting, command, execution, wave, said):
    at, _, running = waiting
    result = at.run(command, execution or running, "--wave", wave)
    assert (result.exit_code, error_line(result)) == (1, said.format(id=execution or running))


def test_the_engines_own_function_takes_no_approval(waiting):
    _, client, execution_id = waiting
    event = {"Action": "approve", "ExecutionId": execution_id, "WaveNumber": 2, "By": "somebody"}
    with pytest.raises(Exception, match="unknown Action 'approve'"):
        client._invoke(event)
    assert "Approvals" not in client.get(execution_id)


def record(status="COMPLETED", **objectives):
    return {"Status": status, "ExecutionType": "DRILL", "StartTime": START.isoformat(), "Objectives": objectives}


def test_objectives_are_one_line_each():
    ended = record(
        RecoveryTime={"TargetSeconds": 3600, "ActualSeconds": 750, "Met": True},
        RecoveryPoint={"TargetSeconds": 3600, "WorstSeconds": 21 * 86400, "Met": False},
    )
    assert list(objective_lines(ended, START)) == [
        "✔ Recovery time: 0:12:30, objective 1:00:00 met",
        "✘ Oldest data: 21 days, objective 1:00:00 not met",
    ]
    assert list(objective_lines(record(RecoveryTime={"ActualSeconds": 750}), START)) == ["Recovery time: 0:12:30"]


def test_an_estimate_says_that_it_is_one_and_what_it_rests_on():
    running = record("RUNNING")
    assert estimate(running, [600, 900, 700], START) == "Estimate: 0:11:40 left, by the median of 3 earlier runs"
    assert estimate(running, [], START) == ""
    assert estimate(record(), [600], START) == ""


def test_the_trend_has_completed_runs_of_one_kind_oldest_first():
    runs = [record(RecoveryTime={"ActualSeconds": seconds}) for seconds in (600, 660, 900)]
    failed = record("FAILED", RecoveryTime={"ActualSeconds": 5})
    assert list(trend([*runs, failed])) == [
        "Recovery time of drills, oldest first: 0:15:00 0:11:00 0:10:00; median 0:11:00"
    ]
    assert list(trend(runs[:1])) == []
