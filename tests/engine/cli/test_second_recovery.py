"""A second recovery over servers that run from a recovery, as an operator types it at a terminal of 80 x 24."""

from __future__ import annotations

import json

import pytest

from tests.engine.cli.operator import operator_of_engine

PLAN, OTHER = "plan-three-tier", "plan-database"


@pytest.fixture
def at():
    """The three tiers, whose database waits half an hour for its data, and another plan over the database alone."""
    with operator_of_engine() as found:
        database, *others = found.plan()["Waves"]
        found.client.put_plan(found.plan() | {"Waves": [database | {"WaitTimeSeconds": 1800}, *others]})
        found.client.put_plan({"PlanId": OTHER, "PlanName": "Database alone", "Waves": [database]})
        found.first = json.loads(found.run("start", PLAN, "--recovery", "--yes", "--json").stdout)["ExecutionId"]
        found.aws.advance(900)
        yield found


def screen(result) -> str:
    """The answer on standard error, if it fits the terminal."""
    lines = result.stderr.splitlines()
    assert result.exit_code == 1, result.output
    # Ids of plans and servers may make a command longer than a line.
    assert max(len(line) for line in lines if not line.startswith("  python")) <= 80
    assert len(lines) <= 22
    return str(result.stderr)


def launches(at) -> int:
    return sum(call.operation == "StartRecovery" for call in at.aws.journal)


def test_a_recovery_of_another_plan_is_led_past_the_one_that_runs(at):
    answer = screen(at.run("start", OTHER, "--recovery", "--yes", columns=80))
    assert "2 of its servers run from an earlier recovery." in answer
    assert f"Recovered by execution {at.first}, which still runs." in answer
    answer = screen(at.run("start", OTHER, "--recovery", "--existing", "keep", "--yes", columns=80))
    assert f"RECOVERY {at.first} (RUNNING)\nof plan {PLAN} has:" in answer
    assert f"  python -m engine cancel {at.first}" in answer
    assert launches(at) == 1
    passed = at.run(
        "start", OTHER, "--recovery", "--existing", "keep", "--take-over", at.first, "--yes", "--watch", columns=80
    )
    assert passed.exit_code == 0, passed.output
    [second] = at.client.list_by_plan(OTHER).items
    assert at.run("status", second["ExecutionId"], columns=80).stdout.count("adopted, running") == 2
    assert launches(at) == 1
    at.aws.advance(60)
    ended = at.client.get(at.first)
    assert ended["Status"] == "CANCELLED"
    assert ended["StatusReason"].endswith(f"{second['ExecutionId']} of plan {OTHER} takes over its servers")


def test_a_second_start_of_the_same_plan_returns_the_one_that_runs(at):
    again = at.run("start", PLAN, "--recovery", "--yes")
    assert (again.exit_code, again.stdout.strip()) == (0, at.first)
    assert launches(at) == 1


def test_a_drill_of_recovered_servers_is_one_refusal(at):
    answer = screen(at.run("start", OTHER, columns=80))
    assert "2 of its servers were recovered for real." in answer
    assert len(answer.splitlines()) == 6
    assert launches(at) == 1
