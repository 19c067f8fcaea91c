"""What a start refuses, and what becomes of one that was cut off, through the deployed function."""

from __future__ import annotations

import pytest

from engine.client import EngineError, StartRefused
from simulator import Simulator
from tests.engine.test_deployed import deployed, runs, settled

PLAN = {"PlanId": "p", "PlanName": "P"}
WAVE = {"WaveNumber": 1, "WaveName": "All", "ProtectionGroupId": "g", "ExecutionType": "PARALLEL"}


@pytest.fixture
def aws():
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def client(aws):
    """An engine with one plan of two servers."""
    client = deployed(aws)
    servers = [aws.drs.add_source_server(f"s-{number:017x}") for number in (1, 2)]
    group = {"GroupId": "g", "GroupName": "G", "SourceServerIds": servers}
    client.put_group({**group, "Region": aws.region, "AccountId": aws.account})
    client.put_plan({**PLAN, "Waves": [WAVE]})
    return client


def instances(aws):
    return {
        one["recoveryInstanceID"]
        for one in aws.session().client("drs").describe_recovery_instances(filters={})["items"]
    }


def test_a_drill_does_not_replace_what_was_recovered_for_real(aws, client):
    aws.wait_until(settled(client, client.start("p", "RECOVERY")), 4 * 3600)
    production = instances(aws)
    with pytest.raises(StartRefused, match="was recovered for real") as refused:
        client.start("p", "DRILL")
    assert len(refused.value.problems) == 2
    assert all(any(instance in problem for instance in production) for problem in refused.value.problems)
    assert instances(aws) == production
    again = aws.wait_until(settled(client, client.start("p", "RECOVERY")), 4 * 3600)
    assert again["Status"] == "COMPLETED"


def test_a_drill_does_not_replace_what_another_plan_recovers_for_real_while_it_runs(aws, client):
    first, second = (f"s-{number:017x}" for number in (1, 2))
    for group, servers in (("tier-1", [first]), ("tier-2", [second])):
        document = {"GroupId": group, "GroupName": group, "SourceServerIds": servers}
        client.put_group({**document, "Region": aws.region, "AccountId": aws.account})
    waves = [{**WAVE, "ProtectionGroupId": "tier-1"}, {**WAVE, "WaveNumber": 2, "ProtectionGroupId": "tier-2"}]
    client.put_plan({**PLAN, "Waves": waves})
    client.put_plan({**PLAN, "PlanId": "disaster", "Waves": [{**WAVE, "ProtectionGroupId": "tier-2"}]})
    drill = client.start("p", "DRILL")
    recovery = aws.wait_until(settled(client, client.start("disaster", "RECOVERY")), 4 * 3600)
    (production,) = (one["RecoveryInstanceId"] for one in recovery["Waves"][0]["ServerResults"])
    record = aws.wait_until(settled(client, drill), 4 * 3600)
    assert [wave["Status"] for wave in record["Waves"]] == ["COMPLETED", "FAILED"]
    assert production in record["Errors"][0]["Message"]
    assert instances(aws) == {production}
    assert record["CleanUp"]["Status"] == "COMPLETED"


def test_a_drill_follows_a_drill_that_kept_its_instances(aws, client):
    client.put_plan({**PLAN, "Waves": [WAVE], "TerminateDrillInstances": False})
    aws.wait_until(settled(client, client.start("p", "DRILL")), 4 * 3600)
    assert aws.wait_until(settled(client, client.start("p", "DRILL")), 4 * 3600)["Status"] == "COMPLETED"


def cut_off(aws, client):
    """A RECOVERY whose start was killed before the state machine was made; its ExecutionId."""
    aws.faults.kill_lambda("before", "stepfunctions", "StartExecution")
    with pytest.raises(EngineError):
        client.start("p", "RECOVERY")
    aws.advance(3 * 86400)
    with pytest.raises(StartRefused, match="in the way of a DRILL") as refused:
        client.start("p", "DRILL")
    return refused.value.problems[0].split("the RECOVERY ")[1][:36]


def test_a_start_that_was_cut_off_can_be_cancelled_and_launches_nothing(aws, client):
    execution_id = cut_off(aws, client)
    client.cancel(execution_id)
    record = aws.wait_until(settled(client, execution_id), 3600)
    assert record["Status"] == "CANCELLED"
    assert aws.journal.select("drs", "StartRecovery") == []
    assert aws.wait_until(settled(client, client.start("p", "DRILL")), 4 * 3600)["Status"] == "COMPLETED"


def test_a_start_that_was_cut_off_is_completed_by_the_next_one(aws, client):
    execution_id = cut_off(aws, client)
    assert client.start("p", "RECOVERY") == execution_id
    assert aws.wait_until(settled(client, execution_id), 4 * 3600)["Status"] == "COMPLETED"


def test_a_start_that_was_cut_off_is_not_completed_with_a_plan_that_has_changed(aws, client):
    execution_id = cut_off(aws, client)
    client.put_plan({**PLAN, "Waves": [{**WAVE, "HealthCheck": {"Enabled": False}}]})
    with pytest.raises(StartRefused, match=f"has changed since; cancel that execution .{execution_id}"):
        client.start("p", "RECOVERY")
    assert len(runs(aws, client)) == 0
    client.cancel(execution_id)
    aws.wait_until(settled(client, execution_id), 3600)
    again = client.start("p", "RECOVERY")
    assert aws.wait_until(settled(client, again), 4 * 3600)["Status"] == "COMPLETED"


def test_waves_that_are_no_list_are_a_problem_of_the_plan(client):
    client.put_plan({**PLAN, "Waves": None})
    with pytest.raises(StartRefused, match="Waves"):
        client.start("p")
