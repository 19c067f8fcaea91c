"""How services name their actions and resources, as tables.

Only what differs stands here. `by_parameter` lists, in order of preference, the parameter that names the resource and
the end of its ARN; `everything` lists operations without a resource type of their own ("*" in AWS's reference);
`passes` the operations that hand a role to a service, with the parameter that names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Rules:
    """One service. `names` maps operations to actions where they differ, `context` parameters to condition keys."""

    prefix: str
    by_parameter: tuple[tuple[str, str], ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    everything: frozenset[str] = frozenset()
    passes: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    context: Mapping[str, str] = field(default_factory=dict)
    regional: bool = True


SERVICES: dict[str, Rules] = {
    "cloudformation": Rules(
        "cloudformation",
        by_parameter=(("StackName", "stack/{}/*"),),
        everything=frozenset({"ValidateTemplate", "ListStacks", "ListExports", "ListImports", "EstimateTemplateCost"}),
        passes=dict.fromkeys(
            ("CreateStack", "UpdateStack", "DeleteStack", "CreateChangeSet"),
            ("RoleARN", "cloudformation.amazonaws.com"),
        ),
    ),
    "cloudwatch": Rules(
        "cloudwatch",
        by_parameter=(("AlarmName", "alarm:{}"), ("AlarmNames", "alarm:{}"), ("ResourceARN", "{}")),
        everything=frozenset({"PutMetricData", "GetMetricData", "GetMetricStatistics", "ListMetrics"}),
        context={"Namespace": "cloudwatch:namespace"},
    ),
    "drs": Rules(
        "drs",
        by_parameter=(
            ("sourceServerID", "source-server/{}"),
            ("recoveryInstanceIDs", "recovery-instance/{}"),
            ("recoveryInstanceID", "recovery-instance/{}"),
            ("jobID", "job/{}"),
            ("resourceArn", "{}"),
        ),
        everything=frozenset({"InitializeService", "ListTagsForResource"}),
    ),
    "dynamodb": Rules(
        "dynamodb",
        by_parameter=(("TableName", "table/{}"), ("ResourceArn", "{}")),
        everything=frozenset({"ListTables", "DescribeLimits", "DescribeEndpoints"}),
    ),
    "events": Rules(
        "events",
        by_parameter=(("Name", "event-bus/{}"), ("ResourceARN", "{}")),
        everything=frozenset({"ListRules", "ListRuleNamesByTarget", "ListEventBuses"}),
    ),
    "iam": Rules(
        "iam",
        by_parameter=(
            ("RoleName", "role/{}"),
            ("UserName", "user/{}"),
            ("GroupName", "group/{}"),
            ("PolicyArn", "{}"),
            ("PolicyName", "policy/{}"),
            ("InstanceProfileName", "instance-profile/{}"),
        ),
        everything=frozenset(
            {"ListRoles", "ListUsers", "ListGroups", "ListPolicies", "GetAccountSummary", "ListAccountAliases"}
        ),
        context={"PolicyArn": "iam:PolicyARN"},
        regional=False,
    ),
    "lambda": Rules(
        "lambda",
        by_parameter=(("FunctionName", "function:{}"), ("Resource", "{}")),
        names={"Invoke": "InvokeFunction", "InvokeWithResponseStream": "InvokeFunction"},
        everything=frozenset({"ListFunctions", "GetAccountSettings", "ListLayers"}),
        passes=dict.fromkeys(("CreateFunction", "UpdateFunctionConfiguration"), ("Role", "lambda.amazonaws.com")),
    ),
    "logs": Rules("logs", by_parameter=(("resourceArn", "{}"),)),
    "s3": Rules(
        "s3",
        by_parameter=(("Bucket", "{}"),),
        names={
            "AbortMultipartUpload": "AbortMultipartUpload",
            "CompleteMultipartUpload": "PutObject",
            "CreateMultipartUpload": "PutObject",
            "DeleteBucketEncryption": "PutEncryptionConfiguration",
            "DeleteBucketLifecycle": "PutLifecycleConfiguration",
            "DeleteBucketTagging": "PutBucketTagging",
            "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
            "GetBucketEncryption": "GetEncryptionConfiguration",
            "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
            "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
            "HeadBucket": "ListBucket",
            "HeadObject": "GetObject",
            "ListBuckets": "ListAllMyBuckets",
            "ListMultipartUploads": "ListBucketMultipartUploads",
            "ListObjects": "ListBucket",
            "ListObjectsV2": "ListBucket",
            "ListObjectVersions": "ListBucketVersions",
            "ListParts": "ListMultipartUploadParts",
            "PutBucketEncryption": "PutEncryptionConfiguration",
            "PutBucketLifecycleConfiguration": "PutLifecycleConfiguration",
            "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
            "UploadPart": "PutObject",
        },
        everything=frozenset({"ListBuckets"}),
        context={"Prefix": "s3:prefix"},
    ),
    "sns": Rules(
        "sns",
        by_parameter=(("TopicArn", "{}"), ("TargetArn", "{}"), ("ResourceArn", "{}"), ("Name", "{}")),
        everything=frozenset({"ListTopics", "ListSubscriptions"}),
        context={"Protocol": "sns:Protocol", "Endpoint": "sns:Endpoint"},
    ),
    "sqs": Rules("sqs", by_parameter=(("QueueName", "{}"),), everything=frozenset({"ListQueues"})),
    "stepfunctions": Rules(
        "states",
        by_parameter=(
            ("executionArn", "{}"),
            ("stateMachineArn", "{}"),
            ("resourceArn", "{}"),
            ("name", "stateMachine:{}"),
        ),
        everything=frozenset({"ListStateMachines", "SendTaskFailure", "SendTaskHeartbeat", "SendTaskSuccess"}),
        passes=dict.fromkeys(("CreateStateMachine", "UpdateStateMachine"), ("roleArn", "states.amazonaws.com")),
    ),
    "sts": Rules(
        "sts",
        by_parameter=(("RoleArn", "{}"),),
        everything=frozenset(
            {"GetCallerIdentity", "GetSessionToken", "GetAccessKeyInfo", "DecodeAuthorizationMessage"}
        ),
        context={"ExternalId": "sts:ExternalId", "RoleSessionName": "sts:RoleSessionName"},
        regional=False,
    ),
}
