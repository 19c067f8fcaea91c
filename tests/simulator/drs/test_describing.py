"""Lists: filters, order, pages; accounts and regions kept apart; tags."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from moto.iam.models import iam_backends

import simulator.drs
from simulator.drs import DrsWorld


@pytest.fixture
def five(world: DrsWorld) -> list[str]:
    return [world.add_source_server() for _ in range(5)]


def ids(items: list[dict[str, Any]], key: str) -> list[str]:
    return [one[key] for one in items]


def test_pages_put_together_are_the_whole_list(five: list[str], drs: Any) -> None:
    pages = list(drs.get_paginator("describe_source_servers").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["items"]) for page in pages] == [2, 2, 1]
    assert [one for page in pages for one in ids(page["items"], "sourceServerID")] == five
    assert "nextToken" not in pages[-1]


def test_a_list_that_fills_its_page_exactly_has_no_further_page(five: list[str], drs: Any) -> None:
    assert "nextToken" not in drs.describe_source_servers(maxResults=5)


def test_a_job_that_starts_between_two_pages_shifts_nothing(world: DrsWorld, five: list[str], drs: Any) -> None:
    jobs = [world.start_foreign_job([one]) for one in five[:4]]
    first = drs.describe_jobs(maxResults=2)
    world.start_foreign_job([five[4]])
    second = drs.describe_jobs(maxResults=2, nextToken=first["nextToken"])
    assert ids(first["items"] + second["items"], "jobID") == jobs[::-1]


def test_the_log_of_a_job_pages(world: DrsWorld, five: list[str], drs: Any, clock: Any) -> None:
    job_id = world.start_foreign_job(five)
    clock.advance(1200)
    whole = drs.describe_job_log_items(jobID=job_id)["items"]
    assert len(whole) == 2 + 5 * 7
    paged = drs.get_paginator("describe_job_log_items").paginate(jobID=job_id, PaginationConfig={"PageSize": 10})
    assert [one for page in paged for one in page["items"]] == whole


def test_jobs_come_newest_first_whatever_their_status(world: DrsWorld, five: list[str], drs: Any, clock: Any) -> None:
    jobs = []
    for server in five[:3]:
        jobs.append(world.start_foreign_job([server]))
        clock.advance(400)
    assert ids(drs.describe_jobs()["items"], "jobID") == jobs[::-1]


def test_jobs_are_chosen_by_id_and_by_time(world: DrsWorld, five: list[str], drs: Any, clock: Any) -> None:
    first = world.start_foreign_job([five[0]])
    clock.advance(3600)
    second = world.start_foreign_job([five[1]])
    moment = (clock.now() - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert ids(drs.describe_jobs(filters={"fromDate": moment})["items"], "jobID") == [second]
    assert ids(drs.describe_jobs(filters={"toDate": moment})["items"], "jobID") == [first]
    chosen = drs.describe_jobs(filters={"jobIDs": [first, "drsjob-" + "0" * 17]})["items"]
    assert ids(chosen, "jobID") == [first]


def test_a_filter_for_unknown_servers_finds_none(five: list[str], drs: Any) -> None:
    wanted = {"sourceServerIDs": [five[2], "s-" + "0" * 17]}
    assert ids(drs.describe_source_servers(filters=wanted)["items"], "sourceServerID") == [five[2]]


def test_source_servers_are_chosen_by_the_hardware_of_their_machine(world: DrsWorld, five: list[str], drs: Any) -> None:
    known = world.add_source_server(hardware_id="4c4c4544-0042")
    found = drs.describe_source_servers(filters={"hardwareId": "4c4c4544-0042"})["items"]
    assert ids(found, "sourceServerID") == [known]
    assert drs.describe_source_servers(filters={"hardwareId": "x"})["items"] == []


def test_snapshots_are_chosen_by_time_and_ordered(world: DrsWorld, five: list[str], drs: Any, clock: Any) -> None:
    hours = {n: world.add_snapshot(five[0], taken_at=clock.now() - timedelta(hours=n)) for n in (1, 3, 2)}
    ask = drs.describe_recovery_snapshots
    assert ids(ask(sourceServerID=five[0], order="ASC")["items"], "snapshotID") == [hours[3], hours[2], hours[1]]
    assert ids(ask(sourceServerID=five[0], order="DESC")["items"], "snapshotID") == [hours[1], hours[2], hours[3]]
    since = {"fromDateTime": "2026-03-01T05:30:00Z", "toDateTime": "2026-03-01T06:30:00Z"}
    assert ids(ask(sourceServerID=five[0], filters=since)["items"], "snapshotID") == [hours[2]]
    assert ask(sourceServerID="s-" + "0" * 17)["items"] == []


def test_a_source_server_tells_its_replication_and_last_launch(world: DrsWorld, drs: Any, clock: Any) -> None:
    server = world.add_source_server(hostname="web-1", replication_state="BACKLOG")
    (found,) = drs.describe_source_servers()["items"]
    assert found["dataReplicationInfo"]["dataReplicationState"] == "BACKLOG"
    assert found["sourceProperties"]["identificationHints"]["hostname"] == "web-1"
    assert found["lastLaunchResult"] == "NOT_STARTED"
    job_id = drs.start_recovery(sourceServers=[{"sourceServerID": server}], isDrill=False)["job"]["jobID"]
    (found,) = drs.describe_source_servers()["items"]
    assert found["lastLaunchResult"] == "PENDING"
    clock.advance(1200)
    (found,) = drs.describe_source_servers()["items"]
    assert found["lifeCycle"]["lastLaunch"] == {
        "initiated": {"apiCallDateTime": "2026-03-01T08:00:00.000000+00:00", "jobID": job_id, "type": "RECOVERY"},
        "status": "LAUNCHED",
    }
    assert found["recoveryInstanceId"].startswith("i-")


@pytest.mark.parametrize(("state", "seen"), [("CONTINUOUS", "09:00:00"), ("DISCONNECTED", "08:00:00")])
def test_a_disconnected_server_is_no_longer_seen(world: DrsWorld, drs: Any, clock: Any, state: str, seen: str) -> None:
    world.add_source_server(replication_state=state)
    clock.advance(3600)
    (found,) = drs.describe_source_servers()["items"]
    assert found["lifeCycle"]["lastSeenByServiceDateTime"] == f"2026-03-01T{seen}.000000+00:00"


def test_what_does_not_say_drill_is_a_recovery(five: list[str], drs: Any) -> None:
    assert drs.start_recovery(sourceServers=[{"sourceServerID": five[0]}])["job"]["initiatedBy"] == "START_RECOVERY"


@pytest.mark.parametrize(("is_drill", "initiated_by"), [(True, "START_DRILL"), (False, "START_RECOVERY")])
def test_a_job_and_its_instance_tell_drill_from_recovery(
    world: DrsWorld, five: list[str], drs: Any, clock: Any, is_drill: bool, initiated_by: str
) -> None:
    job = drs.start_recovery(sourceServers=[{"sourceServerID": five[0]}], isDrill=is_drill)["job"]
    assert job["initiatedBy"] == initiated_by
    clock.advance(1200)
    assert drs.describe_recovery_instances()["items"][0]["isDrill"] is is_drill


class TestAccountsAndRegions:
    def test_regions_are_apart(self, five: list[str], client: Callable[..., Any]) -> None:
        simulator.drs.world("123456789012", "eu-west-1")
        assert client("drs", "eu-west-1").describe_source_servers()["items"] == []

    def test_an_account_is_not_initialised_by_itself(self, aws: None, drs: Any) -> None:
        with pytest.raises(drs.exceptions.UninitializedAccountException):
            drs.describe_source_servers()
        drs.initialize_service()
        assert drs.describe_source_servers()["items"] == []

    def test_a_world_that_was_uninitialised_stays_so(self, world: DrsWorld, drs: Any) -> None:
        world.uninitialize()
        simulator.drs.world(world.account, world.region)
        with pytest.raises(drs.exceptions.UninitializedAccountException):
            drs.describe_jobs()

    def test_accounts_are_apart_and_credentials_choose(
        self, five: list[str], drs: Any, ec2: Any, client: Callable[..., Any], clock: Any
    ) -> None:
        other = simulator.drs.world("999988887777", "us-east-1")
        theirs = other.add_source_server()
        backend = iam_backends["999988887777"]["aws"]
        backend.create_user(region_name="aws", user_name="operator")
        key = backend.create_access_key(user_name="operator")
        their_drs = client("drs", key=key)
        assert ids(their_drs.describe_source_servers()["items"], "sourceServerID") == [theirs]
        their_drs.start_recovery(sourceServers=[{"sourceServerID": theirs}], isDrill=True)
        clock.advance(1200)
        assert drs.describe_jobs()["items"] == []
        assert drs.describe_recovery_instances()["items"] == []
        assert len(client("ec2", key=key).describe_instances()["Reservations"]) == 1
        assert ec2.describe_instances()["Reservations"] == []


class TestTags:
    def test_a_job_carries_the_tags_it_was_started_with(self, five: list[str], drs: Any) -> None:
        job = drs.start_recovery(sourceServers=[{"sourceServerID": five[0]}], tags={"run": "7", "wave": "1"})["job"]
        assert job["tags"] == {"run": "7", "wave": "1"}
        assert drs.describe_jobs()["items"][0]["tags"] == {"run": "7", "wave": "1"}
        assert drs.list_tags_for_resource(resourceArn=job["arn"])["tags"] == {"run": "7", "wave": "1"}

    @pytest.mark.parametrize("kind", ["source-server", "job", "recovery-instance"])
    def test_tags_are_added_replaced_and_removed(
        self, world: DrsWorld, five: list[str], drs: Any, clock: Any, kind: str
    ) -> None:
        world.start_foreign_job([five[0]])
        clock.advance(1200)
        arns = {
            "source-server": drs.describe_source_servers()["items"][0]["arn"],
            "job": drs.describe_jobs()["items"][0]["arn"],
            "recovery-instance": drs.describe_recovery_instances()["items"][0]["arn"],
        }
        arn = arns[kind]
        drs.tag_resource(resourceArn=arn, tags={"a": "1", "b": "1"})
        drs.tag_resource(resourceArn=arn, tags={"b": "2", "c": "2"})
        drs.untag_resource(resourceArn=arn, tagKeys=["a", "unknown"])
        assert drs.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2", "c": "2"}

    def test_the_tags_of_the_request_stay_the_callers(self, world: DrsWorld, five: list[str], drs: Any) -> None:
        tags = {"run": "1"}
        server = world.add_source_server(tags=tags)
        drs.tag_resource(resourceArn=world.backend.arn("source-server", server), tags={"more": "2"})
        assert tags == {"run": "1"}
