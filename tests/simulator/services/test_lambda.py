"""Lambda in this process: isolated from other code, in virtual time, with errors as Lambda reports them."""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import types
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator import Simulator
from simulator.gateway import dispatch
from tests.simulator.sample import FUNCTION, Sample, deploy, package


def outcome(sample: Sample, **event: Any) -> tuple[str | None, Any]:
    answer = sample.client("lambda").invoke(FunctionName=FUNCTION, Payload=json.dumps(event))
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


def redeploy(sample: Sample, code: str) -> None:
    sample.client("lambda").update_function_code(FunctionName=FUNCTION, ZipFile=package(code))


def test_the_code_is_that_of_the_package_whatever_the_process_imported(aws: Simulator, sample: Sample) -> None:
    ours = types.ModuleType("app")
    sys.modules["app"] = ours
    try:
        assert sample.invoke(Action="look")["name"] == FUNCTION
        assert sys.modules["app"] is ours
        assert "app.main" not in sys.modules
    finally:
        del sys.modules["app"]


def test_environment_and_context_are_the_functions_own(aws: Simulator, sample: Sample) -> None:
    seen = sample.invoke(Action="look")
    assert (seen["table"], seen["region"], seen["remaining"]) == ("sample", "us-east-1", 30_000)
    assert "TABLE" not in os.environ
    assert "AWS_LAMBDA_FUNCTION_NAME" not in os.environ


def test_the_function_acts_under_its_own_role(aws: Simulator, sample: Sample) -> None:
    arn = sample.invoke(Action="who")
    assert ":assumed-role/sample-FunctionRole-" in arn
    assert arn.endswith("/sample")
    assert aws.journal.select("sts", "GetCallerIdentity")[0].source == "lambda"


def test_globals_survive_until_code_or_configuration_changes(aws: Simulator, sample: Sample) -> None:
    assert [sample.invoke(Action="look")["invocations"] for _ in range(3)] == [1, 2, 3]
    sample.client("lambda").update_function_configuration(FunctionName=FUNCTION, Timeout=29)
    assert sample.invoke(Action="look")["invocations"] == 1
    redeploy(sample, "def handler(event, context): return 'new code'")
    assert sample.invoke() == "new code"


def test_two_invocations_at_once_have_an_environment_each(aws: Simulator, sample: Sample) -> None:
    def both() -> list[Any]:
        actors = [aws.spawn(f"client {n}", lambda: sample.invoke(Action="sleep", Seconds=5)) for n in range(2)]
        return [actor.join() for actor in actors]

    started = aws.clock.now()
    assert both() == [25_000, 25_000]
    assert (aws.clock.now() - started).total_seconds() == pytest.approx(5.08)
    assert sorted(sample.invoke(Action="look")["invocations"] for _ in range(2)) == [2, 3]


def test_an_error_is_reported_as_lambda_reports_it(aws: Simulator, sample: Sample) -> None:
    kind, document = outcome(sample, Action="fail")
    assert kind == "Unhandled"
    assert (document["errorType"], document["errorMessage"]) == ("ValueError", "no such luck")
    assert any("raise ValueError" in frame for frame in document["stackTrace"])
    assert not any("simulator" in frame for frame in document["stackTrace"])


def test_a_missing_handler_and_an_answer_that_is_no_json(aws: Simulator, sample: Sample) -> None:
    redeploy(sample, "import no_such_module")
    assert outcome(sample)[1]["errorType"] == "Runtime.ImportModuleError"
    redeploy(sample, "def handler(event, context): return object()")
    assert outcome(sample)[1]["errorType"] == "Runtime.MarshalError"


def test_sleep_is_virtual_and_counts_against_the_limit(aws: Simulator, sample: Sample) -> None:
    assert outcome(sample, Action="sleep", Seconds=29.5) == (None, 500)
    started = aws.clock.now()
    kind, document = outcome(sample, Action="sleep", Seconds=31)
    assert kind == "Unhandled"
    assert "Task timed out after 30.00 seconds" in document["errorMessage"]
    assert (aws.clock.now() - started).total_seconds() == pytest.approx(30.08)
    assert sample.invoke(Action="look")["invocations"] == 1, "a timed out environment is not used again"


