"""Resumptions through the deployed function: what they refuse, and what a killed one leaves."""

from __future__ import annotations

import pytest

from engine.client import EngineError, StartRefused
from simulator import Simulator
from tests.engine.function.test_deployed import deployed, settled

SERVERS = [f"s-{number:017x}" for number in (1, 2, 3)]
GROUPS = {"g1": SERVERS[:1], "g2": SERVERS[1:]}
WAVES = [
    {"WaveNumber": number, "WaveName": f"Tier {number}", "ProtectionGroupId": f"g{number}", "ExecutionType": "PARALLEL"}
    for number in (1, 2)
]
PLAN = {"PlanId": "p", "PlanName": "P", "Waves": WAVES}


@pytest.fixture
def aws():
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def client(aws):
    """An engine with a plan of two waves; the first server of the second wave cannot be launched."""
    client = deployed(aws)
    for server in SERVERS:
        aws.drs.add_source_server(server, hostname=f"host-{server[-1]}")
    for name, servers in GROUPS.items():
        group = {"GroupId": name, "GroupName": name, "SourceServerIds": servers}
        client.put_group({**group, "Region": aws.region, "AccountId": aws.account})
    client.put_plan(PLAN)
    aws.drs.set_launch(SERVERS[1], fails_with="no capacity")
    return client


@pytest.fixture
def failed(aws, client):
    execution = client.start("p", "RECOVERY")
    aws.wait_until(settled(client, execution), 4 * 3600)
    assert client.get(execution)["Status"] == "FAILED"
    return execution


def ended(aws, client, execution):
    aws.wait_until(settled(client, execution), 4 * 3600)
    return client.get(execution)


def results(record):
    return {one["SourceServerId"]: one for wave in record["Waves"] for one in wave["ServerResults"]}


def jobs(aws):
    return aws.session().client("drs").describe_jobs(filters={})["items"]


def refused(aws, client, execution, **choices):
    """The problems of the refused resumption, which started nothing."""
    aws.advance(30)
    before = len(jobs(aws)), len(client.list_by_plan("p").items)
    with pytest.raises(StartRefused) as refusal:
        client.resume(execution, **choices)
    assert (len(jobs(aws)), len(client.list_by_plan("p").items)) == before
    assert "ResumedBy" not in client.get(execution)
    return refusal.value.problems


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"skip_waves": [7]}, "wave 7 cannot be skipped: there is no such wave"),
        ({"skip_waves": [1]}, "wave 1 (Tier 1) cannot be skipped: it is COMPLETED"),
        ({"skip_servers": ["s-unknown"]}, "server s-unknown cannot be skipped: it is not a server of the execution"),
        ({"skip_servers": [SERVERS[0]]}, f"server host-1 ({SERVERS[0]}) cannot be skipped: it is RECOVERED"),
        (
            {"snapshots": {"s-unknown": "pit-00000000000000001"}},
            "snapshot pit-00000000000000001: server s-unknown is not a server of the execution",
        ),
        (
            {"replace_existing": {SERVERS[1]: "i-0123456789abcdef0"}},
            f"plan p: server {SERVERS[1]} is to be replaced, but has no recovery instance",
        ),
        ({"snapshots": {SERVERS[1]: "LATEST"}}, "Snapshots of the event resume must be an object"),
    ],
)
def test_choices_that_do_not_fit_the_record_are_one_line(aws, client, failed, choices, said):
    [problem] = refused(aws, client, failed, **choices)
    assert problem.startswith(said)


def test_a_snapshot_of_a_server_that_is_kept_is_refused_with_the_way_on(aws, client, failed):
    [problem] = refused(aws, client, failed, snapshots={SERVERS[2]: "pit-00000000000000001"})
    assert problem.endswith(f"to launch it again, add --existing replace={SERVERS[2]}")


def test_an_unknown_execution_is_not_resumed(client):
    with pytest.raises(StartRefused, match="there is no execution 0d4b1b3a"):
        client.resume("0d4b1b3a-0000-4000-8000-000000000001")


