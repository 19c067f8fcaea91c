"""What an operator reads when a command ends early, and before a command does what cannot be undone."""

from __future__ import annotations

import itertools
from io import BytesIO
from unittest.mock import patch

import pytest
from botocore.exceptions import ClientError

from engine.client import EngineClient
from tests.engine.cli.operator import error_line, operator_of_engine
from tests.engine.deployed import STACK

PLAN = "plan-three-tier"


@pytest.fixture
def at():
    with operator_of_engine() as one:
        yield one


def interrupt(*arguments, **options):
    raise KeyboardInterrupt


def expire(*arguments, **options):
    raise ClientError({"Error": {"Code": "ExpiredTokenException", "Message": "expired"}}, "Invoke")


@pytest.mark.parametrize(
    ("command", "method", "lines"),
    [
        (
            ("start", PLAN, "--recovery", "--yes"),
            "start_or_find",
            [
                "Interrupted: it is not known whether an execution was started; look:",
                f"  python -m engine history --plan {PLAN} --stack {STACK}",
            ],
        ),
        (("history",), "list_by_status", ["Interrupted."]),
        (
            ("cancel", "e-1"),
            "cancel",
            ["Interrupted: AWS may have taken the last request; look at the result before you repeat the command."],
        ),
    ],
)
def test_an_interrupted_command_claims_only_what_is_known(at, command, method, lines):
    with patch.object(EngineClient, method, interrupt):
        result = at.run(*command)
    assert result.exit_code == 130
    assert result.stderr.strip().splitlines() == lines


@pytest.mark.parametrize(
    ("failure", "code", "first"),
    [
        (interrupt, 130, "Interrupted: the execution continues; watch it:"),
        (
            expire,
            1,
            "Error: the AWS credentials have expired; sign in again (aws sso login, or new keys in the environment); "
            "the execution continues; watch it:",
        ),
    ],
)
def test_a_watcher_that_ends_early_says_that_the_execution_continues(at, failure, code, first):
    execution_id = at.client.start(PLAN)
    with patch("engine.cli.watching.changes", failure):
        result = at.run("status", execution_id, "--watch")
    assert result.exit_code == code
    assert result.stderr.strip().splitlines() == [
        first,
        f"  python -m engine status {execution_id} --watch \\",
        f"    --stack {STACK}",
    ]


def test_an_unknown_execution_does_not_continue(at):
    result = at.run("status", "e-1", "--watch")
    assert "continues" not in result.stderr


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_watcher_whose_table_is_deleted_says_so_and_promises_nothing(at, options):
    execution_id = at.client.start(PLAN)
    dynamodb, table = at.aws.session().client("dynamodb"), f"{STACK}-execution-history"
    waits, advance = itertools.count(), at.aws.advance

    def advance_and_delete(seconds):
        advance(seconds)
        if next(waits) == 7:
            dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
            dynamodb.delete_table(TableName=table)

    with patch.object(at.aws, "advance", advance_and_delete):
        result = at.run("status", execution_id, "--watch", *options)
    assert result.exit_code == 1
    assert result.stderr == (
        "Error: the engine's table does not exist (Query: Requested resource not found): "
        "its stack was deleted or is being deleted\n"
    )


class Interrupted(BytesIO):
    """Standard input at which an operator presses Ctrl-C."""

    def read1(self, size=-1):
        raise KeyboardInterrupt


@pytest.mark.parametrize(("typed", "code"), [(Interrupted(), 130), ("", 1)])
def test_a_question_without_an_answer_starts_nothing(at, typed, code):
    result = at.run("start", PLAN, "--recovery", typed=typed)
    assert (result.exit_code, error_line(result)) == (code, "Stopped: the command did nothing.")
    assert at.client.list_by_plan(PLAN).items == []


def test_the_question_before_a_recovery_says_what_is_launched_and_where(at):
    result = at.run("start", PLAN, "--recovery", "--cancel-drills", typed="no\n")
    assert result.stderr.splitlines()[:4] == [
        f"This is a real recovery of {PLAN}: its servers are launched for production and stay.",
        f"3 waves with 6 servers, in account {at.aws.account}, Region {at.aws.region}.",
        "Drills that hold its servers are cancelled.",
        "Type the id of the plan to continue: no",
    ]


def test_the_history_of_a_misspelt_plan_names_the_plan_that_was_meant(at):
    assert at.run("history", "--plan", PLAN).stdout == "No executions.\n"
    shown = at.run("history", "--plan", "plan-tree-tier").stdout
    assert shown == f"No executions, and no plan plan-tree-tier; did you mean {PLAN}?\n"