def test_calls_count_against_the_limit_and_the_late_one_never_happens(aws: Simulator) -> None:
    sample = deploy(aws, timeout=1)
    aws.faults.throttle("dynamodb", "PutItem", times=None)
    redeploy(
        sample,
        """
        import boto3, botocore.config
        client = boto3.client("dynamodb", config=botocore.config.Config(retries={"total_max_attempts": 1}))
        def handler(event, context):
            while True:
                try:
                    client.put_item(TableName="sample", Item={"Id": {"S": "x"}})
                except Exception:
                    pass
    """,
    )
    assert "timed out" in outcome(sample)[1]["errorMessage"]
    calls = aws.journal.select("dynamodb", "PutItem")
    assert len(calls) == 13, "twelve whole calls of 80 ms, and the one in which the second ended"
    assert calls[-1].error_code == "LambdaKilled"


@pytest.mark.parametrize(("when", "written"), [("before", set()), ("after", {"first"})])
def test_a_killed_function_leaves_everything_later_undone(
    aws: Simulator, sample: Sample, when: str, written: set[str]
) -> None:
    aws.faults.kill_lambda(when, "dynamodb", "PutItem")
    kind, document = outcome(sample, Action="put_twice")
    assert kind == "Unhandled"
    assert document["errorType"] == "Runtime.ExitError"
    assert sample.items() == written


def test_printed_lines_and_log_records_reach_cloudwatch(
    aws: Simulator, sample: Sample, capsys: pytest.CaptureFixture[str]
) -> None:
    redeploy(
        sample,
        """
        import json, logging
        def handler(event, context):
            logging.getLogger().setLevel("INFO")
            print(json.dumps({"a": 1}))
            print("plain")
            logging.info("noted")
    """,
    )
    root_level = logging.getLogger().level
    sample.invoke()
    lines = aws.lambda_logs(FUNCTION)
    assert lines[0] == {"a": 1}
    assert lines[1] == {"message": "plain"}
    assert lines[2]["message"].startswith("[INFO]\t2026-01-05T09:00:00")
    assert lines[2]["message"].endswith("\tnoted")
    events = sample.client("logs").filter_log_events(logGroupName="/aws/lambda/sample")["events"]
    assert [event["message"].split(" ")[0].split("\t")[0] for event in events] == [
        "START",
        '{"a":',
        "plain",
        "[INFO]",
        "END",
        "REPORT",
    ]
    assert capsys.readouterr().out == ""
    assert logging.getLogger().level == root_level


def test_uuids_repeat_with_the_seed_and_differ_without() -> None:
    seen = []
    for seed in (1, 1, 2):
        with Simulator(seed=seed) as aws:
            sample = deploy(aws)
            seen.append([sample.invoke(Action="look")["uuid"] for _ in range(2)])
    assert seen[0] == seen[1]
    assert seen[0] != seen[2]
    assert len(set(seen[0])) == 2


def test_credentials_are_renewed_by_a_new_environment(aws: Simulator, sample: Sample) -> None:
    sample.invoke(Action="look")
    aws.advance(12 * 3600)
    assert sample.invoke(Action="look")["invocations"] == 1


def test_a_role_that_lambda_may_not_assume(aws: Simulator, sample: Sample) -> None:
    iam = sample.client("iam")
    role = next(role["RoleName"] for role in iam.list_roles()["Roles"] if "FunctionRole" in role["RoleName"])
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    iam.update_assume_role_policy(RoleName=role, PolicyDocument=json.dumps(trust))
    with pytest.raises(ClientError, match="cannot be assumed by lambda"):
        sample.invoke(Action="look")


@pytest.mark.parametrize(("error", "expected"), [("unhandled", "Runtime.ExitError"), ("service", "ServiceException")])
def test_invocations_that_fail_without_running(aws: Simulator, sample: Sample, error: str, expected: str) -> None:
    aws.faults.fail_lambda(times=1, error=error)
    if error == "service":
        once = sample.session.client("lambda", config=no_retries())
        with pytest.raises(ClientError, match=expected):
            once.invoke(FunctionName=FUNCTION, Payload=b"{}")
    else:
        assert outcome(sample, Action="look")[1]["errorType"] == expected
    assert sample.invoke(Action="look")["invocations"] == 1


def no_retries() -> Any:
    from botocore.config import Config

    return Config(retries={"total_max_attempts": 1})


# -- asynchronous ----------------------------------------------------------------------------------------------------


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


def test_without_the_right_to_log_nothing_reaches_cloudwatch(aws: Simulator, sample: Sample) -> None:
    iam = sample.client("iam")
    role = next(role["RoleName"] for role in iam.list_roles()["Roles"] if "FunctionRole" in role["RoleName"])
    iam.delete_role_policy(RoleName=role, PolicyName="work")
    sample.invoke(Action="echo", Word="lost")
    assert sample.client("logs").describe_log_groups()["logGroups"] == []


