"""The command `resume`: the operator types what `status` of the failed recovery names."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from engine.client import EngineClient
from tests.engine.cli.operator import error_line, operator_of_engine

FAILS = "s-3c1730a9e0771ea14"


@pytest.fixture
def failed():
    """An operator, a client and a failed recovery."""
    with operator_of_engine() as at:
        client = at.client
        at.aws.drs.set_launch(FAILS, fails_with="no capacity")
        at.run("start", "plan-three-tier", "--recovery", "--yes", "--watch")
        [record] = client.list_by_plan("plan-three-tier").items
        yield at, client, record["ExecutionId"]


def test_status_of_a_failed_recovery_ends_with_the_command_that_resumes_it(failed):
    at, client, execution = failed
    last = at.run("status", execution).stdout.splitlines()[-1]
    command = f"python -m engine resume {execution} --stack engine-test"
    assert last == f"To resume it: {command}"
    at.aws.drs.reset_launch(FAILS)
    resumed = at.run(*command.split()[3:], typed="plan-three-tier\n")
    assert resumed.exit_code == 0, resumed.output
    successor = client.get(execution)["ResumedBy"]
    assert successor in resumed.stdout
    watched = at.run("status", successor, "--watch")
    assert watched.exit_code == 0
    assert at.run("status", execution).stdout.splitlines()[-1] == f"Resumed by execution {successor}"


def test_the_refusal_of_a_second_recovery_offers_the_resumption_of_the_failed_one(failed):
    at, client, execution = failed
    refused = at.run("start", "plan-three-tier", "--recovery", "--yes", columns=80)
    assert refused.exit_code == 1
    assert f"  python -m engine resume {execution} --stack engine-test" in refused.stderr.replace(" \\\n   ", "")
    assert len(refused.stderr.splitlines()) <= 24
    assert len(client.list_by_plan("plan-three-tier").items) == 1


def offered(at):
    """The commands `resume` in the refusal of another recovery of the plan."""
    refused = at.run("start", "plan-three-tier", "--recovery", "--yes", columns=80)
    assert refused.exit_code == 1
    lines = refused.stderr.splitlines()
    assert (len(lines) <= 24, max(map(len, lines)) <= 80) == (True, True), refused.stderr
    return [line.split()[4] for line in lines if "engine resume" in line]


def test_the_refusal_offers_the_newest_of_several_failed_recoveries_only(failed):
    at, client, _ = failed
    for _ in range(3):
        again = at.run("start", "plan-three-tier", "--recovery", "--yes", "--existing", "keep", "--watch")
        second = again.stdout.splitlines()[0]
        assert client.get(second)["Status"] == "FAILED"
        assert offered(at) == [second]
    at.aws.drs.reset_launch(FAILS)
    at.run("start", "plan-three-tier", "--recovery", "--yes", "--existing", "keep", "--watch")
    assert offered(at) == []


def test_the_refusal_over_instances_of_a_colleague_offers_the_failed_recovery_of_the_plan():
    with operator_of_engine() as at:
        client = at.client
        servers = [one for group in client.groups_of(at.plan()) for one in group["SourceServerIds"]]
        for server in servers:
            at.aws.drs.set_launch(server, fails_with="no capacity")
        at.run("start", "plan-three-tier", "--recovery", "--yes", "--watch")
        [record] = client.list_by_plan("plan-three-tier").items
        assert record["Status"] == "FAILED"
        for server in servers:
            at.aws.drs.reset_launch(server)
        at.aws.drs.start_foreign_job(servers[:1], is_drill=False)
        at.aws.advance(3600)
        assert offered(at) == [record["ExecutionId"]]
        resumed = at.run("resume", record["ExecutionId"], "--yes", "--watch")
        assert resumed.exit_code == 0, resumed.output


def test_a_resumption_needs_the_id_of_the_plan(failed):
    at, client, execution = failed
    refused = at.run("resume", execution, typed="yes\n")
    assert refused.exit_code == 2
    assert "no execution was started" in error_line(refused)
    assert "ResumedBy" not in client.get(execution)


def test_a_server_may_be_named_by_its_host_name_and_left_out_if_it_fails_again(failed):
    at, client, execution = failed
    name = next(one["HostName"] for one in servers(client.get(execution)) if one["SourceServerId"] == FAILS)
    at.run("resume", execution, "--yes", "--watch")
    again = client.get(execution)["ResumedBy"]
    offered = at.run("status", again).stdout.splitlines()[-1]
    assert offered.endswith(f"python -m engine resume {again} --stack engine-test --skip-server {FAILS}")
    at.run("resume", again, "--yes", "--skip-server", name, "--watch")
    left_out = [one for one in servers(client.get(client.get(again)["ResumedBy"])) if one["Status"] == "SKIPPED"]
    assert [one["SourceServerId"] for one in left_out] == [FAILS]


def test_a_host_name_of_two_servers_is_refused_with_their_ids(failed):
    at, client, execution = failed
    first, second = servers(client.get(execution))[:2]
    record = client.get(execution)
    for one in servers(record)[:2]:
        one["HostName"] = "twin"
    with patch.object(EngineClient, "get", return_value=record):
        result = at.run("resume", execution, "--yes", "--skip-server", "twin")
    ids = ", ".join(sorted([first["SourceServerId"], second["SourceServerId"]]))
    assert (result.exit_code, error_line(result)) == (
        2,
        f"Error: 2 servers have the host name twin; name one by its id: {ids}",
    )


def test_the_refusal_of_a_second_resumption_names_the_command_that_fits_the_first(failed):
    at, client, execution = failed
    at.run("resume", execution, "--yes")
    running = client.get(execution)["ResumedBy"]
    refused = at.run("resume", execution, "--yes").stderr
    assert f"which is RUNNING: python -m engine status {running} --watch" in refused


def servers(record):
    return [server for wave in record["Waves"] for server in wave["ServerResults"]]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--skip-wave", "9"], "wave 9 cannot be skipped: there is no such wave"),
        (["--skip-wave", "one"], "'one' is not a valid integer"),
        (["--snapshot", "web-1=latest"], "must be SERVER=SNAPSHOT"),
        (["--existing", "destroy"], "must be keep, or replace="),
    ],
)
def test_bad_input_is_one_line_and_nothing_starts(failed, words, said):
    at, client, execution = failed
    refused = at.run("resume", execution, "--yes", *words)
    assert refused.exit_code != 0
    assert said in error_line(refused)
    assert len(client.list_by_plan("plan-three-tier").items) == 1


def test_a_completed_recovery_names_no_next_step():
    with operator_of_engine() as at:
        client = at.client
        at.run("start", "plan-three-tier", "--recovery", "--yes", "--watch")
        [record] = client.list_by_plan("plan-three-tier").items
        assert "resume" not in at.run("status", record["ExecutionId"]).stdout
        refused = at.run("resume", record["ExecutionId"], "--yes")
        assert "is COMPLETED: there is nothing to resume" in error_line(refused)


def test_a_recovery_whose_state_machine_was_stopped_is_closed_by_the_next_start_of_its_plan():
    with operator_of_engine() as at:
        client = at.client
        at.run("start", "plan-three-tier", "--recovery", "--yes")
        at.aws.advance(60)
        [record] = client.list_by_plan("plan-three-tier").items
        dead = record["ExecutionId"]
        # The closer cannot close the record either.
        at.aws.faults.fail_lambda(source="states", times=None)
        states = at.aws.session().client("stepfunctions")
        machine = client._outputs["StateMachineArn"].replace(":stateMachine:", ":execution:")
        states.stop_execution(executionArn=f"{machine}:{dead}")
        at.aws.advance(3600)
        assert client.get(dead)["Status"] == "RUNNING"
        refused = at.run("start", "plan-three-tier", "--recovery", "--yes", columns=200)
        assert refused.exit_code == 1, refused.output
        assert f"python -m engine resume {dead} --stack engine-test" in refused.stderr.replace(" \\\n   ", "")
        assert client.get(dead)["StatusReason"] == "the state machine had stopped when a start came"
        at.aws.faults.clear()
        resumed = at.run("resume", dead, "--yes", "--watch")
        assert resumed.exit_code == 0, resumed.output
