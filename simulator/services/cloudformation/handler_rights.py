"""The calls that CloudFormation makes for a resource of each type: rights of its caller, or of the stack's role.

Source: the permissions that AWS publishes for the handlers of a resource type (`handlers.create.permissions` and so on
of its schema in the CloudFormation registry). AWS does not document which of them a single template needs. Here a call
that only reads is made always, a call that changes is made if the template sets its property. Both are guesses [U], and
so are all rows of types with the mark [U]: their schemas are not published with permissions.

An update also reads: "CloudFormation invokes this handler as part of a stack update operation when detailed information
about the resource's current state is required" (CloudFormation CLI user guide, "Developing resource types"). That this
holds for each updated resource, and that an update sets all properties again, is a guess [U].

A type without a row is not judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

CREATE, UPDATE, DELETE = "create", "update", "delete"

# The property of a template, or "" for a call that each resource of the type needs.
Calls = Mapping[str, str]


@dataclass(frozen=True)
class StackResource:
    """A resource of a stack: `name` is the last part of its physical id, `tags` are those of the stack."""

    kind: str
    name: str
    properties: Mapping[str, Any]
    account: str
    region: str
    partition: str
    tags: Mapping[str, str] = field(default_factory=dict)

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"


@dataclass(frozen=True)
class HandlerCall:
    """A call of a service, as `simulator.iam.AwsRequest` takes it; `sdk_name` is the service's name in messages."""

    service: str
    operation: str
    parameters: Mapping[str, Any]
    sdk_name: str


@dataclass(frozen=True)
class _Type:
    """One resource type: what its handlers call, with the parameters that name resource and passed role.

    `lists` maps operations to the property and the parameter of calls that are made once for each item.
    """

    service: str
    sdk_name: str
    parameters: Callable[[StackResource], Mapping[str, Any]]
    create: Calls
    update: Calls
    delete: Calls
    lists: Mapping[str, tuple[str, str]] = field(default_factory=dict)


# The properties that name resources; moto takes the generated name for those of some types.
_NAMES = (
    "AlarmName",
    "FunctionName",
    "LogGroupName",
    "Name",
    "QueueName",
    "RoleName",
    "StateMachineName",
    "TableName",
    "TopicName",
)


def given_name(properties: Mapping[str, Any]) -> str | None:
    """The name that the template gives to a resource."""
    return next((str(properties[name]) for name in _NAMES if name in properties), None)


def calls(resource: StackResource, handler: str) -> Iterator[HandlerCall]:
    """The calls of this handler for the resource."""
    found = _TYPES.get(resource.kind)
    if found is None:
        return
    given = dict(resource.properties)
    if resource.tags:
        given["Tags"] = True
    handled: Calls = getattr(found, handler)
    for operation, wanted in handled.items():
        if wanted and not given.get(wanted):
            continue
        for more in _items(found, operation, resource):
            parameters = {**found.parameters(resource), **more}
            yield HandlerCall(found.service, operation, parameters, found.sdk_name)
    code = resource.properties.get("Code", {})
    # Lambda reads the package with its caller's rights.
    if resource.kind == "AWS::Lambda::Function" and handler != DELETE and "S3Bucket" in code:
        yield HandlerCall("s3", "GetObject", {"Bucket": code["S3Bucket"], "Key": code["S3Key"]}, "S3")


def _items(kind: _Type, operation: str, resource: StackResource) -> Iterator[Mapping[str, Any]]:
    if operation not in kind.lists:
        yield {"Tags": dict(resource.tags)} if resource.tags else {}
        return
    listed, parameter = kind.lists[operation]
    for one in resource.properties.get(listed, []):
        yield {parameter: one}


def _always(*operations: str) -> Calls:
    return dict.fromkeys(operations, "")


_TABLE_READS = _always(
    "DescribeTable",
    "DescribeContinuousBackups",
    "DescribeContributorInsights",
    "DescribeKinesisStreamingDestination",
    "DescribeTimeToLive",
    "GetResourcePolicy",
    "ListTagsOfResource",
)
_TABLE_CHANGES: Calls = {
    "TagResource": "",
    "UpdateContinuousBackups": "PointInTimeRecoverySpecification",
    "UpdateContributorInsights": "ContributorInsightsSpecification",
    "UpdateTimeToLive": "TimeToLiveSpecification",
}
_FUNCTION_READS = _always(
    "GetFunction", "GetFunctionCodeSigningConfig", "GetFunctionRecursionConfig", "GetRuntimeManagementConfig"
)
_FUNCTION_CHANGES: Calls = {
    "TagResource": "",
    "PutFunctionConcurrency": "ReservedConcurrentExecutions",
    "PutFunctionRecursionConfig": "RecursiveLoop",
    "PutRuntimeManagementConfig": "RuntimeManagementConfig",
}
_ROLE_READS = _always("GetRole", "ListAttachedRolePolicies", "ListRolePolicies")

