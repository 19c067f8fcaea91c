"""The results of jobs: EC2 instances that boot, snapshots, and terminations."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from simulator.drs import DrsWorld
from tests.simulator.drs.asking import ec2_states, events, instance_of, job, launch_statuses, start

A, B = (f"s-{letter * 17}" for letter in "ab")


@pytest.fixture(autouse=True)
def servers(world: DrsWorld) -> None:
    for server in (A, B):
        world.add_source_server(server, hostname=f"host-{server[-1]}")


class TestInstances:
    def test_an_instance_is_pending_until_it_has_booted(self, world: DrsWorld, drs: Any, ec2: Any, clock: Any) -> None:
        world.set_launch(A, launch_seconds=60, boot_seconds=90)
        start(drs, A)
        clock.advance(59)
        assert ec2_states(ec2) == {}
        clock.advance(1)
        instance = instance_of(drs, A)
        assert ec2_states(ec2) == {instance["ec2InstanceID"]: "pending"}
        assert instance["ec2InstanceState"] == "PENDING"
        clock.advance(89)
        assert ec2_states(ec2)[instance["ec2InstanceID"]] == "pending"
        clock.advance(1)
        assert ec2_states(ec2)[instance["ec2InstanceID"]] == "running"
        assert instance_of(drs, A)["ec2InstanceState"] == "RUNNING"

    @pytest.mark.parametrize("state", ["pending", "running", "stopped", "terminated"])
    def test_a_boot_ends_as_the_world_says(self, world: DrsWorld, drs: Any, ec2: Any, clock: Any, state: str) -> None:
        world.set_launch(A, launch_seconds=60, boot_seconds=30, boot_ends_as=state)
        start(drs, A)
        clock.advance(89)
        assert set(ec2_states(ec2).values()) == {"pending"}
        clock.advance(3600)
        assert set(ec2_states(ec2).values()) == {state}

    def test_a_boot_cannot_end_otherwise(self, world: DrsWorld) -> None:
        with pytest.raises(ValueError, match="boot_ends_as is one of"):
            world.set_launch(A, boot_ends_as="confused")

    def test_a_launch_cannot_end_otherwise(self, world: DrsWorld) -> None:
        with pytest.raises(ValueError, match="launch_ends_as is one of"):
            world.set_launch(A, launch_ends_as="FAILED")

    def test_a_launch_may_end_as_terminated(self, world: DrsWorld, drs: Any, clock: Any) -> None:
        world.set_launch(A, launch_seconds=60, launch_ends_as="TERMINATED")
        job_id = start(drs, A)
        clock.advance(61)
        job = drs.describe_jobs(filters={"jobIDs": [job_id]})["items"][0]
        assert job["participatingServers"][0]["launchStatus"] == "TERMINATED"

    def test_a_server_with_disposition_stopped_is_launched_and_stopped(
        self, world: DrsWorld, drs: Any, ec2: Any, clock: Any
    ) -> None:
        server = world.add_source_server(launch_disposition="STOPPED")
        job_id = start(drs, server)
        clock.advance(1200)
        assert launch_statuses(drs, job_id) == {server: "LAUNCHED"}
        assert set(ec2_states(ec2).values()) == {"stopped"}
        assert drs.get_launch_configuration(sourceServerID=server)["launchDisposition"] == "STOPPED"

    def test_an_instance_carries_the_tags_of_drs_and_of_its_server(
        self, world: DrsWorld, drs: Any, ec2: Any, clock: Any
    ) -> None:
        server = world.add_source_server(hostname="db-9", tags={"tier": "database"})
        job_id = start(drs, server, tags={"run": "1"})
        clock.advance(1200)
        (reservation,) = ec2.describe_instances(
            Filters=[{"Name": "tag:AWSElasticDisasterRecoverySourceServerID", "Values": [server]}]
        )["Reservations"]
        tags = {one["Key"]: one["Value"] for one in reservation["Instances"][0]["Tags"]}
        assert tags == {
            "Name": "db-9",
            "tier": "database",
            "AWSElasticDisasterRecoveryManaged": "drs.amazonaws.com",
            "AWSElasticDisasterRecoverySourceServerID": server,
            "drs.amazonaws.com-source-server": server,
            "drs.amazonaws.com-job": job_id,
        }

    def test_an_instance_dies_when_the_world_says(self, world: DrsWorld, drs: Any, ec2: Any, clock: Any) -> None:
        world.set_launch(A, launch_seconds=60, boot_seconds=10)
        start(drs, A)
        world.instance_dies(A, after_seconds=100)
        clock.advance(99)
        assert set(ec2_states(ec2).values()) == {"running"}
        clock.advance(1)
        assert set(ec2_states(ec2).values()) == {"terminated"}
        assert instance_of(drs, A)["ec2InstanceState"] == "TERMINATED"

    def test_a_dead_instance_does_not_boot(self, world: DrsWorld, drs: Any, ec2: Any, clock: Any) -> None:
        world.set_launch(A, launch_seconds=60, boot_seconds=30)
        start(drs, A)
        clock.advance(60)
        world.instance_dies(instance_of(drs, A)["ec2InstanceID"])
        clock.advance(60)
        assert set(ec2_states(ec2).values()) == {"terminated"}

    def test_a_server_without_instance_cannot_die(self, world: DrsWorld) -> None:
        with pytest.raises(LookupError, match=f"{A} has no recovery instance"):
            world.instance_dies(A)


class TestSnapshots:
    def test_the_latest_data_is_as_old_as_the_snapshot_of_the_launch(
        self, world: DrsWorld, drs: Any, clock: Any
    ) -> None:
        job_id = start(drs, A)
        clock.advance(1200)
        log = {one["event"]: one["logDateTime"] for one in drs.describe_job_log_items(jobID=job_id)["items"]}
        assert instance_of(drs, A)["pointInTimeSnapshotDateTime"] == log["SNAPSHOT_END"]
        (snapshot,) = drs.describe_recovery_snapshots(sourceServerID=A)["items"]
        assert snapshot["timestamp"] == log["SNAPSHOT_END"]

    def test_a_pinned_snapshot_decides_the_age_of_the_data(self, world: DrsWorld, drs: Any, clock: Any) -> None:
        pinned = world.add_snapshot(A, taken_at=clock.now() - timedelta(hours=5))
        world.add_snapshot(A, taken_at=clock.now() - timedelta(hours=1))
        job_id = start(drs, {"sourceServerID": A, "recoverySnapshotID": pinned})
        clock.advance(1200)
        assert instance_of(drs, A)["pointInTimeSnapshotDateTime"] == "2026-03-01T03:00:00.000000+00:00"
        assert "USING_PREVIOUS_SNAPSHOT" in events(drs, job_id)
        assert "SNAPSHOT_START" not in events(drs, job_id)

    def test_another_servers_snapshot_is_refused(self, world: DrsWorld, drs: Any) -> None:
        foreign = world.add_snapshot(B)
        with pytest.raises(drs.exceptions.ResourceNotFoundException, match=foreign):
            start(drs, {"sourceServerID": A, "recoverySnapshotID": foreign})
        assert drs.describe_jobs()["items"] == []

    @pytest.mark.parametrize("state", ["DISCONNECTED", "STALLED"])
    def test_a_server_without_fresh_snapshots_is_launched_from_its_newest_one(
        self, world: DrsWorld, drs: Any, clock: Any, state: str
    ) -> None:
        for hours in (12, 9, 15):
            world.add_snapshot(A, taken_at=clock.now() - timedelta(hours=hours))
        world.set_replication_state(A, state)
        start(drs, A)
        clock.advance(1200)
        assert instance_of(drs, A)["pointInTimeSnapshotDateTime"] == "2026-02-28T23:00:00.000000+00:00"

    def test_a_disconnected_server_without_snapshot_fails(self, world: DrsWorld, drs: Any, clock: Any) -> None:
        world.set_replication_state(A, "DISCONNECTED")
        job_id = start(drs, A)
        clock.advance(1200)
        assert launch_statuses(drs, job_id) == {A: "FAILED"}
        assert events(drs, job_id)[-2:] == ["SNAPSHOT_FAIL", "JOB_END"]


class TestTerminate:
    def test_it_ends_the_instance_and_drs_forgets_it(self, world: DrsWorld, drs: Any, ec2: Any, clock: Any) -> None:
        world.set_launch(A, terminate_seconds=45)
        start(drs, A, B)
        clock.advance(1200)
        kept, gone = instance_of(drs, B)["recoveryInstanceID"], instance_of(drs, A)["recoveryInstanceID"]
        answer = drs.terminate_recovery_instances(recoveryInstanceIDs=[gone])["job"]
        assert (answer["type"], answer["initiatedBy"]) == ("TERMINATE", "TERMINATE_RECOVERY_INSTANCES")
        clock.advance(44)
        assert ec2_states(ec2)[gone] == "running"
        clock.advance(1)
        assert ec2_states(ec2) == {gone: "terminated", kept: "running"}
        assert [one["recoveryInstanceID"] for one in drs.describe_recovery_instances()["items"]] == [kept]
        ended = job(drs, answer["jobID"])
        assert ended["status"] == "COMPLETED"
        assert ended["participatingServers"] == [
            {
                "sourceServerID": A,
                "recoveryInstanceID": gone,
                "launchStatus": "TERMINATED",
                "launchActionsStatus": {"runs": []},
            }
        ]
        assert events(drs, answer["jobID"]) == ["JOB_START", "CLEANUP_START", "CLEANUP_END", "JOB_END"]

    def test_a_termination_can_fail_and_the_instance_stays(
        self, world: DrsWorld, drs: Any, ec2: Any, clock: Any
    ) -> None:
        world.set_launch(A, terminate_fails_with="termination protection")
        start(drs, A)
        clock.advance(1200)
        instance_id = instance_of(drs, A)["recoveryInstanceID"]
        job_id = drs.terminate_recovery_instances(recoveryInstanceIDs=[instance_id])["job"]["jobID"]
        clock.advance(120)
        assert job(drs, job_id)["status"] == "COMPLETED"
        assert launch_statuses(drs, job_id) == {A: "FAILED"}
        assert ec2_states(ec2) == {instance_id: "running"}
        failed = drs.describe_job_log_items(jobID=job_id)["items"][2]
        assert (failed["event"], failed["eventData"]["rawError"]) == ("CLEANUP_FAIL", "termination protection")

    def test_an_instance_that_was_terminated_elsewhere_stays_listed_until_drs_terminates_it(
        self, world: DrsWorld, drs: Any, clock: Any
    ) -> None:
        start(drs, A)
        clock.advance(1200)
        world.instance_dies(A)
        clock.advance(24 * 3600)
        instance = instance_of(drs, A)
        assert instance["ec2InstanceState"] == "TERMINATED"
        drs.terminate_recovery_instances(recoveryInstanceIDs=[instance["recoveryInstanceID"]])
        clock.advance(120)
        assert drs.describe_recovery_instances()["items"] == []

    def test_an_unknown_instance_is_refused_with_an_error_of_the_model(self, drs: Any) -> None:
        with pytest.raises(drs.exceptions.ConflictException, match="i-0123456789abcdef0"):
            drs.terminate_recovery_instances(recoveryInstanceIDs=["i-0123456789abcdef0"])


class TestLaunchingIntoAnExistingInstance:
    @pytest.fixture
    def existing(self, ec2: Any) -> str:
        (made,) = ec2.run_instances(ImageId="ami-0d125a1c0ff1ce000", MinCount=1, MaxCount=1)["Instances"]
        allowed = {"Key": "AWSDRS", "Value": "AllowLaunchingIntoThisInstance"}
        ec2.create_tags(Resources=[made["InstanceId"]], Tags=[allowed])
        return str(made["InstanceId"])

    def launch(self, drs: Any, clock: Any, server: str) -> Any:
        job_id = drs.start_recovery(sourceServers=[{"sourceServerID": server}], isDrill=True)["job"]["jobID"]
        clock.advance(1200)
        (job,) = drs.describe_jobs(filters={"jobIDs": [job_id]})["items"]
        return job["participatingServers"][0]

    def test_it_becomes_the_recovery_instance_and_survives_the_next_launch(
        self, world: DrsWorld, drs: Any, ec2: Any, clock: Any, existing: str
    ) -> None:
        server = world.add_source_server()
        assert "launchIntoInstanceProperties" not in drs.get_launch_configuration(sourceServerID=server)
        world.set_launch_into(server, existing)
        settings = drs.get_launch_configuration(sourceServerID=server)["launchIntoInstanceProperties"]
        assert settings == {"launchIntoEC2InstanceID": existing}
        for _ in range(2):
            launched = self.launch(drs, clock, server)
            assert (launched["launchStatus"], launched["recoveryInstanceID"]) == ("LAUNCHED", existing)
            (found,) = ec2.describe_instance_status(IncludeAllInstances=True)["InstanceStatuses"]
            assert (found["InstanceId"], found["InstanceState"]["Name"]) == (existing, "running")

    def test_a_termination_terminates_it(self, world: DrsWorld, drs: Any, ec2: Any, clock: Any, existing: str) -> None:
        server = world.add_source_server()
        world.set_launch_into(server, existing)
        self.launch(drs, clock, server)
        drs.terminate_recovery_instances(recoveryInstanceIDs=[existing])
        clock.advance(1200)
        (found,) = ec2.describe_instance_status(IncludeAllInstances=True)["InstanceStatuses"]
        assert found["InstanceState"]["Name"] == "terminated"

    def test_an_instance_without_the_tag_or_that_is_gone_fails_the_launch(
        self, world: DrsWorld, drs: Any, ec2: Any, clock: Any, existing: str
    ) -> None:
        server = world.add_source_server()
        world.set_launch_into(server, existing)
        ec2.delete_tags(Resources=[existing], Tags=[{"Key": "AWSDRS"}])
        assert self.launch(drs, clock, server)["launchStatus"] == "FAILED"
        world.set_launch_into(server, "i-0123456789abcdef0")
        assert self.launch(drs, clock, server)["launchStatus"] == "FAILED"
