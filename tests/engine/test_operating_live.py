"""Plans loaded and executions started, watched and cancelled from the command line, each in an AWS of its own."""

from __future__ import annotations

import json
import re

import pytest

from tests.engine.operator import TESTDATA, error_line, operator

PLAN = "plan-three-tier"


@pytest.fixture
def at():
    with operator() as at:
        at.client = at.deploy()
        yield at


def test_a_real_recovery_is_started_only_when_its_id_is_typed(at):
    for typed in ("", "\n", "yes\n", "y\n"):
        result = at.run("start", PLAN, "--recovery", typed=typed)
        assert result.exit_code in (1, 2), typed
    assert (
        error_line(result) == "Error: 'y' is not 'plan-three-tier'; nothing was started (--yes starts without asking)"
    )
    assert at.client.list_by_plan(PLAN).items == []
    result = at.run("start", PLAN, "--recovery", typed=f"{PLAN}\n")
    assert result.exit_code == 0
    assert [one["ExecutionType"] for one in at.client.list_by_plan(PLAN).items] == ["RECOVERY"]


def test_automation_starts_a_recovery_with_yes_and_a_token_only_once(at):
    first = at.run("start", PLAN, "--recovery", "--yes", "--token", "tonight", "--json")
    again = at.run("start", PLAN, "--recovery", "--yes", "--token", "tonight", "--json")
    assert json.loads(first.stdout) == json.loads(again.stdout)
    assert len(at.client.list_by_plan(PLAN).items) == 1


def test_a_drill_is_never_taken_for_the_recovery_that_was_asked_for(at):
    drill = at.run("start", PLAN).stdout.strip()
    result = at.run("start", PLAN, "--recovery", "--yes")
    assert result.exit_code == 1
    assert f"the DRILL {drill} is in the way of a RECOVERY" in result.stderr
    assert drill not in result.stdout


def test_nothing_is_started_in_an_account_that_was_not_meant(at, monkeypatch):
    monkeypatch.setenv("ENGINE_ACCOUNT", "999999999999")
    result = at.run("start", PLAN, "--recovery", "--yes")
    assert result.exit_code == 2
    assert "not 999999999999; nothing was done" in error_line(result)
    assert at.client.list_by_plan(PLAN).items == []


def test_a_running_execution_says_what_it_waits_for_and_can_be_cancelled(at):
    execution = at.run("start", PLAN).stdout.strip()
    at.aws.advance(60)
    shown = at.run("status", execution, columns=80).stdout
    assert "▶ RUNNING  0:01:0" in shown
    assert re.search(r"^Waiting for DRS to launch 2 servers \(drsjob-\w{17}\)$", shown, re.MULTILINE)
    assert "0 of 6 servers recovered" in shown
    assert at.run("cancel", execution, "--reason", "enough").exit_code == 0
    followed = at.run("status", execution, "--watch")
    assert followed.exit_code == 1
    assert "CANCELLED" in followed.stdout
    assert "clean-up  COMPLETED" in followed.stdout


def test_a_minute_without_a_network_is_borne_while_watching(at):
    execution = at.run("start", PLAN).stdout.strip()
    for service in ("dynamodb", "cloudformation"):
        at.aws.faults.lose_connection(service, times=12, source="suite", code="EndpointConnectionError")
    at.aws.faults.clear()
    at.aws.faults.lose_connection("dynamodb", "Query", times=36, source="suite", code="EndpointConnectionError")
    result = at.run("status", execution, "--watch")
    assert result.exit_code == 0, result.output
    assert result.stderr == "No connection to AWS; the execution goes on meanwhile, trying again\n"
    assert "clean-up  COMPLETED" in result.stdout


def test_files_are_loaded_all_or_none(at, tmp_path):
    good = TESTDATA / "plans" / "three-tier.json"
    result = at.run("put", str(good), str(TESTDATA / "groups.json"))
    assert result.exit_code == 0
    assert f"{good}: recovery plan {PLAN}" in result.stdout
    cases = {
        "none.json": (None, "none.json: No such file or directory"),
        "broken.json": ("{", "broken.json:1:2: not JSON"),
        "other.json": ('{"Name": "x"}', "neither a protection group (GroupId) nor a recovery plan (PlanId)"),
        "nameless.json": ('{"PlanId": ""}', "PlanId must be a text that is not empty"),
        "bytes.json": (b"\xff\xfe{", "not a text file in UTF-8"),
    }
    at.client.delete_plan(PLAN)
    for name, (content, message) in cases.items():
        file = tmp_path / name
        if content is not None:
            file.write_bytes(content.encode() if isinstance(content, str) else content)
        result = at.run("put", str(good), str(file))
        assert result.exit_code == 2
        assert message in error_line(result)
    assert at.run("start", PLAN).exit_code == 1


def test_drs_that_is_not_initialised_is_said_with_the_cure(at):
    at.aws.faults.respond(
        "drs", "DescribeSourceServers", "UninitializedAccountException", message="Account not initialized"
    )
    result = at.run("start", PLAN)
    assert result.exit_code == 1
    assert "UninitializedAccountException" in error_line(result)
    assert "aws drs initialize-service" in error_line(result)
    assert at.client.list_by_plan(PLAN).items == []
