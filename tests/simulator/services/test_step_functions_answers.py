"""Step Functions for other clients: names, pages of a history, and each form of a definition in a template."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator import Simulator

MACHINE = {
    "StartAt": "A",
    "States": {
        "A": {"Type": "Wait", "Seconds": 5, "Next": "B"},
        "B": {"Type": "Pass", "Result": {"x": 1}, "Next": "C"},
        "C": {"Type": "Succeed"},
    },
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
ROLE = "arn:aws:iam::111122223333:role/states"


@pytest.fixture
def aws(aws: Simulator) -> Simulator:
    aws.session().client("iam").create_role(RoleName="states", AssumeRolePolicyDocument=json.dumps(TRUST))
    return aws


@pytest.fixture
def states(aws: Simulator) -> Any:
    return aws.session().client("stepfunctions")


def create(states: Any, definition: dict[str, Any] = MACHINE) -> str:
    made = states.create_state_machine(name="machine", definition=json.dumps(definition), roleArn=ROLE)
    return str(made["stateMachineArn"])


def finished(aws: Simulator, states: Any, arn: str) -> str:
    aws.wait_until(lambda: states.describe_execution(executionArn=arn)["status"] != "RUNNING", 100)
    return arn


def test_an_execution_without_a_name_gets_one_of_its_own(states: Any) -> None:
    machine = create(states)
    arns = [states.start_execution(stateMachineArn=machine)["executionArn"] for _ in range(2)]
    names = [arn.rpartition(":")[2] for arn in arns]
    assert len(set(names)) == 2
    assert [len(name) for name in names] == [36, 36]
    listed = states.list_executions(stateMachineArn=machine)["executions"]
    assert {one["name"] for one in listed} == set(names)


def test_a_generated_name_is_the_id_in_the_context_object(aws: Simulator, states: Any) -> None:
    definition = {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True, "Parameters": {"n.$": "$$.Execution"}}}}
    arn = finished(aws, states, states.start_execution(stateMachineArn=create(states, definition))["executionArn"])
    output = json.loads(states.describe_execution(executionArn=arn)["output"])["n"]
    assert (output["Id"], output["Name"]) == (arn, arn.rpartition(":")[2])


@pytest.fixture
def execution(aws: Simulator, states: Any) -> str:
    started = states.start_execution(stateMachineArn=create(states), input='{"secret": 1}')
    return finished(aws, states, started["executionArn"])


def test_a_history_comes_in_pages(states: Any, execution: str) -> None:
    whole = states.get_execution_history(executionArn=execution)["events"]
    pages = states.get_paginator("get_execution_history").paginate(
        executionArn=execution, PaginationConfig={"PageSize": 3}
    )
    pages = [page["events"] for page in pages]
    assert [len(page) for page in pages] == [3] * (len(whole) // 3) + [len(whole) % 3] * (len(whole) % 3 > 0)
    assert [event for page in pages for event in page] == whole
    assert len(whole) > 6


def test_the_newest_event_comes_first_on_demand(states: Any, execution: str) -> None:
    whole = states.get_execution_history(executionArn=execution)["events"]
    newest = states.get_execution_history(executionArn=execution, reverseOrder=True, maxResults=1)["events"]
    assert newest == [whole[-1]]


def test_a_history_of_more_than_a_hundred_events_needs_a_second_page(aws: Simulator, states: Any) -> None:
    chain = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(60)} | {"S60": {"Type": "Succeed"}}
    machine = create(states, {"StartAt": "S0", "States": chain})
    arn = finished(aws, states, states.start_execution(stateMachineArn=machine)["executionArn"])
    first = states.get_execution_history(executionArn=arn)
    assert len(first["events"]) == 100
    rest = states.get_execution_history(executionArn=arn, nextToken=first["nextToken"])
    assert rest["events"][-1]["type"] == "ExecutionSucceeded"
    assert "nextToken" not in rest


def test_the_data_of_events_are_left_out_on_demand(states: Any, execution: str) -> None:
    plain = states.get_execution_history(executionArn=execution)["events"]
    bare = states.get_execution_history(executionArn=execution, includeExecutionData=False)["events"]
    assert "secret" in json.dumps(plain, default=str)
    assert "secret" not in json.dumps(bare, default=str)
    assert [event["type"] for event in bare] == [event["type"] for event in plain]


@pytest.mark.parametrize("token", ["x", "", "ZXZlbnQgeA==", "c2VydmVyIDM="])
def test_an_unknown_token_is_the_caller_s_error(states: Any, execution: str, token: str) -> None:
    with pytest.raises(ClientError) as refusal:
        states.get_execution_history(executionArn=execution, nextToken=token or "é")
    assert refusal.value.response["Error"]["Code"] == "InvalidToken"


def test_a_list_shows_when_an_execution_timed_out(aws: Simulator, states: Any) -> None:
    machine = create(states, MACHINE | {"TimeoutSeconds": 2})
    arn = finished(aws, states, states.start_execution(stateMachineArn=machine)["executionArn"])
    (listed,) = states.list_executions(stateMachineArn=machine)["executions"]
    assert listed["status"] == "TIMED_OUT"
    assert listed["stopDate"] == states.describe_execution(executionArn=arn)["stopDate"]


SUBSTITUTED: Any = json.loads(json.dumps(MACHINE).replace('"x": 1', '"x": "${Who}"'))
FORMS: dict[str, dict[str, Any]] = {
    "text": {"DefinitionString": json.dumps(MACHINE)},
    "object": {"Definition": MACHINE},
    "text with substitutions": {
        "DefinitionString": json.dumps(SUBSTITUTED),
        "DefinitionSubstitutions": {"Who": {"Ref": "AWS::Region"}},
    },
    "object with substitutions": {
        "Definition": SUBSTITUTED,
        "DefinitionSubstitutions": {"Who": {"Ref": "AWS::Region"}},
    },
    "S3 object": {"DefinitionS3Location": {"Bucket": "definitions", "Key": "machine.json"}},
}


def deploy(aws: Simulator, operation: str, properties: dict[str, Any]) -> str:
    resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"RoleArn": ROLE, **properties}}
    template = {"Resources": {"Machine": resource}, "Outputs": {"Arn": {"Value": {"Ref": "Machine"}}}}
    formation = aws.session().client("cloudformation")
    getattr(formation, operation)(StackName="machine", TemplateBody=json.dumps(template))
    (stack,) = formation.describe_stacks(StackName="machine")["Stacks"]
    return str(stack["Outputs"][0]["OutputValue"])


@pytest.mark.parametrize("form", FORMS)
def test_a_template_takes_a_definition_in_each_form(aws: Simulator, states: Any, form: str) -> None:
    s3 = aws.session().client("s3")
    s3.create_bucket(Bucket="definitions")
    s3.put_object(Bucket="definitions", Key="machine.json", Body=json.dumps(MACHINE))
    arn = deploy(aws, "create_stack", {"StateMachineName": "machine", **FORMS[form]})
    execution = finished(aws, states, states.start_execution(stateMachineArn=arn)["executionArn"])
    output = json.loads(states.describe_execution(executionArn=execution)["output"])
    assert output == ({"x": "us-east-1"} if "substitutions" in form else {"x": 1})


def test_an_update_changes_the_definition_of_either_form(aws: Simulator, states: Any) -> None:
    arn = deploy(aws, "create_stack", {"StateMachineName": "machine", "Definition": MACHINE})
    changed = {"StartAt": "C", "States": {"C": {"Type": "Succeed"}}}
    assert deploy(aws, "update_stack", {"StateMachineName": "machine", "Definition": changed}) == arn
    assert json.loads(states.describe_state_machine(stateMachineArn=arn)["definition"]) == changed
