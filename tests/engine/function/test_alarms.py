"""The alarms of the template: each counts a line that the engine really logs, or a number that AWS keeps."""

from __future__ import annotations

import re

import pytest

from tests.engine.cli.operator import operator_of_engine
from tests.engine.deploy.test_stack import template
from tests.engine.deployed import STACK

RESOURCES = template("template.yaml")["Resources"]
FILTERS = {
    one["Properties"]["MetricTransformations"][0]["MetricName"]: one["Properties"]
    for one in RESOURCES.values()
    if one["Type"] == "AWS::Logs::MetricFilter"
}
ALARMS = {name: one["Properties"] for name, one in RESOURCES.items() if one["Type"] == "AWS::CloudWatch::Alarm"}
PLAN = "plan-three-tier"


def counted(lines) -> set[str]:
    """The metrics whose filter matches one of the lines; filters are of the form { $.Field = "word" }."""
    found = set()
    for metric, properties in FILTERS.items():
        field, word = re.fullmatch(r'\{ \$\.(\w+) = "(\w+)" \}', properties["FilterPattern"]).groups()
        if any(line.get(field) == word for line in lines):
            found.add(metric)
    return found


@pytest.fixture
def at():
    with operator_of_engine() as at:
        yield at


def over(at, execution):
    def settled():
        record = at.client.get(execution)
        return record if record.get("CleanUp", {}).get("Status") in ("COMPLETED", "FAILED", "SKIPPED") else None

    return at.aws.wait_until(settled, 8 * 3600)


def logged(at):
    return at.aws.lambda_logs(f"{STACK}-engine")


def test_a_good_drill_raises_no_alarm(at):
    over(at, at.client.start(PLAN))
    assert counted(logged(at)) == set()


def test_a_notification_that_fails(at):
    plan = {**at.plan(), "NotificationTopicArn": "arn:aws:sns:us-east-1:111122223333:gone"}
    at.client.put_plan(plan)
    over(at, at.client.start(PLAN))
    assert counted(logged(at)) == {"NotificationFailed"}


def test_a_clean_up_that_fails(at):
    at.aws.faults.deny("drs", "TerminateRecoveryInstances", times=None, source="lambda")
    record = over(at, at.client.start(PLAN))
    assert record["CleanUp"]["Status"] == "FAILED"
    assert counted(logged(at)) == {"CleanUpFailed"}


def test_a_record_that_cannot_be_closed(at):
    execution = at.client.start(PLAN)
    at.aws.wait_until(lambda: at.client.get(execution)["Waves"][0]["Status"] == "RUNNING", 3600)
    at.aws.faults.deny("dynamodb", "BatchGetItem", times=None, source="lambda")
    at.aws.advance(3600)
    assert counted(logged(at)) == {"CloserFailed"}


def test_every_counted_line_has_an_alarm_of_its_own():
    watched = {(one["Namespace"], one["MetricName"]) for one in ALARMS.values() if "MetricName" in one}
    for metric, properties in FILTERS.items():
        (transformation,) = properties["MetricTransformations"]
        assert (transformation["MetricNamespace"], metric) in watched
        assert transformation["MetricValue"] == "1"
        assert properties["LogGroupName"] == "FunctionLog"
    assert set(FILTERS) == {"CloserFailed", "NotificationFailed", "CleanUpFailed"}


def test_a_death_that_is_not_reported_has_an_alarm():
    (target,) = RESOURCES["StateMachineDied"]["Properties"]["Targets"]
    assert target["Arn"] == "Closer"
    not_started = ALARMS["CloserNotStartedAlarm"]
    assert (not_started["Namespace"], not_started["MetricName"]) == ("AWS/Events", "FailedInvocations")
    assert not_started["Dimensions"] == [{"Name": "RuleName", "Value": "StateMachineDied"}]


# The CloudWatch metric of Step Functions for each end of a run, except SUCCEEDED.
COUNTED_END = {"FAILED": "ExecutionsFailed", "TIMED_OUT": "ExecutionsTimedOut", "ABORTED": "ExecutionsAborted"}


def ends_that_raise(alarm):
    """The metrics of the closer that the alarm's expression adds up."""
    (total,) = [one for one in alarm["Metrics"] if one.get("ReturnData", True)]
    added = set(re.findall(r"FILL\((\w+), 0\)", total["Expression"]))
    assert total["Expression"] == " + ".join(f"FILL({one}, 0)" for one in re.findall(r"\((\w+),", total["Expression"]))
    counted = {one["Id"]: one["MetricStat"] for one in alarm["Metrics"] if one is not total}
    assert added == set(counted)
    for one in counted.values():
        assert one["Metric"]["Namespace"] == "AWS/States"
        assert one["Metric"]["Dimensions"] == [{"Name": "StateMachineArn", "Value": "Closer"}]
        assert one["Stat"] == "Sum"
    return {one["Metric"]["MetricName"] for one in counted.values()}


