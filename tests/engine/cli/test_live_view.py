"""The live view fits into a terminal of 80 columns and 24 lines, for plans of any size."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console

from engine.cli.views import execution_view

NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)
STARTED = "2026-01-05T09:00:00.000Z"


def record(waves: int, servers: int, running: int, failed: int = 0):
    def server(wave: int, number: int):
        status = "RECOVERED" if wave < running else "IN_PROGRESS" if wave == running else "PENDING"
        return {
            "SourceServerId": f"s-{wave * 1000 + number:017d}",
            "HostName": f"host-{wave}-{number}",
            "Status": status,
            **({"DrsJobId": "drsjob-00000000000000001"} if wave == running else {}),
        }

    return {
        "ExecutionId": "e" * 36,
        "PlanName": "Plan",
        "ExecutionType": "RECOVERY",
        "Status": "RUNNING",
        "StartTime": STARTED,
        "InitiatedBy": "arn:aws:iam::111122223333:user/operator",
        "ServerCount": waves * servers,
        "Errors": [{"Message": f"error {number}", "Time": STARTED} for number in range(failed)],
        "Waves": [
            {
                "WaveNumber": wave,
                "WaveName": f"Tier {wave}",
                "Status": "COMPLETED" if wave < running else "RUNNING" if wave == running else "PENDING",
                "ServerResults": [server(wave, number) for number in range(servers)],
            }
            for wave in range(1, waves + 1)
        ],
    }


@pytest.mark.parametrize(
    ("topic", "reason"),
    [("", "the plan names no topic"), ("arn:aws:sns:us-east-1:111122223333:x", "the plan does not announce its end")],
)
def test_a_notification_that_was_left_out_has_its_reason(topic, reason):
    ended = record(1, 1, 1) | {"Notification": {"Status": "SKIPPED"}, "NotificationTopicArn": topic}
    console = Console(file=io.StringIO(), width=80)
    console.print(execution_view(ended, NOW, 80))
    assert f"SKIPPED, {reason}" in console.file.getvalue()


@pytest.mark.parametrize(
    ("waves", "servers", "running", "failed"),
    [(10, 3, 5, 0), (10, 30, 1, 40), (50, 20, 1, 0), (50, 20, 25, 200), (50, 20, 50, 3)],
)
def test_it_fits_and_shows_the_wave_at_work(waves, servers, running, failed):
    console = Console(file=io.StringIO(), width=80, height=24)
    console.print(execution_view(record(waves, servers, running, failed), NOW, 80, rows=23))
    lines = console.file.getvalue().splitlines()
    assert len(lines) <= 23, "\n".join(lines)
    assert any(line.startswith(f"Wave {running} Tier {running}  ") for line in lines)
    assert sum("IN_PROGRESS" in line for line in lines) >= 3


@pytest.mark.parametrize(("waves", "servers", "running"), [(10, 2, 4), (50, 20, 25)])
def test_it_fits_with_lines_that_wrap(waves, servers, running):
    role = "arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_DisasterRecoveryOperator_0123456789abcdef"
    shown = record(waves, servers, running) | {
        "InitiatedBy": f"{role}/night.shift@example.com",
        "Objectives": {"RecoveryTime": {"TargetSeconds": 43200}},
        "PausedSince": STARTED,
        "PausedBy": f"{role}/night.shift@example.com",
    }
    for server in shown["Waves"][running - 1]["ServerResults"][:4]:
        server |= {"Status": "LAUNCHED", "HostName": f"application-server-{server['SourceServerId'][-4:]}"}
    console = Console(file=io.StringIO(), width=80, height=24)
    console.print(execution_view(shown, NOW, 80, rows=23))
    lines = console.file.getvalue().splitlines()
    assert (len(lines) <= 23, max(map(len, lines)) <= 80) == (True, True), "\n".join(lines)
    assert "by night.shift@example.com" in lines[2]
    assert "application-server-" in " ".join(line for line in lines if "to run" in line)


def test_all_of_ten_waves_are_shown():
    console = Console(file=io.StringIO(), width=80, height=24)
    console.print(execution_view(record(10, 30, 5), NOW, 80, rows=23))
    lines = console.file.getvalue().splitlines()
    assert len(lines) <= 23
    assert [line.split()[1] for line in lines if line.startswith("Wave ")] == [str(wave) for wave in range(1, 11)]
