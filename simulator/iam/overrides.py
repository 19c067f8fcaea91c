"""Calls that need more than one action, several resources, or a resource that no single parameter names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from simulator.iam.access import AwsRequest
from simulator.iam.action_table import SERVICES
from simulator.iam.default_mapping import Needed, by_table, passed_roles, tag_context

# DynamoDB: a table's index is a resource of its own; transactions and batches need rights on each item's table.


def _dynamodb_table(request: AwsRequest, name: str, index: str | None = None) -> str:
    table = name if name.startswith("arn:") else request.arn("dynamodb", f"table/{name}")
    return f"{table}/index/{index}" if index else table


def _dynamodb(request: AwsRequest) -> Iterator[Needed]:
    name, index = request.parameters.get("TableName"), request.parameters.get("IndexName")
    if name and request.operation in ("Query", "Scan"):
        yield f"dynamodb:{request.operation}", _dynamodb_table(request, name, index), {}
    else:
        yield from by_table(request)


_TRANSACTION_ACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
    "Get": "GetItem",
}


def _dynamodb_transaction(request: AwsRequest) -> Iterator[Needed]:
    for item in request.parameters["TransactItems"]:
        for kind, body in item.items():
            yield f"dynamodb:{_TRANSACTION_ACTIONS[kind]}", _dynamodb_table(request, body["TableName"]), {}


def _dynamodb_batch(request: AwsRequest) -> Iterator[Needed]:
    for name in request.parameters["RequestItems"]:
        yield f"dynamodb:{request.operation}", _dynamodb_table(request, name), {}


# DRS: tags on creation need drs:TagResource as well. The job's id is not known yet, so any job stands for it. A field
# report of 2025 shows a denial of drs:TagResource on the source server; one report only.


def _drs_start_recovery(request: AwsRequest) -> Iterator[Needed]:
    servers = [f"source-server/{one['sourceServerID']}" for one in request.parameters["sourceServers"]]
    for server in servers:
        yield "drs:StartRecovery", request.arn("drs", server), {}
    if request.parameters.get("tags"):
        for resource in [*servers, "job/*"]:
            yield "drs:TagResource", request.arn("drs", resource), {"drs:CreateAction": ("StartRecovery",)}


def _drs_describe_recovery_instances(request: AwsRequest) -> Iterator[Needed]:
    """A dependent action in AWS's Service Authorization Reference. That DRS needs it of the caller directly, and not
    only through DRS, is a guess: the stricter one."""
    yield from by_table(request)
    yield "ec2:DescribeInstances", "*", {}


# EC2

_EC2_TYPES = {
    "i": "instance",
    "vol": "volume",
    "snap": "snapshot",
    "sg": "security-group",
    "subnet": "subnet",
    "vpc": "vpc",
    "eni": "network-interface",
    "lt": "launch-template",
    "ami": "image",
}
_RUN_INSTANCES_RESOURCES = ("instance/*", "volume/*", "network-interface/*")


def ec2_arn(request: AwsRequest, resource_id: str) -> str | None:
    kind = _EC2_TYPES.get(resource_id.partition("-")[0])
    return request.arn("ec2", f"{kind}/{resource_id}") if kind else None


def _ec2_ids(request: AwsRequest) -> Iterator[Needed]:
    """Actions on resources whose ids contain their type."""
    for name in ("InstanceIds", "InstanceId", "Resources", "VolumeId", "SnapshotId", "GroupId", "SubnetId", "VpcId"):
        value = request.parameters.get(name)
        if value:
            for one in value if isinstance(value, list) else [value]:
                yield f"ec2:{request.operation}", ec2_arn(request, one), {}
            return
    yield f"ec2:{request.operation}", None, {}


def _ec2(request: AwsRequest) -> Iterator[Needed]:
    if request.operation.startswith("Describe"):
        yield f"ec2:{request.operation}", "*", {}
    else:
        yield from _ec2_ids(request)


def _ec2_run_instances(request: AwsRequest) -> Iterator[Needed]:
    parameters = request.parameters
    named = [parameters.get("SubnetId"), *parameters.get("SecurityGroupIds", [])]
    resources = [request.arn("ec2", one) for one in _RUN_INSTANCES_RESOURCES]
    resources += [arn for one in named if one and (arn := ec2_arn(request, one))]
    resources.append(f"arn:{request.partition}:ec2:{request.region}::image/{parameters.get('ImageId', '*')}")
    for resource in resources:
        yield "ec2:RunInstances", resource, _launch_tags(parameters, resource)
    for specification in parameters.get("TagSpecifications", []):
        resource = request.arn("ec2", f"{specification['ResourceType']}/*")
        yield "ec2:CreateTags", resource, {"ec2:CreateAction": ("RunInstances",), **_launch_tags(parameters, resource)}


def _launch_tags(parameters: Mapping[str, Any], resource: str) -> dict[str, tuple[str, ...]]:
    kind = resource.split(":")[-1].partition("/")[0]
    tags = [one["Tags"] for one in parameters.get("TagSpecifications", []) if one["ResourceType"] == kind]
    return tag_context({"Tags": tags[0]}) if tags else {}


# S3: requests are on a bucket or on objects; names of actions differ from those of operations.


def _s3_object(request: AwsRequest, action: str) -> Iterator[Needed]:
    yield f"s3:{action}", f"arn:{request.partition}:s3:::{request.parameters['Bucket']}/{request.parameters['Key']}", {}


def _s3_delete_objects(request: AwsRequest) -> Iterator[Needed]:
    for one in request.parameters["Delete"]["Objects"]:
        arn = f"arn:{request.partition}:s3:::{request.parameters['Bucket']}/{one['Key']}"
        yield "s3:DeleteObjectVersion" if one.get("VersionId") else "s3:DeleteObject", arn, {}


def _s3_copy(request: AwsRequest) -> Iterator[Needed]:
    source = request.parameters["CopySource"]
    path = source if isinstance(source, str) else f"{source['Bucket']}/{source['Key']}"
    yield "s3:GetObject", f"arn:{request.partition}:s3:::{path.lstrip('/').partition('?')[0]}", {}
    yield from _s3_object(request, "PutObject")


# SQS names queues by URL: https://<host>/<account>/<name>; a name alone is a queue of the caller's account.


def _sqs(request: AwsRequest) -> Iterator[Needed]:
    action = f"sqs:{request.operation.removesuffix('Batch')}"
    url = request.parameters.get("QueueUrl")
    if url:
        *_, account, name = ["", request.account, *str(url).split("/")]
        yield action, f"arn:{request.partition}:sqs:{request.region}:{account}:{name}", {}
    else:
        yield from by_table(request)


# SNS: a subscription belongs to a topic.


def _sns_subscription(request: AwsRequest) -> Iterator[Needed]:
    topic = str(request.parameters["SubscriptionArn"]).rpartition(":")[0]
    yield f"sns:{request.operation}", topic, {}


# CloudWatch Logs: an action on a log group is judged as one on all its streams, hence the habit of writing `…:*`.


def _logs(request: AwsRequest) -> Iterator[Needed]:
    group = request.parameters.get("logGroupName") or request.parameters.get("logGroupIdentifier")
    if request.operation == "DescribeLogGroups":
        group = ""
    elif not group or request.operation in SERVICES["logs"].everything:
        yield from by_table(request)
        return
    if str(group).startswith("arn:"):
        group = str(group).split(":log-group:")[-1].removesuffix(":*")
    stream = (
        request.parameters.get("logStreamName", "") if request.operation in ("PutLogEvents", "GetLogEvents") else ""
    )
    yield f"logs:{request.operation}", request.arn("logs", f"log-group:{group}:log-stream:{stream}"), {}


# EventBridge: a rule of another bus carries the bus's name; targets may carry roles.


def _events_rule(request: AwsRequest) -> Iterator[Needed]:
    name = request.parameters.get("Rule") or request.parameters["Name"]
    bus = str(request.parameters.get("EventBusName") or "default").rpartition("/")[2]
    rule = f"rule/{name}" if bus == "default" else f"rule/{bus}/{name}"
    yield f"events:{request.operation}", request.arn("events", rule), {}
    targets = request.parameters.get("Targets", []) if request.operation == "PutTargets" else []
    for role in [one["RoleArn"] for one in targets if "RoleArn" in one]:
        yield "iam:PassRole", role, {"iam:PassedToService": ("events.amazonaws.com",)}


def _events_bus(request: AwsRequest) -> Iterator[Needed]:
    yield f"events:{request.operation}", request.arn("events", f"event-bus/{request.parameters['Name']}"), {}


def _events_put(request: AwsRequest) -> Iterator[Needed]:
    for bus in {str(one.get("EventBusName") or "default").rpartition("/")[2] for one in request.parameters["Entries"]}:
        yield "events:PutEvents", request.arn("events", f"event-bus/{bus}"), {}


# CloudWatch: describing alarms without naming them is an access to all of them.


def _cloudwatch_describe_alarms(request: AwsRequest) -> Iterator[Needed]:
    for name in request.parameters.get("AlarmNames") or ["*"]:
        yield "cloudwatch:DescribeAlarms", request.arn("cloudwatch", f"alarm:{name}"), {}


# IAM without a name speaks of the caller.


def _iam_user(request: AwsRequest) -> Iterator[Needed]:
    name = request.parameters.get("UserName") or request.principal_arn.rpartition("/")[2]
    yield f"iam:{request.operation}", request.arn("iam", f"user/{name}", regional=False), {}


# CloudFormation: the id at the end of a stack's ARN is not known from its name. AWS's own transforms are resources, and
# their use needs CreateChangeSet. Source: the user guide, "Controlling access with IAM", and field reports of change
# sets; that CreateStack and UpdateStack, which process transforms by a change set of their own, need it too is a guess.

_TRANSFORMS = re.compile(r"""^\s*"?Transform"?\s*:(?P<names>(?:[\s\[\],"'-]*AWS::[\w-]+)+)""", re.MULTILINE)


def _transforms(request: AwsRequest) -> Iterator[Needed]:
    found = _TRANSFORMS.search(str(request.parameters.get("TemplateBody", "")))
    for name in re.findall(r"AWS::([\w-]+)", found["names"]) if found else ():
        transform = f"arn:{request.partition}:cloudformation:{request.region}:aws:transform/{name}"
        yield "cloudformation:CreateChangeSet", transform, {}


def _cloudformation(request: AwsRequest) -> Iterator[Needed]:
    yield from _transforms(request)
    name = request.parameters.get("StackName")
    if name is None and request.operation == "DescribeStacks":
        yield "cloudformation:DescribeStacks", "*", {}
    elif name and not str(name).startswith("arn:"):
        stack = request.arn("cloudformation", f"stack/{name}/*")
        yield f"cloudformation:{request.operation}", stack, {}
        yield from passed_roles(SERVICES["cloudformation"], request)
    else:
        yield from by_table(request)


def _s3(request: AwsRequest) -> Iterator[Needed]:
    rules = SERVICES["s3"]
    if "Key" in request.parameters:
        yield from _s3_object(request, rules.names.get(request.operation, request.operation))
    else:
        yield from by_table(request)


SPECIAL: dict[tuple[str, str], Callable[[AwsRequest], Iterator[Needed]]] = {
    ("cloudformation", "*"): _cloudformation,
    ("cloudwatch", "DescribeAlarms"): _cloudwatch_describe_alarms,
    ("drs", "DescribeRecoveryInstances"): _drs_describe_recovery_instances,
    ("drs", "StartRecovery"): _drs_start_recovery,
    ("dynamodb", "*"): _dynamodb,
    ("dynamodb", "BatchGetItem"): _dynamodb_batch,
    ("dynamodb", "BatchWriteItem"): _dynamodb_batch,
    ("dynamodb", "TransactGetItems"): _dynamodb_transaction,
    ("dynamodb", "TransactWriteItems"): _dynamodb_transaction,
    ("ec2", "*"): _ec2,
    ("ec2", "RunInstances"): _ec2_run_instances,
    ("events", "PutEvents"): _events_put,
    ("events", "CreateEventBus"): _events_bus,
    ("events", "DeleteEventBus"): _events_bus,
    ("iam", "CreateAccessKey"): _iam_user,
    ("iam", "GetUser"): _iam_user,
    ("iam", "ListAccessKeys"): _iam_user,
    ("logs", "*"): _logs,
    ("s3", "*"): _s3,
    ("s3", "CopyObject"): _s3_copy,
    ("s3", "DeleteObjects"): _s3_delete_objects,
    ("sns", "GetSubscriptionAttributes"): _sns_subscription,
    ("sns", "SetSubscriptionAttributes"): _sns_subscription,
    ("sns", "Unsubscribe"): _sns_subscription,
    ("sqs", "*"): _sqs,
    **{
        ("events", operation): _events_rule
        for operation in (
            "DeleteRule",
            "DescribeRule",
            "DisableRule",
            "EnableRule",
            "ListTargetsByRule",
            "PutRule",
            "PutTargets",
            "RemoveTargets",
        )
    },
}
