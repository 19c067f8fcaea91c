"""A stack that cannot be created: the remaining resources, as its caller requested, and the free name of the stack."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator import Simulator

TABLE: dict[str, Any] = {
    "Type": "AWS::DynamoDB::Table",
    "Properties": {
        "TableName": "orders",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "Id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "Id", "AttributeType": "S"}],
    },
}
TEMPLATE = json.dumps(
    {
        "Resources": {
            "Before": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "before"}},
            "Orders": TABLE,
            "Never": {"Type": "AWS::SNS::Topic", "Condition": "No", "Properties": {"TopicName": "never"}},
            "After": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "after"}},
            "Later": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "later"}},
        },
        "Conditions": {"No": {"Fn::Equals": ["a", "b"]}},
        "Outputs": {"Table": {"Value": {"Ref": "Orders"}}, "Topic": {"Value": {"Ref": "Later"}}},
    }
)


class Account:
    def __init__(self, aws: Simulator) -> None:
        session = aws.session()
        self.formation = session.client("cloudformation")
        self.tables = session.client("dynamodb")
        self.iam = session.client("iam")
        self._topics = session.client("sns")

    def create(self, **how):
        return self.formation.create_stack(StackName="shop", TemplateBody=TEMPLATE, **how)["StackId"]

    def stack(self, name="shop"):
        (found,) = self.formation.describe_stacks(StackName=name)["Stacks"]
        return found

    def topics(self):
        return [one["TopicArn"].rpartition(":")[2] for one in self._topics.list_topics()["Topics"]]

    def items(self):
        return [one["Id"]["S"] for one in self.tables.scan(TableName="orders")["Items"]]


@pytest.fixture
def account():
    with Simulator() as aws:
        yield Account(aws)


@pytest.fixture
def taken(account):
    """A foreign table with an item has the name of the stack's table."""
    account.tables.create_table(**TABLE["Properties"])
    account.tables.put_item(TableName="orders", Item={"Id": {"S": "theirs"}})
    return account


def test_a_name_that_is_taken_fails_its_resource_and_stops_the_rest(taken):
    stack_id = taken.create(OnFailure="DO_NOTHING")
    stack = taken.stack()
    assert stack["StackStatus"] == "CREATE_FAILED"
    assert "Outputs" not in stack
    events = taken.formation.describe_stack_events(StackName=stack_id)["StackEvents"][::-1]
    assert [(one["LogicalResourceId"], one["ResourceStatus"], one.get("ResourceStatusReason")) for one in events] == [
        ("shop", "CREATE_IN_PROGRESS", "User Initiated"),
        (
            "Orders",
            "CREATE_FAILED",
            "Resource of type 'AWS::DynamoDB::Table' with identifier 'orders' already exists.",
        ),
        ("After", "CREATE_FAILED", "Resource creation cancelled"),
        ("shop", "CREATE_FAILED", "The following resource(s) failed to create: [Orders, After]. "),
    ]
    resources = taken.formation.describe_stack_resources(StackName="shop")["StackResources"]
    assert {one["LogicalResourceId"]: one["ResourceStatus"] for one in resources} == {
        "Before": "CREATE_COMPLETE",
        "Orders": "CREATE_FAILED",
        "After": "CREATE_FAILED",
    }
    assert taken.topics() == ["before"]


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ({}, "ROLLBACK_COMPLETE"),
        ({"OnFailure": "ROLLBACK"}, "ROLLBACK_COMPLETE"),
        ({"OnFailure": "DELETE"}, "DELETE_COMPLETE"),
        ({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED"),
        ({"DisableRollback": True}, "CREATE_FAILED"),
    ],
)
def test_what_is_left_is_as_the_caller_asked_and_the_name_can_be_used_again(taken, how, status):
    stack_id = taken.create(**how)
    assert taken.stack(stack_id)["StackStatus"] == status
    assert taken.topics() == (["before"] if status == "CREATE_FAILED" else [])
    if status == "ROLLBACK_COMPLETE":
        resources = taken.formation.describe_stack_resources(StackName="shop")["StackResources"]
        assert {one["ResourceStatus"] for one in resources} == {"DELETE_COMPLETE"}
        assert taken.topics() == []
    taken.formation.delete_stack(StackName="shop")
    assert (taken.topics(), taken.items()) == ([], ["theirs"])
    taken.tables.delete_table(TableName="orders")
    taken.create()
    assert taken.stack()["StackStatus"] == "CREATE_COMPLETE"
    assert sorted(taken.topics()) == ["after", "before", "later"]


def test_a_creation_that_is_refused_at_once_leaves_no_stack(account):
    unnamed = {**TABLE, "Properties": {**TABLE["Properties"], "TableName": {"Fn::GetAtt": ["Before", "Colour"]}}}
    wrong = json.dumps({"Resources": {**json.loads(TEMPLATE)["Resources"], "Never": unnamed}})
    with pytest.raises(ClientError, match="ValidationError"):
        account.formation.create_stack(StackName="shop", TemplateBody=wrong)
    with pytest.raises(ClientError, match="does not exist"):
        account.stack()
    account.create()
    assert account.stack()["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(("wanted", "actions"), [("yes", ["sns:Publish", "sns:Subscribe"]), ("no", ["sns:Publish"])])
def test_an_item_without_a_value_is_left_out_of_its_list(account, wanted, actions):
    statements = [{"Effect": "Allow", "Action": action, "Resource": "*"} for action in ("sns:Publish", "sns:Subscribe")]
    chosen = {"Fn::If": ["Wanted", statements[1], {"Ref": "AWS::NoValue"}]}
    policy = {"PolicyName": "rights", "PolicyDocument": {"Version": "2012-10-17", "Statement": [statements[0], chosen]}}
    role = {"RoleName": "reader", "AssumeRolePolicyDocument": {"Statement": []}, "Policies": [policy]}
    template = {
        "Parameters": {"Given": {"Type": "String"}},
        "Conditions": {"Wanted": {"Fn::Equals": [{"Ref": "Given"}, "yes"]}},
        "Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": role}},
    }
    account.formation.create_stack(
        StackName="role",
        TemplateBody=json.dumps(template),
        Parameters=[{"ParameterKey": "Given", "ParameterValue": wanted}],
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    document = account.iam.get_role_policy(RoleName="reader", PolicyName="rights")["PolicyDocument"]
    assert [one["Action"] for one in document["Statement"]] == actions
