"""Which accesses a call needs, row by row."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.iam import AwsRequest
from simulator.iam.actions import accesses

ACCOUNT, REGION = "111122223333", "us-east-1"
OPERATOR = f"arn:aws:iam::{ACCOUNT}:user/operator"
SERVER = "s-3d75cdc0d9a28a725"


def needed(service: str, operation: str, parameters: dict[str, Any]) -> list[tuple[str, str | None]]:
    request = AwsRequest(service, operation, parameters, ACCOUNT, REGION, OPERATOR)
    return [(access.action, access.resource) for access in accesses(request)]


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


PLANS, HISTORY = arn("dynamodb", "table/Plans"), arn("dynamodb", "table/History")
MACHINE = arn("states", "stateMachine:engine")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/engine"
QUEUE_URL = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/events"
TOPIC = arn("sns", "results")
GROUP = arn("logs", "log-group:/aws/lambda/engine:log-stream:")
CALLS: list[tuple[str, str, dict[str, Any], list[tuple[str, str | None]]]] = [
    ("drs", "DescribeSourceServers", {}, [("drs:DescribeSourceServers", "*")]),
    (
        "drs",
        "DescribeRecoveryInstances",
        {"filters": {}},
        [("drs:DescribeRecoveryInstances", "*"), ("ec2:DescribeInstances", "*")],
    ),
    ("drs", "DescribeJobs", {"filters": {"jobIDs": []}}, [("drs:DescribeJobs", "*")]),
    ("drs", "DescribeJobLogItems", {"jobID": "drsjob-1"}, [("drs:DescribeJobLogItems", arn("drs", "job/drsjob-1"))]),
    (
        "drs",
        "StartRecovery",
        {"sourceServers": [{"sourceServerID": SERVER}, {"sourceServerID": "s-2"}]},
        [("drs:StartRecovery", arn("drs", f"source-server/{one}")) for one in (SERVER, "s-2")],
    ),
    (
        "drs",
        "StartRecovery",
        {"sourceServers": [{"sourceServerID": SERVER}], "tags": {"run": "1"}},
        [
            ("drs:StartRecovery", arn("drs", f"source-server/{SERVER}")),
            ("drs:TagResource", arn("drs", f"source-server/{SERVER}")),
            ("drs:TagResource", arn("drs", "job/*")),
        ],
    ),
    (
        "drs",
        "TerminateRecoveryInstances",
        {"recoveryInstanceIDs": ["i-1", "i-2"]},
        [("drs:TerminateRecoveryInstances", arn("drs", f"recovery-instance/{one}")) for one in ("i-1", "i-2")],
    ),
    ("drs", "ListTagsForResource", {"resourceArn": arn("drs", "job/j")}, [("drs:ListTagsForResource", "*")]),
    (
        "drs",
        "TagResource",
        {"resourceArn": arn("drs", "job/j"), "tags": {"a": "b"}},
        [("drs:TagResource", arn("drs", "job/j"))],
    ),
    ("dynamodb", "GetItem", {"TableName": "Plans"}, [("dynamodb:GetItem", PLANS)]),
    ("dynamodb", "GetItem", {"TableName": PLANS}, [("dynamodb:GetItem", PLANS)]),
    ("dynamodb", "Query", {"TableName": "History"}, [("dynamodb:Query", HISTORY)]),
    (
        "dynamodb",
        "Query",
        {"TableName": "History", "IndexName": "ByPlan"},
        [("dynamodb:Query", HISTORY + "/index/ByPlan")],
    ),
    ("dynamodb", "ListTables", {}, [("dynamodb:ListTables", "*")]),
    (
        "dynamodb",
        "TransactWriteItems",
        {
            "TransactItems": [
                {"Put": {"TableName": "History"}},
                {"Update": {"TableName": "History"}},
                {"Delete": {"TableName": "Plans"}},
                {"ConditionCheck": {"TableName": "Plans"}},
            ]
        },
        [
            ("dynamodb:PutItem", HISTORY),
            ("dynamodb:UpdateItem", HISTORY),
            ("dynamodb:DeleteItem", PLANS),
            ("dynamodb:ConditionCheckItem", PLANS),
        ],
    ),
    (
        "dynamodb",
        "TransactGetItems",
        {"TransactItems": [{"Get": {"TableName": "Plans"}}]},
        [("dynamodb:GetItem", PLANS)],
    ),
    (
        "dynamodb",
        "BatchWriteItem",
        {"RequestItems": {"Plans": [], "History": []}},
        [("dynamodb:BatchWriteItem", PLANS), ("dynamodb:BatchWriteItem", HISTORY)],
    ),
    ("lambda", "Invoke", {"FunctionName": "engine"}, [("lambda:InvokeFunction", arn("lambda", "function:engine"))]),
    (
        "lambda",
        "Invoke",
        {"FunctionName": arn("lambda", "function:engine")},
        [("lambda:InvokeFunction", arn("lambda", "function:engine"))],
    ),
    (
        "lambda",
        "CreateFunction",
        {"FunctionName": "engine", "Role": ROLE},
        [("lambda:CreateFunction", arn("lambda", "function:engine")), ("iam:PassRole", ROLE)],
    ),
    ("lambda", "ListFunctions", {}, [("lambda:ListFunctions", "*")]),
    (
        "stepfunctions",
        "StartExecution",
        {"stateMachineArn": MACHINE, "name": "run-1"},
        [("states:StartExecution", MACHINE)],
    ),
    (
        "stepfunctions",
        "DescribeExecution",
        {"executionArn": arn("states", "execution:engine:run-1")},
        [("states:DescribeExecution", arn("states", "execution:engine:run-1"))],
    ),
    (
        "stepfunctions",
        "CreateStateMachine",
        {"name": "engine", "roleArn": ROLE},
        [("states:CreateStateMachine", MACHINE), ("iam:PassRole", ROLE)],
    ),
    ("stepfunctions", "UpdateStateMachine", {"stateMachineArn": MACHINE}, [("states:UpdateStateMachine", MACHINE)]),
    ("sns", "Publish", {"TopicArn": TOPIC}, [("sns:Publish", TOPIC)]),
    ("sns", "CreateTopic", {"Name": "results"}, [("sns:CreateTopic", TOPIC)]),
    ("sns", "Unsubscribe", {"SubscriptionArn": TOPIC + ":1-2-3"}, [("sns:Unsubscribe", TOPIC)]),
    ("sns", "ListTopics", {}, [("sns:ListTopics", "*")]),
    ("sqs", "ReceiveMessage", {"QueueUrl": QUEUE_URL}, [("sqs:ReceiveMessage", arn("sqs", "events"))]),
    ("sqs", "SendMessageBatch", {"QueueUrl": QUEUE_URL}, [("sqs:SendMessage", arn("sqs", "events"))]),
    ("sqs", "CreateQueue", {"QueueName": "events"}, [("sqs:CreateQueue", arn("sqs", "events"))]),
    ("s3", "PutObject", {"Bucket": "code", "Key": "a/b.zip"}, [("s3:PutObject", "arn:aws:s3:::code/a/b.zip")]),
    ("s3", "HeadObject", {"Bucket": "code", "Key": "a"}, [("s3:GetObject", "arn:aws:s3:::code/a")]),
    ("s3", "ListObjectsV2", {"Bucket": "code"}, [("s3:ListBucket", "arn:aws:s3:::code")]),
    ("s3", "CreateBucket", {"Bucket": "code"}, [("s3:CreateBucket", "arn:aws:s3:::code")]),
    ("s3", "ListBuckets", {}, [("s3:ListAllMyBuckets", "*")]),
    (
        "s3",
        "DeleteObjects",
        {"Bucket": "code", "Delete": {"Objects": [{"Key": "a"}, {"Key": "b", "VersionId": "1"}]}},
        [("s3:DeleteObject", "arn:aws:s3:::code/a"), ("s3:DeleteObjectVersion", "arn:aws:s3:::code/b")],
    ),
    (
        "s3",
        "CopyObject",
        {"Bucket": "code", "Key": "new", "CopySource": "old-code/old"},
        [("s3:GetObject", "arn:aws:s3:::old-code/old"), ("s3:PutObject", "arn:aws:s3:::code/new")],
    ),
    ("sts", "AssumeRole", {"RoleArn": ROLE}, [("sts:AssumeRole", ROLE)]),
    ("ec2", "DescribeInstanceStatus", {"InstanceIds": ["i-1"]}, [("ec2:DescribeInstanceStatus", "*")]),
    (
        "ec2",
        "TerminateInstances",
        {"InstanceIds": ["i-1", "i-2"]},
        [("ec2:TerminateInstances", arn("ec2", f"instance/{one}")) for one in ("i-1", "i-2")],
    ),
    (
        "ec2",
        "CreateTags",
        {"Resources": ["i-1", "vol-1"]},
        [("ec2:CreateTags", arn("ec2", "instance/i-1")), ("ec2:CreateTags", arn("ec2", "volume/vol-1"))],
    ),
    (
        "ec2",
        "RunInstances",
        {
            "ImageId": "ami-1",
            "SubnetId": "subnet-1",
            "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}],
        },
        [
            ("ec2:RunInstances", arn("ec2", "instance/*")),
            ("ec2:RunInstances", arn("ec2", "volume/*")),
            ("ec2:RunInstances", arn("ec2", "network-interface/*")),
            ("ec2:RunInstances", arn("ec2", "subnet/subnet-1")),
            ("ec2:RunInstances", f"arn:aws:ec2:{REGION}::image/ami-1"),
            ("ec2:CreateTags", arn("ec2", "instance/*")),
        ],
    ),
    (
        "logs",
        "PutLogEvents",
        {"logGroupName": "/aws/lambda/engine", "logStreamName": "s"},
        [("logs:PutLogEvents", GROUP + "s")],
    ),
    (
        "logs",
        "CreateLogStream",
        {"logGroupName": "/aws/lambda/engine", "logStreamName": "s"},
        [("logs:CreateLogStream", GROUP)],
    ),
    ("logs", "FilterLogEvents", {"logGroupName": "/aws/lambda/engine"}, [("logs:FilterLogEvents", GROUP)]),
    ("logs", "DescribeLogGroups", {}, [("logs:DescribeLogGroups", arn("logs", "log-group::log-stream:"))]),
    (
        "cloudformation",
        "CreateStack",
        {"StackName": "engine", "RoleARN": ROLE},
        [("cloudformation:CreateStack", arn("cloudformation", "stack/engine/*")), ("iam:PassRole", ROLE)],
    ),
    (
        "cloudformation",
        "DescribeStacks",
        {"StackName": arn("cloudformation", "stack/engine/1")},
        [("cloudformation:DescribeStacks", arn("cloudformation", "stack/engine/1"))],
    ),
    ("cloudformation", "DescribeStacks", {}, [("cloudformation:DescribeStacks", "*")]),
    ("iam", "GetRole", {"RoleName": "engine"}, [("iam:GetRole", ROLE)]),
    ("iam", "AttachRolePolicy", {"RoleName": "engine", "PolicyArn": "p"}, [("iam:AttachRolePolicy", ROLE)]),
    ("iam", "GetUser", {}, [("iam:GetUser", OPERATOR)]),
    ("events", "PutRule", {"Name": "ended"}, [("events:PutRule", arn("events", "rule/ended"))]),
    (
        "events",
        "PutTargets",
        {"Rule": "ended", "EventBusName": "dr", "Targets": [{"Id": "1", "Arn": TOPIC, "RoleArn": ROLE}]},
        [("events:PutTargets", arn("events", "rule/dr/ended")), ("iam:PassRole", ROLE)],
    ),
    (
        "events",
        "PutEvents",
        {"Entries": [{"EventBusName": arn("events", "event-bus/dr")}]},
        [("events:PutEvents", arn("events", "event-bus/dr"))],
    ),
    ("cloudwatch", "PutMetricData", {"Namespace": "Engine"}, [("cloudwatch:PutMetricData", "*")]),
    ("cloudwatch", "PutMetricAlarm", {"AlarmName": "a"}, [("cloudwatch:PutMetricAlarm", arn("cloudwatch", "alarm:a"))]),
    ("cloudwatch", "DescribeAlarms", {}, [("cloudwatch:DescribeAlarms", arn("cloudwatch", "alarm:*"))]),
    ("kinesis", "PutRecord", {"StreamName": "s"}, [("kinesis:PutRecord", None)]),
    ("drs", "DeleteLaunchAction", {"actionId": "1"}, [("drs:DeleteLaunchAction", None)]),
]


@pytest.mark.parametrize(("service", "operation", "parameters", "expected"), CALLS)
def test_a_call_needs(
    service: str, operation: str, parameters: dict[str, Any], expected: list[tuple[str, str | None]]
) -> None:
    assert needed(service, operation, parameters) == expected


def context(service: str, operation: str, parameters: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    request = AwsRequest(service, operation, parameters, ACCOUNT, REGION, OPERATOR)
    return {key: value for access in accesses(request) for key, value in access.context.items()}


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "key", "values"),
    [
        (
            "lambda",
            "CreateFunction",
            {"FunctionName": "f", "Role": ROLE},
            "iam:PassedToService",
            ("lambda.amazonaws.com",),
        ),
        (
            "stepfunctions",
            "CreateStateMachine",
            {"name": "m", "roleArn": ROLE},
            "iam:PassedToService",
            ("states.amazonaws.com",),
        ),
        ("sts", "AssumeRole", {"RoleArn": ROLE, "ExternalId": "x"}, "sts:ExternalId", ("x",)),
        ("cloudwatch", "PutMetricData", {"Namespace": "Engine"}, "cloudwatch:namespace", ("Engine",)),
        ("s3", "ListObjectsV2", {"Bucket": "b", "Prefix": "p/"}, "s3:prefix", ("p/",)),
        ("iam", "AttachRolePolicy", {"RoleName": "r", "PolicyArn": "arn:p"}, "iam:PolicyARN", ("arn:p",)),
        (
            "drs",
            "StartRecovery",
            {"sourceServers": [{"sourceServerID": SERVER}], "tags": {"a": "1"}},
            "aws:RequestTag/a",
            ("1",),
        ),
        (
            "drs",
            "StartRecovery",
            {"sourceServers": [{"sourceServerID": SERVER}], "tags": {"a": "1"}},
            "drs:CreateAction",
            ("StartRecovery",),
        ),
        ("sns", "CreateTopic", {"Name": "t", "Tags": [{"Key": "a", "Value": "1"}]}, "aws:TagKeys", ("a",)),
        (
            "stepfunctions",
            "CreateStateMachine",
            {"name": "m", "tags": [{"key": "a", "value": "1"}]},
            "aws:RequestTag/a",
            ("1",),
        ),
    ],
)
def test_a_call_carries_condition_keys(
    service: str, operation: str, parameters: dict[str, Any], key: str, values: tuple[str, ...]
) -> None:
    assert context(service, operation, parameters)[key] == values
