"""The role of `infra/deployer_role.yaml` can deploy, update, destroy and sweep, and needs each of its rights."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest

from engine.aws.drs import TAG_LABEL
from engine.client import EngineClient
from engine.deploy import deployment, sweep
from engine.deploy.packaging import package
from simulator import Simulator
from simulator.iam import Access, forget_usage, granted_accesses, judge
from simulator.services.cloudformation.handler_rights import JUDGED_TYPES
from tests.engine.cli.operator import NOTHING, Operator, error_line, left, operator
from tests.engine.deploy.test_stack import template
from tests.engine.deployed import TESTDATA
from tests.least_privilege.mutations import Mutation, mutations
from tests.least_privilege.policies import PolicyLocation

ROLE = "drs-execution-engine-deployer"
LABEL = f"{sweep.LABEL_PREFIX}0a1b2c3d"
POLICIES = ("stack", "commands", "suite")
# One change of a property for each type of resource in the template.
CHANGES = [
    (r"(BillingMode: PAY_PER_REQUEST)", r"\1\n      TableClass: STANDARD_INFREQUENT_ACCESS"),
    (r"(KmsMasterKeyId: alias/aws/sns)", r"\1\n      DisplayName: Recovery"),
    (r"Sid: (\w+)", r"Sid: \1New"),  # roles and the topic's policy
    (r"RetentionInDays: 365", "RetentionInDays: 400"),
    (r"MemorySize: 512", "MemorySize: 1024"),
    (r'"Comment": "', '"Comment": "New: '),
    (r"(      Description: A state machine)", r"\1, any"),
    (r"(AlarmDescription: )", r"\1New - "),
    (r'MetricValue: "1"', 'MetricValue: "2"'),
]


class Deployer:
    """Works with the credentials of the role, in an account where an administrator has created it."""

    def __init__(self, at: Operator) -> None:
        self.at = at
        self.aws: Simulator = at.aws
        at.aws.drs.initialize()
        values = {"DeployerArn": f"arn:aws:iam::{at.aws.account}:user/suite", "EngineStackName": "drs-engine-suite-*"}
        at.aws.session().client("cloudformation").create_stack(
            StackName="deployer",
            TemplateBody=deployment.TEMPLATE.with_name("deployer_role.yaml").read_text(encoding="utf-8"),
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )

    def policies(self) -> list[PolicyLocation]:
        return [PolicyLocation("deployer", name, self.aws.account, ROLE) for name in POLICIES]

    def remove(self, action: str) -> None:
        """Take this action from all policies of the role."""
        for place in self.policies():
            for one in mutations(place):
                if (one.kind, one.subject) == ("action", action):
                    place.write(one.document)
                    break

    def run(self, *command: str):
        return self.at.run(*command, "--stack", LABEL, **self._credentials())

    def session(self) -> Any:
        keys = self._credentials()
        return self.aws.session().__class__(
            keys["AWS_ACCESS_KEY_ID"],
            keys["AWS_SECRET_ACCESS_KEY"],
            keys["AWS_SESSION_TOKEN"],
            region_name=self.aws.region,
        )

    def _credentials(self) -> dict[str, Any]:
        role = f"arn:aws:iam::{self.aws.account}:role/{ROLE}"
        sts = self.aws.session().client("sts")
        given = sts.assume_role(RoleArn=role, RoleSessionName="deployer")["Credentials"]
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        variables = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        return dict(zip(variables, map(given.get, names), strict=True))

    def deploy_for_the_suite(self) -> EngineClient:
        """As a run on AWS does: with a label, and with a drill at work."""
        values = {"KeepData": "no", "JobLabel": LABEL}
        stack = deployment.deploy(self.session(), LABEL, parameters=values, tags={TAG_LABEL: LABEL}, code=package())
        client = EngineClient(self.aws.session(), stack.outputs)
        for group in json.loads((TESTDATA / "groups.json").read_text()):
            client.put_group({**group, "AccountId": self.aws.account})
            for server in group["SourceServerIds"]:
                self.aws.drs.add_source_server(server)
        client.put_plan({**self.at.plan(), "TerminateDrillInstances": False})
        client.start("plan-three-tier")
        drs = self.aws.session().client("drs")
        self.aws.wait_until(lambda: drs.describe_recovery_instances(filters={})["items"], 3600)
        return client

    def sweep(self) -> None:
        session = self.session()
        assert [one.label for one in sweep.find(session)] == [LABEL]
        sweep.remove(session, LABEL, self.aws.advance, lambda line: None)


@pytest.fixture
def deployer():
    with operator() as at:
        yield Deployer(at)


@pytest.fixture
def new_version(tmp_path):
    """A version of the template in which each resource has changed."""
    text = deployment.TEMPLATE.read_text(encoding="utf-8")
    for pattern, changed in CHANGES:
        text, count = re.subn(pattern, changed, text)
        assert count, pattern
    path = tmp_path / "template.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def deploys_updates_and_destroys(deployer: Deployer, new_version) -> None:
    """Raises AssertionError for a command that fails."""

    def succeeds(*command: str) -> None:
        result = deployer.run(*command)
        assert result.exit_code == 0, result.output

    deployer.aws.stacks.fail("StateMachine", "no capacity")
    failed = deployer.run("deploy")
    assert "All resources that the stack had created were removed" in error_line(failed)
    deployer.aws.stacks.heal()
    succeeds("deploy", "-p", "KeepData=no")
    with patch.object(deployment, "TEMPLATE", new_version):
        succeeds("deploy")
    succeeds("destroy", "--yes")
    assert left(deployer.at) == {**NOTHING, "stacks": ["deployer"]}


def sweeps(deployer: Deployer) -> None:
    deployer.deploy_for_the_suite()
    deployer.sweep()
    assert left(deployer.at) == {**NOTHING, "stacks": ["deployer"]}
    assert deployer.aws.session().client("drs").describe_recovery_instances(filters={})["items"] == []


def accesses() -> list[Access]:
    return [one for one in granted_accesses() if f"/{ROLE}/" in one.principal_arn]


def test_the_role_needs_each_of_its_rights(deployer, new_version):
    stack, commands, suite = deployer.policies()
    with suite.changed({"Version": "2012-10-17", "Statement": []}):
        forget_usage()
        deploys_updates_and_destroys(deployer, new_version)
        asked = accesses()
        tried = [one for place in (stack, commands) for one in mutations(place)]
        unnoticed = [one.title for one in tried if not noticed(one, asked)]
    forget_usage()
    sweeps(deployer)
    asked = accesses()
    tried_of_suite = list(mutations(suite))
    unnoticed += [one.title for one in tried_of_suite if not noticed(one, asked)]
    assert not unnoticed, "allowed, but not needed:\n" + "\n".join(unnoticed)
    assert len(tried) + len(tried_of_suite) > 120


@pytest.mark.parametrize("name", ["template.yaml", "target_account.yaml", "deployer_role.yaml", "retained_data.yaml"])
def test_the_simulator_judges_every_type_of_the_templates(name):
    assert {one["Type"] for one in template(name)["Resources"].values()} <= JUDGED_TYPES


def noticed(mutation: Mutation, accesses: list[Access]) -> bool:
    """Whether the change denies an access of the journey, or, without a condition, admits another access."""
    asked = [one for one in accesses if one.action in mutation.actions]
    if mutation.kind == "condition":
        asked = [_against(mutation.subject, one) for one in asked]
        assert all(judge(one) for one in asked), mutation.title
        with mutation.place.changed(mutation.document):
            return any(judge(one) is None for one in asked)
    with mutation.place.changed(mutation.document):
        return any(judge(one) for one in asked)


def _against(condition: str, access: Access) -> Access:
    if condition == "aws:ViaAWSService":
        return replace(access, via_service=None)
    return replace(access, context={**access.context, condition: ("ec2.amazonaws.com",)})


# A right, the command that needs it, the words of the resource that fails, and how the stack ends.
MISSING = [
    ("iam:CreateRole", "FunctionRole (AWS::IAM::Role)", f"role/{LABEL}-engine"),
    ("iam:PutRolePolicy", "FunctionRole (AWS::IAM::Role)", f"role/{LABEL}-engine"),
    ("iam:PassRole", "Function (AWS::Lambda::Function)", f"role/{LABEL}-engine"),
    ("dynamodb:UpdateContinuousBackups", "ProtectionGroups (AWS::DynamoDB::Table)", f"table/{LABEL}-protection-groups"),
    ("s3:GetObject", "Function (AWS::Lambda::Function)", f"{LABEL}-code-111122223333-us-east-1/engine-"),
    ("states:CreateStateMachine", "StateMachine (AWS::StepFunctions::StateMachine)", f"stateMachine:{LABEL}-engine"),
]


@pytest.mark.parametrize(("right", "resource", "on"), MISSING, ids=[one[0] for one in MISSING])
def test_a_creation_without_a_right_names_the_right_and_leaves_no_resource(deployer, right, resource, on):
    deployer.remove(right)
    result = deployer.run("deploy")
    assert result.exit_code == 1
    line = next(one for one in result.stderr.splitlines() if one.startswith("Error: "))
    assert line.startswith(f"Error: stack {LABEL}: {resource}: the right {right} on arn:aws:")
    assert on in line
    assert line.endswith(f": no identity-based policy allows the {right} action")
    assert "infra/deployer_role.yaml has all rights that a deployment needs" in result.stderr
    assert error_line(result) == "All resources that the stack had created were removed."
    assert left(deployer.at) == {**NOTHING, "stacks": ["deployer"]}


def test_an_update_without_a_right_is_rolled_back_and_names_the_right(deployer, new_version):
    assert deployer.run("deploy").exit_code == 0
    deployer.remove("lambda:UpdateFunctionCode")
    with patch.object(deployment, "TEMPLATE", new_version):
        result = deployer.run("deploy")
    assert result.exit_code == 1
    assert "(AWS::Lambda::Function): the right lambda:UpdateFunctionCode on arn:aws:lambda:" in result.stderr
    assert "The update was rolled back; the engine works as before." in result.stderr
    settings = deployer.aws.session().client("lambda").get_function_configuration(FunctionName=f"{LABEL}-engine")
    assert settings["MemorySize"] == 512
    deployer.at.run("destroy", "--yes", "--stack", LABEL)


def test_a_deletion_without_a_right_can_be_repeated_with_it(deployer):
    deployer.run("deploy", "-p", "KeepData=no")
    (place, *_) = deployer.policies()
    before = place.document
    role = f"role/{LABEL}-"
    deployer.remove("iam:DeleteRole")
    result = deployer.run("destroy", "--yes")
    assert result.exit_code == 1
    assert f"Role (AWS::IAM::Role): the right iam:DeleteRole on arn:aws:iam::111122223333:{role}" in result.stderr
    assert "The deletion is incomplete. Remove the cause, then run destroy again." in result.stderr
    assert LABEL in left(deployer.at)["stacks"]
    place.write(before)
    assert deployer.run("destroy", "--yes").exit_code == 0
    assert left(deployer.at) == {**NOTHING, "stacks": ["deployer"]}
