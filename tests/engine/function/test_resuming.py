"""Resumptions through the deployed function: what they refuse, and what a killed one leaves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from engine.client import DecisionRefused, EngineError, StartRefused
from engine.core.document import timestamp
from tests.engine.deployed import aws_with_engine, client_of, end_of
from tests.engine.job_times import SHORT_JOBS

SERVERS = [f"s-{number:017x}" for number in (1, 2, 3)]
GROUPS = {"g1": SERVERS[:1], "g2": SERVERS[1:]}
WAVES = [
    {"WaveNumber": number, "WaveName": f"Tier {number}", "ProtectionGroupId": f"g{number}", "ExecutionType": "PARALLEL"}
    for number in (1, 2)
]
PLAN = {"PlanId": "p", "PlanName": "P", "Waves": WAVES}


@pytest.fixture
def aws():
    with aws_with_engine() as found:
        yield found


@pytest.fixture
def client(aws):
    """An engine with a plan of two waves; the first server of the second wave cannot be launched."""
    client = client_of(aws)
    for server in SERVERS:
        aws.drs.add_source_server(server, hostname=f"host-{server[-1]}")
        aws.drs.set_launch(server, **SHORT_JOBS)
    for name, servers in GROUPS.items():
        group = {"GroupId": name, "GroupName": name, "SourceServerIds": servers}
        client.put_group({**group, "Region": aws.region, "AccountId": aws.account})
    client.put_plan(PLAN)
    aws.drs.set_launch(SERVERS[1], fails_with="no capacity")
    return client


@pytest.fixture
def failed(aws, client):
    execution = client.start("p", "RECOVERY")
    end_of(aws, client, execution)
    assert client.get(execution)["Status"] == "FAILED"
    return execution


def ended(aws, client, execution):
    end_of(aws, client, execution)
    return client.get(execution)


def results(record):
    return {one["SourceServerId"]: one for wave in record["Waves"] for one in wave["ServerResults"]}


def jobs(aws):
    return aws.session().client("drs").describe_jobs(filters={})["items"]


def refused(aws, client, execution, **choices):
    """The problems of the refused resumption, which started no execution."""
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


def test_a_drill_whose_clean_up_is_over_is_not_resumed(aws, client):
    execution = client.start("p", "DRILL")
    ended(aws, client, execution)
    [problem] = refused(aws, client, execution)
    assert "is a DRILL that keeps no instances" in problem
    assert problem.endswith("To start it again: python -m engine start p")


@pytest.fixture
def kept(aws, client):
    """A failed drill whose plan keeps its instances."""
    client.put_plan({**PLAN, "TerminateDrillInstances": False})
    execution = client.start("p", "DRILL")
    assert ended(aws, client, execution)["CleanUp"]["Status"] == "SKIPPED"
    aws.drs.reset_launch(SERVERS[1])
    return execution


def launches(aws):
    found = [one["sourceServerID"] for job in jobs(aws) for one in job["participatingServers"]]
    return [found.count(server) for server in SERVERS]


def drill_instances(aws):
    found = aws.session().client("drs").describe_recovery_instances(filters={})["items"]
    assert all(one["isDrill"] for one in found)
    return {one["sourceServerID"]: one["recoveryInstanceID"] for one in found}


def test_a_kept_drill_is_resumed_and_the_newest_execution_owns_the_clean_up(aws, client, kept):
    before = drill_instances(aws)
    successor = client.resume(kept)
    record = ended(aws, client, successor)
    assert record["Status"] == "COMPLETED"
    assert record["ExecutionType"] == "DRILL"
    assert record["Waves"][0]["CarriedFrom"] == kept
    assert results(record)[SERVERS[2]]["Adopted"] is True
    assert results(record)[SERVERS[2]]["AdoptedFrom"] == kept
    assert before.items() <= drill_instances(aws).items()
    assert launches(aws) == [1, 2, 1]
    assert client.kept_drills() == [successor]
    with pytest.raises(DecisionRefused, match=f"was resumed, .* cleanup {successor}"):
        client.cleanup(kept)
    client.cleanup(successor)
    assert ended(aws, client, successor)["CleanUp"]["Status"] == "COMPLETED"
    assert drill_instances(aws) == {}
    assert client.kept_drills() == []


def test_a_resumed_drill_of_a_plan_that_terminates_its_instances_terminates_them_all(aws, client, kept):
    client.put_plan(PLAN)
    record = ended(aws, client, client.resume(kept))
    assert record["CleanUp"]["Status"] == "COMPLETED"
    assert drill_instances(aws) == {}


@pytest.mark.parametrize("skipped", [{"skip_waves": [2]}, {"skip_servers": [SERVERS[1]]}])
def test_a_resumed_drill_terminates_the_instances_that_it_has_left_alone(aws, client, kept, skipped):
    client.put_plan(PLAN)
    record = ended(aws, client, client.resume(kept, **skipped))
    assert record["Status"] == "COMPLETED"
    assert record["CleanUp"]["Status"] == "COMPLETED"
    assert drill_instances(aws) == {}


def test_a_resumed_drill_that_is_cancelled_before_its_launches_terminates_what_it_inherited(aws, client, kept):
    aws.drs.set_launch(SERVERS[0], launch_seconds=1200)
    aws.drs.instance_dies(drill_instances(aws)[SERVERS[0]])
    successor = client.resume(kept)
    aws.advance(60)
    client.cancel(successor)
    record = ended(aws, client, successor)
    assert record["Status"] == "CANCELLED"
    assert client.kept_drills() == [successor]
    client.cleanup(successor)
    assert ended(aws, client, successor)["CleanUp"]["Status"] == "COMPLETED"
    assert set(drill_instances(aws)) <= {SERVERS[0]}, "only the instance that was terminated outside of DRS is listed"


def test_a_named_instance_of_a_drill_is_replaced_on_resumption(aws, client, kept):
    before = drill_instances(aws)
    record = ended(aws, client, client.resume(kept, replace_existing={SERVERS[2]: before[SERVERS[2]]}))
    assert record["Status"] == "COMPLETED"
    assert launches(aws) == [1, 2, 2]
    assert drill_instances(aws)[SERVERS[2]] != before[SERVERS[2]]


def test_a_drill_without_instances_is_not_resumed(aws, client, kept):
    for instance in drill_instances(aws).values():
        aws.drs.instance_dies(instance)
    [problem] = refused(aws, client, kept)
    assert "is a DRILL whose instances do not exist any more" in problem


def test_a_drill_of_servers_that_were_recovered_since_is_not_resumed(aws, client, kept):
    ended(aws, client, client.start("p", "RECOVERY"))
    [problem] = refused(aws, client, kept)
    assert "3 of its servers were recovered for real" in problem
    assert all(f"  {server}  i-" in problem for server in SERVERS)


def test_a_cancelled_drill_is_resumed_when_its_job_has_ended(aws, client):
    client.put_plan({**PLAN, "TerminateDrillInstances": False})
    aws.drs.reset_launch(SERVERS[1])
    aws.drs.set_launch(SERVERS[0], launch_seconds=1200)
    execution = client.start("p", "DRILL")
    aws.advance(120)
    client.cancel(execution)
    ended(aws, client, execution)
    [problem] = refused(aws, client, execution)
    assert "still runs; resume it when that job has ended" in problem
    aws.advance(1800)
    record = ended(aws, client, client.resume(execution))
    assert record["Status"] == "COMPLETED"
    assert results(record)[SERVERS[0]]["Adopted"] is True
    assert launches(aws) == [1, 1, 1]


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
    assert f"the RECOVERY {other}\n(RUNNING) is in the way of this resumption." in problem
    assert f"  python -m engine cancel {other}\n  python -m engine resume {failed}\n" in problem
    assert problem.endswith(f"--take-over {other}")


@pytest.mark.parametrize("kind", ["DRILL", "RECOVERY"])
def test_a_resumption_closes_a_dead_execution_that_holds_the_plan(aws, client, kind):
    """A start that was refused a look at its servers cannot be in the way for longer than this command."""
    aws.drs.set_launch(SERVERS[0], fails_with="no capacity")
    failed = client.start("p", "RECOVERY")
    assert ended(aws, client, failed)["Status"] == "FAILED"
    aws.drs.set_launch(SERVERS[0], launch_seconds=600)
    other = client.start("p", kind)
    stop_without_notice(aws, client, other)
    assert client.get(other)["Status"] == "RUNNING"
    for server in SERVERS:
        aws.drs.reset_launch(server)
    record = ended(aws, client, client.resume(failed))
    assert (record["Status"], record["ResumedFrom"]) == ("COMPLETED", failed)
    closed = ended(aws, client, other)
    assert (closed["Status"], closed["StatusReason"]) == ("FAILED", "the state machine had stopped when a start came")


def stop_without_notice(aws, client, execution):
    """Stop the state machine of the execution; neither it nor the finalizer reaches the function for two days."""
    aws.faults.fail_lambda(source="states", times=None)
    arn = client._outputs["StateMachineArn"].replace(":stateMachine:", ":execution:") + f":{execution}"
    aws.session().client("stepfunctions").stop_execution(executionArn=arn)
    aws.advance(2 * 86400)
    aws.faults.clear()


def killed(aws, client, when, start):
    """Call `start`, whose function is killed before or after it starts the state machine; the ids of its runs."""
    aws.faults.kill_lambda(when, "stepfunctions", "StartExecution")
    aws.faults.fail_lambda(source="states", times=None)
    with pytest.raises(EngineError):
        start()
    holder = client.holder("p")
    assert holder is not None
    return holder


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["DRILL", "RECOVERY"])
def test_a_resumption_does_not_wait_for_a_start_of_its_plan_that_was_killed(aws, client, kind, when):
    aws.drs.set_launch(SERVERS[0], fails_with="no capacity")
    failed = client.start("p", "RECOVERY")
    assert ended(aws, client, failed)["Status"] == "FAILED"
    for server in SERVERS:
        aws.drs.reset_launch(server)
    other = killed(aws, client, when, lambda: client.start("p", kind))
    if when == "after":
        stop_without_notice(aws, client, other)
    aws.faults.clear()
    record = ended(aws, client, client.resume(failed))
    assert (record["Status"], record["ResumedFrom"]) == ("COMPLETED", failed)


def test_a_killed_resumption_whose_state_machine_was_stopped_is_resumed_itself(aws, client, failed):
    aws.drs.reset_launch(SERVERS[1])
    successor = killed(aws, client, "after", lambda: client.resume(failed))
    stop_without_notice(aws, client, successor)
    with pytest.raises(StartRefused, match=f"engine resume {successor}"):
        client.resume(failed)
    record = ended(aws, client, client.resume(successor))
    assert (record["Status"], record["ResumedFrom"]) == ("COMPLETED", successor)


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


def test_a_resumption_keeps_the_point_in_time(aws, client):
    as_of = aws.clock.now() - timedelta(days=1)
    for server in SERVERS:
        aws.drs.add_snapshot(server, taken_at=as_of - timedelta(hours=1))
    client.put_plan({**PLAN, "RecoveryPointObjectiveSeconds": 900})
    execution = client.start("p", "RECOVERY", as_of=as_of)
    assert ended(aws, client, execution)["Status"] == "FAILED"
    aws.drs.reset_launch(SERVERS[1])
    record = ended(aws, client, client.resume(execution))
    assert (record["Status"], record["AsOf"]) == ("COMPLETED", timestamp(as_of))
    # The operator has chosen old data, so the record judges them in neither execution.
    assert "Met" not in record["Objectives"]["RecoveryPoint"]


def test_an_approved_wave_is_carried_over_without_another_approval(aws, client):
    first = {**WAVES[0], "Approval": {"Required": True, "TimeoutSeconds": 3600}}
    client.put_plan({**PLAN, "Waves": [first, WAVES[1]]})
    execution = client.start("p", "RECOVERY")
    aws.advance(60)
    client.approve(execution, 1)
    assert ended(aws, client, execution)["Status"] == "FAILED"
    aws.drs.reset_launch(SERVERS[1])
    record = ended(aws, client, client.resume(execution))
    assert record["Status"] == "COMPLETED"
    assert record["Waves"][0]["CarriedFrom"] == execution


def test_a_retried_invocation_of_a_resumption_gets_its_successor(aws, client, failed):
    aws.drs.reset_launch(SERVERS[1])
    successor = client.resume(failed, client_token="friday")
    assert client.resume(failed, client_token="friday") == successor
    ended(aws, client, successor)
    assert client.resume(failed, client_token="friday") == successor
    with pytest.raises(StartRefused, match=f"resumed already, by execution {successor}"):
        client.resume(failed, client_token="monday")
    assert launches(aws) == [1, 2, 1]


def test_a_resumption_whose_servers_are_taken_leaves_no_trace(aws, client, failed):
    """Another plan holds a server, so the successor withdraws after it was linked."""
    group = {"GroupId": "other", "GroupName": "Other", "SourceServerIds": [SERVERS[1]]}
    client.put_group({**group, "Region": aws.region, "AccountId": aws.account})
    client.put_plan({"PlanId": "q", "PlanName": "Q", "Waves": [{**WAVES[0], "ProtectionGroupId": "other"}]})
    aws.drs.reset_launch(SERVERS[1])
    aws.drs.set_launch(SERVERS[1], launch_seconds=600)
    holder = client.start("q", "RECOVERY")
    for token in ("friday", "friday", None):
        with pytest.raises(StartRefused, match=holder):
            client.resume(failed, client_token=token)
        assert "ResumedBy" not in client.get(failed)
        assert client.holder("p") is None
    ended(aws, client, holder)
    record = ended(aws, client, client.resume(failed, client_token="friday"))
    assert record["Status"] == "COMPLETED"
    assert client.get(failed)["ResumedBy"] == record["ExecutionId"]
    assert launches(aws) == [1, 2, 1], "the other plan launched the second server, and the resumption adopted it"


@pytest.mark.parametrize("after", range(4, 8))
def test_a_resumption_that_is_killed_while_it_withdraws_leaves_no_trace(aws, client, failed, after):
    group = {"GroupId": "other", "GroupName": "Other", "SourceServerIds": [SERVERS[1]]}
    client.put_group({**group, "Region": aws.region, "AccountId": aws.account})
    client.put_plan({"PlanId": "q", "PlanName": "Q", "Waves": [{**WAVES[0], "ProtectionGroupId": "other"}]})
    aws.drs.reset_launch(SERVERS[1])
    aws.drs.set_launch(SERVERS[1], launch_seconds=1200)
    holder = client.start("q", "RECOVERY")
    aws.faults.kill_lambda("after", "dynamodb", after=after)
    with pytest.raises((EngineError, StartRefused)):
        client.resume(failed)
    ended(aws, client, holder)
    record = ended(aws, client, client.resume(failed))
    assert record["Status"] == "COMPLETED"
    assert client.get(failed)["ResumedBy"] == record["ExecutionId"]
