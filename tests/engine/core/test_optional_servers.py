"""Optional servers: their failure is a warning, and every count shows them apart."""

from __future__ import annotations

import json
from datetime import timedelta

from engine.core import notification
from engine.core.plan import ExecutionType, resolve_target
from engine.core.stored_state import parse_header, with_servers
from engine.core.validation import plan_problems
from tests.engine.core.simulated_aws import ACCOUNT, START, World, execution_of, server, wave

RECOVERY = ExecutionType.RECOVERY


def run(*waves, world, optional, **plan):
    world.begin(execution_of(*waves, execution_type=RECOVERY, OptionalServers=optional, **plan))
    return world.run()


def results(record):
    return {one["SourceServerId"]: one for each in record["Waves"] for one in each["ServerResults"]}


def test_the_failure_of_an_optional_server_is_a_warning():
    world = World(fails={server(2): "no capacity"})
    record = run(wave(1, [server(1), server(2)]), wave(2, [server(3)]), world=world, optional=[server(2)])
    assert record["Status"] == "COMPLETED"
    assert [each["Status"] for each in record["Waves"]] == ["COMPLETED", "COMPLETED"]
    assert results(record)[server(2)]["Status"] == "FAILED"
    assert record["Errors"] == []
    [warning] = record["Warnings"]
    assert (warning["SourceServerId"], warning["Message"]) == (
        server(2),
        "optional server not recovered: no capacity",
    )
    assert (record["ServerCount"], record["OptionalServerCount"], record["OptionalNotRecovered"]) == (3, 1, 1)


def test_a_server_that_is_not_optional_fails_its_wave_beside_an_optional_one():
    world = World(fails={server(1): "no capacity", server(2): "no capacity"})
    record = run(wave(1, [server(1), server(2)]), world=world, optional=[server(2)])
    assert record["Status"] == "FAILED"
    assert record["Waves"][0]["StatusReason"] == f"1 of 2 servers not recovered: {server(1)}"
    assert [error["SourceServerId"] for error in record["Errors"]] == [server(1)]
    assert record["OptionalNotRecovered"] == 1


def test_an_optional_server_does_not_stop_a_sequential_wave():
    world = World(fails={server(1): "no capacity"})
    sequential = wave(1, [server(1), server(2)], ExecutionType="SEQUENTIAL")
    record = run(sequential, world=world, optional=[server(1)])
    assert record["Status"] == "COMPLETED"
    assert results(record)[server(2)]["Status"] == "RECOVERED"
    assert world.launches() == [(server(1),), (server(2),)]


def test_a_wave_of_optional_servers_alone_completes():
    world = World(fails={server(1): "no capacity"})
    record = run(wave(1, [server(1)]), wave(2, [server(2)]), world=world, optional=[server(1)])
    assert record["Status"] == "COMPLETED"
    assert record["Waves"][0]["OptionalNotRecovered"] == 1


def test_an_optional_server_that_is_not_recovered_when_time_is_up_is_counted():
    world = World(job_seconds=7200)
    record = run(wave(1, [server(1), server(2)]), world=world, optional=[server(2)], TimeoutSeconds=3600)
    assert record["Status"] == "FAILED"
    assert record["OptionalNotRecovered"] == 1
    assert server(2) not in [error.get("SourceServerId") for error in record["Errors"]]


def test_a_lost_optional_instance_is_a_warning():
    world = World(verified={f"i-{server(1)[2:]}": ["terminated"]})
    record = run(wave(1, [server(1)]), wave(2, [server(2)]), world=world, optional=[server(1)])
    assert record["Status"] == "COMPLETED"
    assert "is terminated at the end of the execution" in record["Warnings"][0]["Message"]


def test_the_notification_counts_optional_servers_apart():
    world = World(fails={server(2): "no capacity"})
    run(
        wave(1, [server(1), server(2)]),
        world=world,
        optional=[server(2)],
        NotificationTopicArn="arn:aws:sns:us-east-1:111122223333:topic",
    )
    execution = with_servers(parse_header(world.items["EXECUTION"]), 1, [world.items["WAVE#001#PART#000"]])
    content = json.loads(notification.message(execution))
    assert (content["ServerCount"], content["OptionalServerCount"], content["OptionalNotRecovered"]) == (2, 1, 1)
    assert "AffectedServers" not in content
    assert content["Warnings"][0]["SourceServerId"] == server(2)


def test_optional_servers_that_no_wave_recovers_are_refused():
    document = {
        "PlanId": "plan-1",
        "PlanName": "Plan",
        "Waves": [wave(1, [server(1)])],
        "OptionalServers": [server(1), server(7)],
    }
    group = {"GroupId": "group-1", "GroupName": "One", "SourceServerIds": [server(1)]}
    groups = {"group-1": group | {"Region": "us-east-1", "AccountId": ACCOUNT}}
    target = resolve_target(document, account_id=ACCOUNT, region="us-east-1")
    assert [str(problem) for problem in plan_problems(document, groups, target)] == [
        f"plan, OptionalServers: {server(7)} is not recovered by any wave of the plan"
    ]


def test_an_optional_server_stays_optional_in_the_record():
    world = World()
    world.begin(execution_of(wave(1, [server(1)]), OptionalServers=[server(1)]))
    record = world.run(until=START + timedelta(seconds=30))
    assert results(record)[server(1)]["Optional"] is True
