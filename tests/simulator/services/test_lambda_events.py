"""Events that reach a function asynchronously: its retries, its dead letters, and events of Step Functions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator import Simulator
from tests.simulator.sample import FUNCTION, Sample, package, redeploy


def send(sample: Sample, **event: Any) -> None:
    answer = sample.client("lambda").invoke(FunctionName=FUNCTION, InvocationType="Event", Payload=json.dumps(event))
    assert answer["StatusCode"] == 202


def test_an_event_is_tried_three_times_a_minute_and_two_apart(aws: Simulator, sample: Sample) -> None:
    queue = sample.client("sqs").create_queue(QueueName="failures")["QueueUrl"]
    sample.client("lambda").put_function_event_invoke_config(
        FunctionName=FUNCTION,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:sqs:us-east-1:111122223333:failures"}},
    )
    redeploy(sample, "def handler(event, context):\n    print('tried')\n    raise ValueError('again')")
    started = aws.clock.now()
    send(sample, Order=7)
    aws.advance(59)
    assert len(aws.lambda_logs(FUNCTION)) == 1
    aws.advance(2)
    assert len(aws.lambda_logs(FUNCTION)) == 2
    aws.advance(3600)
    assert len(aws.lambda_logs(FUNCTION)) == 3
    (message,) = sample.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    record = json.loads(message["Body"])
    assert record["requestPayload"] == {"Order": 7}
    assert record["responsePayload"]["errorMessage"] == "again"
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    (sent,) = aws.journal.select("sqs", "SendMessage")
    assert (sent.started - started).total_seconds() == pytest.approx(180, abs=1)
    assert "FunctionRole" in sent.principal


def test_the_number_of_retries_can_be_set(aws: Simulator, sample: Sample) -> None:
    sample.client("lambda").put_function_event_invoke_config(FunctionName=FUNCTION, MaximumRetryAttempts=0)
    redeploy(sample, "def handler(event, context):\n    print('tried')\n    raise ValueError('again')")
    send(sample)
    aws.advance(3600)
    assert len(aws.lambda_logs(FUNCTION)) == 1


def test_what_could_not_be_processed_goes_to_the_dead_letters(aws: Simulator, sample: Sample) -> None:
    queue = sample.client("sqs").create_queue(QueueName="dead")["QueueUrl"]
    role = sample.client("lambda").get_function(FunctionName=FUNCTION)["Configuration"]["Role"]
    sample.client("lambda").create_function(
        FunctionName="mortal",
        Handler="app.main.handler",
        Runtime="python3.11",
        Role=role,
        Code={"ZipFile": package("def handler(event, context): raise ValueError()")},
        DeadLetterConfig={"TargetArn": "arn:aws:sqs:us-east-1:111122223333:dead"},
    )
    sample.client("lambda").invoke(FunctionName="mortal", InvocationType="Event", Payload=b'{"Order": 8}')
    aws.advance(600)
    (message,) = sample.client("sqs").receive_message(QueueUrl=queue)["Messages"]
    assert json.loads(message["Body"]) == {"Order": 8}


def test_an_execution_that_is_stopped_reaches_the_rules_target(aws: Simulator, sample: Sample) -> None:
    arn = sample.start("run", 9)
    aws.advance(5)
    sample.client("stepfunctions").stop_execution(executionArn=arn)
    aws.advance(5)
    assert aws.lambda_logs(FUNCTION)[-1] == {"Action": "echo", "Status": "ABORTED", "Name": "run"}


def test_the_event_has_step_functions_shape(aws: Simulator, sample: Sample) -> None:
    redeploy(
        sample, "import json\ndef handler(event, context):\n    print(json.dumps(event))\n    return {'Done': True}"
    )
    events = sample.client("events")
    (rule,) = events.list_rules()["Rules"]
    pattern = json.dumps({"source": ["aws.states"], "detail": {"status": ["RUNNING", "SUCCEEDED"]}})
    events.put_rule(Name=rule["Name"], EventPattern=pattern)
    events.put_targets(
        Rule=rule["Name"],
        Targets=[{"Id": "closer", "Arn": f"arn:aws:lambda:us-east-1:111122223333:function:{FUNCTION}"}],
    )
    arn = sample.start("run", 1)
    aws.advance(30)
    seen = {line["detail"]["status"]: line for line in aws.lambda_logs(FUNCTION) if "detail" in line}
    assert set(seen) == {"RUNNING", "SUCCEEDED"}
    event = seen["SUCCEEDED"]
    assert event["detail-type"] == "Step Functions Execution Status Change"
    assert event["resources"] == [arn]
    described = sample.describe(arn)
    assert event["detail"]["stateMachineArn"] == sample.machine
    assert event["detail"]["startDate"] == int(described["startDate"].timestamp() * 1000)
    assert event["detail"]["stopDate"] == int(described["stopDate"].timestamp() * 1000)
    assert json.loads(event["detail"]["output"]) == {"Done": True}
    assert seen["RUNNING"]["detail"]["stopDate"] is None


def test_without_permission_the_event_is_dropped(aws: Simulator, sample: Sample) -> None:
    client = sample.client("lambda")
    statement = json.loads(client.get_policy(FunctionName=FUNCTION)["Policy"])["Statement"][0]["Sid"]
    client.remove_permission(FunctionName=FUNCTION, StatementId=statement)
    arn = sample.start("run", 9)
    sample.client("stepfunctions").stop_execution(executionArn=arn)
    aws.advance(60)
    assert all("Action" not in line for line in aws.lambda_logs(FUNCTION))
