"""Two statements of a record that contradict each other are found; a record that agrees with itself is left alone."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from features.record_agreement import disagreements

Document = dict[str, Any]
TIMES = {"StartTime": "2026-01-05T09:00:00.000Z", "EndTime": "2026-01-05T09:02:00.500Z"}
FOUND = {"RecoveryInstanceId": "i-1", "HealthChecks": 2, "HealthStatus": "running", "DataAgeSeconds": 9}
RECORD: Document = {
    "ExecutionId": "e",
    "Status": "FAILED",
    "StatusReason": "failed: wave 1 (Database); waves skipped: 1",
    **TIMES,
    "DurationSeconds": 120,
    "ServerCount": 4,
    "OptionalServerCount": 1,
    "OptionalNotRecovered": 1,
    "Waves": [
        {
            "WaveNumber": 1,
            "WaveName": "Database",
            "Status": "FAILED",
            "StatusReason": "1 of 3 servers not recovered: database-2 (s-2)",
            **TIMES,
            "DurationSeconds": 120,
            "ServerCount": 3,
            "OptionalServerCount": 1,
            "OptionalNotRecovered": 1,
            "ServerResults": [
                {"SourceServerId": "s-1", "Status": "RECOVERED", **TIMES, **FOUND},
                {"SourceServerId": "s-2", "HostName": "database-2", "Status": "FAILED", "ErrorMessage": "no", **TIMES},
                {"SourceServerId": "s-3", "Status": "FAILED", "ErrorMessage": "no", "Optional": True, **TIMES},
            ],
        },
        {
            "WaveNumber": 2,
            "Status": "SKIPPED",
            "StatusReason": "depends on wave 1 (Database), which failed",
            "ServerCount": 1,
            "ServerResults": [{"SourceServerId": "s-4", "Status": "SKIPPED", "StatusReason": "wave 1 failed"}],
        },
    ],
    "Objectives": {
        "RecoveryTime": {"TargetSeconds": 120, "ActualSeconds": 120, "Met": False},
        "RecoveryPoint": {"WorstSeconds": 9},
    },
}


def test_a_record_that_agrees_with_itself_has_no_disagreement() -> None:
    assert list(disagreements(RECORD)) == []


def wave(changed: Document, number: int = 1) -> Document:
    found: Document = changed["Waves"][number - 1]
    return found


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda one: one.update(ServerCount=3), "execution e has ServerCount 3, its server results say 4"),
        (lambda one: wave(one).pop("OptionalServerCount"), "wave 1 (Database) has OptionalServerCount None"),
        (lambda one: one.update(OptionalNotRecovered=2), "OptionalNotRecovered 2, its server results say 1"),
        (lambda one: wave(one).update(DurationSeconds=121), "DurationSeconds 121, its times say 120"),
        (lambda one: wave(one, 2).update(DurationSeconds=0), "wave 2 (no name) has DurationSeconds 0 and no end"),
        (lambda one: one.update(Status="COMPLETED"), "the execution is COMPLETED, wave 1 (Database) is FAILED"),
        (lambda one: one.pop("StatusReason"), "the execution is FAILED with the reason ''"),
        (
            lambda one: one.update(StatusReason="failed: wave 1 (Database)"),
            "its waves say 'failed: wave 1 (Database); w",
        ),
        (lambda one: wave(one, 2).update(Status="CANCELLED"), "wave 2 (no name) is CANCELLED, the execution is FAILED"),
        (lambda one: wave(one).update(Status="COMPLETED"), "wave 1 (Database) is COMPLETED, server s-2 is FAILED"),
        (lambda one: wave(one).update(StatusReason="2 of 3 servers not recovered: a"), "its servers say '1 of 3"),
        (lambda one: wave(one, 2).update(Status="PENDING", StartTime="now"), "is PENDING, its start: now"),
        (lambda one: wave(one)["ServerResults"][0].update(ErrorMessage="x"), "server s-1 is RECOVERED, its error: x"),
        (lambda one: wave(one)["ServerResults"][0].pop("EndTime"), "server s-1 is RECOVERED, its end: None"),
        (
            lambda one: wave(one)["ServerResults"][0].pop("HealthStatus"),
            "server s-1 has 2 health checks, the last: None",
        ),
        (lambda one: wave(one)["ServerResults"][0].pop("RecoveryInstanceId"), "has no recovery instance"),
        (lambda one: wave(one, 2)["ServerResults"][0].pop("StatusReason"), "server s-4 is SKIPPED, its reason: None"),
        (lambda one: one["Objectives"]["RecoveryPoint"].clear(), "WorstSeconds None, its servers say 9"),
        (lambda one: one["Objectives"]["RecoveryTime"].update(Met=True), "the record judges RecoveryTime wrongly"),
    ],
)
def test_each_contradiction_is_found(change: Callable[[Document], object], found: str) -> None:
    changed = deepcopy(RECORD)
    change(changed)
    assert any(found in line for line in disagreements(changed)), list(disagreements(changed))
