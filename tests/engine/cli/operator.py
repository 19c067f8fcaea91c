"""An operator at a terminal: the command line in this process, against the simulated AWS."""

from __future__ import annotations

from contextlib import contextmanager
from typing import IO
from unittest.mock import patch

from click.testing import CliRunner

from engine.cli import main
from engine.client import EngineClient
from simulator import Simulator
from tests.engine.deployed import (
    STACK,
    add_test_data,
    aws_with_test_data,
    client_of,
    deploy,
    three_tier_plan,
)

WIDTHS = (40, 60, 80, 100, 140)


class Operator:
    """Runs commands as typed in a terminal; their waits run on the virtual clock."""

    def __init__(self, aws: Simulator) -> None:
        self.aws = aws

    def run(self, *words: str, typed: str | IO[bytes] = "", columns: int | None = None, **environment: str | None):
        variables = {"ENGINE_STACK": STACK, "COLUMNS": str(columns) if columns else None, **environment}
        with (
            patch("engine.cli.stack.pause", self.aws.advance),
            patch("engine.cli.watching.pause", self.aws.advance),
        ):
            return CliRunner().invoke(main, list(words), input=typed, env=variables)

    def deploy(self) -> EngineClient:
        """The stack, the test data's groups and plan, and DRS replicating their servers."""
        client = deploy(self.aws)
        self.aws.drs.initialize()
        add_test_data(self.aws, client)
        return client

    plan = staticmethod(three_tier_plan)


@contextmanager
def operator():
    """In an empty AWS."""
    with Simulator() as aws:
        yield Operator(aws)


@contextmanager
def operator_of_engine():
    """In an AWS with the engine and the test data; `client` is the engine's client."""
    with aws_with_test_data() as aws:
        found = Operator(aws)
        found.client = client_of(aws)
        yield found


def error_line(result) -> str:
    """The one line, or cause and cure, that the operator reads; a traceback is a defect."""
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.stderr.strip().splitlines()[-1] if result.stderr.strip() else ""


def assert_whole(record, lines: list[str]) -> None:
    """One line contains each server's full id and status, this or the next one its instance or job, the name near."""
    words = [line.split() for line in lines]
    assert [record["ExecutionId"]] in words
    for wave in record["Waves"]:
        for server in wave["ServerResults"]:
            at = next(number for number, line in enumerate(words) if server["SourceServerId"] in line)
            assert server["Status"] in words[at]
            assert server["HostName"] in [word for line in words[max(0, at - 1) : at + 2] for word in line]
            place = server.get("Ec2InstanceId") or server.get("DrsJobId")
            state = "terminated" if "TerminatedTime" in server else server.get("HealthStatus")
            for detail in filter(None, (place, state)):
                assert detail in words[at] + words[at + 1], (detail, lines)


def left(at: Operator) -> dict[str, list[str]]:
    """The engine's resources in an account."""
    session = at.aws.session()
    return {
        "stacks": [one["StackName"] for one in session.client("cloudformation").describe_stacks()["Stacks"]],
        "tables": sorted(session.client("dynamodb").list_tables()["TableNames"]),
        "buckets": [one["Name"] for one in session.client("s3").list_buckets()["Buckets"]],
        "log groups": [one["logGroupName"] for one in session.client("logs").describe_log_groups()["logGroups"]],
    }


NOTHING = {"stacks": [], "tables": [], "buckets": [], "log groups": []}
