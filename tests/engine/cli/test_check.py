"""The readiness check and a start as of a point in time, at the command line."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.engine.cli.operator import error_line, operator

PLAN = "plan-three-tier"
AS_OF = "2026-01-01T00:00:00Z"


@pytest.fixture
def at():
    with operator() as found:
        found.client = found.deploy()
        found.servers = list(found.aws.drs.backend.source_servers)
        yield found


def snapshot(at, server, days):
    return at.aws.drs.add_snapshot(server, taken_at=at.aws.clock.now() - timedelta(days=days))


def test_a_ready_plan_ends_with_its_verdict(at):
    result = at.run("check", PLAN, columns=80)
    lines = result.stdout.splitlines()
    assert (result.exit_code, lines[-1]) == (0, "WARNING: 6 servers, 6 READY")
    assert lines[-2] == "! the plan names no topic: no message tells the end of an execution"
    assert max(map(len, lines)) <= 80


def test_a_blocked_server_is_named_with_its_cause_and_exit_code_1(at):
    stalled, blocked = at.servers[0], at.servers[3]
    at.aws.drs.set_replication_state(stalled, "STALLED")
    snapshot(at, stalled, 21)
    at.aws.drs.set_replication_state(blocked, "DISCONNECTED")
    result = at.run("check", PLAN, columns=80)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (
        1,
        "BLOCKED: 6 servers, 4 READY, 1 WARNING, 1 BLOCKED",
    )
    assert "replication is DISCONNECTED, and DRS has no snapshot to launch from" in result.stdout
    found = json.loads(at.run("check", PLAN, "--json").stdout)
    verdicts = {server["SourceServerId"]: server["Verdict"] for server in found["Servers"]}
    assert (found["Verdict"], verdicts[stalled], verdicts[blocked]) == ("BLOCKED", "WARNING", "BLOCKED")
    refused = at.run("start", PLAN)
    assert (refused.exit_code, blocked in error_line(refused)) == (1, True)


def test_facts_that_delay_or_change_a_launch_are_warnings(at):
    at.aws.drs.start_foreign_job([at.servers[0]])
    at.aws.drs.backend.source_servers[at.servers[1]].launch_disposition = "STOPPED"
    found = at.run("check", PLAN, "--recovery").stdout
    assert ": is in job drsjob-" in found
    assert ": its launch settings leave the instance stopped; a health check fails" in found


def test_a_recovered_server_blocks_a_drill_and_warns_a_recovery(at):
    at.aws.drs.start_foreign_job([at.servers[0]], is_drill=False)
    at.aws.advance(1800)
    assert "was recovered for real: a drill would replace i-" in at.run("check", PLAN).stdout
    result = at.run("check", PLAN, "--recovery")
    assert (result.exit_code, "the start needs --existing" in result.stdout) == (0, True)


def test_a_server_that_there_was_no_time_for_is_not_checked(at, monkeypatch):
    monkeypatch.setattr("engine.client.readiness.BUDGET_SECONDS", -1.0)
    result = at.run("check", PLAN)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "WARNING: 6 servers, 6 WARNING")
    assert result.stdout.count("snapshots and launch settings were not checked") == 6


@pytest.mark.parametrize("command", ["check", "start"])
def test_a_point_in_time_needs_a_zone(at, command):
    result = at.run(command, PLAN, "--as-of", "2026-01-01T00:00:00")
    assert result.exit_code == 2
    assert error_line(result).startswith("Error: --as-of '2026-01-01T00:00:00' is not an ISO 8601 time with a zone")


def test_the_chosen_snapshots_stand_before_the_confirmation_and_are_launched(at):
    chosen = {server: snapshot(at, server, 10 + number) for number, server in enumerate(at.servers)}
    result = at.run("start", PLAN, "--recovery", "--as-of", AS_OF, typed=f"{PLAN}\n", columns=80)
    shown, _, _ = result.stderr.partition("This is a real recovery")
    assert shown.splitlines()[0] == "As of 2026-01-01 00:00:00 UTC: snapshots of 6 servers, 5 days apart"
    assert all(one in shown for one in chosen.values())
    at.aws.advance(7200)
    record = at.client.get(result.stdout.strip())
    used = {one["SourceServerId"]: one["SnapshotId"] for wave in record["Waves"] for one in wave["ServerResults"]}
    assert (used, record["AsOf"]) == (chosen, "2026-01-01T00:00:00.000Z")


def test_a_missing_snapshot_is_refused_before_the_confirmation_and_can_be_named(at):
    for server in at.servers[1:]:
        snapshot(at, server, 10)
    newer = snapshot(at, at.servers[0], 1)
    result = at.run("start", PLAN, "--recovery", "--as-of", AS_OF)
    assert result.exit_code == 1
    assert error_line(result).startswith("Error: no snapshot at or before 2026-01-01T00:00:00+00:00 of ")
    given = at.run("start", PLAN, "--as-of", AS_OF, "--snapshot", f"{at.servers[0]}={newer}")
    assert given.exit_code == 0, given.output


def test_a_plan_that_does_not_exist_is_one_line(at):
    result = at.run("check", "nothing")
    assert (result.exit_code, error_line(result)) == (1, "Error: plan nothing does not exist; load it with `apply`")
