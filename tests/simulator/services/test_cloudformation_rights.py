"""Stacks of callers who lack a right: the resource fails with the service's refusal, and the stack as on AWS."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib.resources import files
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator import Simulator
from simulator.services.cloudformation import handler_rights

ACCOUNT = "111122223333"
ALLOWED = {"Effect": "Allow", "Action": "*", "Resource": "*"}
VIA = "cloudformation.amazonaws.com"
TOPIC = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}}
QUEUE: dict[str, Any] = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders"}}
GROUP = {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "shop", "RetentionInDays": 30}}


def template(**resources: Any) -> str:
    outputs = {name: {"Value": {"Ref": name}} for name in resources}
    return json.dumps({"Resources": resources, "Outputs": outputs})


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def denied(*actions: str, **more: Any) -> str:
    """A policy that allows all but these actions."""
    return document(ALLOWED, {"Effect": "Deny", "Action": list(actions), "Resource": "*", **more})


class Account:
    def __init__(self, aws: Simulator) -> None:
        self.aws = aws
        session = aws.session()
        self.iam, self.formation = session.client("iam"), session.client("cloudformation")
        self._topics, self._logs = session.client("sns"), session.client("logs")
        self._queues = session.client("sqs")

    def clerk(self, policy: str) -> Any:
        """CloudFormation, as used by a user with this policy."""
        session = self.aws.session(user="clerk", policy=policy)
        self.iam.put_user_policy(UserName="clerk", PolicyName="simulator", PolicyDocument=policy)
        return session.client("cloudformation")

    def status(self) -> str:
        return str(self.formation.describe_stacks(StackName="shop")["Stacks"][0]["StackStatus"])

    def failures(self) -> dict[str, tuple[str, str]]:
        """By logical id, status and reason of each failed resource."""
        events = self.formation.describe_stack_events(StackName="shop")["StackEvents"]
        return {
            one["LogicalResourceId"]: (one["ResourceStatus"], one["ResourceStatusReason"])
            for one in events
            if one["ResourceStatus"].endswith("FAILED") and one["LogicalResourceId"] != "shop"
        }

    def topics(self) -> list[str]:
        return [one["TopicArn"].rpartition(":")[2] for one in self._topics.list_topics()["Topics"]]

    def visibility(self) -> int:
        address = self._queues.get_queue_url(QueueName="orders")["QueueUrl"]
        found = self._queues.get_queue_attributes(QueueUrl=address, AttributeNames=["VisibilityTimeout"])
        return int(found["Attributes"]["VisibilityTimeout"])

    def groups(self) -> dict[str, int]:
        found = self._logs.describe_log_groups()["logGroups"]
        return {one["logGroupName"]: one["retentionInDays"] for one in found}


@pytest.fixture
def account():
    with Simulator() as aws:
        yield Account(aws)


def test_a_denied_creation_has_the_services_message_and_is_rolled_back(account):
    formation = account.clerk(denied("logs:PutRetentionPolicy"))
    formation.create_stack(StackName="shop", TemplateBody=template(Topic=TOPIC, Group=GROUP))
    status, reason = account.failures()["Group"]
    assert status == "CREATE_FAILED"
    group = f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:shop:log-stream:"
    message = (
        f"User: arn:aws:iam::{ACCOUNT}:user/clerk is not authorized to perform: logs:PutRetentionPolicy on resource: "
        f"{group} with an explicit deny in an identity-based policy"
    )
    number = "[0-9a-f-]{36}"
    wrapped = (
        rf'Resource handler returned message: "{re.escape(message)} '
        rf'\(Service: CloudWatchLogs, Status Code: 403, Request ID: {number}\)" '
        rf"\(RequestToken: {number}, HandlerErrorCode: AccessDenied\)"
    )
    assert re.fullmatch(wrapped, reason)
    assert (account.status(), account.topics(), account.groups()) == ("ROLLBACK_COMPLETE", [], {})


def test_a_rollback_without_rights_keeps_the_resources_until_a_deletion_with_them(account):
    formation = account.clerk(denied("logs:CreateLogGroup", "sns:DeleteTopic"))
    formation.create_stack(StackName="shop", TemplateBody=template(Topic=TOPIC, Group=GROUP))
    assert (account.status(), account.topics()) == ("ROLLBACK_FAILED", ["news"])
    assert account.failures()["Topic"][0] == "DELETE_FAILED"
    account.formation.delete_stack(StackName="shop")
    assert account.topics() == []


@pytest.mark.parametrize("enforced", [True, False])
def test_only_a_simulator_that_enforces_iam_judges(enforced):
    with Simulator(enforce_iam=enforced) as aws:
        clerk = Account(aws).clerk(denied("sns:CreateTopic"))
        clerk.create_stack(StackName="shop", TemplateBody=template(Topic=TOPIC))
        assert Account(aws).topics() == ([] if enforced else ["news"])


def queue(seconds: int) -> dict[str, Any]:
    return {**QUEUE, "Properties": {**QUEUE["Properties"], "VisibilityTimeout": seconds}}


@pytest.mark.parametrize("first", ["Queue", "Topic"])
def test_a_denied_update_restores_the_earlier_resources(account, first):
    """Whether the update of the queue or the creation of the topic is denied, the other one is undone."""
    account.formation.create_stack(StackName="shop", TemplateBody=template(Queue=queue(30)))
    right = {"Queue": "sqs:SetQueueAttributes", "Topic": "sns:CreateTopic"}[first]
    formation = account.clerk(denied(right, Condition={"StringEquals": {"aws:CalledVia": VIA}}))
    formation.update_stack(StackName="shop", TemplateBody=template(Queue=queue(60), Topic=TOPIC))
    assert account.status() == "UPDATE_ROLLBACK_COMPLETE"
    assert {name: status for name, (status, _) in account.failures().items()} == {
        first: {"Queue": "UPDATE_FAILED", "Topic": "CREATE_FAILED"}[first]
    }
    assert (account.visibility(), account.topics()) == (30, [])
    account.formation.update_stack(StackName="shop", TemplateBody=template(Queue=queue(60), Topic=TOPIC))
    assert (account.visibility(), account.topics()) == (60, ["news"])


def test_a_removed_resource_that_may_not_be_deleted_is_left_without_a_stack(account):
    account.formation.create_stack(StackName="shop", TemplateBody=template(Topic=TOPIC, Group=GROUP))
    account.clerk(denied("sns:DeleteTopic")).update_stack(StackName="shop", TemplateBody=template(Group=GROUP))
    assert account.status() == "UPDATE_COMPLETE"
    assert account.failures()["Topic"][0] == "DELETE_FAILED"
    account.formation.delete_stack(StackName="shop")
    assert (account.topics(), account.groups()) == (["news"], {})


def test_a_denied_deletion_can_be_repeated(account):
    stack = account.formation.create_stack(StackName="shop", TemplateBody=template(Topic=TOPIC, Queue=QUEUE))["StackId"]
    account.clerk(denied("sns:DeleteTopic")).delete_stack(StackName="shop")
    (found,) = account.formation.describe_stacks(StackName="shop")["Stacks"]
    assert (found["StackStatus"], {one["OutputKey"] for one in found["Outputs"]}) == (
        "DELETE_FAILED",
        {"Topic", "Queue"},
    )
    (resource,) = account.formation.describe_stack_resources(StackName="shop")["StackResources"]
    assert (resource["LogicalResourceId"], resource["ResourceStatus"]) == ("Topic", "DELETE_FAILED")
    account.formation.delete_stack(StackName="shop")
    assert account.topics() == []
    assert account.formation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"


def role(account: Account, trusted: str, *statements: dict[str, Any], **more: Any) -> str:
    trust = document({"Effect": "Allow", "Principal": {"Service": trusted}, "Action": "sts:AssumeRole"})
    made = account.iam.create_role(RoleName="stacks", AssumeRolePolicyDocument=trust, **more)["Role"]
    account.iam.put_role_policy(RoleName="stacks", PolicyName="stacks", PolicyDocument=document(*statements))
    return str(made["Arn"])


def test_a_stack_with_a_role_uses_the_roles_rights_in_later_operations_too(account):
    arn = role(account, VIA, ALLOWED, {"Effect": "Deny", "Action": "sqs:DeleteQueue", "Resource": "*"})
    formation = account.clerk(denied("sqs:CreateQueue"))
    formation.create_stack(StackName="shop", TemplateBody=template(Queue=QUEUE), RoleARN=arn)
    assert account.status() == "CREATE_COMPLETE"
    account.formation.update_stack(StackName="shop", TemplateBody=template(Queue=queue(60)))
    account.formation.delete_stack(StackName="shop")
    assert account.status() == "DELETE_FAILED"
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/stacks/AWSCloudFormation"
    assert f"User: {session} is not authorized to perform: sqs:DeleteQueue" in account.failures()["Queue"][1]


def test_a_role_that_does_not_trust_cloudformation_is_refused(account):
    arn = role(account, "lambda.amazonaws.com", ALLOWED)
    with pytest.raises(ClientError, match=f"Role {arn} is invalid or cannot be assumed"):
        account.formation.create_stack(StackName="shop", TemplateBody=template(Topic=TOPIC), RoleARN=arn)
    assert account.topics() == []


def test_a_permissions_boundary_counts(account):
    within = document({"Effect": "Allow", "Action": ["sqs:*"], "Resource": "*"})
    boundary = account.iam.create_policy(PolicyName="boundary", PolicyDocument=within)["Policy"]["Arn"]
    arn = role(account, VIA, ALLOWED, PermissionsBoundary=boundary)
    account.formation.create_stack(StackName="shop", TemplateBody=template(Queue=QUEUE, Topic=TOPIC), RoleARN=arn)
    assert "no permissions boundary allows the sns:CreateTopic action" in account.failures()["Topic"][1]


@pytest.mark.parametrize("kind", ["CREATE", "UPDATE"])
def test_a_denied_change_set_leaves_what_was_there(account, kind):
    resources = {"Group": GROUP} if kind == "UPDATE" else {}
    if resources:
        account.formation.create_stack(StackName="shop", TemplateBody=template(**resources))
    formation = account.clerk(denied("sns:CreateTopic"))
    changed = template(**resources, Queue=QUEUE, Topic=TOPIC)
    formation.create_change_set(StackName="shop", ChangeSetName="more", ChangeSetType=kind, TemplateBody=changed)
    formation.execute_change_set(StackName="shop", ChangeSetName="more")
    assert account.status() == {"CREATE": "ROLLBACK_COMPLETE", "UPDATE": "UPDATE_ROLLBACK_COMPLETE"}[kind]
    assert account.failures()["Topic"][0] == "CREATE_FAILED"
    assert (account.topics(), list(account.groups())) == ([], ["shop"] if resources else [])


@pytest.mark.parametrize(
    "written",
    [
        "Transform: AWS::LanguageExtensions\n",
        '"Transform": ["AWS::LanguageExtensions"]\n',
        "Transform:\n  - AWS::LanguageExtensions\n",
    ],
)
def test_a_transform_of_aws_needs_a_right_of_its_own(account, written):
    rest = "Resources:\n  Topic: {Type: 'AWS::SNS::Topic'}\n"
    transform = "arn:aws:cloudformation:us-east-1:aws:transform/LanguageExtensions"
    formation = account.clerk(denied("cloudformation:CreateChangeSet"))
    formation.create_stack(StackName="plain", TemplateBody=rest)
    with pytest.raises(ClientError, match=f"cloudformation:CreateChangeSet on resource: {transform}"):
        formation.create_stack(StackName="shop", TemplateBody=written + rest)


@cache
def reference() -> Any:
    return json.loads(files("cfnlint.data.AdditionalSpecs").joinpath("Policies.json").read_text())


def test_every_call_of_a_handler_is_an_action_in_awss_reference():
    prefixes = {"stepfunctions": "states"}
    unknown = [
        f"{kind}: {row.service}:{operation}"
        for kind, row in handler_rights._TYPES.items()
        for operation in {*row.create, *row.update, *row.delete}
        if operation.lower() not in reference()[prefixes.get(row.service, row.service)]["Actions"]
    ]
    assert unknown == []
