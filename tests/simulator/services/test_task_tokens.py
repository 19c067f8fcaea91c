"""Tasks that wait for a token: other calls go on, and success, failure, heartbeat, stop and time-out end the wait."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator import Simulator

TRUST = {
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "states.amazonaws.com"}}]
}
SEND = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}]}


class Waiting:
    """An execution that has sent its token to a queue, and waits."""

    def __init__(self, aws: Simulator, **task: Any) -> None:
        self.aws = aws
        self.states: Any = aws.session().client("stepfunctions")
        sqs, iam = aws.session().client("sqs"), aws.session().client("iam")
        queue = sqs.create_queue(QueueName="tokens")["QueueUrl"]
        role = iam.create_role(RoleName="machine", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.put_role_policy(RoleName="machine", PolicyName="send", PolicyDocument=json.dumps(SEND))
        ask = {
            "Type": "Task",
            "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
            "Parameters": {"QueueUrl": queue, "MessageBody": {"Token.$": "$$.Task.Token"}},
            "End": True,
            **task,
        }
        machine = self.states.create_state_machine(
            name="asks", roleArn=role, definition=json.dumps({"StartAt": "Ask", "States": {"Ask": ask}})
        )
        self.execution = self.states.start_execution(stateMachineArn=machine["stateMachineArn"], name="one")
        received = aws.wait_until(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"), 60, what="the token")
        self.token = json.loads(received[0]["Body"])["Token"]
        self.begun = aws.clock.now()

    def described(self) -> dict[str, Any]:
        found: dict[str, Any] = self.states.describe_execution(executionArn=self.execution["executionArn"])
        return found

    def ended(self) -> dict[str, Any]:
        self.aws.wait_until(lambda: self.described()["status"] != "RUNNING", 1000, what="the execution to end")
        return self.described()


def test_other_calls_go_on_and_a_success_ends_the_wait(aws: Simulator) -> None:
    waiting = Waiting(aws)
    aws.advance(3600)
    assert waiting.described()["status"] == "RUNNING"
    waiting.states.send_task_success(taskToken=waiting.token, output='{"Answer": 42}')
    ended = waiting.ended()
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", {"Answer": 42})


def test_a_failure_fails_the_execution(aws: Simulator) -> None:
    waiting = Waiting(aws)
    waiting.states.send_task_failure(taskToken=waiting.token, error="Refused", cause="by a person")
    ended = waiting.ended()
    assert (ended["status"], ended["error"]) == ("FAILED", "Refused")


def test_heartbeats_prolong_the_wait_and_their_absence_ends_it(aws: Simulator) -> None:
    waiting = Waiting(aws, HeartbeatSeconds=60, TimeoutSeconds=1000)
    for _ in range(3):
        aws.advance(40)
        waiting.states.send_task_heartbeat(taskToken=waiting.token)
    assert waiting.described()["status"] == "RUNNING"
    ended = waiting.ended()
    assert ended["status"] in ("FAILED", "TIMED_OUT")
    assert (aws.clock.now() - waiting.begun).total_seconds() == pytest.approx(180, abs=5)


def test_a_stop_ends_the_wait_at_once(aws: Simulator) -> None:
    waiting = Waiting(aws)
    waiting.states.stop_execution(executionArn=waiting.execution["executionArn"])
    assert waiting.described()["status"] == "ABORTED"


def test_the_tasks_time_out_counts_in_virtual_time(aws: Simulator) -> None:
    waiting = Waiting(aws, TimeoutSeconds=300)
    ended = waiting.ended()
    assert ended["status"] in ("FAILED", "TIMED_OUT")
    assert (aws.clock.now() - waiting.begun).total_seconds() == pytest.approx(300, abs=5)
