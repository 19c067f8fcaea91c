"""The invariants of every execution, on calls that break them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from features import invariants
from features.targets import EngineCall

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def save(saved: int, **condition: Any) -> dict[str, Any]:
    return {"Item": {"ExecutionId": {"S": "1"}, "Version": {"N": str(saved)}}, **condition}


def over(read: int) -> dict[str, Any]:
    return {
        "ConditionExpression": "Version = :version",
        "ExpressionAttributeValues": {":version": {"N": str(read)}},
    }


def call(operation: str, parameters: dict[str, Any]) -> EngineCall:
    return EngineCall("dynamodb", operation, parameters, None, NOW, NOW, "engine", "111122223333", "1")


@pytest.mark.parametrize(
    ("put", "problem"),
    [
        (save(4, **over(3)), None),
        (save(1, ConditionExpression="attribute_not_exists(ExecutionId)"), None),
        ({"Item": {"ExecutionId": {"S": "1"}}}, None),
        (save(3, **over(3)), "version 3 of a record was saved over version 3"),
        (save(5, **over(3)), "version 5 of a record was saved over version 3"),
        (save(4), "version 4 of a record was saved whatever version was there"),
    ],
)
def test_a_save_replaces_the_version_that_was_read_by_the_next_one(put: dict[str, Any], problem: str | None) -> None:
    expected = [problem] if problem else []
    assert list(invariants.unguarded_saves([call("PutItem", put)])) == expected
    writes = {"TransactItems": [{"Delete": {"Key": {}}}, {"Put": put}]}
    assert list(invariants.unguarded_saves([call("TransactWriteItems", writes)])) == expected


def job(attempt: str | None, server: str = "s-1") -> dict[str, Any]:
    tags = {invariants.EXECUTION_TAG: "1", invariants.WAVE_TAG: "1", invariants.ATTEMPT_TAG: attempt}
    return {
        "jobID": "drsjob-1",
        "creationDateTime": "2026-01-05T09:00:00Z",
        "endDateTime": "2026-01-05T09:00:00Z",
        "tags": {name: value for name, value in tags.items() if value is not None},
        "participatingServers": [{"sourceServerID": server}],
    }


@pytest.mark.parametrize(
    ("attempts", "problems"),
    [(["1", "2"], 0), (["1", "1"], 1), (["0"], 1), ([None], 1)],
)
def test_each_attempt_of_a_wave_has_a_number_and_one_job(attempts: list[str | None], problems: int) -> None:
    jobs = [job(attempt, f"s-{place}") for place, attempt in enumerate(attempts)]
    assert len(list(invariants.one_job_a_server(jobs))) == problems


def intent(attempt: int) -> dict[str, Any]:
    servers = [{"M": {"SourceServerId": {"S": "s-1"}, "LaunchAttempt": {"N": str(attempt)}}}]
    return {"Item": {"ExecutionId": {"S": "1"}, "ServerResults": {"L": servers}}}


def launch(attempt: int) -> EngineCall:
    tags = {invariants.EXECUTION_TAG: "1", invariants.ATTEMPT_TAG: str(attempt)}
    return call("StartRecovery", {"sourceServers": [{"sourceServerID": "s-1"}], "tags": tags})


def test_the_record_names_each_attempt_before_its_launch_is_requested() -> None:
    save_1, lost = call("PutItem", intent(1)), replace(call("PutItem", intent(1)), error="ConnectionClosedError")
    refused = replace(save_1, error="ConditionalCheckFailedException")
    problem = ["execution 1 launched s-1 before attempt 1 was saved"]
    assert list(invariants.launches_without_intent([save_1, launch(1)])) == []
    assert list(invariants.launches_without_intent([lost, launch(1)])) == []
    assert list(invariants.launches_without_intent([launch(1), save_1])) == problem
    assert list(invariants.launches_without_intent([refused, launch(1)])) == problem
    assert list(invariants.launches_without_intent([call("PutItem", intent(2)), launch(1)])) == problem
