"""An operator at a terminal: the command line in this process, against the simulated AWS."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from unittest.mock import patch

from click.testing import CliRunner

from engine.cli import main
from engine.client import EngineClient
from engine.deploy import deployment
from simulator import Simulator
from tests.engine.job_times import SHORT_JOBS

TESTDATA = Path(__file__).parents[3] / "testdata"
STACK = "engine-test"
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

    def deploy(self, jobs: Mapping[str, int] = SHORT_JOBS) -> EngineClient:
        """The stack, the test data's groups and plan, and DRS replicating their servers; `jobs` are its times."""
        stack = deployment.deploy(self.aws.session(), STACK, parameters={"KeepData": "no"})
        client = EngineClient(self.aws.session(), stack.outputs)
        self.aws.drs.initialize()
        for group in json.loads((TESTDATA / "groups.json").read_text()):
            client.put_group({**group, "AccountId": self.aws.account})
            for server in group["SourceServerIds"]:
                self.aws.drs.add_source_server(server)
                self.aws.drs.set_launch(server, **jobs)
        client.put_plan(self.plan())
        return client

    @staticmethod
    def plan() -> dict[str, object]:
        plan: dict[str, object] = json.loads((TESTDATA / "plans" / "three-tier.json").read_text())
        return plan


@contextmanager
def operator():
    with Simulator() as aws:
        yield Operator(aws)


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
