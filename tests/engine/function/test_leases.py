"""Two plans over the same servers, through the deployed function: one server belongs to one execution."""

from __future__ import annotations

from typing import Any

import pytest

from engine.client import EngineClient, EngineError, StartRefused
from simulator import Simulator
from simulator.gateway.gateway import DEFAULT_LATENCY, identified
from tests.engine.deployed import STACK, aws_with_engine, client_of, end_of
from tests.engine.job_times import SHORT_JOBS
from tests.simulation import aws_state

WAVE = {"WaveNumber": 1, "WaveName": "All", "ExecutionType": "PARALLEL", "HealthCheck": {"Enabled": False}}
SHARED = "s-00000000000000002"
# More calls than a start makes.
MOST_CALLS = 20


@pytest.fixture
def aws():
    with aws_with_engine() as found:
        yield found


def plan(aws: Simulator, client: EngineClient, name: str, numbers: list[int]) -> None:
    servers = [f"s-{number:017x}" for number in numbers]
    group = {"GroupId": name, "GroupName": name, "SourceServerIds": servers}
    client.put_group({**group, "Region": aws.region, "AccountId": aws.account})
    client.put_plan({"PlanId": name, "PlanName": name, "Waves": [{**WAVE, "ProtectionGroupId": name}]})


@pytest.fixture
def client(aws):
    """An engine with the plans `one` and `other`, which share the second of three servers."""
    client = client_of(aws)
    for number in (1, 2, 3):
        aws.drs.add_source_server(f"s-{number:017x}", hostname=f"host-{number}")
        aws.drs.set_launch(f"s-{number:017x}", launch_seconds=300)
    plan(aws, client, "one", [1, 2])
    plan(aws, client, "other", [2, 3])
    return client


def leases(aws):
    """The owner of each leased server."""
    items = aws_state.items(aws, f"{STACK}-execution-history")
    return {key.rpartition("#")[2]: item["LEASE"]["LeasedBy"] for key, item in items.items() if "LEASE" in item}


def ends(aws, client, execution_id):
    return end_of(aws, client, execution_id, 6 * 3600)


def launched(aws):
    calls = [call for call in aws.journal.select("drs", "StartRecovery") if call.succeeded]
    return [one["sourceServerID"] for call in calls for one in call.parameters["sourceServers"]]


def test_an_execution_holds_its_servers_until_it_is_settled(aws, client):
    execution = client.start("one", "DRILL")
    assert leases(aws) == {f"s-{number:017x}": execution for number in (1, 2)}
    assert ends(aws, client, execution)["Status"] == "COMPLETED"
    assert leases(aws) == {}


@pytest.mark.parametrize("first", ["DRILL", "RECOVERY"])
@pytest.mark.parametrize("second", ["DRILL", "RECOVERY"])
def test_a_start_over_a_server_in_use_is_refused_on_one_screen(aws, client, first, second):
    holder = client.start("one", first)
    with pytest.raises(StartRefused) as refused:
        client.start("other", second, client_token="friday")
    text = str(refused.value)
    for part in (holder, "plan one", first, "host-2", SHARED):
        assert part in text
    assert "host-1" not in text
    lines = text.splitlines()
    assert len(lines) <= 24
    assert max(len(line) for line in lines) <= 80
    assert [one["ExecutionId"] for one in client.list_by_status("RUNNING").items] == [holder]
    assert set(leases(aws).values()) == {holder}
    assert client.holder("other") is None
    ends(aws, client, holder)
    # The refused start left no trace: its client token is still usable.
    options = {"keep_existing": True} if (first, second) == ("RECOVERY", "RECOVERY") else {}
    if (first, second) != ("RECOVERY", "DRILL"):
        again = client.start("other", second, client_token="friday", **options)
        assert ends(aws, client, again)["Status"] == "COMPLETED"


@pytest.mark.parametrize("recovered", ["one", "other"])
def test_the_command_of_the_refusal_cancels_the_drill_and_starts_the_recovery(aws, client, recovered):
    drill = client.start("one", "DRILL")
    aws.advance(60)
    with pytest.raises(StartRefused, match=f"start {recovered} --recovery --cancel-drills"):
        client.start(recovered, "RECOVERY")
    recovery = client.start(recovered, "RECOVERY", cancel_drills=True)
    record = ends(aws, client, recovery)
    assert record["Status"] == "COMPLETED"
    cancelled = ends(aws, client, drill)
    assert cancelled["Status"] == "CANCELLED"
    assert f"the RECOVERY {recovery} of plan {recovered} takes over" in cancelled["StatusReason"]
    present = aws.session().client("drs").describe_recovery_instances(filters={})["items"]
    assert sorted(one["recoveryInstanceID"] for one in present) == sorted(
        server["RecoveryInstanceId"] for server in record["Waves"][0]["ServerResults"]
    )
    assert leases(aws) == {}
    assert client.holder(recovered) is None