def test_a_running_execution_is_not_resumed(aws, client):
    execution = client.start("p", "RECOVERY")
    [problem] = refused(aws, client, execution)
    assert "is RUNNING: only an execution that is FAILED or CANCELLED can be resumed" in problem


def test_a_drill_is_not_resumed(aws, client):
    execution = client.start("p", "DRILL")
    ended(aws, client, execution)
    [problem] = refused(aws, client, execution)
    assert "is a DRILL: only a RECOVERY can be resumed" in problem


def test_only_the_newest_of_a_chain_is_resumed(aws, client, failed):
    second = client.resume(failed)
    assert ended(aws, client, second)["Status"] == "FAILED"
    with pytest.raises(StartRefused, match=f"resumed already, by execution {second}"):
        client.resume(failed)
    aws.drs.reset_launch(SERVERS[1])
    third = client.resume(second)
    record = ended(aws, client, third)
    assert record["Status"] == "COMPLETED"
    assert record["ResumedFrom"] == second
    assert record["Waves"][0]["CarriedFrom"] == failed
    assert record["FirstStartTime"] == client.get(failed)["StartTime"]


def test_a_resumption_while_the_plan_runs_is_refused(aws, client, failed):
    other = client.start("p", "RECOVERY", keep_existing=True)
    [problem] = refused(aws, client, failed)
    assert f"execution {other} runs" in problem


def test_a_skipped_server_is_left_out_and_its_wave_completes(aws, client, failed):
    record = ended(aws, client, client.resume(failed, skip_servers=[SERVERS[1]], initiated_by="an operator"))
    assert record["Status"] == "COMPLETED"
    assert record["Waves"][1]["Status"] == "COMPLETED"
    skipped = results(record)[SERVERS[1]]
    assert (skipped["Status"], skipped["SkippedBy"]) == ("SKIPPED", "an operator")
    assert [one["Message"] for one in record["Warnings"]] == [
        f"2 of 3 servers recovered; skipped: host-2 ({SERVERS[1]})"
    ]


def test_a_named_server_is_replaced_on_resumption(aws, client, failed):
    aws.drs.reset_launch(SERVERS[1])
    before = results(client.get(failed))[SERVERS[0]]["RecoveryInstanceId"]
    record = ended(aws, client, client.resume(failed, replace_existing={SERVERS[0]: before}))
    assert record["Status"] == "COMPLETED"
    assert results(record)[SERVERS[0]]["RecoveryInstanceId"] != before
    assert results(record)[SERVERS[2]]["Adopted"] is True


def test_a_cancelled_recovery_is_resumed_while_its_job_still_runs(aws, client):
    aws.drs.reset_launch(SERVERS[1])
    aws.drs.set_launch(SERVERS[0], launch_seconds=1200)
    execution = client.start("p", "RECOVERY")
    aws.advance(120)
    client.cancel(execution)
    aws.advance(120)
    assert client.get(execution)["Status"] == "CANCELLED"
    record = ended(aws, client, client.resume(execution))
    assert record["Status"] == "COMPLETED"
    launches = [one["sourceServerID"] for job in jobs(aws) for one in job["participatingServers"]]
    assert launches.count(SERVERS[0]) == 1


@pytest.mark.parametrize(
    ("service", "operation"),
    [("dynamodb", "TransactWriteItems"), ("stepfunctions", "StartExecution"), ("dynamodb", "PutItem")],
)
def test_a_resumption_that_is_killed_is_completed_by_the_next(aws, client, failed, service, operation):
    aws.drs.reset_launch(SERVERS[1])
    aws.faults.kill_lambda("after", service, operation)
    with pytest.raises(EngineError):
        client.resume(failed)
    try:
        successor = client.resume(failed)
    except StartRefused:
        # The killed one runs already.
        successor = client.get(failed)["ResumedBy"]
    record = ended(aws, client, successor)
    assert record["Status"] == "COMPLETED"
    launches = [one["sourceServerID"] for job in jobs(aws) for one in job["participatingServers"]]
    assert [launches.count(server) for server in SERVERS] == [1, 2, 1]
