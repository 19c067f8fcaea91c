"""Refused starts, and starts that were interrupted, through the deployed function."""

from __future__ import annotations

import io
import itertools
import json

import pytest
from aws_lambda_powertools import Logger

from engine.aws.caller import Caller
from engine.aws.execution_history import ExecutionHistory, PlanLocked, lock_id
from engine.aws.log import Log
from engine.client import EngineError, StartRefused
from tests.engine.core.simulated_aws import execution_of, server, wave
from tests.engine.deployed import STACK, aws_with_engine, client_of, end_of, runs
from tests.engine.job_times import SHORT_JOBS

PLAN = {"PlanId": "p", "PlanName": "P"}
WAVE = {"WaveNumber": 1, "WaveName": "All", "ProtectionGroupId": "g", "ExecutionType": "PARALLEL"}


@pytest.fixture
def aws():
    with aws_with_engine() as found:
        yield found


@pytest.fixture
def client(aws):
    """An engine with one plan of two servers."""
    client = client_of(aws)
    servers = [aws.drs.add_source_server(f"s-{number:017x}") for number in (1, 2)]
    for server_id in servers:
        aws.drs.set_launch(server_id, **SHORT_JOBS)
    group = {"GroupId": "g", "GroupName": "G", "SourceServerIds": servers}
    client.put_group({**group, "Region": aws.region, "AccountId": aws.account})
    client.put_plan({**PLAN, "Waves": [WAVE]})
    return client


def listed(drs):
    return drs.describe_recovery_instances(filters={})["items"]


def instances(aws):
    return {one["recoveryInstanceID"] for one in listed(aws.session().client("drs"))}


def test_a_drill_does_not_replace_what_was_recovered_for_real(aws, client):
    end_of(aws, client, client.start("p", "RECOVERY"))
    production = instances(aws)
    with pytest.raises(StartRefused, match="were recovered for real") as refused:
        client.start("p", "DRILL")
    [problem] = refused.value.problems
    assert all(instance in problem for instance in production)
    assert instances(aws) == production


def recovered(aws, client):
    """The instances of a completed recovery of both servers."""
    end_of(aws, client, client.start("p", "RECOVERY"))
    return instances(aws)


def test_a_second_recovery_is_refused_and_names_each_instance(aws, client):
    production = recovered(aws, client)
    with pytest.raises(StartRefused, match="A new launch destroys these instances") as refused:
        client.start("p", "RECOVERY")
    assert {one["RecoveryInstanceId"] for one in refused.value.existing} == production
    assert all(one["HostName"] and one["LaunchTime"] and one["ExecutionId"] for one in refused.value.existing)
    assert len(str(refused.value).splitlines()) <= 24
    assert instances(aws) == production


def test_a_recovery_that_keeps_existing_instances_adopts_them(aws, client):
    production = recovered(aws, client)
    (first,) = client.list_by_plan("p").items
    record = end_of(aws, client, client.start("p", "RECOVERY", keep_existing=True))
    assert record["Status"] == "COMPLETED"
    servers = record["Waves"][0]["ServerResults"]
    assert {server["RecoveryInstanceId"] for server in servers} == production == instances(aws)
    assert all(server["Adopted"] and server["AdoptedFrom"] == first["ExecutionId"] for server in servers)
    assert all(server["SnapshotTime"] and server["HealthChecks"] for server in servers)
    assert "Warning" not in servers[0]


def test_a_recovery_replaces_the_confirmed_instance_and_no_other(aws, client):
    production = recovered(aws, client)
    with pytest.raises(StartRefused, match="not confirmed") as refused:
        client.start("p", "RECOVERY", replace_existing={"s-00000000000000001": ""})
    instance = {one["SourceServerId"]: one["RecoveryInstanceId"] for one in refused.value.existing}
    (replaced, kept) = (instance[f"s-{number:017x}"] for number in (1, 2))
    for servers, reason in (
        ({"s-00000000000000001": kept}, "the confirmed instance is"),
        ({"s-00000000000000009": kept}, "is not a server of the plan"),
    ):
        with pytest.raises(StartRefused, match=reason):
            client.start("p", "RECOVERY", replace_existing=servers)
    assert instances(aws) == production
    execution_id = client.start("p", "RECOVERY", replace_existing={"s-00000000000000001": replaced})
    record = end_of(aws, client, execution_id)
    assert record["Status"] == "COMPLETED"
    assert [server.get("Adopted", False) for server in record["Waves"][0]["ServerResults"]] == [False, True]
    assert kept in instances(aws)
    assert replaced not in instances(aws)


def test_a_server_without_an_instance_cannot_be_replaced(client):
    with pytest.raises(StartRefused, match="has no recovery instance"):
        client.start("p", "RECOVERY", replace_existing={"s-00000000000000001": ""})


