"""Recovery into another account: the role that it offers, and the credentials that the engine used."""

from __future__ import annotations

import json
from pathlib import Path

from behave import given, then, when
from behave.runner import Context
from hamcrest import empty, equal_to, greater_than_or_equal_to, has_entries, has_length, only_contains

from features.aws_queries import all_jobs
from features.matchers import assert_that, at_most
from features.targets import EngineCall
from features.targets.launch_parameters import launch_parameters
from features.world import World

TEMPLATE = Path(__file__).parent.parent.parent / "infra" / "target_account.yaml"
ROLE_STACK = "drs-engine-suite-target"
OTHER_ACCOUNT = "arn:aws:iam::999988887777:root"
OTHER_ROLE = "arn:aws:iam::999988887777:role/other"
CALLS = "Read the calls of the engine"


def offer_role(world: World, **changes: str) -> None:
    """Deploy the target account's stack, as its owner would; `changes` replace correct parameters."""
    function = world.target.client("lambda").get_function_configuration(
        FunctionName=world.target.stack.outputs["FunctionName"]
    )
    right = {"EngineRoleArn": function["Role"], "ExternalId": world.plan["ExternalId"]}
    values = {**right, "RoleName": world.plan["CrossAccountRoleName"], **changes}
    if world.target.name == "moto":
        session = world.target.session(world.plan["TargetAccountId"], world.plan["TargetRegion"])
        world.encryption_key_arn = session.client("kms").create_key()["KeyMetadata"]["Arn"]
        values |= launch_parameters(session, world.encryption_key_arn)
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
    formation = world.target.client("cloudformation", world.plan["TargetAccountId"], world.plan["TargetRegion"])
    template, capability = TEMPLATE.read_text(encoding="utf-8"), ["CAPABILITY_NAMED_IAM"]
    formation.create_stack(StackName=ROLE_STACK, TemplateBody=template, Parameters=parameters, Capabilities=capability)
    world.clean_ups.append(lambda: formation.delete_stack(StackName=ROLE_STACK))


@given("the recovery account {trust:Trust}")
def recovery_account(context: Context, trust: str) -> None:
    if trust == "trusts the engine":
        offer_role(context.world)
    elif trust == "trusts another account":
        offer_role(context.world, EngineRoleArn=OTHER_ROLE)
    elif trust == "expects another external id":
        offer_role(context.world, ExternalId="orchestrator-0815")


@when("the recovery account withdraws its trust")
def withdraw_trust(context: Context) -> None:
    plan = context.world.plan
    other = {"Effect": "Allow", "Principal": {"AWS": OTHER_ACCOUNT}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [other]})
    iam = context.world.target.client("iam", plan["TargetAccountId"])
    iam.update_assume_role_policy(RoleName=plan["CrossAccountRoleName"], PolicyDocument=policy)


def assumptions(world: World) -> list[EngineCall]:
    return [call for call in world.target.engine_calls() if call.operation == "AssumeRole"]


def recovery_calls(world: World) -> list[EngineCall]:
    return [call for call in world.target.engine_calls() if call.service in ("drs", "ec2")]


@then('the engine assumed the role "{role}" with the external id "{external_id}"')
def role_assumed(context: Context, role: str, external_id: str) -> None:
    calls = assumptions(context.world)
    assert_that(calls, has_length(greater_than_or_equal_to(1)), CALLS)
    for call in calls:
        assert_that(call.parameters, has_entries(RoleArn=role, ExternalId=external_id), CALLS)


@then('every request to DRS and EC2 was made with the role "{role}"')
def calls_with_role(context: Context, role: str) -> None:
    sessions = [call.principal.rpartition("/")[0] for call in recovery_calls(context.world)]
    roles = [session.replace(":sts:", ":iam:").replace(":assumed-role/", ":role/") for session in sessions]
    assert_that(roles, has_length(greater_than_or_equal_to(1)), CALLS)
    assert_that(roles, only_contains(role), f"{CALLS}: roles of the calls to DRS and EC2")


@then("DRS in the engine's own account has no job")
def nothing_launched_at_home(context: Context) -> None:
    jobs = [job["jobID"] for job in all_jobs(context.world.target.client("drs"))]
    assert_that(jobs, empty(), "Read the jobs of DRS in the engine's own account")


@then("no request to DRS or EC2 was made with credentials older than {seconds:Duration}")
def credentials_are_renewed(context: Context, seconds: int) -> None:
    calls = recovery_calls(context.world)
    assert_that(calls, has_length(greater_than_or_equal_to(1)), CALLS)
    for call in calls:
        newest = max(one.ended for one in assumptions(context.world) if one.ended <= call.started)
        age = (call.started - newest).total_seconds()
        assert_that(age, at_most(seconds), f"{CALLS}: age of the credentials of {call.line}")


@then("no request to DRS or EC2 failed")
def no_request_failed(context: Context) -> None:
    failed = [call.line for call in recovery_calls(context.world) if call.error]
    assert_that(failed, empty(), CALLS)


@then('the record names account "{source}" as source and account "{target}" as target')
def record_names_accounts(context: Context, source: str, target: str) -> None:
    record = context.world.record()
    found = (record.get("SourceAccountId"), record.get("TargetAccountId"))
    assert_that(found, equal_to((source, target)), "Read SourceAccountId and TargetAccountId in the record")
