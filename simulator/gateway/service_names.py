"""The services behind a signing name, where botocore calls the service otherwise or several services sign alike.

Source: `signingName` in botocore's models; a test compares the table with the services that the simulator offers.
s3control signs as S3 too, but the paths of both overlap, and only its own host name tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterator

from moto.core.request import Request
from moto.core.utils import get_service_model

_BY_SIGNING_NAME: dict[str, tuple[str, ...]] = {
    "aidevops": ("devops-agent",),
    "aoss": ("opensearchserverless",),
    "apigateway": ("apigateway", "apigatewayv2"),
    "aps": ("amp",),
    "aws-marketplace": ("meteringmarketplace",),
    "bedrock": ("bedrock", "bedrock-agent", "bedrock-runtime"),
    "bedrock-agentcore": ("bedrock-agentcore", "bedrock-agentcore-control"),
    "cloudhsm": ("cloudhsmv2",),
    "connect-campaigns": ("connectcampaigns",),
    "dynamodb": ("dynamodb", "dynamodbstreams"),
    "elasticfilesystem": ("efs",),
    "elasticloadbalancing": ("elb", "elbv2"),
    "elasticmapreduce": ("emr",),
    "es": ("opensearch", "es"),
    "execute-api": ("apigatewaymanagementapi",),
    "iotdata": ("iot-data",),
    "kinesisanalytics": ("kinesisanalyticsv2",),
    "kinesisvideo": ("kinesisvideo", "kinesis-video-archived-media"),
    "lex": ("lexv2-models",),
    "mediastore": ("mediastore", "mediastore-data"),
    "mobiletargeting": ("pinpoint",),
    "monitoring": ("cloudwatch",),
    "sagemaker": ("sagemaker", "sagemaker-metrics", "sagemaker-runtime"),
    "servicecatalog": ("servicecatalog", "servicecatalog-appregistry"),
    "servicequotas": ("service-quotas",),
    "ses": ("ses", "sesv2"),
    "sso": ("sso-admin",),
    "states": ("stepfunctions",),
    "tagging": ("resourcegroupstaggingapi",),
    "timestream": ("timestream-write",),
}
_TABLED = frozenset(service for services in _BY_SIGNING_NAME.values() for service in services)


def services_of(signing_name: str) -> tuple[str, ...]:
    """botocore's names of the services that sign with this name; the name itself if the table does not have it."""
    return _BY_SIGNING_NAME.get(signing_name, (signing_name,))


def host_prefix(service: str) -> str:
    """The first part of the service's host name."""
    return str(get_service_model(service).endpoint_prefix) if service in _TABLED else service


def of_target(services: tuple[str, ...], target: str) -> str:
    """The service that an X-Amz-Target header names, such as DynamoDB_20120810.GetItem."""
    prefix = target.rpartition(".")[0]
    named = (one for one in services if get_service_model(one).metadata.get("targetPrefix") == prefix)
    return next(named, services[0]) if len(services) > 1 else services[0]


def of_version(services: tuple[str, ...], request: Request) -> Iterator[str]:
    """The services whose API has the version that the request names, or all if it names none."""
    version = request.values.get("Version") if len(services) > 1 else None
    for one in services:
        if version is None or get_service_model(one).api_version == version:
            yield one