def test_a_drill_does_not_replace_what_another_user_recovers_for_real_while_it_runs(aws, client):
    first, second = (f"s-{number:017x}" for number in (1, 2))
    for group, servers in (("tier-1", [first]), ("tier-2", [second])):
        document = {"GroupId": group, "GroupName": group, "SourceServerIds": servers}
        client.put_group({**document, "Region": aws.region, "AccountId": aws.account})
    waves = [{**WAVE, "ProtectionGroupId": "tier-1"}, {**WAVE, "WaveNumber": 2, "ProtectionGroupId": "tier-2"}]
    client.put_plan({**PLAN, "Waves": waves})
    drill = client.start("p", "DRILL")
    drs = aws.session().client("drs")
    drs.start_recovery(sourceServers=[{"sourceServerID": second}], isDrill=False)
    aws.wait_until(lambda: any(not one["isDrill"] for one in listed(drs)), 4 * 3600)
    (production,) = (one["recoveryInstanceID"] for one in listed(drs) if not one["isDrill"])
    record = end_of(aws, client, drill)
    assert [wave["Status"] for wave in record["Waves"]] == ["COMPLETED", "FAILED"]
    assert production in record["Errors"][0]["Message"]
    assert instances(aws) == {production}
    assert record["CleanUp"]["Status"] == "COMPLETED"


@pytest.fixture
def kept(aws, client):
    """A drill of both servers that keeps its instances; its ExecutionId."""
    client.put_plan({**PLAN, "Waves": [WAVE], "TerminateDrillInstances": False})
    drill = client.start("p", "DRILL")
    end_of(aws, client, drill)
    return drill


@pytest.mark.parametrize("kind", ["DRILL", "RECOVERY"])
def test_a_start_over_a_kept_drill_warns_that_its_instances_are_terminated(aws, client, kept, kind):
    before = instances(aws)
    started = client.start_or_find("p", kind)
    hosts = ", ".join(one["HostName"] for one in client.get(kept)["Waves"][0]["ServerResults"])
    assert started.warnings == (
        f"drill {kept} has instances of 2 servers ({hosts}), which DRS terminates when this execution launches them",
    )
    assert end_of(aws, client, started.execution_id)["Status"] == "COMPLETED"
    assert not before & instances(aws)


def test_a_start_without_drill_instances_asks_for_no_job_of_a_drill(aws, client, kept):
    client.cleanup(kept)
    end_of(aws, client, kept)

    def asked():
        return [call for call in aws.journal.select("drs", "DescribeJobs") if "jobIDs" in call.parameters["filters"]]

    before = len(asked())
    assert client.start_or_find("p", "RECOVERY").warnings == ()
    assert len(asked()) == before


def test_a_recovery_starts_although_the_drill_in_its_way_cannot_be_named(aws, client, kept):
    jobs = {one["DrsJobId"] for one in client.get(kept)["Waves"][0]["ServerResults"]}
    aws.faults.deny("drs", "DescribeJobs", where={"filters": {"jobIDs": sorted(jobs)}})
    started = client.start_or_find("p", "RECOVERY")
    assert started.warnings[0].startswith("a drill has instances of 2 servers (")
    assert end_of(aws, client, started.execution_id)["Status"] == "COMPLETED"


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
    record = end_of(aws, client, execution_id, 3600)
    assert record["Status"] == "CANCELLED"
    assert aws.journal.select("drs", "StartRecovery") == []
    assert end_of(aws, client, client.start("p", "DRILL"))["Status"] == "COMPLETED"


def test_a_start_that_was_cut_off_is_completed_by_the_next_one(aws, client):
    execution_id = cut_off(aws, client)
    assert client.start("p", "RECOVERY") == execution_id
    assert end_of(aws, client, execution_id)["Status"] == "COMPLETED"


def test_a_start_that_was_cut_off_is_not_completed_with_a_plan_that_has_changed(aws, client):
    execution_id = cut_off(aws, client)
    client.put_plan({**PLAN, "Waves": [{**WAVE, "HealthCheck": {"Enabled": False}}]})
    with pytest.raises(StartRefused, match=f"has changed since; cancel that execution .{execution_id}"):
        client.start("p", "RECOVERY")
    assert len(runs(aws, client)) == 0
    client.cancel(execution_id)
    end_of(aws, client, execution_id, 3600)
    again = client.start("p", "RECOVERY")
    assert end_of(aws, client, again)["Status"] == "COMPLETED"


def ended_drill(aws, client):
    """A drill that was cancelled in the middle of a launch: over, its job in flight, its clean-up to come."""
    for number in (1, 2):
        aws.drs.set_launch(f"s-{number:017x}", launch_seconds=150)
    drill = client.start("p", "DRILL")
    aws.wait_until(lambda: aws.journal.select("drs", "StartRecovery"), 3600)
    with pytest.raises(StartRefused, match="To cancel the drill and start this recovery"):
        client.start("p", "RECOVERY")
    client.cancel(drill)
    aws.wait_until(lambda: client.get(drill)["Status"] == "CANCELLED", 120)
    with pytest.raises(StartRefused, match="the drill clean-up of execution"):
        client.start("p", "DRILL")
    return drill