def test_a_recovery_takes_over_from_a_recovery_that_the_operator_names(aws, client):
    first = client.start("one", "RECOVERY")
    with pytest.raises(StartRefused, match=rf"--recovery \\\n    --take-over {first}"):
        client.start("other", "RECOVERY", cancel_drills=True)
    second = client.start("other", "RECOVERY", take_over=[first])
    assert ends(aws, client, second)["Status"] == "COMPLETED"
    assert ends(aws, client, first)["Status"] == "CANCELLED"


@pytest.mark.parametrize(
    ("kind", "options", "problem"),
    [
        ("DRILL", {"cancel_drills": True}, "a DRILL never stops another execution"),
        ("RECOVERY", {"take_over": ["x"]}, "there is no execution x to take over"),
    ],
)
def test_a_wrong_option_starts_nothing(client, kind, options, problem):
    with pytest.raises(StartRefused, match=problem):
        client.start("one", kind, **options)
    assert client.holder("one") is None


def stopped(aws, client, plan_id, kind, **options):
    """An execution whose state machine was stopped an hour ago without notice to the engine; its ExecutionId."""
    execution = client.start(plan_id, kind, **options)
    aws.session().client("events").disable_rule(Name=f"{STACK}-state-machine-died")
    arn = client._outputs["StateMachineArn"].replace(":stateMachine:", ":execution:") + f":{execution}"
    aws.session().client("stepfunctions").stop_execution(executionArn=arn)
    aws.advance(3600)
    assert client.get(execution)["Status"] == "RUNNING"
    return execution


@pytest.mark.parametrize("plan_id", ["one", "other"])
@pytest.mark.parametrize("kind", ["DRILL", "RECOVERY"])
def test_a_holder_without_a_state_machine_is_closed_and_taken_over(aws, client, kind, plan_id):
    first = stopped(aws, client, "one", kind)
    second = client.start(plan_id, "RECOVERY", keep_existing=True)
    assert second != first
    assert ends(aws, client, first)["Status"] == "FAILED"
    assert ends(aws, client, second)["Status"] == "COMPLETED"


def killed_and_stopped(aws, client, plan_id, kind, **options):
    """A start that was killed before its record was RUNNING, and whose state machine was stopped before its first tick.

    Neither the state machine nor the finalizer reaches the function meanwhile. Returns the ExecutionId.
    """
    aws.faults.fail_lambda(source="states", times=None)
    aws.faults.kill_lambda("after", "stepfunctions", "StartExecution")
    with pytest.raises(EngineError):
        client.start(plan_id, kind, **options)
    [run] = [run for run in aws_state.state_machine_runs(aws) if run["status"] == "RUNNING"]
    arn = client._outputs["StateMachineArn"].replace(":stateMachine:", ":execution:") + f":{run['name']}"
    aws.session().client("stepfunctions").stop_execution(executionArn=arn)
    aws.advance(2 * 86400)
    aws.faults.clear()
    assert client.holder(plan_id) == run["name"]
    assert client.list_by_plan(plan_id).items == []
    return run["name"]


@pytest.mark.parametrize("plan_id", ["one", "other"])
@pytest.mark.parametrize("second", ["DRILL", "RECOVERY"])
@pytest.mark.parametrize("first", ["DRILL", "RECOVERY"])
def test_a_killed_start_whose_state_machine_was_stopped_is_in_the_way_of_no_start(aws, client, first, second, plan_id):
    dead = killed_and_stopped(aws, client, "one", first)
    # A killed start is completed only if its plan is unchanged; this one is not to be completed.
    plan(aws, client, "one", [1, 2, 3])
    started = client.start_or_find(plan_id, second)
    assert not started.existed
    assert started.execution_id != dead
    assert ends(aws, client, started.execution_id)["Status"] == "COMPLETED"
    assert set(leases(aws).values()) <= {dead}, "no start needs the release of a lease"


def test_a_client_token_of_a_killed_start_whose_state_machine_was_stopped_means_its_closed_execution(aws, client):
    first = killed_and_stopped(aws, client, "one", "RECOVERY", client_token="friday")
    assert client.start("one", "RECOVERY", client_token="friday") == first
    assert client.get(first)["Status"] == "FAILED"
    assert ends(aws, client, client.start("one", "RECOVERY"))["Status"] == "COMPLETED"