@pytest.mark.parametrize("how", ["refused", "without an answer", "stopped"])
def test_a_closer_that_gives_up_raises_an_alarm_however_it_ends(at, how):
    execution = at.client.start(PLAN)
    at.aws.wait_until(lambda: at.client.get(execution)["Waves"][0]["Status"] == "RUNNING", 3600)
    if how == "without an answer":
        at.aws.faults.lose_answer("dynamodb", "GetItem", times=None, source="lambda")
    else:
        at.aws.faults.deny("dynamodb", "GetItem", times=None, source="lambda")
    machines = at.aws.session().client("stepfunctions")
    all_machines = machines.list_state_machines()["stateMachines"]
    arns = {one["name"].removeprefix(f"{STACK}-"): one["stateMachineArn"] for one in all_machines}
    machines.stop_execution(
        executionArn=machines.list_executions(stateMachineArn=arns["engine"])["executions"][0]["executionArn"]
    )
    at.aws.advance(60)
    if how == "stopped":
        (run,) = machines.list_executions(stateMachineArn=arns["closer"])["executions"]
        machines.stop_execution(executionArn=run["executionArn"])
    at.aws.advance(28 * 3600)
    (closer,) = machines.list_executions(stateMachineArn=arns["closer"])["executions"]
    assert at.client.get(execution)["Status"] == "RUNNING"
    assert COUNTED_END[closer["status"]] in ends_that_raise(ALARMS["CloserGaveUpAlarm"])


def test_a_sum_of_metrics_is_deployed_as_it_is_written(at):
    (alarm,) = (
        at.aws.session().client("cloudwatch").describe_alarms(AlarmNames=[f"{STACK}-closer-gave-up"])["MetricAlarms"]
    )
    assert (alarm["EvaluationPeriods"], alarm["DatapointsToAlarm"], alarm["Threshold"]) == (5, 1, 1.0)
    total, *counted = alarm["Metrics"]
    assert total["Expression"] == "FILL(failed, 0) + FILL(timedOut, 0) + FILL(aborted, 0)"
    closer = f"arn:aws:states:us-east-1:111122223333:stateMachine:{STACK}-closer"
    for one in counted:
        assert one["MetricStat"]["Metric"]["Dimensions"] == [{"Name": "StateMachineArn", "Value": closer}]


def test_an_alarm_of_sparse_metrics_sees_a_minute_that_is_told_late():
    """FILL puts a 0 where the newest minute's data have not come yet; one of several minutes must be enough."""
    alarm = ALARMS["CloserGaveUpAlarm"]
    assert alarm["DatapointsToAlarm"] == 1
    assert alarm["EvaluationPeriods"] >= 3


def test_a_function_that_fails_or_is_throttled_has_an_alarm():
    for name, metric in {"FunctionFailsAlarm": "Errors", "FunctionThrottledAlarm": "Throttles"}.items():
        assert (ALARMS[name]["Namespace"], ALARMS[name]["MetricName"]) == ("AWS/Lambda", metric)
        assert ALARMS[name]["Dimensions"] == [{"Name": "FunctionName", "Value": "Function"}]
    # One failure is tried three times again, by Step Functions as well as by Lambda's callers.
    assert ALARMS["FunctionFailsAlarm"]["Threshold"] == 4
    # One that runs into its time limit fails once in five minutes at most.
    lasting = ALARMS["FunctionKeepsFailingAlarm"]
    assert (lasting["MetricName"], lasting["Threshold"], lasting["EvaluationPeriods"]) == ("Errors", 1, 3)
    assert lasting["Period"] >= RESOURCES["Function"]["Properties"]["Timeout"]


@pytest.mark.parametrize("name", ALARMS)
def test_every_alarm_tells_the_operators_topic_and_rests_without_data(name):
    alarm = ALARMS[name]
    assert alarm["AlarmActions"] == ["TellsAlarms", ["AlarmTopicArn"], "AWS::NoValue"]
    assert alarm["TreatMissingData"] == "notBreaching"
    assert alarm["ComparisonOperator"] == "GreaterThanOrEqualToThreshold"
    assert alarm["AlarmDescription"]
