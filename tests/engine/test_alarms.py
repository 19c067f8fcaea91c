"""The alarms of the template: each counts a line that the engine really logs, or a number that AWS keeps."""

from __future__ import annotations

import re

import pytest

from tests.engine.operator import STACK, operator
from tests.engine.test_stack import template

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
    with operator() as at:
        at.client = at.deploy()
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
    watched = {(one["Namespace"], one["MetricName"]) for one in ALARMS.values()}
    for metric, properties in FILTERS.items():
        (transformation,) = properties["MetricTransformations"]
        assert (transformation["MetricNamespace"], metric) in watched
        assert transformation["MetricValue"] == "1"
        assert properties["LogGroupName"] == "FunctionLog"
    assert set(FILTERS) == {"CloserFailed", "NotificationFailed", "CleanUpFailed"}


def test_a_death_that_is_not_reported_or_never_recorded_has_an_alarm():
    (target,) = RESOURCES["StateMachineDied"]["Properties"]["Targets"]
    assert target["Arn"] == "Closer"
    gave_up, not_started = ALARMS["CloserGaveUpAlarm"], ALARMS["CloserNotStartedAlarm"]
    assert (gave_up["Namespace"], gave_up["MetricName"]) == ("AWS/States", "ExecutionsFailed")
    assert gave_up["Dimensions"] == [{"Name": "StateMachineArn", "Value": "Closer"}]
    assert (not_started["Namespace"], not_started["MetricName"]) == ("AWS/Events", "FailedInvocations")
    assert not_started["Dimensions"] == [{"Name": "RuleName", "Value": "StateMachineDied"}]


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