@pytest.mark.parametrize("plan_id", ["one", "other"])
def test_a_drill_closes_a_drill_without_a_state_machine_and_waits_for_its_clean_up(aws, client, plan_id):
    first = stopped(aws, client, "one", "DRILL")
    with pytest.raises(StartRefused, match=first):
        client.start(plan_id, "DRILL")
    record = ends(aws, client, first)
    assert record["StatusReason"] == "the state machine had stopped when a start came"
    assert record["CleanUp"]["Status"] == "COMPLETED"
    assert ends(aws, client, client.start(plan_id, "DRILL"))["Status"] == "COMPLETED"


def test_a_client_token_still_means_its_execution_after_the_state_machine_was_stopped(aws, client):
    first = stopped(aws, client, "one", "RECOVERY", client_token="friday")
    again = client.start_or_find("one", "RECOVERY", client_token="friday")
    assert (again.execution_id, again.existed) == (first, True)
    assert ends(aws, client, first)["Status"] == "FAILED"


def test_a_start_that_joins_a_running_execution_asks_for_its_state_machine_once(aws, client):
    first = client.start("one", "DRILL")
    assert aws.journal.select("stepfunctions", "DescribeExecution") == []
    assert client.start("one", "DRILL") == first
    assert len(aws.journal.select("stepfunctions", "DescribeExecution")) == 1


def test_a_run_that_step_functions_does_not_know_yet_is_no_dead_execution(aws, client):
    first = client.start("one", "DRILL")
    # DescribeExecution is eventually consistent.
    aws.faults.respond("stepfunctions", "DescribeExecution", "ExecutionDoesNotExist", status=400, source="lambda")
    with pytest.raises(StartRefused, match=first):
        client.start("other", "DRILL")
    assert ends(aws, client, first)["Status"] == "COMPLETED"


def test_an_execution_of_the_version_before_goes_on_without_leases(aws, client):
    first = client.start("one", "DRILL")
    table = aws_state.items(aws, f"{STACK}-execution-history")
    for key in [key for key, item in table.items() if "LEASE" in item]:
        aws.session().client("dynamodb").delete_item(
            TableName=f"{STACK}-execution-history", Key={"ExecutionId": {"S": key}, "ItemKey": {"S": "LEASE"}}
        )
    assert ends(aws, client, first)["Status"] == "COMPLETED"
    assert leases(aws) == {}


def test_a_lease_of_an_execution_without_record_is_free(aws, client):
    table, target = f"{STACK}-execution-history", f"{aws.account}#{aws.region}"
    item = {"ExecutionId": f"SERVER#{target}#{SHARED}", "ItemKey": "LEASE", "LeasedBy": "deleted"}
    aws.session().client("dynamodb").put_item(TableName=table, Item={name: {"S": text} for name, text in item.items()})
    assert ends(aws, client, client.start("other", "DRILL"))["Status"] == "COMPLETED"


class Pairs:
    """Pairs of fresh plans over one shared server, in one deployed engine."""

    def __init__(self, aws: Simulator) -> None:
        self.aws, self.client, self.count = aws, client_of(aws), 0

    def fresh(self) -> tuple[str, str]:
        self.count += 1
        self.aws.drs.add_source_server(f"s-{self.count:017x}")
        self.aws.drs.set_launch(f"s-{self.count:017x}", **SHORT_JOBS)
        names = f"one-{self.count}", f"other-{self.count}"
        for name in names:
            plan(self.aws, self.client, name, [self.count])
        return names

    def killed(self, when: str, place: int, plan_id: str, kind: str, **options: Any) -> bool:
        """Whether a start was killed at its call of this number, counted from 0."""
        fault = self.aws.faults.kill_lambda(when, "*", after=place)
        try:
            self.client.start(plan_id, kind, **options)
        except StartRefused:
            return False
        except EngineError:
            return True
        finally:
            self.aws.faults.remove(fault)
        return False

    def start(self, name: str, kind: str, **options: Any) -> str | None:
        """The execution; None if it was refused."""
        try:
            execution = self.client.start(name, kind, **options)
        except StartRefused:
            return None
        return execution


@pytest.fixture
def pairs(aws):
    return Pairs(aws)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["DRILL", "RECOVERY"])
