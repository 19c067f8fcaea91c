"""The timeline of an execution: rows, bars and marks, and the picture made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree import ElementTree

import pytest

from engine.report.timeline import MOST_SERVERS, Bar, Mark, clock, layout, timeline_svg

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Call:
    operation: str
    parameters: Mapping[str, Any]
    second: float
    error_code: str | None = None
    service: str = "drs"

    @property
    def started(self) -> datetime:
        return START + timedelta(seconds=self.second)


def iso(second: float) -> str:
    return (START + timedelta(seconds=second)).isoformat(timespec="milliseconds")


def server(name: str, **values: Any) -> dict[str, Any]:
    return {"SourceServerId": name, "Status": "RECOVERED", **values}


WAVES: list[dict[str, Any]] = [
    {
        "WaveNumber": 1,
        "WaveName": "Database",
        "Status": "COMPLETED",
        "StartTime": iso(2),
        "EndTime": iso(600),
        "ServerResults": [
            server(
                "s-1",
                StartTime=iso(2),
                FirstHealthCheckTime=iso(540),
                EndTime=iso(600),
                Ec2InstanceId="i-0123456789",
            )
        ],
    },
    {
        "WaveNumber": 2,
        "Status": "FAILED",
        "StartTime": iso(720),
        "EndTime": iso(900),
        "ServerResults": [
            server("s-2", Status="FAILED", StartTime=iso(720), EndTime=iso(900), ErrorMessage="no capacity")
        ],
    },
    {"WaveNumber": 3, "Status": "SKIPPED", "StatusReason": "depends on wave 2, which FAILED", "ServerResults": []},
]
RECORD = {
    "ExecutionId": "9f1c0a34",
    "PlanName": "three-tier",
    "Status": "FAILED",
    "StartTime": iso(0),
    "Waves": WAVES,
}
CALLS = [
    Call("StartRecovery", {"sourceServers": [{"sourceServerID": "s-1"}]}, 2, "ThrottlingException"),
    Call("StartRecovery", {"sourceServers": [{"sourceServerID": "s-1"}]}, 4),
    Call("DescribeInstanceStatus", {"InstanceIds": ["i-0123456789"]}, 540, service="ec2"),
]


def test_the_timeline_shows_waves_waits_jobs_health_checks_and_retries() -> None:
    first, database, second, failed, third, refused = layout(RECORD, CALLS)
    assert [(bar.kind, bar.start, bar.end) for bar in first.bars] == [("wave", 2, 600)]
    assert [(bar.kind, bar.start, bar.end) for bar in database.bars] == [("launch", 2, 540), ("health", 540, 600)]
    assert [(mark.kind, mark.at) for mark in database.marks] == [("request", 4), ("look", 540)]
    assert second.bars[0] == Bar("wait", 600, 720, "2:00 between the waves")
    assert failed.marks == [Mark("failed", 900, "no capacity")]
    assert (third.bars, third.note, third.sign) == ([], "depends on wave 2, which FAILED", "–")
    assert [(mark.kind, mark.at) for mark in refused.marks] == [("refused", 2)]


def test_the_picture_is_well_formed_and_says_the_wait() -> None:
    picture = timeline_svg(RECORD, CALLS)
    ElementTree.fromstring(picture)
    assert "wait 2:00" in picture
    assert "prefers-color-scheme: dark" in picture


def test_names_in_a_picture_are_escaped() -> None:
    picture = timeline_svg(RECORD | {"PlanName": "<script>&"}, [])
    assert "<script>" not in picture
    ElementTree.fromstring(picture)


def test_a_plan_of_a_thousand_servers_stays_a_picture() -> None:
    wave = {"WaveNumber": 1, "Status": "RUNNING", "StartTime": iso(0)}
    wave["ServerResults"] = [server(f"s-{number}", StartTime=iso(0)) for number in range(1000)]
    rows = layout(RECORD | {"Waves": [wave]}, [])
    assert len(rows) == 1 + MOST_SERVERS
    assert rows[0].note == f"{1000 - MOST_SERVERS} more servers not drawn"


def test_a_plan_of_fifty_waves_shows_its_waves_and_the_servers_that_failed() -> None:
    waves: list[dict[str, Any]] = [
        {
            "WaveNumber": number,
            "Status": "COMPLETED",
            "StartTime": iso(number),
            "ServerResults": [server(f"s-{number}-{one}", StartTime=iso(number)) for one in range(20)],
        }
        for number in range(1, 51)
    ]
    waves[48]["ServerResults"][7] |= {"Status": "FAILED", "EndTime": iso(90)}
    rows = layout(RECORD | {"Waves": waves}, [])
    assert [row.label for row in rows if not row.head] == ["s-49-7"]
    assert (rows[0].note, rows[48].note) == ("20 servers", "19 more servers not drawn")


def test_an_approval_is_named_and_the_legend_explains_what_is_drawn() -> None:
    first, second, _ = WAVES
    record = RECORD | {"Waves": [first, second | {"AwaitingApprovalSince": iso(600)}]}
    picture = timeline_svg(record)
    assert "approval 2:00" in picture
    for words, drawn in (("recovery job", True), ("failed", True), ("refused by AWS", False), ("each look", False)):
        assert (f">{words}<" in picture) is drawn


@pytest.mark.parametrize(("seconds", "shown"), [(0, "0:00"), (61, "1:01"), (3600, "1:00:00"), (14399, "3:59:59")])
def test_times_read_like_a_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown
