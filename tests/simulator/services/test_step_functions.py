"""Step Functions on the virtual clock: exact times, ends as on AWS, several executions at once."""

from __future__ import annotations

import itertools
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator import Simulator
from simulator.services.stepfunctions import interpreter
from tests.simulator.sample import Sample, definition, deploy, package

ROUND_TRIP = 0.16  # a tick: half of Invoke's latency, one DynamoDB call within, the other half


def ended(sample: Sample, arn: str) -> bool:
    return sample.status(arn) != "RUNNING"


def run(aws: Simulator, machine: dict[str, Any], **document: Any) -> tuple[Sample, dict[str, Any]]:
    sample = deploy(aws, machine)
    arn = sample.start("run", 1, **document)
    aws.wait_until(lambda: ended(sample, arn), 100_000)
    return sample, sample.describe(arn)


def lasted(described: dict[str, Any]) -> float:
    start, stop = described["startDate"], described["stopDate"]
    assert isinstance(start, datetime)
    assert isinstance(stop, datetime)
    return (stop - start).total_seconds()


def test_a_loop_of_ticks_and_waits_takes_exactly_its_time(aws: Simulator) -> None:
    sample = deploy(aws, definition(wait=30))
    arn = sample.start("run", 4)
    aws.wait_until(lambda: ended(sample, arn), 1000)
    described = sample.describe(arn)
    assert described["status"] == "SUCCEEDED"
    assert json.loads(described["output"])["Count"] == 4
    assert lasted(described) == pytest.approx(4 * ROUND_TRIP + 3 * 30)
    types = sample.history(arn)
    assert types[0] == "ExecutionStarted"
    assert types[-1] == "ExecutionSucceeded"
    assert types.count("LambdaFunctionSucceeded") == 4


@pytest.mark.parametrize(
    ("wait", "document", "expected"),
    [
        ({"Seconds": 45}, {}, 45.0),
        ({"SecondsPath": "$.Pause"}, {"Pause": 75}, 75.0),
        ({"Timestamp": "2026-01-05T09:10:00Z"}, {}, 600 - 0.36),  # started 0.36 s after nine o'clock
        ({"TimestampPath": "$.Until"}, {"Until": "2026-01-05T09:20:00Z"}, 1200 - 0.36),
        ({"Timestamp": "2026-01-05T08:00:00Z"}, {}, 0.0),
    ],
)
def test_every_kind_of_wait_is_exact(
    aws: Simulator, wait: dict[str, Any], document: dict[str, Any], expected: float
) -> None:
    machine = {"StartAt": "Pause", "States": {"Pause": {"Type": "Wait", **wait, "End": True}}}
    _, described = run(aws, machine, **document)
    assert described["status"] == "SUCCEEDED"
    assert lasted(described) == pytest.approx(expected, abs=1e-6)


def test_three_executions_interleave(aws: Simulator) -> None:
    machine = definition()
    machine["States"]["Pause"] = {"Type": "Wait", "SecondsPath": "$.Pause", "Next": "Tick"}
    sample = deploy(aws, machine)
    arns = [sample.start(name, 4, Pause=pause) for name, pause in (("a", 20), ("b", 30), ("c", 45))]
    aws.wait_until(lambda: all(ended(sample, arn) for arn in arns), 1000, settle=5)
    order = [(line["run"], line["tick"]) for line in aws.lambda_logs("sample")]
    assert order == [
        ("a", 1), ("b", 1), ("c", 1), ("a", 2), ("b", 2), ("a", 3), ("c", 2), ("b", 3), ("a", 4),
        ("c", 3), ("b", 4), ("c", 4),
    ]  # fmt: skip


def test_retries_wait_their_intervals_and_then_give_up(aws: Simulator) -> None:
    task = {
        "Type": "Task",
        "Resource": "${Function.Arn}",
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 2, "MaxAttempts": 3, "BackoffRate": 2}],
    }
    _, described = run(aws, definition(task=task), Action="fail")
    assert described["status"] == "FAILED"
    assert described["error"] == "ValueError"
    assert "no such luck" in described["cause"]
    moments = [call.started for call in aws.journal.select("lambda", "Invoke", source="states")]
    gaps = [round((later - earlier).total_seconds() - 0.08, 3) for earlier, later in itertools.pairwise(moments)]
    assert gaps == [2, 4, 8]


def test_catch_takes_over_from_the_last_failed_attempt(aws: Simulator) -> None:
    task = {"Type": "Task", "Resource": "${Function.Arn}", "Catch": [{"ErrorEquals": ["ValueError"], "Next": "End"}]}
    _, described = run(aws, definition(task=task), Action="fail")
    assert described["status"] == "SUCCEEDED"
    assert json.loads(described["output"])["Error"] == "ValueError"


def test_the_optimised_integration_works_too(aws: Simulator) -> None:
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": "${Function.Arn}", "Payload.$": "$"},
        "OutputPath": "$.Payload",
    }
    sample, described = run(aws, definition(task=task))
    assert described["status"] == "SUCCEEDED"
    assert "TaskSucceeded" in sample.history(described["executionArn"])


@pytest.mark.parametrize("resource", ["plain", "optimised"])
def test_a_task_that_exceeds_its_own_timeout_fails_at_that_moment(aws: Simulator, resource: str) -> None:
    task: dict[str, Any] = {"Type": "Task", "Resource": "${Function.Arn}", "TimeoutSeconds": 10}
    if resource == "optimised":
        task |= {
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "${Function.Arn}", "Payload.$": "$"},
        }
    _, described = run(aws, definition(task=task), Action="sleep", Seconds=25)
    assert described["status"] == "FAILED"
    assert described["error"] == "States.Timeout"
    assert lasted(described) == pytest.approx(10)


def test_the_state_machines_timeout_ends_the_execution_inside_a_wait(aws: Simulator) -> None:
    sample = deploy(aws, definition(wait=1000, timeout=300))
    arn = sample.start("run", 5)
    aws.wait_until(lambda: ended(sample, arn), 5000)
    described = sample.describe(arn)
    assert described["status"] == "TIMED_OUT"
    assert lasted(described) == 300
    assert sample.history(arn)[-1] == "ExecutionTimedOut"


def test_the_state_machines_timeout_does_not_wait_for_a_running_lambda(aws: Simulator) -> None:
    sample = deploy(aws, definition(timeout=5))
    arn = sample.start("run", 5, Action="sleep", Seconds=20)
    aws.wait_until(lambda: ended(sample, arn), 5000, settle=0)
    assert lasted(sample.describe(arn)) == 5
    aws.advance(60)
    assert sample.history(arn)[-1] == "ExecutionTimedOut"
    assert aws.journal.select("lambda", "Invoke", source="states")[0].succeeded


@pytest.mark.parametrize("after", [0, 10])
def test_an_execution_can_be_stopped_at_any_moment(aws: Simulator, sample: Sample, after: float) -> None:
    arn = sample.start("run", 9)
    aws.advance(after)
    sample.client("stepfunctions").stop_execution(executionArn=arn, error="Cancelled", cause="by hand")
    described = sample.describe(arn)
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Cancelled", "by hand")
    assert sample.history(arn)[-1] == "ExecutionAborted"
    ticks = len(aws.lambda_logs("sample"))
    aws.advance(600)
    assert sample.status(arn) == "ABORTED"
    assert sample.describe(arn)["stopDate"] == described["stopDate"]
    assert ticks <= 1


def test_stopping_twice_keeps_the_first_end(aws: Simulator, sample: Sample) -> None:
    arn = sample.start("run", 9)
    states = sample.client("stepfunctions")
    first = states.stop_execution(executionArn=arn)["stopDate"]
    aws.advance(60)
    assert states.stop_execution(executionArn=arn, cause="again")["stopDate"] == first


def test_starting_again_under_the_same_name(aws: Simulator, sample: Sample) -> None:
    states = sample.client("stepfunctions")
    arn = sample.start("run", 2)
    assert sample.start("run", 2) == arn
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        sample.start("run", 3)
    aws.wait_until(lambda: ended(sample, arn), 1000)
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        sample.start("run", 2)
    assert len(states.list_executions(stateMachineArn=sample.machine)["executions"]) == 1


def test_step_functions_acts_under_the_state_machines_own_role(aws: Simulator, sample: Sample) -> None:
    arn = sample.start("run", 1)
    aws.wait_until(lambda: ended(sample, arn), 1000)
    (call,) = aws.journal.select("lambda", "Invoke")
    assert call.source == "states"
    assert ":assumed-role/sample-MachineRole-" in call.principal


