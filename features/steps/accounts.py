"""Recovery into another account: the role that it offers, and whose credentials the engine used."""

from __future__ import annotations

import json
from pathlib import Path

from behave import given, then, when
from behave.runner import Context
from hamcrest import empty, equal_to, greater_than_or_equal_to, has_entries, has_length, only_contains

from features.aws_queries import all_jobs
from features.matchers import assert_that, within
from features.targets import EngineCall
from features.world import World

TEMPLATE = Path(__file__).parent.parent.parent / "infra" / "target_account.yaml"
ROLE_STACK = "drs-engine-suite-target"
STRANGER = "arn:aws:iam::999988887777:root"
STRANGERS_ROLE = "arn:aws:iam::999988887777:role/somebody"
# How long the credentials of an assumed role last unless somebody asks for more.
ROLE_SECONDS = 3600
CALLS = "Looked at the calls that the engine made"


def offer_role(world: World, **changes: str) -> None:
    """Deploy the target account's stack, as its owner would; `changes` are other parameters than the right ones."""
    function = world.target.client("lambda").get_function_configuration(
        FunctionName=world.target.stack.outputs["FunctionName"]
    )
    right = {"EngineRoleArn": function["Role"], "ExternalId": world.plan["ExternalId"]}
    values = {**right, "RoleName": world.plan["CrossAccountRoleName"], **changes}
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
    formation = world.target.client("cloudformation", world.plan["TargetAccountId"], world.plan["TargetRegion"])
    template, capability = TEMPLATE.read_text(encoding="utf-8"), ["CAPABILITY_NAMED_IAM"]
    formation.create_stack(StackName=ROLE_STACK, TemplateBody=template, Parameters=parameters, Capabilities=capability)
    world.clean_ups.append(lambda: formation.delete_stack(StackName=ROLE_STACK))


@given("the recovery account trusts the engine")
def role_for_engine(context: Context) -> None:
    offer_role(context.world)


@given("the recovery account trusts somebody else")
def role_for_somebody_else(context: Context) -> None:
    offer_role(context.world, EngineRoleArn=STRANGERS_ROLE)


@given("the recovery account expects another external id")
def role_with_other_external_id(context: Context) -> None:
    offer_role(context.world, ExternalId="orchestrator-0815")


@given("the recovery account has no role for the engine")
def no_role(context: Context) -> None:
    """Nothing to do: an account offers no role unless somebody creates it."""


@when("the recovery account withdraws its trust")
def withdraw_trust(context: Context) -> None:
    plan = context.world.plan
    stranger = {"Effect": "Allow", "Principal": {"AWS": STRANGER}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [stranger]})
    iam = context.world.target.client("iam", plan["TargetAccountId"])
    iam.update_assume_role_policy(RoleName=plan["CrossAccountRoleName"], PolicyDocument=policy)


def assumptions(world: World) -> list[EngineCall]:
    return [call for call in world.target.engine_calls() if call.operation == "AssumeRole"]


def recovery_calls(world: World) -> list[EngineCall]:
    return [call for call in world.target.engine_calls() if call.service in ("drs", "ec2")]


@then("the engine assumed the plan's role with the plan's external id")
def role_assumed(context: Context) -> None:
    plan, asked = context.world.plan, assumptions(context.world)
    role = f"arn:aws:iam::{plan['TargetAccountId']}:role/{plan['CrossAccountRoleName']}"
    assert_that(asked, has_length(greater_than_or_equal_to(1)), CALLS)
    for call in asked:
        assert_that(call.parameters, has_entries(RoleArn=role, ExternalId=plan["ExternalId"]), CALLS)


@then("every request to DRS and EC2 was made with the plan's role")
def calls_with_role(context: Context) -> None:
    plan, calls = context.world.plan, recovery_calls(context.world)
    role = f"arn:aws:sts::{plan['TargetAccountId']}:assumed-role/{plan['CrossAccountRoleName']}"
    who = [call.principal.rpartition("/")[0] for call in calls]
    assert_that(who, has_length(greater_than_or_equal_to(1)), CALLS)
    assert_that(who, only_contains(role), f"{CALLS}: principals of the calls to DRS and EC2")


@then("nothing was launched in the engine's own account")
def nothing_launched_at_home(context: Context) -> None:
    jobs = [job["jobID"] for job in all_jobs(context.world.target.client("drs"))]
    assert_that(jobs, empty(), "Looked at DRS in the engine's own account")


@then("the plan's role was assumed again before its credentials had expired")
def role_assumed_again(context: Context) -> None:
    asked = assumptions(context.world)
    assert_that(asked, has_length(greater_than_or_equal_to(2)), f"{CALLS}: AssumeRole")
    for call in recovery_calls(context.world):
        newest = max(one.ended for one in asked if one.ended <= call.started)
        age = (call.started - newest).total_seconds()
        assert_that(age, within(ROLE_SECONDS), f"{CALLS}: age of the credentials of {call.line}")


@then("no request to DRS or EC2 failed")
def no_request_failed(context: Context) -> None:
    failed = [call.line for call in recovery_calls(context.world) if call.error]
    assert_that(failed, empty(), CALLS)


@then('the record names the engine\'s account as source and account "{account}" as target')
def record_names_accounts(context: Context, account: str) -> None:
    record = context.world.record()
    found = (record.get("SourceAccountId"), record.get("TargetAccountId"))
    wanted = (context.world.target.account, account)
    assert_that(found, equal_to(wanted), "Looked at SourceAccountId and TargetAccountId in the record")


@then("the record names the engine's account as source and as target")
def record_names_own_account(context: Context) -> None:
    record_names_accounts(context, context.world.target.account)