def test_a_start_killed_at_any_call_keeps_no_server_from_the_next(aws, pairs, kind, when):
    for place in range(MOST_CALLS):
        one, other = pairs.fresh()
        if not pairs.killed(when, place, one, "DRILL"):
            break
        execution = pairs.start(other, kind)
        running = [item["ExecutionId"] for item in pairs.client.list_by_plan(one).items]
        # Only a start that was killed after its state machine has started goes on.
        assert (execution is None) == bool(running), place
        for started in [execution] if execution else running:
            assert ends(aws, pairs.client, started)["Status"] == "COMPLETED"
        again = pairs.start(one, "DRILL") if kind == "DRILL" or running else None
        assert again is None or ends(aws, pairs.client, again)["Status"] == "COMPLETED"
    assert place > 8
    aws.wait_until(lambda: not leases(aws), 3600)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("same_plan", [False, True])
def test_a_take_over_killed_at_any_call_is_completed_by_its_repetition(aws, pairs, same_plan, when):
    for place in range(MOST_CALLS):
        one, other = pairs.fresh()
        recovered = one if same_plan else other
        drill = pairs.client.start(one, "DRILL")
        aws.advance(15)  # the state machine waits, so that the next call is one of the start
        killed = pairs.killed(when, place, recovered, "RECOVERY", cancel_drills=True)
        recovery = pairs.start(recovered, "RECOVERY", cancel_drills=True)
        assert recovery is not None
        assert ends(aws, pairs.client, recovery)["Status"] == "COMPLETED", place
        assert ends(aws, pairs.client, drill)["Status"] == "CANCELLED", place
        if not killed:
            break
    assert place > 10
    assert leases(aws) == {}


@pytest.mark.parametrize("kinds", [("DRILL", "DRILL"), ("RECOVERY", "DRILL"), ("RECOVERY", "RECOVERY")])
def test_of_two_plans_started_at_the_same_moment_exactly_one_starts(aws, pairs, kinds):
    for number in range(MOST_CALLS):
        one, other = pairs.fresh()
        first = aws.spawn("first operator", lambda one=one: pairs.start(one, kinds[0]))
        if number:
            aws.advance(number * DEFAULT_LATENCY / 2)
        second = aws.spawn("second operator", lambda other=other: pairs.start(other, kinds[1]))
        started = [execution for execution in (first.join(), second.join()) if execution]
        assert len(started) == 1, number
        assert ends(aws, pairs.client, started[0])["Status"] == "COMPLETED"
    assert len(launched(aws)) == pairs.count == len(set(launched(aws)))
    assert leases(aws) == {}


def test_a_plan_of_1000_servers_takes_and_releases_its_leases(aws):
    client = client_of(aws)
    numbers = list(range(1000))
    for number in numbers:
        aws.drs.add_source_server(f"s-{number:017x}")
        aws.drs.set_launch(f"s-{number:017x}", **SHORT_JOBS)
    plan(aws, client, "large", numbers)
    plan(aws, client, "small", [999])
    execution = client.start("large", "DRILL")
    assert set(leases(aws).values()) == {execution}
    assert len(leases(aws)) == 1000
    with pytest.raises(StartRefused, match=execution):
        client.start("small", "RECOVERY")
    writes = [call.parameters["TransactItems"] for call in aws.journal.select("dynamodb", "TransactWriteItems")]
    assert max(len(items) for items in writes) <= 100
    client.cancel(execution)
    ends(aws, client, execution)
    assert leases(aws) == {}


@pytest.mark.parametrize(("operation", "skipped"), [("TransactWriteItems", 1), ("StartExecution", 0)])
def test_a_recovery_that_a_drill_fences_is_refused_with_the_command_that_goes_on(
    aws, client, monkeypatch, operation, skipped
):
    handle, calls, drill = aws._gateway.handle, [], []

    def interrupted(request):
        if not drill and identified(request).operation == operation:
            calls.append(request)
            if len(calls) > skipped:
                drill.append("")
                aws.spawn("second operator", lambda: drill.append(client.start("other", "DRILL"))).join()
        return handle(request)

    monkeypatch.setattr(aws._gateway, "handle", interrupted)
    with pytest.raises(StartRefused) as refused:
        client.start("one", "RECOVERY")
    lines = str(refused.value).splitlines()
    assert drill[-1] in str(refused.value)
    assert lines[-2:] == [
        "To cancel the drill and start this recovery:",
        "  python -m engine start one --recovery --cancel-drills",
    ]
    assert max(map(len, lines)) <= 80
    recovery = client.start("one", "RECOVERY", cancel_drills=True)
    assert ends(aws, client, recovery)["Status"] == "COMPLETED"
