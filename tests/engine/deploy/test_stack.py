"""The stack's template: properties that this project promises; a linter checks the rest."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from engine.core import policy
from engine.deploy import deployment, packaging

INFRA = Path(__file__).parents[3] / "infra"


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms (!Sub, !GetAtt ...) as their values."""


def _value(loader, _suffix, node):
    construct = {
        yaml.ScalarNode: loader.construct_scalar,
        yaml.SequenceNode: loader.construct_sequence,
        yaml.MappingNode: loader.construct_mapping,
    }
    return construct[type(node)](node)


_Loader.add_multi_constructor("!", _value)


def template(name):
    return yaml.load((INFRA / name).read_text(encoding="utf-8"), _Loader)  # noqa: S506 - a SafeLoader of our own


def policy_of(role, name):
    (found,) = [p["PolicyDocument"] for p in role["Properties"]["Policies"] if p["PolicyName"] == name]
    return found


def test_the_target_account_allows_what_the_engines_own_account_does():
    own = template("template.yaml")["Resources"]["FunctionRole"]
    other = template("target_account.yaml")["Resources"]["TargetRole"]
    assert policy_of(own, "recovery") == policy_of(other, "recovery")


def test_the_cross_account_role_trusts_one_role_with_an_external_id():
    (statement,) = template("target_account.yaml")["Resources"]["TargetRole"]["Properties"]["AssumeRolePolicyDocument"][
        "Statement"
    ]
    # The account that the engine's role is of (the fifth part of its ARN), and of it that role alone.
    assert statement["Principal"] == {"AWS": [4, [":", "EngineRoleArn"]]}
    assert statement["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": "EngineRoleArn"},
        "StringEquals": {"sts:ExternalId": "ExternalId"},
    }


@pytest.mark.parametrize(
    ("arn", "one_role"),
    [
        ("arn:aws:iam::111122223333:role/engine-engine", True),
        ("arn:aws-us-gov:iam::111122223333:role/a/path/engine", True),
        ("arn:aws:iam::111122223333:role/*", False),
        ("arn:aws:iam::111122223333:role/engine-?", False),
        ("arn:aws:iam::111122223333:root", False),
        ("arn:aws:iam::*:role/engine", False),
        ("arn:aws:sts::111122223333:assumed-role/engine/session", False),
    ],
)
def test_the_cross_account_role_can_only_be_offered_to_one_role(arn, one_role):
    parameter = template("target_account.yaml")["Parameters"]["EngineRoleArn"]
    assert bool(re.fullmatch(parameter["AllowedPattern"], arn)) is one_role


def definition():
    text = template("template.yaml")["Resources"]["StateMachine"]["Properties"]["DefinitionString"]
    return json.loads(text)


def test_the_state_machine_outlives_the_longest_execution_and_its_clean_up():
    longest = 24 * 3600 + policy.CLEAN_UP_LIMIT_SECONDS
    assert definition()["TimeoutSeconds"] > longest


def test_a_run_of_the_state_machine_stays_below_step_functions_limit_of_events():
    # Tick: entered, scheduled, started, succeeded, exited; choice: entered, exited; wait: entered, exited. A tick that
    # needs all its retries adds three events for each of them.
    events_a_tick = 9 + 3 * 3
    assert policy.TICKS_PER_RUN * 9 < 20_000
    assert policy.TICKS_PER_RUN // 10 * events_a_tick + policy.TICKS_PER_RUN * 9 // 10 * 9 < 25_000


def test_every_task_is_retried_three_times_with_growing_pauses_and_for_long_while_aws_is_out_of_order():
    for state in definition()["States"].values():
        if state["Type"] == "Task":
            outage, retry = state["Retry"]
            assert retry["ErrorEquals"] == ["States.ALL"]
            assert (retry["IntervalSeconds"], retry["MaxAttempts"], retry["BackoffRate"]) == (2, 3, 2.0)
            assert {"Unavailable", "AskedToWait", "Lambda.ServiceException"} <= set(outage["ErrorEquals"])
            assert (outage["IntervalSeconds"], outage["BackoffRate"], outage["MaxDelaySeconds"]) == (2, 2.0, 60)
            assert outage["MaxAttempts"] * outage["MaxDelaySeconds"] > 15 * 60