@pytest.mark.parametrize("trouble", ["none", "the answer is lost", "killed before", "killed after"])
def test_a_recovery_does_not_wait_for_the_clean_up_of_a_drill(aws, client, trouble):
    drill = ended_drill(aws, client)
    if trouble == "the answer is lost":
        aws.faults.lose_answer("dynamodb", "TransactWriteItems")
    elif trouble.startswith("killed"):
        aws.faults.kill_lambda(trouble.removeprefix("killed "), "dynamodb", "TransactWriteItems")
        with pytest.raises(EngineError):
            client.start("p", "RECOVERY", client_token="disaster")
    recovery = client.start("p", "RECOVERY", client_token="disaster")
    assert client.start("p", "RECOVERY") == recovery
    assert client.get(drill)["CleanUp"]["Status"] in ("PENDING", "RUNNING")
    record = end_of(aws, client, recovery)
    assert record["Status"] == "COMPLETED"
    production = {one["RecoveryInstanceId"] for one in record["Waves"][0]["ServerResults"]}
    cleaned = end_of(aws, client, drill)
    assert cleaned["CleanUp"]["Status"] == "COMPLETED"
    assert instances(aws) == production
    with pytest.raises(StartRefused, match="were recovered for real"):
        client.start("p", "DRILL")


@pytest.mark.parametrize("holder", [None, "the drill", "another"])
def test_a_lock_is_taken_over_from_the_one_it_was_seen_with_or_when_it_is_gone(aws, client, holder):
    table, dynamodb = aws.table(f"{STACK}-execution-history"), aws.session().client("dynamodb")
    calls = itertools.count()
    dynamodb.meta.events.register("before-call", lambda **_: None if next(calls) < 20 else pytest.fail("for ever"))
    execution = execution_of(wave(1, [server(1)]))
    if holder is not None:
        lock = {"ExecutionId": lock_id(execution.plan_id), "ItemKey": "LOCK", "LockedBy": holder}
        table.fill([{name: {"S": value} for name, value in lock.items()}])
    log = Log(Logger(service="test of the lock", stream=io.StringIO()))
    history = ExecutionHistory(Caller(log, aws.advance), dynamodb, f"{STACK}-execution-history")
    if holder == "another":
        with pytest.raises(PlanLocked, match="execution another holds the plan"):
            history.create(execution, instead_of="the drill")
    else:
        history.create(execution, instead_of="the drill")
        assert history.holder(execution.plan_id) == execution.execution_id


def test_of_two_recoveries_one_takes_the_plan_over_and_both_get_it(aws, client):
    ended_drill(aws, client)
    starts = [aws.spawn(f"start {number}", lambda: client.start("p", "RECOVERY")) for number in (1, 2)]
    first, second = (start.join() for start in starts)
    assert first == second
    assert end_of(aws, client, first)["Status"] == "COMPLETED"
    launched = [call.parameters["isDrill"] for call in aws.journal.select("drs", "StartRecovery") if call.succeeded]
    assert launched == [True, False]


@pytest.mark.parametrize("first", ["drill", "recovery"])
def test_a_plan_that_was_taken_over_is_free_when_both_are_settled(aws, client, first):
    drill = ended_drill(aws, client)
    for number in (1, 2):
        aws.drs.set_launch(f"s-{number:017x}", launch_seconds=600)
    recovery = client.start("p", "RECOVERY")
    if first == "recovery":
        client.cancel(recovery)
    ends = [end_of(aws, client, one, 6 * 3600)["CleanUp"].get("EndTime", "") for one in (recovery, drill)]
    assert (ends[1] < client.get(recovery)["EndTime"]) is (first == "drill")
    assert client.start("p", "RECOVERY", keep_existing=True) not in (drill, recovery)


def test_waves_that_are_no_list_are_a_problem_of_the_plan(client):
    client.put_plan({**PLAN, "Waves": None})
    with pytest.raises(StartRefused, match="Waves"):
        client.start("p")


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ({"Action": "start"}, "the event start has no PlanId: it must be a text"),
        ({"Action": "start", "PlanId": 3}, "PlanId of the event start must be a text"),
        ({"Action": "start", "ExecutionType": "drill"}, "ExecutionType of the event start must be DRILL or RECOVERY"),
        ({"Action": "start", "KeepExisting": "yes"}, "KeepExisting of the event start must be true or false"),
        ({"Action": "start", "ReplaceExisting": ["s-1"]}, "ReplaceExisting of the event start must be an object"),
        ({"Action": "start", "Plan": "p"}, "Plan is not a field of the event start; its fields are PlanId, "),
        ({"Action": "cancel", "Reason": "r"}, "the event cancel has no ExecutionId: it must be a text"),
    ],
)
def test_an_incomplete_event_is_answered_with_its_field(aws, client, event, problem):
    response = (
        aws.session()
        .client("lambda")
        .invoke(FunctionName=client._outputs["FunctionName"], Payload=json.dumps(event).encode())
    )
    answer = json.loads(response["Payload"].read())
    assert "FunctionError" not in response
    assert any(problem in line for line in answer.get("Problems", [answer.get("Message", "")])), answer