_TYPES: dict[str, _Type] = {
    "AWS::CloudWatch::Alarm": _Type(
        "cloudwatch",
        "CloudWatch",
        lambda one: {"AlarmName": one.name, "AlarmNames": [one.name]},
        create=_always("PutMetricAlarm", "DescribeAlarms", "TagResource"),
        update=_always("PutMetricAlarm", "DescribeAlarms", "TagResource", "ListTagsForResource"),
        delete=_always("DeleteAlarms", "DescribeAlarms"),
    ),
    "AWS::DynamoDB::Table": _Type(
        "dynamodb",
        "DynamoDb",
        lambda one: {"TableName": one.name},
        create={"CreateTable": "", **_TABLE_READS, **_TABLE_CHANGES},
        update={"UpdateTable": "", **_TABLE_READS, **_TABLE_CHANGES},
        delete=_always("DeleteTable", "DescribeTable"),
    ),
    # That PassRole is needed for the role of a target only, not for a deletion, follows PutTargets' own documentation.
    "AWS::Events::Rule": _Type(
        "events",
        "EventBridge",
        lambda one: {
            "Name": one.name,
            "Rule": one.name,
            "ResourceARN": one.arn("events", f"rule/{one.name}"),
            "Targets": one.properties.get("Targets", []),
        },
        create={**_always("DescribeRule", "PutRule", "TagResource"), "PutTargets": "Targets"},
        update={
            **_always("DescribeRule", "PutRule", "TagResource", "ListTagsForResource", "ListTargetsByRule"),
            **dict.fromkeys(("PutTargets", "RemoveTargets"), "Targets"),
        },
        delete={**_always("DescribeRule", "DeleteRule", "ListTargetsByRule"), "RemoveTargets": "Targets"},
    ),
    # CloudFormation gives a role no tags of its own (`cloudFormationSystemTags` is false), unlike all other types here.
    "AWS::IAM::Role": _Type(
        "iam",
        "Iam",
        lambda one: {"RoleName": one.name},
        create={
            **_always("CreateRole", "GetRole"),
            **dict.fromkeys(("PutRolePolicy", "GetRolePolicy"), "Policies"),
            "AttachRolePolicy": "ManagedPolicyArns",
            "TagRole": "Tags",
        },
        update={
            "UpdateAssumeRolePolicy": "",
            **_ROLE_READS,
            **dict.fromkeys(("PutRolePolicy", "GetRolePolicy", "DeleteRolePolicy"), "Policies"),
            **dict.fromkeys(("AttachRolePolicy", "DetachRolePolicy"), "ManagedPolicyArns"),
            "PutRolePermissionsBoundary": "PermissionsBoundary",
            "TagRole": "Tags",
            "UpdateRole": "MaxSessionDuration",
            "UpdateRoleDescription": "Description",
        },
        delete={
            "DeleteRole": "",
            **_ROLE_READS,
            "DeleteRolePolicy": "Policies",
            "DetachRolePolicy": "ManagedPolicyArns",
        },
        lists=dict.fromkeys(("AttachRolePolicy", "DetachRolePolicy"), ("ManagedPolicyArns", "PolicyArn")),
    ),
    "AWS::Lambda::EventInvokeConfig": _Type(  # [U]
        "lambda",
        "Lambda",
        lambda one: {"FunctionName": one.properties["FunctionName"]},
        create=_always("PutFunctionEventInvokeConfig"),
        update=_always("PutFunctionEventInvokeConfig", "GetFunctionEventInvokeConfig"),
        delete=_always("DeleteFunctionEventInvokeConfig"),
    ),
    "AWS::Lambda::Function": _Type(
        "lambda",
        "Lambda",
        lambda one: {"FunctionName": one.name, "Role": one.properties.get("Role")},
        create={"CreateFunction": "", **_FUNCTION_READS, **_FUNCTION_CHANGES},
        update={**_always("UpdateFunctionCode", "UpdateFunctionConfiguration"), **_FUNCTION_READS, **_FUNCTION_CHANGES},
        delete=_always("DeleteFunction", "GetFunction"),
    ),
    "AWS::Lambda::Permission": _Type(  # [U]
        "lambda",
        "Lambda",
        lambda one: {"FunctionName": one.properties["FunctionName"]},
        create=_always("AddPermission", "GetPolicy"),
        update=_always("AddPermission", "RemovePermission", "GetPolicy"),
        delete=_always("RemovePermission"),
    ),
    "AWS::Logs::LogGroup": _Type(
        "logs",
        "CloudWatchLogs",
        lambda one: {"logGroupName": one.name},
        create={
            **_always(
                "CreateLogGroup",
                "DescribeLogGroups",
                "DescribeIndexPolicies",
                "DescribeResourcePolicies",
                "GetDataProtectionPolicy",
                "TagResource",
            ),
            "PutDataProtectionPolicy": "DataProtectionPolicy",
            "PutRetentionPolicy": "RetentionInDays",
        },
        update={
            **_always(
                "DescribeLogGroups",
                "DescribeIndexPolicies",
                "DescribeResourcePolicies",
                "GetDataProtectionPolicy",
                "ListTagsForResource",
                "TagResource",
            ),
            "PutDataProtectionPolicy": "DataProtectionPolicy",
            "PutRetentionPolicy": "RetentionInDays",
        },
        delete={
            **_always("DeleteLogGroup", "DescribeLogGroups"),
            "DeleteDataProtectionPolicy": "DataProtectionPolicy",
        },
    ),
    "AWS::Logs::MetricFilter": _Type(
        "logs",
        "CloudWatchLogs",
        lambda one: {"logGroupName": one.properties["LogGroupName"]},
        create=_always("PutMetricFilter", "DescribeMetricFilters"),
        update=_always("PutMetricFilter", "DescribeMetricFilters"),
        delete=_always("DeleteMetricFilter"),
    ),
    "AWS::SNS::Topic": _Type(
        "sns",
        "Sns",
        lambda one: {"TopicArn": one.arn("sns", one.name)},
        create={
            **_always("CreateTopic", "GetTopicAttributes", "TagResource"),
            "PutDataProtectionPolicy": "DataProtectionPolicy",
            "Subscribe": "Subscription",
        },
        update={
            **_always(
                "SetTopicAttributes",
                "GetDataProtectionPolicy",
                "GetTopicAttributes",
                "ListSubscriptionsByTopic",
                "ListTagsForResource",
                "TagResource",
            ),
            "PutDataProtectionPolicy": "DataProtectionPolicy",
            "Subscribe": "Subscription",
        },
        delete=_always("DeleteTopic", "GetTopicAttributes"),
    ),
    "AWS::SNS::TopicPolicy": _Type(
        "sns",
        "Sns",
        lambda one: {},
        create=_always("SetTopicAttributes"),
        update=_always("SetTopicAttributes"),
        delete=_always("SetTopicAttributes"),
        lists={"SetTopicAttributes": ("Topics", "TopicArn")},
    ),
    "AWS::SQS::Queue": _Type(  # [U]
        "sqs",
        "Sqs",
        lambda one: {"QueueName": one.name},
        create=_always("CreateQueue", "GetQueueAttributes", "GetQueueUrl", "ListQueueTags", "TagQueue"),
        update=_always("SetQueueAttributes", "GetQueueAttributes", "GetQueueUrl", "ListQueueTags", "TagQueue"),
        delete=_always("DeleteQueue", "GetQueueAttributes"),
    ),
    "AWS::StepFunctions::StateMachine": _Type(
        "stepfunctions",
        "Sfn",
        lambda one: {
            "stateMachineArn": one.arn("states", f"stateMachine:{one.name}"),
            "roleArn": one.properties.get("RoleArn"),
        },
        create=_always("CreateStateMachine", "DescribeStateMachine", "TagResource"),
        update=_always("UpdateStateMachine", "DescribeStateMachine", "ListTagsForResource", "TagResource"),
        delete=_always("DeleteStateMachine", "DescribeStateMachine"),
    ),
}

JUDGED_TYPES = frozenset(_TYPES)