def test_a_role_that_may_not_invoke_fails_the_task(aws: Simulator, sample: Sample) -> None:
    iam = sample.client("iam")
    role = next(role["RoleName"] for role in iam.list_roles()["Roles"] if "MachineRole" in role["RoleName"])
    iam.delete_role_policy(RoleName=role, PolicyName="work")
    arn = sample.start("run", 1)
    aws.wait_until(lambda: ended(sample, arn), 1000)
    described = sample.describe(arn)
    assert described["status"] == "FAILED"
    assert "not authorized to perform: lambda:InvokeFunction" in described["cause"]


def test_map_and_parallel_run_on_the_virtual_clock(aws: Simulator) -> None:
    pause = {"StartAt": "Pause", "States": {"Pause": {"Type": "Wait", "Seconds": 50, "End": True}}}
    machine = {
        "StartAt": "Both",
        "States": {
            "Both": {"Type": "Parallel", "Branches": [pause, pause], "ResultPath": None, "Next": "Each"},
            "Each": {"Type": "Map", "ItemsPath": "$.Items", "ItemProcessor": pause, "End": True},
        },
    }
    _, described = run(aws, machine, Items=[1, 2, 3])
    assert described["status"] == "SUCCEEDED"
    assert lasted(described) == pytest.approx(100)


def test_history_carries_virtual_times(aws: Simulator, sample: Sample) -> None:
    arn = sample.start("run", 2)
    aws.wait_until(lambda: ended(sample, arn), 1000)
    events = sample.client("stepfunctions").get_execution_history(executionArn=arn)["events"]
    entered = next(event for event in events if event["type"] == "WaitStateEntered")
    left = next(event for event in events if event["type"] == "WaitStateExited")
    assert left["timestamp"] - entered["timestamp"] == timedelta(seconds=30)


@pytest.mark.parametrize("resource", ["plain", "optimised"])
@pytest.mark.parametrize(
    ("trouble", "expected"),
    [
        ("fail_lambda", "Lambda.ServiceException"),
        ("throttle", "Lambda.TooManyRequestsException"),
        ("lose_connection", "Lambda.SdkClientException"),
        ("deny", "Lambda.AWSLambdaException"),
    ],
)
def test_lambdas_own_errors_have_step_functions_names(
    aws: Simulator, trouble: str, expected: str, resource: str
) -> None:
    if trouble == "fail_lambda":
        aws.faults.fail_lambda(times=None, error="service")
    else:
        getattr(aws.faults, trouble)("lambda", "Invoke", times=None)
    task: dict[str, Any] = {"Type": "Task", "Resource": "${Function.Arn}"}
    if resource == "optimised":
        parameters = {"FunctionName": "${Function.Arn}", "Payload.$": "$"}
        task |= {"Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters, "OutputPath": "$.Payload"}
    _, described = run(aws, definition(task=task))
    assert described["error"] == expected


def test_a_result_over_256_kb_fails_the_task(aws: Simulator) -> None:
    sample = deploy(aws)
    code = "def handler(event, context): return 'x' * (256 * 1024)"
    sample.client("lambda").update_function_code(FunctionName="sample", ZipFile=package(code))
    arn = sample.start("run", 1)
    aws.wait_until(lambda: ended(sample, arn), 100)
    assert sample.describe(arn)["error"] == "States.DataLimitExceeded"


def test_an_input_over_256_kb_is_refused(aws: Simulator, sample: Sample) -> None:
    with pytest.raises(ClientError, match="length less than or equal to 262144"):
        sample.start("run", 1, Big="x" * 256 * 1024)


def test_too_many_history_events_end_an_execution(aws: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    assert interpreter.MAX_HISTORY_EVENTS == 25_000
    monkeypatch.setattr(interpreter, "MAX_HISTORY_EVENTS", 200)
    loop = {
        "StartAt": "One",
        "States": {"One": {"Type": "Pass", "Next": "Two"}, "Two": {"Type": "Wait", "Seconds": 1, "Next": "One"}},
    }
    sample, described = run(aws, loop)
    assert described["status"] == "FAILED"
    assert "maximum number of history events" in described["cause"]
    assert len(sample.history(described["executionArn"])) == 200
