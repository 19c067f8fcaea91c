"""Servers that DRS launches into an existing instance: no clean-up of a drill may terminate that instance."""

from __future__ import annotations

import json

import pytest

from engine.client import StartRefused
from tests.engine.cli.operator import error_line, operator_of_engine

PLAN = "plan-three-tier"


@pytest.fixture
def at():
    with operator_of_engine() as found:
        found.server = next(iter(found.aws.drs.backend.source_servers))
        found.machine = customers_machine(found)
        found.aws.drs.set_launch_into(found.server, found.machine)
        yield found


def customers_machine(at):
    ec2 = at.aws.session().client("ec2")
    (made,) = ec2.run_instances(ImageId="ami-0d125a1c0ff1ce000", MinCount=1, MaxCount=1)["Instances"]
    allowed = {"Key": "AWSDRS", "Value": "AllowLaunchingIntoThisInstance"}
    ec2.create_tags(Resources=[made["InstanceId"]], Tags=[allowed])
    return made["InstanceId"]


def state(at):
    ec2 = at.aws.session().client("ec2")
    return ec2.describe_instances(InstanceIds=[at.machine])["Reservations"][0]["Instances"][0]["State"]["Name"]


def jobs(at):
    return at.aws.session().client("drs").describe_jobs(filters={})["items"]


def keep_instances(at, keep=True):
    at.client.put_plan({**at.plan(), "TerminateDrillInstances": not keep})


def test_a_drill_that_cleans_up_is_refused_and_names_server_and_instance(at):
    refused = at.run("start", PLAN)
    assert refused.exit_code == 1
    assert f"({at.server}) is launched into the existing instance {at.machine}" in error_line(refused)
    assert "TerminateDrillInstances" in error_line(refused)
    at.aws.advance(6 * 3600)
    assert (jobs(at), state(at)) == ([], "running")


def test_check_blocks_the_same_drill_and_warns_a_recovery(at):
    blocked = at.run("check", PLAN)
    assert blocked.exit_code == 1
    assert f"is launched into the existing instance {at.machine}, which the clean-up would terminate" in blocked.stdout
    recovery = at.run("check", PLAN, "--recovery", "--json")
    assert recovery.exit_code == 0
    (found,) = [one for one in json.loads(recovery.stdout)["Servers"] if one["SourceServerId"] == at.server]
    assert found["Findings"] == [f"is launched into the existing instance {at.machine}"]


def test_a_drill_that_keeps_its_instances_runs_and_its_later_clean_up_is_refused(at):
    keep_instances(at)
    assert at.run("check", PLAN).exit_code == 0
    execution = at.client.start(PLAN)
    at.aws.wait_until(lambda: at.client.get(execution)["Status"] == "COMPLETED", 4 * 3600)
    refused = at.run("cleanup", execution)
    assert refused.exit_code == 1
    assert f"DRS launched into {at.machine}, which existed before" in error_line(refused)
    at.aws.advance(6 * 3600)
    assert state(at) == "running"


def test_a_recovery_runs(at):
    execution = at.client.start(PLAN, "RECOVERY")
    record = at.aws.wait_until(lambda: (r := at.client.get(execution))["Status"] == "COMPLETED" and r, 4 * 3600)
    used = [one["Ec2InstanceId"] for wave in record["Waves"] for one in wave["ServerResults"]]
    assert (at.machine in used, state(at)) == (True, "running")


def test_a_drill_of_other_servers_in_the_same_account_runs(at):
    at.aws.drs.set_launch_into(at.server, None)
    execution = at.client.start(PLAN)
    at.aws.wait_until(lambda: at.client.get(execution)["Status"] == "COMPLETED", 4 * 3600)
    assert state(at) == "running"


def test_a_drill_whose_question_is_denied_is_refused(at):
    at.aws.faults.deny("ec2", "DescribeInstances", times=None)
    with pytest.raises(StartRefused, match=r"could not be checked.*DescribeInstances"):
        at.client.start(PLAN)


def test_settings_are_asked_for_only_where_an_instance_allows_it(at):
    at.aws.session().client("ec2").delete_tags(Resources=[at.machine], Tags=[{"Key": "AWSDRS"}])
    at.aws.drs.set_launch_into(at.server, None)
    at.client.start(PLAN)
    assert [call for call in at.aws.journal if call.operation == "GetLaunchConfiguration"] == []


def test_a_clean_up_whose_question_is_denied_is_refused(at):
    keep_instances(at)
    execution = at.client.start(PLAN)
    at.aws.wait_until(lambda: at.client.get(execution)["Status"] == "COMPLETED", 4 * 3600)
    at.aws.faults.deny("ec2", "DescribeInstances", times=None)
    refused = at.run("cleanup", execution)
    assert refused.exit_code == 1
    assert "its instances could not be checked" in error_line(refused)
