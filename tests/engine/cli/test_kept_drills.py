"""Kept drills: `cleanup` terminates their instances, and `destroy` does not forget them."""

from __future__ import annotations

from unittest.mock import Mock, patch

import pytest

from engine.cli.next_step import next_step
from tests.engine.cli.operator import error_line, operator_of_engine


@pytest.fixture
def kept():
    """An operator, a client and a drill whose plan keeps its instances."""
    with operator_of_engine() as at:
        client = at.client
        client.put_plan({**at.plan(), "TerminateDrillInstances": False})
        at.run("start", "plan-three-tier", "--watch")
        [record] = client.list_by_plan("plan-three-tier").items
        yield at, client, record["ExecutionId"]


def instances(at):
    return at.aws.session().client("drs").describe_recovery_instances(filters={})["items"]


def test_cleanup_terminates_the_instances_of_a_kept_drill(kept):
    at, client, execution = kept
    assert len(instances(at)) == 6
    # Later than the limit of a clean-up after the end of the execution.
    at.aws.advance(6 * 3600)
    done = at.run("cleanup", execution)
    assert done.exit_code == 0, done.output
    command = done.stdout.replace("\\\n", "").splitlines()[1].split()
    assert command[:5] == ["python", "-m", "engine", "status", execution]
    assert at.run(*command[3:]).exit_code == 0
    record = client.get(execution)
    assert record["Status"] == "COMPLETED"
    assert record["CleanUp"]["Status"] == "COMPLETED"
    assert instances(at) == []
    again = at.run("cleanup", execution)
    assert "keeps no instances: its clean-up is COMPLETED" in error_line(again)
    assert at.run("destroy", "--yes").exit_code == 0


def test_status_offers_no_clean_up_when_all_instances_are_gone(kept):
    at, _, execution = kept
    offer = f"To terminate its instances: python -m engine cleanup {execution} --stack engine-test"
    known = [one["recoveryInstanceID"] for one in instances(at)]
    for some in (known[:5], known[5:]):
        assert at.run("status", execution).stdout.splitlines()[-1] == offer
        at.aws.session().client("drs").terminate_recovery_instances(recoveryInstanceIDs=some)
        at.aws.advance(1800)
    assert "cleanup" not in at.run("status", execution).stdout
    at.aws.faults.deny("drs", "DescribeRecoveryInstances")
    assert at.run("status", execution).stdout.splitlines()[-1] == offer


def test_a_drill_whose_clean_up_failed_is_not_forgotten_and_its_clean_up_can_be_repeated():
    with operator_of_engine() as at:
        client = at.client
        at.aws.faults.deny("drs", "TerminateRecoveryInstances", times=None)
        at.run("start", "plan-three-tier", "--watch")
        [record] = client.list_by_plan("plan-three-tier").items
        execution = record["ExecutionId"]
        assert client.get(execution)["CleanUp"]["Status"] == "FAILED"
        command = f"python -m engine cleanup {execution} --stack engine-test"
        for _ in range(2):
            assert len(instances(at)) == 6
            assert at.run("status", execution).stdout.splitlines()[-1] == f"To terminate its instances: {command}"
            swept = at.run("sweep", "--yes").stdout.splitlines()
            assert swept[0] == f"Drill {execution} of stack engine-test keeps 6 instances:"
            assert swept[7] == f"To terminate them: {command}"
            assert f"python -m engine cleanup {execution}" in at.run("destroy", "--yes").stderr
            repeated = at.run(*command.split()[3:])
            assert repeated.exit_code == 0, repeated.output
            at.run("status", execution, "--watch")
            failed = client.get(execution)["CleanUp"]
            assert failed["Status"] == "FAILED"
            assert "AccessDeniedException" in failed["ErrorMessage"]
        at.aws.faults.clear()
        assert at.run(*command.split()[3:]).exit_code == 0
        at.run("status", execution, "--watch")
        done = client.get(execution)["CleanUp"]
        assert done["Status"] == "COMPLETED"
        assert "ErrorMessage" not in done
        assert done["StartTime"] == failed["StartTime"]
        assert instances(at) == []
        assert "cleanup" not in at.run("status", execution).stdout
        assert "Drill" not in at.run("sweep", "--yes").stdout
        assert at.run("destroy", "--yes").exit_code == 0


@pytest.mark.parametrize(("status", "resumable"), [("SKIPPED", True), ("FAILED", False)])
def test_a_failed_drill_whose_clean_up_failed_is_not_to_be_resumed(status, resumable):
    servers = [{"SourceServerId": "s-1", "Status": "RECOVERED", "RecoveryInstanceId": "i-1"}]
    record = {"ExecutionId": "a", "ExecutionType": "DRILL", "Status": "FAILED", "CleanUp": {"Status": status}}
    step = next_step(Mock(), {**record, "Waves": [{"ServerResults": servers}]}, "engine-test")
    assert ("engine resume a" in step) == resumable
    assert step.splitlines()[-1] == "To terminate its instances: python -m engine cleanup a --stack engine-test"


def test_destroy_names_kept_drills_and_the_ways_on(kept):
    at, _, execution = kept
    refused = at.run("destroy", "--yes")
    assert refused.exit_code == 1
    assert refused.stderr.splitlines()[1:3] == [f"  python -m engine cleanup {execution} \\", "    --stack engine-test"]
    assert "--leave-instances" in error_line(refused)
    assert at.run("destroy", "--yes", "--leave-instances").exit_code == 0
    assert len(instances(at)) == 6


