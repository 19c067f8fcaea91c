"""Plans loaded, executions started, followed, cancelled and looked up from the command line."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from unittest.mock import patch

import pytest
from click.testing import CliRunner

from engine.core.document import timestamp
from tests.engine.cli.operator import WIDTHS, assert_whole, error_line, operator_of_engine

PLAN = "plan-three-tier"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def drilled():
    """A finished drill: operator, client, ExecutionId, output of `start --watch`. Tests only read it."""
    with operator_of_engine() as at:
        client = at.client
        result = at.run("start", PLAN, "--watch")
        yield at, client, result


def test_start_prints_the_id_and_follows_to_the_end(drilled):
    _, client, result = drilled
    assert result.exit_code == 0, result.output
    (execution,) = client.list_by_plan(PLAN).items
    lines = result.stdout.splitlines()
    assert lines[0] == execution["ExecutionId"]
    assert any(re.search(r"wave 1 .*  RUNNING$", line) for line in lines)
    assert sum("RECOVERED  i-" in line for line in lines) == 6
    assert re.search(r"execution .*  COMPLETED$", "\n".join(lines), re.MULTILINE)
    assert lines[-1].endswith("clean-up  COMPLETED")


@pytest.mark.parametrize("columns", [*WIDTHS, None], ids=[*(f"{one} columns" for one in WIDTHS), "a pipe"])
def test_ids_and_statuses_are_whole_at_any_width(drilled, columns):
    at, client, _ = drilled
    (execution,) = client.list_by_plan(PLAN).items
    record = client.get(execution["ExecutionId"])
    status = at.run("status", execution["ExecutionId"], columns=columns)
    history = at.run("history", columns=columns)
    assert (status.exit_code, history.exit_code) == (0, 0)
    for text in (status.stdout, history.stdout):
        assert execution["ExecutionId"] in text
        assert max(len(line) for line in text.splitlines()) <= (columns or 200)
    assert PLAN in history.stdout
    assert_whole(record, status.stdout.splitlines())
    assert "\x1b" not in status.stdout


def test_changes_name_the_host_of_each_server(drilled):
    _, client, result = drilled
    record = client.get(client.list_by_plan(PLAN).items[0]["ExecutionId"])
    for wave in record["Waves"]:
        for server in wave["ServerResults"]:
            assert f"{server['HostName']} ({server['SourceServerId']}) RECOVERED" in result.stdout


def test_instances_that_a_drill_has_terminated_are_not_shown_as_running(drilled):
    at, client, _ = drilled
    (execution,) = client.list_by_plan(PLAN).items
    lines = at.run("status", execution["ExecutionId"]).stdout.splitlines()
    assert [line.split()[-1] for line in lines if "RECOVERED" in line] == ["terminated"] * 6


def test_that_nobody_was_to_be_told_is_said_quietly(drilled):
    at, client, result = drilled
    (execution,) = client.list_by_plan(PLAN).items
    shown = at.run("status", execution["ExecutionId"]).stdout
    assert shown.splitlines()[-2] == "Notification: » SKIPPED, the plan names no topic"
    assert "notification" not in result.stdout


def test_json_is_the_record_as_it_is(drilled):
    at, client, _ = drilled
    (execution,) = client.list_by_plan(PLAN).items
    assert json.loads(at.run("status", execution["ExecutionId"], "--json").stdout) == client.get(
        execution["ExecutionId"]
    )
    objectives = client.get(execution["ExecutionId"])["Objectives"]
    (listed,) = json.loads(at.run("history", "--plan", PLAN, "--json").stdout)
    assert listed == execution | {"Objectives": objectives}
    (last,) = at.run("status", execution["ExecutionId"], "--watch", "--json").stdout.splitlines()
    assert json.loads(last)["Status"] == "COMPLETED"


def test_history_is_narrowed_by_plan_status_and_time(drilled):
    at, *_ = drilled
    assert UUID.search(at.run("history", "--status", "COMPLETED").stdout)
    assert at.run("history", "--status", "FAILED").stdout == "No executions.\n"
    assert at.run("history", "--plan", PLAN, "--status", "FAILED").stdout == "No executions.\n"
    assert at.run("history", "--plan", "other").stdout.startswith("No executions, and no plan other;")
    assert UUID.search(at.run("history", "--since", "2026-01-05").stdout)
    assert at.run("history", "--since", "2026-01-06").stdout == "No executions.\n"


def test_history_takes_the_times_of_a_record(drilled):
    at, client, _ = drilled
    start = datetime.fromisoformat(client.list_by_plan(PLAN).items[0]["StartTime"])
    later = start + timedelta(milliseconds=1)
    elsewhere = timezone(timedelta(hours=-5))
    for time, found in (
        (timestamp(start), 1),
        (timestamp(later), 0),
        (start.astimezone(elsewhere).isoformat(), 1),
        (later.astimezone(elsewhere).isoformat(), 0),
        (f"{start:%Y%m%dT%H%M%SZ}", 1),
        (f"{start:%Y-%m-%d}", 1),
        (f"{start:%Y-%m-%d %H:%M}", 1),
    ):
        result = at.run("history", "--since", time, "--json")
        assert (result.exit_code, len(json.loads(result.stdout)), time) == (0, found, time)
    assert "'yesterday' is not an ISO 8601 time" in error_line(at.run("history", "--since", "yesterday"))
    assert "is not an ISO 8601 time" in error_line(at.run("history", "--since", ""))


@pytest.mark.parametrize(
    "value", ["foo", "http://", "localhost:4599", "http://host:port", "http://host:0", "ftp://host"]
)
@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_LAMBDA"])
def test_a_malformed_endpoint_is_one_line(drilled, name, value):
    at, _, _ = drilled
    result = at.run("history", **{name: value})
    assert (result.exit_code, error_line(result)) == (
        2,
        f"Error: {name} must be a URL like http://127.0.0.1:4599, is {value!r}",
    )


def test_a_terminal_without_signs_gets_ascii(drilled):
    at, client, _ = drilled
    execution_id = client.list_by_plan(PLAN).items[0]["ExecutionId"]
    ascii_runner = CliRunner(charset="ascii")
    with patch("tests.engine.cli.operator.CliRunner", lambda: ascii_runner):
        status, listed = at.run("status", execution_id), at.run("history", "--json")
    assert (status.exit_code, listed.exit_code) == (0, 0)
    assert sum("+ RECOVERED" in line for line in status.stdout.splitlines()) == 6
    assert json.loads(listed.stdout)[0]["ExecutionId"] == execution_id


def test_an_unknown_status_is_refused_with_those_there_are(drilled):
    at, *_ = drilled
    result = at.run("history", "--status", "SLEEPING")
    assert result.exit_code == 2
    assert "'SLEEPING' is not one of 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED'" in " ".join(result.stderr.split())


@pytest.mark.parametrize("command", ["status", "cancel"])
def test_an_unknown_execution(drilled, command):
    at, *_ = drilled
    result = at.run(command, "11111111-2222-3333-4444-555555555555")
    assert result.exit_code == 1
    assert error_line(result) == (
        "Error: there is no execution 11111111-2222-3333-4444-555555555555; `history` lists them"
    )


def test_an_unknown_plan(drilled):
    at, *_ = drilled
    result = at.run("start", "plan-none")
    assert result.exit_code == 1
    assert error_line(result) == "- plan plan-none does not exist; `plans` lists all plans, `apply` loads one"


def test_an_execution_that_is_over_cannot_be_cancelled(drilled):
    at, client, _ = drilled
    (execution,) = client.list_by_plan(PLAN).items
    result = at.run("cancel", execution["ExecutionId"])
    assert (result.exit_code, error_line(result)) == (
        1,
        f"Error: execution {execution['ExecutionId']} has already ended: COMPLETED",
    )


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["start", ""], "PLAN_ID"),
        (["start", "a\nb"], "PLAN_ID"),
        (["start", PLAN, "--token", ""], "--token"),
        (["status", " "], "EXECUTION_ID"),
        (["cancel", "x" * 3000], "EXECUTION_ID"),
        (["history", "--plan", ""], "--plan"),
    ],
)
def test_what_cannot_be_an_id_is_refused_before_aws_is_asked(drilled, words, name):
    at, *_ = drilled
    result = at.run(*words)
    assert result.exit_code == 2
    assert len(result.stderr.splitlines()) == 1
    assert error_line(result).startswith(f"Error: {name} must be 1 to 500 printable characters, is ")