# -- events of Step Functions ----------------------------------------------------------------------------------------


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


def test_the_simulator_itself_never_runs_in_the_functions_surroundings(
    aws: Simulator, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[bool]] = {"timer": [], "moto": []}

    def look(where: str) -> None:
        seen[where].append("TABLE" in os.environ or "app.main" in sys.modules)

    def forward(*request: Any) -> Any:
        look("moto")
        return process_request(*request)

    process_request = dispatch.process
    monkeypatch.setattr(dispatch, "process", forward)
    for tenth in range(1, 60):
        aws.clock.call_at(aws.clock.now() + timedelta(seconds=tenth / 10), partial(look, "timer"), "look")
    sample.invoke(Action="put_twice")
    sample.invoke(Action="sleep", Seconds=4)
    assert len(seen["timer"]) > 40
    assert len(seen["moto"]) == 6, "two invocations, four writes"
    assert not any(seen["timer"] + seen["moto"])


# -- libraries -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["import yaml", "from moto import core", "import engine.core"])
@pytest.mark.parametrize("place", ["at the top", "in the handler"])
def test_a_library_of_the_process_cannot_be_imported(
    aws: Simulator, sample: Sample, statement: str, place: str
) -> None:
    importlib.import_module(statement.split()[1])
    head = f"{statement}\n" if place == "at the top" else ""
    redeploy(sample, f"{head}def handler(event, context):\n    {statement}")
    _, document = outcome(sample)
    assert document["errorType"] == ("Runtime.ImportModuleError" if head else "ModuleNotFoundError")
    assert f"No module named '{statement.split()[1].split('.')[0]}'" in document["errorMessage"]


@pytest.mark.parametrize("name", ["yaml", "cfnlint", "werkzeug.serving"])
def test_a_library_of_the_process_cannot_be_imported_by_name(aws: Simulator, sample: Sample, name: str) -> None:
    redeploy(
        sample, "import importlib\ndef handler(event, context): return str(importlib.import_module(event['Name']))"
    )
    assert outcome(sample, Name=name)[1]["errorType"] == "ModuleNotFoundError"
    assert outcome(sample, Name="json.tool")[1].startswith("<module 'json.tool'")


def test_the_function_can_import_what_lambda_has(aws: Simulator, sample: Sample) -> None:
    libraries = "boto3, botocore.session, dateutil.tz, jmespath, s3transfer.manager, six, urllib3.util.retry"
    redeploy(sample, f"import {libraries}, sqlite3, xml.sax, zoneinfo\ndef handler(event, context): return 'imported'")
    assert outcome(sample) == (None, "imported")


def test_a_library_of_the_package_is_not_that_of_the_process(aws: Simulator, sample: Sample) -> None:
    code = "import yaml\ndef handler(event, context): return yaml.__version__, yaml.where()"
    files = {"yaml/__init__.py": "from yaml.place import where\n__version__ = 'packaged'", "yaml/place.py": PLACE}
    sample.client("lambda").update_function_code(FunctionName=FUNCTION, ZipFile=package(code, files))
    assert outcome(sample)[1] == ["packaged", "/yaml/place.py"]
    assert importlib.import_module("yaml").__version__ != "packaged"


PLACE = "def where(): return __file__[-len('/yaml/place.py'):]"


def test_environments_share_libraries_and_have_modules_of_their_own() -> None:
    code = """
    import app.helper, yaml
    def handler(event, context):
        yaml.count += 1
        app.helper.count += 1
        return yaml.count, app.helper.count
    """
    seen = []
    for _ in range(2):
        with Simulator() as aws:
            sample = deploy(aws)
            files = {"yaml/__init__.py": "count = 0", "app/helper.py": "count = 0"}
            sample.client("lambda").update_function_code(FunctionName=FUNCTION, ZipFile=package(code, files))
            seen.append(outcome(sample)[1])
    assert seen == [[1, 1], [2, 1]]


def test_the_process_keeps_its_own_way_to_import(aws: Simulator, sample: Sample) -> None:
    before = (sys.path, list(sys.path), list(sys.meta_path), importlib.import_module)
    assert sample.invoke(Action="look")["name"] == FUNCTION
    assert before == (sys.path, list(sys.path), list(sys.meta_path), importlib.import_module)
    assert sys.path is before[0]
