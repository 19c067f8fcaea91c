"""The data that a deletion retains: its names are printed, it is never lost, and a conflict with it is reported."""

from __future__ import annotations

import pytest

from engine.deploy import deployment
from tests.engine.cli.operator import NOTHING, error_line, left, operator
from tests.engine.deploy.test_stack import template
from tests.engine.deployed import STACK, TESTDATA


@pytest.fixture
def at():
    with operator() as at:
        at.aws.drs.initialize()
        yield at


KEPT = [f"{STACK}-execution-history", f"{STACK}-protection-groups", f"{STACK}-recovery-plans"]
LOGS = [f"/aws/lambda/{STACK}-engine", f"/aws/lambda/{STACK}-approvals"]


def test_what_is_kept_is_named_with_the_ways_to_go_on(at):
    at.run("deploy")
    result = at.run("destroy", "--yes")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == f"Kept, with their data: {', '.join([*KEPT, *LOGS])}"
    assert f"They prevent the next deployment of {STACK}. Import them into the new stack" in result.stderr
    assert left(at) == {**NOTHING, "tables": KEPT, "log groups": sorted(LOGS)}


@pytest.mark.parametrize(
    ("keep_data", "said"),
    [
        ("yes", "Its tables and its log groups stay (KeepData=yes)."),
        ("no", "Warning: this also deletes all plans, groups and the whole history (KeepData=no)."),
    ],
)
def test_what_becomes_of_the_data_is_said_before_it_is_asked(at, keep_data, said):
    at.run("deploy", "-p", f"KeepData={keep_data}")
    before = left(at)
    result = at.run("destroy", typed="n\n")
    assert result.exit_code == 1
    assert result.stderr.splitlines()[0] == said
    assert left(at) == before


@pytest.fixture
def kept(at):
    """An account where a plan lies in the tables of a stack that is gone."""
    at.run("deploy")
    at.run("apply", str(TESTDATA / "groups.json"), str(TESTDATA / "plans" / "three-tier.json"))
    at.run("destroy", "--yes")
    return at


def plans_left(at) -> list[str]:
    items = at.aws.session().client("dynamodb").scan(TableName=f"{STACK}-recovery-plans")["Items"]
    return [item["PlanId"]["S"] for item in items]


def test_deploy_reports_retained_data_before_it_creates_resources(kept):
    before = left(kept)
    result = kept.run("deploy")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.splitlines() == [
        f"Error: an earlier deployment of {STACK} left its data in account 111122223333, Region us-east-1 "
        f"(KeepData=yes): {', '.join([*KEPT, *LOGS])}. The stack was not deployed, and the data was not touched.",
        "Import them into the new stack, delete them if their data is not needed (docs/retained-data.md has the "
        "commands), or deploy under another name (--stack).",
    ]
    assert left(kept) == before
    assert plans_left(kept) == ["plan-three-tier"]
    assert kept.run("history").exit_code == 1
    assert kept.run("deploy", "--stack", "another").exit_code == 0


def test_a_creation_that_meets_kept_tables_fails_and_leaves_them_alone(kept):
    before = left(kept)
    for keep_data in ("yes", "no"):
        with pytest.raises(deployment.DeploymentFailed) as failure:
            deployment.deploy(kept.aws.session(), STACK, parameters={"KeepData": keep_data}, sleep=kept.aws.advance)
        cause, removed, advice = str(failure.value).splitlines()
        assert cause == (
            f"stack {STACK}: ProtectionGroups (AWS::DynamoDB::Table): Resource of type 'AWS::DynamoDB::Table' with "
            f"identifier '{STACK}-protection-groups' already exists."
        )
        assert removed == "All resources that the stack had created were removed."
        assert advice.startswith("Existing resources were not touched. Tables and log groups of an earlier deployment")
        assert left(kept) == before
        assert plans_left(kept) == ["plan-three-tier"]


@pytest.mark.parametrize("on_failure", ["ROLLBACK", "DO_NOTHING"])
@pytest.mark.parametrize("command", [("deploy",), ("destroy", "--yes")], ids=["deploy", "destroy"])
def test_a_failed_stack_that_another_tool_left_over_kept_tables_costs_no_data(kept, on_failure, command):
    before = left(kept)
    kept.aws.session().client("cloudformation").create_stack(
        StackName=STACK,
        TemplateBody=deployment.TEMPLATE.read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": name, "ParameterValue": "x"} for name in ("CodeBucket", "CodeKey")],
        Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        OnFailure=on_failure,
    )
    result = kept.run(*command)
    assert result.exit_code == (1 if command[0] == "deploy" else 0)
    assert "docs/retained-data.md" in error_line(result)
    assert left(kept) == before
    assert plans_left(kept) == ["plan-three-tier"]


def test_the_stack_name_can_be_reused_after_the_retained_data_is_deleted(kept):
    session = kept.aws.session()
    for name in KEPT:
        session.client("dynamodb").update_table(TableName=name, DeletionProtectionEnabled=False)
        session.client("dynamodb").delete_table(TableName=name)
    assert ", ".join(LOGS) in error_line_before_last(kept.run("deploy"))
    for name in LOGS:
        session.client("logs").delete_log_group(logGroupName=name)
    assert kept.run("deploy").exit_code == 0
    assert kept.run("history").stdout == "No executions.\n"


def error_line_before_last(result):
    return result.stderr.strip().splitlines()[-2]


def test_the_template_of_retained_data_describes_the_resources_of_the_stack():
    whole, kept = template("template.yaml"), template("retained_data.yaml")
    made = {
        name: one
        for name, one in whole["Resources"].items()
        if one.get("DeletionPolicy") == ["KeepsData", "Retain", "Delete"]
    }
    for one in made.values():
        one |= {"DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain"}
        if "DeletionProtectionEnabled" in one["Properties"]:
            one["Properties"]["DeletionProtectionEnabled"] = True
    assert kept["Resources"] == made
    assert kept["Description"] == whole["Description"]
    assert set(kept) == {"AWSTemplateFormatVersion", "Description", "Resources"}