def test_the_closer_tries_for_a_day_whatever_is_the_matter():
    closer = json.loads(template("template.yaml")["Resources"]["Closer"]["Properties"]["DefinitionString"])
    (retry,) = closer["States"]["Close"]["Retry"]
    assert retry["ErrorEquals"] == ["States.ALL"]
    growing = [min(2.0**number * retry["IntervalSeconds"], retry["MaxDelaySeconds"]) for number in range(9)]
    pauses = sum(growing) + (retry["MaxAttempts"] - len(growing)) * retry["MaxDelaySeconds"]
    assert 24 * 3600 < pauses < closer["TimeoutSeconds"]
    # Scheduled, started, failed: a day of tries stays far below Step Functions' limit of 25,000 events.
    assert 3 * retry["MaxAttempts"] < 25_000


def test_tables_are_encrypted_and_recoverable_to_a_point_in_time():
    tables = [r for r in template("template.yaml")["Resources"].values() if r["Type"] == "AWS::DynamoDB::Table"]
    assert len(tables) == 3
    for table in tables:
        assert table["Properties"]["SSESpecification"] == {"SSEEnabled": True}
        assert table["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_tables_and_logs_outlive_the_stack_unless_the_stack_is_a_test():
    resources = template("template.yaml")
    assert resources["Transform"] == "AWS::LanguageExtensions"
    assert resources["Parameters"]["KeepData"]["Default"] == "yes"
    kept = [r for r in resources["Resources"].values() if r["Type"] in ("AWS::DynamoDB::Table", "AWS::Logs::LogGroup")]
    assert len(kept) == 5
    for one in kept:
        assert one["DeletionPolicy"] == one["UpdateReplacePolicy"] == ["KeepsData", "Retain", "Delete"]
    for table in (one for one in kept if one["Type"] == "AWS::DynamoDB::Table"):
        assert table["Properties"]["DeletionProtectionEnabled"] == ["KeepsData", True, False]


def test_what_the_template_needs_of_cloudformation_is_granted():
    # The transform is a macro (AUTO_EXPAND), the roles have names of their own (NAMED_IAM).
    assert set(deployment._CAPABILITIES) == {"CAPABILITY_AUTO_EXPAND", "CAPABILITY_NAMED_IAM"}


def test_the_topic_is_encrypted_and_takes_encrypted_requests_only():
    resources = template("template.yaml")["Resources"]
    assert resources["NotificationTopic"]["Properties"]["KmsMasterKeyId"] == "alias/aws/sns"
    (statement,) = resources["NotificationTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert (statement["Effect"], statement["Principal"]) == ("Deny", "*")
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_package_holds_what_the_function_needs_and_is_always_the_same(tmp_path):
    first = packaging.package()
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        archive.extractall(tmp_path)
    shutil.rmtree(tmp_path / "engine")
    assert packaging.build(tmp_path) == first
    names = zipfile.ZipFile(io.BytesIO(first)).namelist()
    assert "engine/function/handler.py" in names
    assert "engine/core/schemas/recovery_plan.json" in names
    at_home = ("engine/cli/", "engine/client/", "engine/deploy/deployment.py", "engine/__main__.py")
    assert [name for name in names if name.startswith(at_home)] == []


def test_the_function_imports_nothing_that_its_package_leaves_out():
    program = "import sys, engine.function.handler; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    for module in done.stdout.split():
        top, *parts = module.split(".")
        if top == "engine" and parts:
            assert parts[0] in packaging._PARTS, module
        if top in ("aws_lambda_powertools", "jsonschema", "tenacity"):
            assert packaging._UNUSED.isdisjoint(parts), module
