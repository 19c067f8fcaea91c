"""A request names its service by the signing name alone if its host is not one of AWS."""

from __future__ import annotations

import pytest
from moto.core.utils import get_service_model

from simulator.gateway import service_names
from simulator.gateway.http import HttpRequest
from simulator.gateway.requests import NotAnAwsRequest, identify
from simulator.offered import offered

SERVER = "http://127.0.0.1:4599"


def request(signing_name: str, method: str, path: str, body: str = "", **headers: str) -> HttpRequest:
    scope = f"AWS4-HMAC-SHA256 Credential=AKIA0000000000000000/20260105/us-east-1/{signing_name}/aws4_request"
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"} if "Action=" in body else {}
    given = {"Authorization": scope, **form, **headers}
    return HttpRequest(method, SERVER + path, given, body.encode(), path)


def test_every_offered_service_is_found_by_its_signing_name():
    """s3control needs its own host name."""
    names = {service: get_service_model(service).signing_name for service in offered()}
    lost = [service for service, name in names.items() if service not in service_names.services_of(name)]
    assert lost == ["s3control"]


@pytest.mark.parametrize(
    ("made", "service", "host"),
    [
        (
            request("elasticloadbalancing", "POST", "/", "Action=DescribeLoadBalancers&Version=2015-12-01"),
            "elbv2",
            "elasticloadbalancing.us-east-1",
        ),
        (
            request("elasticloadbalancing", "POST", "/", "Action=DescribeLoadBalancers&Version=2012-06-01"),
            "elb",
            "elasticloadbalancing.us-east-1",
        ),
        (request("apigateway", "GET", "/v2/apis"), "apigatewayv2", "apigateway.us-east-1"),
        (request("apigateway", "GET", "/restapis"), "apigateway", "apigateway.us-east-1"),
        (request("ses", "GET", "/v2/email/contact-lists/news"), "sesv2", "email.us-east-1"),
        (
            request("dynamodb", "POST", "/", "{}", **{"X-Amz-Target": "DynamoDBStreams_20120810.ListStreams"}),
            "dynamodbstreams",
            "streams.dynamodb.us-east-1",
        ),
        (
            request("dynamodb", "POST", "/", "{}", **{"X-Amz-Target": "DynamoDB_20120810.ListTables"}),
            "dynamodb",
            "dynamodb.us-east-1",
        ),
        (request("elasticfilesystem", "GET", "/2015-02-01/file-systems"), "efs", "elasticfilesystem.us-east-1"),
    ],
    ids=["elbv2", "elb", "apigatewayv2", "apigateway", "sesv2", "streams", "dynamodb", "efs"],
)
def test_services_that_sign_alike_are_told_apart(made, service, host):
    call = identify(made)
    assert call.service == service
    assert call.prepared.url.startswith(f"https://{host}.amazonaws.com/")


def test_an_unknown_version_is_no_request_of_the_service():
    with pytest.raises(NotAnAwsRequest, match="elasticloadbalancing"):
        identify(request("elasticloadbalancing", "POST", "/", "Action=DescribeLoadBalancers&Version=1999-01-01"))