def test_sweep_lists_a_kept_drill_with_the_command_that_ends_it(kept):
    at, _, execution = kept
    swept = at.run("sweep", "--yes")
    lines = swept.stdout.splitlines()
    assert lines[0] == f"Drill {execution} of stack engine-test keeps 6 instances:"
    assert sorted(line.strip() for line in lines[1:7]) == sorted(one["recoveryInstanceID"] for one in instances(at))
    command = f"python -m engine cleanup {execution} --stack engine-test"
    assert lines[7] == f"To terminate them: {command}"
    refused = at.run("sweep", "--drill", execution, "--yes")
    assert command in error_line(refused)
    assert len(instances(at)) == 6
    assert at.run(*command.split()[3:]).exit_code == 0
    assert "Drill" not in at.run("sweep", "--yes").stdout, "its clean-up is at work"
    at.run("status", execution, "--watch")
    assert instances(at) == []
    assert "Drill" not in at.run("sweep", "--yes").stdout


def test_sweep_ends_the_kept_drill_of_a_deleted_stack_only_if_it_is_named(kept):
    at, _, execution = kept
    at.run("destroy", "--yes", "--leave-instances")
    swept = at.run("sweep", "--yes")
    assert f"Drill {execution} of no stack here" in swept.stdout
    assert f"To terminate them: python -m engine sweep --drill {execution}" in swept.stdout
    assert len(instances(at)) == 6
    unknown = at.run("sweep", "--drill", "0d4b1b3a", "--yes")
    assert unknown.exit_code == 2
    assert "no drill 0d4b1b3a keeps an instance" in error_line(unknown)
    with patch("engine.cli.sweep.time.sleep", at.aws.advance):
        ended = at.run("sweep", "--drill", execution, typed="y\n")
    assert ended.stdout.splitlines()[-1] == f"{execution}: 6 terminated"
    assert instances(at) == []
    assert "Drill" not in at.run("sweep", "--yes").stdout


def test_sweep_keeps_an_instance_that_existed_before_the_drill(kept):
    at, _, execution = kept
    at.run("destroy", "--yes", "--leave-instances")
    ec2, machine = at.aws.session().client("ec2"), instances(at)[0]["ec2InstanceID"]
    tag = {"Key": "AWSDRS", "Value": "AllowLaunchingIntoThisInstance"}
    ec2.create_tags(Resources=[machine], Tags=[tag])
    refused = at.run("sweep", "--drill", execution, "--yes")
    assert refused.exit_code == 1
    assert f"drill {execution}: DRS launched into {machine}, which existed before" in error_line(refused)
    assert len(instances(at)) == 6
    ec2.delete_tags(Resources=[machine], Tags=[tag])
    with patch("engine.cli.sweep.time.sleep", at.aws.advance):
        assert at.run("sweep", "--drill", execution, "--yes").exit_code == 0
    assert instances(at) == []


def test_sweep_never_lists_a_recovery_or_a_drill_at_work():
    with operator_of_engine() as at:
        client = at.client
        at.run("start", "plan-three-tier", "--recovery", "--yes", "--watch")
        assert len(instances(at)) == 6
        assert "Drill" not in at.run("sweep", "--yes").stdout
        [recovery] = client.list_by_plan("plan-three-tier").items
        assert at.run("sweep", "--drill", recovery["ExecutionId"], "--yes").exit_code == 2
        assert len(instances(at)) == 6


def test_status_of_a_failed_kept_drill_names_both_ways_on():
    fails = "s-3c1730a9e0771ea14"
    with operator_of_engine() as at:
        client = at.client
        client.put_plan({**at.plan(), "TerminateDrillInstances": False})
        at.aws.drs.set_launch(fails, fails_with="no capacity")
        at.run("start", "plan-three-tier", "--watch")
        [record] = client.list_by_plan("plan-three-tier").items
        execution = record["ExecutionId"]
        resume, clean_up = at.run("status", execution).stdout.splitlines()[-2:]
        assert resume == f"To resume it: python -m engine resume {execution} --stack engine-test"
        assert clean_up == f"To terminate its instances: python -m engine cleanup {execution} --stack engine-test"
        at.aws.drs.reset_launch(fails)
        resumed = at.run(*resume.split()[6:], "--watch")
        assert resumed.exit_code == 0, resumed.output
        successor = client.get(execution)["ResumedBy"]
        refused = at.run(*clean_up.split()[7:])
        assert f"python -m engine cleanup {successor}" in error_line(refused)
        assert at.run("status", execution).stdout.splitlines()[-1] == f"Resumed by execution {successor}"
        assert f"cleanup {successor}" in at.run("destroy", "--yes").stderr
        at.run("cleanup", successor)
        at.run("status", successor, "--watch")
        assert instances(at) == []
        assert at.run("destroy", "--yes").exit_code == 0


def test_a_killed_cleanup_is_completed_by_the_next(kept):
    at, _, execution = kept
    at.aws.faults.kill_lambda("before", "stepfunctions", "StartExecution")
    assert at.run("cleanup", execution).exit_code != 0
    assert at.run("cleanup", execution).exit_code == 0
    at.run("status", execution, "--watch")
    assert instances(at) == []


def test_the_instances_of_a_recovery_are_never_cleaned_up():
    with operator_of_engine() as at:
        client = at.client
        at.run("start", "plan-three-tier", "--recovery", "--yes", "--watch")
        [record] = client.list_by_plan("plan-three-tier").items
        refused = at.run("cleanup", record["ExecutionId"])
        assert "is a RECOVERY: its instances are production" in error_line(refused)
        assert len(instances(at)) == 6


def test_only_an_ended_drill_is_cleaned_up(kept):
    at, client, _ = kept
    running = client.start("plan-three-tier")
    assert "is RUNNING; wait for its end, or cancel it" in error_line(at.run("cleanup", running))
    unknown = at.run("cleanup", "0d4b1b3a-0000-4000-8000-000000000001")
    assert "there is no execution 0d4b1b3a" in error_line(unknown)
