"""A function that is killed at each call of a decision or a pause, and a state machine that is stopped meanwhile."""

from __future__ import annotations

from contextlib import suppress

import pytest

from engine.client import DecisionRefused, EngineError
from engine.deploy import deployment
from simulator.gateway.faults import KILL_AFTER, KILL_BEFORE, Fault
from tests.engine.deployed import STACK, aws_with_engine, client_of

SERVERS = [f"s-{number:017d}" for number in (1, 2)]
# A decision reads the record and writes it.
PLACES = range(2)


@pytest.fixture
def aws():
    with aws_with_engine() as found:
        yield found


@pytest.fixture
def client(aws):
    found = client_of(aws)
    waves = []
    for number, server in enumerate(SERVERS, 1):
        aws.drs.add_source_server(server)
        aws.drs.set_launch(server, launch_seconds=60, boot_seconds=20)
        group = {"GroupId": f"g{number}", "GroupName": "g", "SourceServerIds": [server], "Region": aws.region}
        found.put_group({**group, "AccountId": aws.account})
        wave = {"WaveNumber": number, "WaveName": f"Tier {number}", "ProtectionGroupId": f"g{number}"}
        waves.append({**wave, "ExecutionType": "PARALLEL"})
    waves[1]["Approval"] = {"Required": True, "TimeoutSeconds": 3600}
    found.put_plan({"PlanId": "p", "PlanName": "p", "Waves": waves})
    return found


def waiting(aws, client, kind="DRILL"):
    execution = client.start("p", kind)
    aws.wait_until(lambda: "AwaitingApprovalSince" in client.get(execution)["Waves"][1], 3600)
    return execution


def ended(aws, client, execution):
    aws.wait_until(lambda: not client.at_work(), 4 * 3600)
    return client.get(execution)


def killed_once(aws, kind, place, decide):
    """Make the decision while its function is killed at its call `place`; the person gets an error and repeats it."""
    aws.faults.add(Fault(kind=kind, source="lambda", times=1, after=place))
    with pytest.raises(EngineError) as killed:
        decide()
    assert not isinstance(killed.value, DecisionRefused)
    # The killed one may have been recorded.
    with suppress(DecisionRefused):
        decide()


@pytest.mark.parametrize("kind", [KILL_BEFORE, KILL_AFTER])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("decision", "status"), [("approve", "COMPLETED"), ("reject", "FAILED")])
def test_a_decision_whose_function_is_killed_counts_once(aws, client, kind, place, decision, status):
    execution = waiting(aws, client)
    killed_once(aws, kind, place, lambda: getattr(client, decision)(execution, 2, comment="seen"))
    record = ended(aws, client, execution)
    assert record["Status"] == status
    assert [(one["WaveNumber"], one["Comment"]) for one in record["Approvals"]] == [(2, "seen")]


@pytest.mark.parametrize("kind", [KILL_BEFORE, KILL_AFTER])
@pytest.mark.parametrize("place", PLACES)
def test_a_pause_and_its_end_count_once_when_their_function_is_killed(aws, client, kind, place):
    execution = waiting(aws, client)
    killed_once(aws, kind, place, lambda: client.pause(execution))
    client.approve(execution, 2)
    aws.advance(900)
    record = client.get(execution)
    assert (record["Status"], record["Waves"][1]["Status"], "PausedSince" in record) == ("RUNNING", "PENDING", True)
    killed_once(aws, kind, place, lambda: client.continue_(execution))
    record = ended(aws, client, execution)
    assert (record["Status"], len(record["Pauses"])) == ("COMPLETED", 1)


@pytest.mark.parametrize("state", ["awaits", "awaits and is paused", "is approved while it is paused"])
def test_a_state_machine_that_is_stopped_while_a_person_decides_closes_the_record(aws, client, state):
    execution = waiting(aws, client)
    if "paused" in state:
        client.pause(execution)
    if "approved" in state:
        client.approve(execution, 2)
    states = aws.session().client("stepfunctions")
    (run,) = states.list_executions(stateMachineArn=machine(aws), statusFilter="RUNNING")["executions"]
    states.stop_execution(executionArn=run["executionArn"])
    record = ended(aws, client, execution)
    assert record["Status"] == "FAILED"
    assert "stopped from outside" in record["StatusReason"]
    assert [wave["Status"] for wave in record["Waves"]] == ["COMPLETED", "SKIPPED"]
    assert record["CleanUp"]["Status"] == "COMPLETED"
    with pytest.raises(DecisionRefused, match="has already ended: FAILED"):
        client.approve(execution, 2)
    # Neither plan nor servers stay taken.
    assert client.start("p", "DRILL") != execution


def machine(aws):
    return deployment.describe(aws.session(), STACK).outputs["StateMachineArn"]
