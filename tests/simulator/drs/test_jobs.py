"""Jobs pass through DRS's real states on the clock, one a server, within the quotas."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from simulator.drs import DrsWorld
from tests.simulator.drs.asking import ec2_states, events, instance_of, job, launch_statuses, start

A, B, C = (f"s-{letter * 17}" for letter in "abc")


@pytest.fixture(autouse=True)
def servers(world: DrsWorld) -> None:
    for server in (A, B, C):
        world.add_source_server(server, hostname=f"host-{server[-1]}")


def test_a_job_is_pending_then_started_then_completed(world: DrsWorld, drs: Any, clock: Any) -> None:
    world.set_launch(A, launch_seconds=300)
    job_id = start(drs, A)
    assert (job(drs, job_id)["status"], launch_statuses(drs, job_id)) == ("PENDING", {A: "PENDING"})
    clock.advance(20)
    assert (job(drs, job_id)["status"], launch_statuses(drs, job_id)) == ("STARTED", {A: "PENDING"})
    clock.advance(120)
    assert (job(drs, job_id)["status"], launch_statuses(drs, job_id)) == ("STARTED", {A: "PENDING"})
    clock.advance(159.999)
    assert (job(drs, job_id)["status"], launch_statuses(drs, job_id)) == ("STARTED", {A: "IN_PROGRESS"})
    clock.advance(0.001)
    assert (job(drs, job_id)["status"], launch_statuses(drs, job_id)) == ("COMPLETED", {A: "LAUNCHED"})
    assert job(drs, job_id)["endDateTime"] == "2026-03-01T08:05:00.000000+00:00"


def test_a_job_carries_what_real_ones_carry(world: DrsWorld, drs: Any) -> None:
    found = job(drs, start(drs, A))
    assert found["participatingResources"] == []
    assert [one["launchActionsStatus"] for one in found["participatingServers"]] == [{"runs": []}]


def test_a_job_ends_with_the_last_of_its_servers(world: DrsWorld, drs: Any, clock: Any) -> None:
    world.set_launch(A, launch_seconds=100)
    world.set_launch(B, launch_seconds=200)
    job_id = start(drs, A, B)
    clock.advance(100)
    assert (job(drs, job_id)["status"], launch_statuses(drs, job_id)) == (
        "STARTED",
        {A: "LAUNCHED", B: "PENDING"},
    )
    clock.advance(100)
    assert job(drs, job_id)["status"] == "COMPLETED"


@pytest.mark.parametrize("seed", range(20))
def test_a_job_takes_seven_to_ten_minutes_by_default(world: DrsWorld, drs: Any, clock: Any, seed: int) -> None:
    world.seed(seed)
    job_id = start(drs, A, B, C)
    clock.advance(1200)
    ended = datetime.fromisoformat(job(drs, job_id)["endDateTime"])
    created = datetime.fromisoformat(job(drs, job_id)["creationDateTime"])
    assert timedelta(minutes=6.5) < ended - created < timedelta(minutes=10)


def test_a_launch_takes_its_time_whatever_else_happens(world: DrsWorld, drs: Any, clock: Any) -> None:
    def minutes_of(server: str) -> timedelta:
        job_id = start(drs, server)
        clock.advance(1200)
        told = job(drs, job_id)
        return datetime.fromisoformat(told["endDateTime"]) - datetime.fromisoformat(told["creationDateTime"])

    alone = minutes_of(A)
    world.backend.reset()
    world.initialize()
    for server in (C, B, A):
        world.add_source_server(server)
    others = minutes_of(C), minutes_of(B)
    assert minutes_of(A) == alone
    assert others[0] != others[1]


def test_the_log_tells_the_launch_in_the_order_of_drs(world: DrsWorld, drs: Any, clock: Any) -> None:
    job_id = start(drs, A)
    assert events(drs, job_id) == []
    clock.advance(1200)
    assert events(drs, job_id) == [
        "JOB_START",
        "CLEANUP_START",
        "CLEANUP_END",
        "SNAPSHOT_START",
        "SNAPSHOT_END",
        "CONVERSION_START",
        "CONVERSION_END",
        "LAUNCH_START",
        "JOB_END",
    ]
    items = drs.describe_job_log_items(jobID=job_id)["items"]
    times = [one["logDateTime"] for one in items]
    assert times == sorted(times)
    assert {one["eventData"]["sourceServerID"] for one in items[1:-1]} == {A}


def test_the_log_shows_no_line_before_its_time(world: DrsWorld, drs: Any, clock: Any) -> None:
    job_id = start(drs, A)
    seen = 0
    for _ in range(30):
        items = drs.describe_job_log_items(jobID=job_id)["items"]
        assert all(datetime.fromisoformat(one["logDateTime"]) <= clock.now() for one in items)
        assert len(items) >= seen
        seen = len(items)
        clock.advance(20)
    assert seen == 9


def test_a_failed_launch_completes_the_job_and_gives_its_reason_in_the_log(
    world: DrsWorld, drs: Any, ec2: Any, clock: Any
) -> None:
    world.set_launch(A, fails_with="Insufficient capacity for m5.large", launch_seconds=120)
    job_id = start(drs, A, B)
    clock.advance(1200)
    assert job(drs, job_id)["status"] == "COMPLETED"
    assert launch_statuses(drs, job_id) == {A: "FAILED", B: "LAUNCHED"}
    (failed,) = [one for one in drs.describe_job_log_items(jobID=job_id)["items"] if one["event"] == "LAUNCH_FAILED"]
    assert failed["eventData"] == {"sourceServerID": A, "rawError": "Insufficient capacity for m5.large"}
    assert failed["logDateTime"] == "2026-03-01T08:02:00.000000+00:00"
    assert len(ec2_states(ec2)) == 1
    source = drs.describe_source_servers(filters={"sourceServerIDs": [A]})["items"][0]
    assert source["lastLaunchResult"] == "FAILED"
    assert "recoveryInstanceId" not in source


def test_an_undocumented_status_can_be_told(world: DrsWorld, drs: Any, clock: Any) -> None:
    world.set_launch(A, job_status_word="SUSPENDED", launch_seconds=60)
    job_id = start(drs, A)
    assert job(drs, job_id)["status"] == "PENDING"
    clock.advance(31)
    assert job(drs, job_id)["status"] == "SUSPENDED"
    clock.advance(30)
    assert job(drs, job_id)["status"] == "COMPLETED"


def test_settings_made_during_a_launch_belong_to_the_next_one(world: DrsWorld, drs: Any, clock: Any) -> None:
    world.set_launch(A, launch_seconds=60)
    job_id = start(drs, A)
    world.set_launch(A, fails_with="too late", job_status_word="SUSPENDED")
    clock.advance(31)
    assert job(drs, job_id)["status"] == "STARTED"
    clock.advance(30)
    assert launch_statuses(drs, job_id) == {A: "LAUNCHED"}


class TestOneJobAServer:
    def test_a_busy_server_conflicts_until_its_job_has_ended(self, world: DrsWorld, drs: Any, clock: Any) -> None:
        world.set_launch(A, launch_seconds=60)
        start(drs, A)
        clock.advance(59)
        with pytest.raises(drs.exceptions.ConflictException):
            start(drs, A, B)
        assert len(drs.describe_jobs()["items"]) == 1
        clock.advance(1)
        start(drs, A, B)

    def test_a_server_that_is_being_terminated_conflicts(self, world: DrsWorld, drs: Any, clock: Any) -> None:
        start(drs, A)
        clock.advance(1200)
        drs.terminate_recovery_instances(recoveryInstanceIDs=[instance_of(drs, A)["recoveryInstanceID"]])
        with pytest.raises(drs.exceptions.ConflictException):
            start(drs, A)
        clock.advance(120)
        start(drs, A)

    def test_a_server_named_twice_is_refused(self, drs: Any) -> None:
        with pytest.raises(drs.exceptions.ClientError, match="more than once"):
            start(drs, A, A)

    def test_an_unknown_server_is_refused_and_nothing_is_launched(self, drs: Any) -> None:
        unknown = "s-" + "9" * 17
        with pytest.raises(drs.exceptions.ResourceNotFoundException, match=unknown) as caught:
            start(drs, A, unknown)
        assert caught.value.response["resourceId"] == unknown
        assert drs.describe_jobs()["items"] == []

    def test_a_new_launch_replaces_the_previous_instance(self, world: DrsWorld, drs: Any, ec2: Any, clock: Any) -> None:
        start(drs, A)
        clock.advance(1200)
        first = instance_of(drs, A)["recoveryInstanceID"]
        start(drs, A)
        clock.advance(1200)
        second = instance_of(drs, A)["recoveryInstanceID"]
        assert first != second
        assert ec2_states(ec2) == {first: "terminated", second: "running"}


class TestQuotas:
    def test_the_number_of_live_jobs_is_limited(self, world: DrsWorld, drs: Any, clock: Any) -> None:
        world.quotas.concurrent_jobs = 2
        start(drs, A)
        start(drs, B)
        with pytest.raises(drs.exceptions.ServiceQuotaExceededException) as caught:
            start(drs, C)
        answer = caught.value.response
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 402
        assert (answer["serviceCode"], answer["quotaCode"]) == ("drs", "L-D88FAC3A")
        clock.advance(1200)
        start(drs, C)

    def test_the_servers_of_a_job_are_limited(self, world: DrsWorld, drs: Any) -> None:
        world.quotas.servers_per_job = 2
        with pytest.raises(drs.exceptions.ServiceQuotaExceededException) as caught:
            start(drs, A, B, C)
        assert caught.value.response["quotaCode"] == "L-B827C881"
        start(drs, A, B)

    def test_the_servers_of_all_jobs_are_limited(self, world: DrsWorld, drs: Any) -> None:
        world.quotas.servers_in_all_jobs = 2
        start(drs, A, B)
        with pytest.raises(drs.exceptions.ServiceQuotaExceededException) as caught:
            start(drs, C)
        assert caught.value.response["quotaCode"] == "L-05AFA8C6"

    def test_the_defaults_are_those_of_aws(self, world: DrsWorld) -> None:
        quotas = world.quotas
        assert (quotas.concurrent_jobs, quotas.servers_per_job, quotas.servers_in_all_jobs) == (20, 100, 500)
