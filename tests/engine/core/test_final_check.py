"""The final check: which recovered instances are lost, which are only a warning, and what the record says."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from engine.core import notification, policy
from engine.core.actions import Failed, FindReplacements, VerifyInstances
from engine.core.plan import ExecutionType
from engine.core.protection import ExistingInstance
from engine.core.stored_state import parse_header, with_servers
from tests.engine.core.simulated_aws import START, World, execution_of, server, wave

RECOVERY = ExecutionType.RECOVERY
NO_CHECK = {"Enabled": False}


def instance(number: int) -> str:
    return f"i-{server(number)[2:]}"


def run(world: World, *waves, execution_type=RECOVERY, **plan):
    """Run these waves and, so that their instances are not fresh at the end, a wave of server 99."""
    waves = (*(waves or [wave(1, [server(1), server(2)])]), wave(9, [server(99)]))
    world.begin(execution_of(*waves, execution_type=execution_type, **plan))
    return world.run()


def statuses(record):
    return [one["Status"] for wave in record["Waves"] for one in [wave, *wave["ServerResults"]]]


def test_every_recovered_instance_is_looked_at_once_before_completed():
    world = World()
    record = run(world, wave(1, [server(1)]), wave(2, [server(2)], HealthCheck=NO_CHECK))
    assert [action for _, action in world.log if isinstance(action, VerifyInstances)] == [
        VerifyInstances((instance(1),), (instance(2),))
    ]
    assert record["Status"] == "COMPLETED"
    assert record["FinalCheck"]["Lost"] == []
    assert record["FinalCheck"]["Time"] <= record["EndTime"]
    assert "Warnings" not in record


def test_an_instance_that_was_checked_a_moment_ago_is_not_asked_for_again():
    world = World()
    world.begin(execution_of(wave(1, [server(1), server(2)]), execution_type=RECOVERY))
    record = world.run()
    assert world.times(VerifyInstances) == []
    assert record["FinalCheck"]["Lost"] == []


def test_an_instance_that_was_never_seen_running_is_asked_for_at_once():
    """Without a health check DRS may have listed the instance as terminated."""
    world = World()
    world.begin(execution_of(wave(1, [server(1)], HealthCheck=NO_CHECK), execution_type=RECOVERY))
    world.run()
    asked = [action for _, action in world.log if isinstance(action, VerifyInstances)]
    assert asked == [VerifyInstances((), (instance(1),))]


def test_a_failed_execution_has_no_final_check():
    world = World(fails={server(1): "no capacity"})
    record = run(world)
    assert record["Status"] == "FAILED"
    assert "FinalCheck" not in record
    assert world.times(VerifyInstances) == []


@pytest.mark.parametrize("state", ["terminated", "shutting-down", None])
@pytest.mark.parametrize("check", [{"Enabled": True}, NO_CHECK])
def test_an_instance_that_two_looks_do_not_see_fails_the_execution(state, check):
    world = World(verified={instance(2): [state]})
    record = run(world, wave(1, [server(1), server(2)], HealthCheck=check))
    first, second = world.times(VerifyInstances)
    assert policy.FINAL_CHECK_WAIT_SECONDS - 1 <= (second - first).total_seconds() < policy.FINAL_CHECK_WAIT_SECONDS + 2
    assert record["Status"] == "FAILED"
    assert statuses(record) == ["COMPLETED", "RECOVERED", "RECOVERED", "COMPLETED", "RECOVERED"]
    assert record["StatusReason"] == f"instances lost after their recovery: 1 of 3: {server(2)}"
    [error] = record["Errors"]
    assert error["SourceServerId"] == server(2)
    assert error["Message"] == (
        f"its instance {instance(2)} is {state or 'unknown'} at the end of the execution; "
        "DRS lists no other instance of the server"
    )
    assert record["FinalCheck"]["Lost"] == [server(2)]
    assert record["FinalCheck"]["LostCount"] == 1


def test_the_second_look_asks_only_for_the_missing_instances():
    world = World(verified={instance(2): [None, "running"]})
    record = run(world)
    looks = [action for _, action in world.log if isinstance(action, VerifyInstances)]
    assert looks == [VerifyInstances((instance(1), instance(2)), ()), VerifyInstances((instance(2),), ())]
    assert record["Status"] == "COMPLETED"
    assert "Warnings" not in record
    assert "MissingSince" not in record["Waves"][0]["ServerResults"][1]


def test_the_error_names_what_replaced_the_instance():
    other = ExistingInstance(server(1), "i-other", job_id="drsjob-other", execution_id="execution-other")
    record = run(World(verified={instance(1): ["terminated"]}, replaced={server(1): other}))
    [error] = record["Errors"]
    assert error["Message"].endswith(
        "it was replaced by instance i-other, which job drsjob-other of execution execution-other launched"
    )


def test_a_replacement_that_drs_does_not_tell_is_said_to_be_unknown():
    world = World(verified={instance(1): ["terminated"]}, failing={FindReplacements: [Failed("denied")]})
    [error] = run(world)["Errors"]
    assert error["Message"].endswith("its replacement is not known: DRS did not answer")


@pytest.mark.parametrize("state", ["stopped", "stopping", "pending"])
def test_an_instance_that_does_not_run_is_a_warning(state):
    record = run(World(verified={instance(1): [state]}))
    assert record["Status"] == "COMPLETED"
    [warning] = record["Warnings"]
    assert warning["SourceServerId"] == server(1)
    assert warning["Message"] == f"its instance {instance(1)} is {state} at the end of the execution, not running"
    assert record["Errors"] == []


def test_a_look_that_aws_refuses_is_a_warning():
    record = run(World(failing={VerifyInstances: [Failed("ec2:DescribeInstanceStatus: denied")]}))
    assert record["Status"] == "COMPLETED"
    [warning] = record["Warnings"]
    assert warning["Message"] == (
        "the final check of the recovered instances failed: ec2:DescribeInstanceStatus: denied"
    )


def test_a_second_look_that_aws_refuses_is_a_warning_that_names_the_missing_server():
    world = World(verified={instance(1): [None]})
    world.begin(execution_of(wave(1, [server(1)]), wave(2, [server(2)]), execution_type=RECOVERY))
    while not world.times(VerifyInstances):
        world.now = world.step().until + timedelta(milliseconds=160)
    world.failing = {VerifyInstances: [Failed("denied")]}
    record = world.run()
    assert record["Status"] == "COMPLETED"
    assert f"one look has missed the instances of {server(1)}" in record["Warnings"][0]["Message"]


def test_the_lost_instance_of_a_drill_is_a_warning():
    record = run(World(verified={instance(1): ["terminated"]}), execution_type=ExecutionType.DRILL)
    assert record["Status"] == "COMPLETED"
    assert record["Errors"] == []
    [warning] = record["Warnings"]
    assert f"its instance {instance(1)} is terminated" in warning["Message"]
    assert record["FinalCheck"]["Lost"] == [server(1)]


def test_a_warning_from_before_does_not_hide_a_loss():
    world = World(recovered={server(1): START + timedelta(seconds=1)}, verified={instance(1): ["terminated"]})
    record = run(world, wave(1, [server(2)]), wave(2, [server(1)]))
    assert record["Status"] == "FAILED"
    assert [error["SourceServerId"] for error in record["Errors"]] == [server(1)]
    assert [warning["SourceServerId"] for warning in record["Warnings"]] == [server(1)]


def test_the_header_names_twenty_lost_servers_and_counts_all():
    servers = [server(number) for number in range(1, 61)]
    world = World(verified={f"i-{one[2:]}": ["terminated"] for one in servers})
    record = run(world, wave(1, servers))
    assert record["FinalCheck"]["Lost"] == servers[:20]
    assert record["FinalCheck"]["LostCount"] == 60
    assert len(record["Errors"]) == 60


def test_the_notification_names_lost_servers_and_warnings():
    world = World(verified={instance(1): ["terminated"], instance(2): ["stopped"]})
    record = run(world, NotificationTopicArn="arn:aws:sns:us-east-1:111122223333:topic")
    assert record["Status"] == "FAILED"
    execution = parse_header(world.items["EXECUTION"])
    for number in (1, 9):
        execution = with_servers(execution, number, [world.items[f"WAVE#{number:03}#PART#000"]])
    content = json.loads(notification.message(execution))
    assert content["AffectedServers"] == [server(1)]
    assert [error["SourceServerId"] for error in content["Errors"]] == [server(1)]
    assert [warning["SourceServerId"] for warning in content["Warnings"]] == [server(2)]
    assert content["WarningCount"] == 1
