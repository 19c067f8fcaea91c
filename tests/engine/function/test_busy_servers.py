"""A server in another job of DRS does not hold the free servers of its wave; a stopped instance names its setting."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.engine.cli.operator import operator_of_engine
from tests.engine.job_times import SHORT_JOBS

PLAN = "plan-three-tier"
HOURS = 3600


@pytest.fixture
def at():
    with operator_of_engine() as found:
        found.servers = list(found.aws.drs.backend.source_servers)
        yield found


def busy(at, server, seconds):
    at.aws.drs.set_launch(server, launch_seconds=seconds)
    job = at.aws.drs.start_foreign_job([server])
    at.aws.drs.set_launch(server, **SHORT_JOBS)
    return job


def ended(at, execution):
    return at.aws.wait_until(lambda: (r := at.client.get(execution)).get("EndTime") and r, 12 * HOURS, of="dynamodb")


def server_of(record, server):
    return next(one for wave in record["Waves"] for one in wave["ServerResults"] if one["SourceServerId"] == server)


def minutes(record, server):
    """From the start of the execution to the creation of the server's job."""
    created = datetime.fromisoformat(server_of(record, server)["JobCreationTime"])
    return (created - datetime.fromisoformat(record["StartTime"])).total_seconds() / 60


def requests(at):
    calls = [call for call in at.aws.journal if call.operation == "StartRecovery"]
    return [sorted(one["sourceServerID"] for one in call.parameters["sourceServers"]) for call in calls]


def test_the_free_servers_of_a_wave_are_launched_at_once_and_the_busy_one_later(at):
    wave_one = at.client.get_group("pg-database")["SourceServerIds"]
    job = busy(at, wave_one[0], HOURS)
    execution = at.client.start(PLAN)
    at.aws.wait_until(lambda: "DrsJobId" in server_of(at.client.get(execution), wave_one[1]), HOURS)
    waiting = server_of(at.client.get(execution), wave_one[0])
    assert (waiting["WaitsForJobId"], "DrsJobId" in waiting) == (job, False)
    assert f"{job}" in at.run("status", execution).stdout
    record = ended(at, execution)
    assert record["Status"] == "COMPLETED"
    assert minutes(record, wave_one[1]) < 2
    assert 59 < minutes(record, wave_one[0]) < 62
    assert "WaitsForJobId" not in server_of(record, wave_one[0])
    # Both servers first, then the free one alone, then the busy one until DRS takes it.
    assert requests(at)[:3] == [sorted(wave_one), [wave_one[1]], [wave_one[0]]]


def test_servers_that_become_free_one_by_one_are_launched_one_by_one(at):
    at.client.put_plan({**at.plan(), "Waves": [{**at.plan()["Waves"][0], "ProtectionGroupId": "pg-all"}]})
    at.client.put_group(
        {
            "GroupId": "pg-all",
            "GroupName": "All",
            "SourceServerIds": at.servers[:6],
            "Region": at.aws.region,
            "AccountId": at.aws.account,
        }
    )
    for number, server in enumerate(at.servers[:6:2], 1):
        busy(at, server, number * 600)
    record = ended(at, at.client.start(PLAN))
    assert record["Status"] == "COMPLETED"
    assert [round(minutes(record, server) / 10) for server in at.servers[:6]] == [1, 0, 2, 0, 3, 0]


def test_all_wait_if_the_jobs_cannot_be_read(at):
    busy(at, at.servers[0], 1 * HOURS)
    at.aws.faults.deny("drs", "DescribeJobs", times=None)
    execution = at.client.start(PLAN)
    at.aws.advance(1800)
    assert "DrsJobId" not in server_of(at.client.get(execution), at.servers[1])


def test_a_sequential_wave_waits_for_its_busy_server(at):
    waves = [{**wave, "ExecutionType": "SEQUENTIAL"} for wave in at.plan()["Waves"]]
    at.client.put_plan({**at.plan(), "Waves": waves})
    busy(at, at.servers[0], 900)
    execution = at.client.start(PLAN)
    at.aws.advance(600)
    assert len(requests(at)) > 1
    assert {tuple(one) for one in requests(at)} == {(at.servers[0],)}
    assert ended(at, execution)["Status"] == "COMPLETED"


def test_a_stopped_instance_names_its_launch_setting_and_the_cure(at):
    server = at.servers[0]
    at.aws.drs.backend.source_servers[server].launch_disposition = "STOPPED"
    record = ended(at, at.client.start(PLAN))
    message = server_of(record, server)["ErrorMessage"]
    assert "is 'stopped'" in message
    assert "launchDisposition STOPPED" in message
    assert "set it to STARTED" in message


def test_an_instance_that_was_stopped_otherwise_does_not_blame_the_setting(at):
    at.aws.drs.set_launch(at.servers[0], boot_ends_as="stopped", boot_seconds=5)
    record = ended(at, at.client.start(PLAN))
    message = server_of(record, at.servers[0])["ErrorMessage"]
    assert ("is 'stopped'" in message, "launchDisposition" in message) == (True, False)
