"""Lambda in this process: isolated from other code, in virtual time, with errors as Lambda reports them."""

from __future__ import annotations

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
from tests.simulator.sample import FUNCTION, Sample, deploy, outcome, redeploy


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


def test_without_the_right_to_log_nothing_reaches_cloudwatch(aws: Simulator, sample: Sample) -> None:
    iam = sample.client("iam")
    role = next(role["RoleName"] for role in iam.list_roles()["Roles"] if "FunctionRole" in role["RoleName"])
    iam.delete_role_policy(RoleName=role, PolicyName="work")
    sample.invoke(Action="echo", Word="lost")
    assert sample.client("logs").describe_log_groups()["logGroups"] == []


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
