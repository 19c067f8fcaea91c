"""The names that services give to their actions and resources, as tables.

The tables hold only deviations from the default. `by_parameter` lists, in order of preference, the parameter that names
the resource, with the end of its ARN. `everything` lists operations without their own resource type ("*" in AWS's
reference), `passes` the operations that pass a role to a service, with the parameter that names it. An operation in
none of them has an unknown resource: a policy for single resources then raises an error, without a guess.
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
    # Operations in which a parameter of such a name has another meaning.
    other: frozenset[str] = frozenset()
    regional: bool = True


SERVICES: dict[str, Rules] = {
    "cloudformation": Rules(
        "cloudformation",
        by_parameter=(("StackName", "stack/{}/*"),),
        everything=frozenset({"EstimateTemplateCost", "ListExports", "ListImports", "ListStacks", "ValidateTemplate"}),
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
        other=frozenset({"ListAlarmMuteRules"}),
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
        everything=frozenset(
            {
                "DescribeJobs",
                "DescribeRecoveryInstances",
                "DescribeSourceServers",
                "InitializeService",
                "ListTagsForResource",
            }
        ),
    ),
    "dynamodb": Rules(
        "dynamodb",
        by_parameter=(("TableName", "table/{}"), ("ResourceArn", "{}")),
        everything=frozenset({"DescribeEndpoints", "DescribeLimits", "ListTables"}),
    ),
    "events": Rules(
        "events",
        by_parameter=(("ResourceARN", "{}"),),
        everything=frozenset({"ListRules", "ListRuleNamesByTarget", "ListEventBuses"}),
    ),
    "iam": Rules(
        "iam",
        by_parameter=(
            ("InstanceProfileName", "instance-profile/{}"),
            ("GroupName", "group/{}"),
            ("RoleName", "role/{}"),
            ("UserName", "user/{}"),
            ("PolicyArn", "{}"),
            ("PolicyName", "policy/{}"),
        ),
        everything=frozenset(
            {"GetAccountSummary", "ListAccountAliases", "ListGroups", "ListPolicies", "ListRoles", "ListUsers"}
        ),
        context={"PolicyArn": "iam:PolicyARN", "AWSServiceName": "iam:AWSServiceName"},
        regional=False,
    ),
    "lambda": Rules(
        "lambda",
        by_parameter=(("FunctionName", "function:{}"), ("Resource", "{}")),
        names={"Invoke": "InvokeFunction", "InvokeWithResponseStream": "InvokeFunction"},
        everything=frozenset(
            {
                "CreateEventSourceMapping",
                "GetAccountSettings",
                "ListEventSourceMappings",
                "ListFunctions",
                "ListLayers",
            }
        ),
        passes=dict.fromkeys(("CreateFunction", "UpdateFunctionConfiguration"), ("Role", "lambda.amazonaws.com")),
        other=frozenset({"UpdateEventSourceMapping"}),
    ),
    "logs": Rules(
        "logs",
        by_parameter=(("resourceArn", "{}"),),
        everything=frozenset({"DeleteResourcePolicy", "DescribeResourcePolicies", "PutResourcePolicy", "StopQuery"}),
    ),
    "s3": Rules(
        "s3",
        by_parameter=(("Bucket", "arn:{partition}:s3:::{}"),),
        names={
            "CompleteMultipartUpload": "PutObject",
            "CreateMultipartUpload": "PutObject",
            "DeleteBucketCors": "PutBucketCORS",
            "DeleteBucketEncryption": "PutEncryptionConfiguration",
            "DeleteBucketLifecycle": "PutLifecycleConfiguration",
            "DeleteBucketOwnershipControls": "PutBucketOwnershipControls",
            "DeleteBucketReplication": "PutReplicationConfiguration",
            "DeleteBucketTagging": "PutBucketTagging",
            "DeletePublicAccessBlock": "PutBucketPublicAccessBlock",
            "GetBucketEncryption": "GetEncryptionConfiguration",
            "GetBucketLifecycleConfiguration": "GetLifecycleConfiguration",
            "GetBucketNotificationConfiguration": "GetBucketNotification",
            "GetBucketReplication": "GetReplicationConfiguration",
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
            "PutBucketNotificationConfiguration": "PutBucketNotification",
            "PutBucketReplication": "PutReplicationConfiguration",
            "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
            "UploadPart": "PutObject",
        },
        everything=frozenset({"ListBuckets"}),
        context={"Prefix": "s3:prefix"},
    ),
    "service-quotas": Rules("servicequotas"),
    "sns": Rules(
        "sns",
        by_parameter=(("TopicArn", "{}"), ("TargetArn", "{}"), ("ResourceArn", "{}"), ("Name", "{}")),
        names={"PublishBatch": "Publish"},
        everything=frozenset({"GetSMSAttributes", "ListSubscriptions", "ListTopics", "SetSMSAttributes"}),
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
        everything=frozenset(
            {
                "ListStateMachines",
                "SendTaskFailure",
                "SendTaskHeartbeat",
                "SendTaskSuccess",
                "TestState",
                "ValidateStateMachineDefinition",
            }
        ),
        passes=dict.fromkeys(("CreateStateMachine", "UpdateStateMachine"), ("roleArn", "states.amazonaws.com")),
        other=frozenset({"CreateActivity"}),
    ),
    "sts": Rules(
        "sts",
        by_parameter=(("RoleArn", "{}"),),
        everything=frozenset(
            {"GetCallerIdentity", "GetSessionToken", "GetAccessKeyInfo", "DecodeAuthorizationMessage"}
        ),
        context={
            "ExternalId": "sts:ExternalId",
            "RoleSessionName": "sts:RoleSessionName",
            "TransitiveTagKeys": "sts:TransitiveTagKeys",
        },
        regional=False,
    ),
}
