"""The pictures and tables of a scenario, and how the target follows from the endpoints that were called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from traceability.model import run_notes
from traceability.recording import evidence

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Call:
    operation: str
    parameters: Mapping[str, Any]
    second: float
    error_code: str | None = None
    service: str = "drs"
    response: Mapping[str, Any] | None = None
    error_message: str | None = None
    account: str = "111122223333"
    region: str = "us-east-1"
    principal: str = "arn:aws:sts::111122223333:assumed-role/engine/function"
    source: str = "lambda"
    ended: datetime = field(default=START)

    @property
    def started(self) -> datetime:
        return START + timedelta(seconds=self.second)


CALLS = [
    Call("StartRecovery", {"sourceServers": [{"sourceServerID": "s-1"}]}, 2, "ThrottlingException"),
    Call("StartRecovery", {"sourceServers": [{"sourceServerID": "s-1"}]}, 4),
    Call("DescribeInstanceStatus", {"InstanceIds": ["i-0123456789"]}, 540, service="ec2"),
]


def table(*calls: Call) -> list[dict[str, Any]]:
    return list(evidence._call_rows(calls))


def test_the_table_of_calls_names_error_and_principal() -> None:
    refused = table(*CALLS)[0]
    assert refused["failed"]
    assert refused["result"].startswith("ThrottlingException")
    assert refused["who"] == "assumed-role/engine/function in 111122223333 us-east-1"


def test_a_call_like_an_earlier_one_names_it() -> None:
    poll = {"filters": {"jobIDs": ["drsjob-0123456789abcdef0"]}}
    first, other, again = table(
        Call("DescribeJobs", poll, 0), Call("DescribeJobs", {"filters": {}}, 30), Call("DescribeJobs", poll, 60)
    )
    assert first["parameters"] == "{filters: {jobIDs: [drsjob-0123456789abcdef0]}}"
    assert other["parameters"] == "{filters: {}}"
    assert again["parameters"] == "as #1"


def test_secret_fields_are_masked_in_the_table() -> None:
    answer = {"Credentials": {"SecretAccessKey": "planted", "AccessKeyId": "planted"}}
    (row,) = table(Call("AssumeRole", {"RoleArn": "arn:aws:iam::1:role/r"}, 0, response=answer))
    assert row["result"] == "{Credentials: {SecretAccessKey: ***, AccessKeyId: ***}}"


def test_long_values_say_what_is_left_out() -> None:
    value = {"servers": list(range(12)), "body": "x" * 90, "deep": {"a": {"b": {"c": {"d": 1}}}}, "zip": b"1234"}
    assert evidence.abridged(value, items=2, text=10) == {
        "servers": [0, 1, "… (10 more)"],
        "body": "xxxxxxxxxx … (80 more characters)",
        "deep": {"a": {"b": {"c": "… (1 fields)"}}},
        "zip": "… (4 bytes)",
    }


ENDPOINTS = [
    ([], ""),
    ([("drs.us-east-1.amazonaws.com", False)], "moto"),
    ([("127.0.0.1:5000", True)], "aws-rehearsal"),
    ([("[::1]:5000", True)], "aws-rehearsal"),
    ([("drs.us-east-1.amazonaws.com", True)], "aws"),
    ([("drs.us-east-1.amazonaws.com", True), ("127.0.0.1:5000", True)], ""),
    ([("drs.us-east-1.amazonaws.com", False), ("sts.amazonaws.com", True)], ""),
    ([("amazonaws.com.example.org", True)], ""),
]


@pytest.mark.parametrize(("called", "target"), ENDPOINTS)
def test_the_target_follows_from_the_endpoints(called: list[tuple[str, bool]], target: str) -> None:
    assert run_notes.target_of([{"host": host, "connected": connected} for host, connected in called]) == target
