"""Requests of other software: malformed ones, operations that are not offered, answers that moto gets wrong."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.serving import SimulatorServer, serving

TABLE = "orders"
TOPIC = "arn:aws:sns:us-east-1:111122223333:none"
ROLE = "arn:aws:iam::111122223333:role/none"
WITHOUT_KEY = {"Put": {"TableName": TABLE, "Item": {"a": {"S": "x"}}}}
UPDATE_WITHOUT_KEY = {
    "Update": {
        "TableName": TABLE,
        "Key": {"a": {"S": "x"}},
        "UpdateExpression": "SET b = :b",
        "ExpressionAttributeValues": {":b": {"S": "x"}},
    }
}


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    with serving("--virtual") as started:
        started.client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "Id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "Id", "AttributeType": "S"}],
        )
        yield started


def refused(server: SimulatorServer, service: str, operation: str, parameters: dict[str, Any]) -> ClientError:
    client = server.client(service, parameter_validation=False)
    with pytest.raises(ClientError) as refusal:
        getattr(client, operation)(**parameters)
    return refusal.value


MALFORMED: list[tuple[str, str, dict[str, Any], str]] = [
    ("iam", "create_role", {"RoleName": "a", "AssumeRolePolicyDocument": "{"}, "MalformedPolicyDocument"),
    ("iam", "create_role", {"RoleName": "a", "AssumeRolePolicyDocument": "[]"}, "MalformedPolicyDocument"),
    ("iam", "create_role", {"RoleName": "a", "AssumeRolePolicyDocument": "{}"}, "MalformedPolicyDocument"),
    (
        "iam",
        "create_role",
        {"RoleName": "a", "AssumeRolePolicyDocument": '{"Statement":[{"Effect":"Allow"}]}'},
        "MalformedPolicyDocument",
    ),
    ("dynamodb", "transact_write_items", {"TransactItems": [WITHOUT_KEY]}, "TransactionCanceledException"),
    ("dynamodb", "transact_write_items", {"TransactItems": [UPDATE_WITHOUT_KEY]}, "ValidationException"),
    ("dynamodb", "transact_write_items", {"TransactItems": [{}]}, "ValidationException"),
    ("dynamodb", "put_item", {"TableName": TABLE, "Item": {"a": {"S": "x"}}}, "ValidationException"),
    ("dynamodb", "update_item", {"TableName": TABLE, "Key": {"a": {"S": "x"}}}, "ValidationException"),
    ("dynamodb", "delete_item", {"TableName": TABLE, "Key": {"a": {"S": "x"}}}, "ValidationException"),
    (
        "dynamodb",
        "batch_write_item",
        {"RequestItems": {TABLE: [{"PutRequest": {"Item": {"a": {"S": "x"}}}}]}},
        "ValidationException",
    ),
    (
        "dynamodb",
        "batch_write_item",
        {"RequestItems": {TABLE: [{"DeleteRequest": {"Key": {"a": {"S": "x"}}}}]}},
        "ValidationException",
    ),
    (
        "dynamodb",
        "put_item",
        {"TableName": TABLE, "Item": {"Id": {"S": "x"}}, "ConditionExpression": "foo("},
        "ValidationException",
    ),
    ("sqs", "send_message", {"QueueUrl": "q1", "MessageBody": "x"}, "AWS.SimpleQueueService.NonExistentQueue"),
    ("sqs", "send_message", {"QueueUrl": "no name", "MessageBody": "x"}, "InvalidAddress"),
    ("sqs", "receive_message", {"QueueUrl": "arn:aws:sqs:us-east-1:111122223333:q1"}, "InvalidAddress"),
    ("sns", "publish", {"TopicArn": "topic", "Message": "x"}, "InvalidParameter"),
    ("sns", "publish", {"Message": "x"}, "InvalidParameter"),
    ("sns", "unsubscribe", {"SubscriptionArn": TOPIC.rpartition(":")[0]}, "InvalidParameter"),
    ("sns", "delete_platform_application", {"PlatformApplicationArn": TOPIC}, "InvalidParameter"),
    ("stepfunctions", "create_state_machine", {"name": "m", "definition": "{}", "roleArn": "role"}, "InvalidArn"),
    ("stepfunctions", "create_state_machine", {"name": "m", "definition": "{", "roleArn": ROLE}, "InvalidDefinition"),
    ("stepfunctions", "describe_map_run", {"mapRunArn": ROLE}, "ResourceNotFound"),
    ("stepfunctions", "list_executions", {}, "ValidationException"),
    ("cloudformation", "create_stack", {"StackName": "a"}, "ValidationError"),
    ("cloudformation", "create_stack", {"StackName": "a", "TemplateBody": "{"}, "ValidationError"),
    ("cloudformation", "execute_change_set", {"ChangeSetName": "a", "StackName": "a"}, "ChangeSetNotFound"),
    ("kms", "list_grants", {"KeyId": "a"}, "NotFoundException"),
    ("ec2", "delete_transit_gateway", {"TransitGatewayId": "tgw-0"}, "InvalidParameterValue"),
]


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "code"), MALFORMED, ids=[f"{row[0]}-{row[1]}" for row in MALFORMED]
)
def test_a_malformed_request_gets_an_error_of_the_service(
    server: SimulatorServer, service: str, operation: str, parameters: dict[str, Any], code: str
) -> None:
    response = refused(server, service, operation, parameters).response
    assert response["Error"]["Code"] == code
    assert 400 <= response["ResponseMetadata"]["HTTPStatusCode"] < 500
    assert server.control.defects() == []


def test_a_role_whose_trust_policy_has_no_version_is_made(server: SimulatorServer) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Statement": [statement]})
    server.client("iam").create_role(RoleName="old", AssumeRolePolicyDocument=document)


@pytest.mark.parametrize("body", [b"{", b"[]", b'"a"', b"\xff"])
def test_a_body_that_is_no_json_object_is_refused(server: SimulatorServer, body: bytes) -> None:
    status, answer = post(server, "DynamoDB_20120810.ListTables", body)
    assert (status, answer["__type"]) == (400, "SerializationException")
    assert server.control.defects() == []


def test_an_operation_that_is_not_offered_is_named_in_one_line(server: SimulatorServer) -> None:
    error = refused(server, "drs", "delete_job", {"jobID": "drsjob-0123456789abcdef0"})
    assert error.response["Error"]["Message"] == "not offered by this simulator: drs DeleteJob"
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert server.control.defects() == []
    missing = [one for one in server.control.differences() if one["kind"] == "not offered"]
    assert ("drs", "DeleteJob") in {(one["service"], one["operation"]) for one in missing}


def test_a_service_that_moto_does_not_have_is_not_offered(server: SimulatorServer) -> None:
    error = refused(server, "chatbot", "describe_slack_workspaces", {})
    assert error.response["Error"]["Message"] == "not offered by this simulator: chatbot DescribeSlackWorkspaces"


def test_an_operation_newer_than_the_simulator_is_not_offered(server: SimulatorServer) -> None:
    status, answer = post(server, "DynamoDB_20120810.TeleportTable", b"{}")
    assert (status, answer["message"]) == (501, "not offered by this simulator: dynamodb TeleportTable")


def post(server: SimulatorServer, target: str, body: bytes) -> tuple[int, dict[str, Any]]:
    """A signed request of the JSON protocol, as a client without botocore sends it."""
    headers = {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.0"}
    request = AWSRequest("POST", server.endpoint, headers, body)
    keys = Credentials(server.facts["access_key_id"], server.facts["secret_access_key"])
    SigV4Auth(keys, "dynamodb", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(urlsplit(server.endpoint).netloc, timeout=20)
    connection.request("POST", "/", body, dict(request.headers))
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


TEMPLATE = json.dumps({"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}})
LENIENT: list[tuple[str, str, dict[str, Any]]] = [
    ("cloudformation", "validate_template", {"TemplateBody": TEMPLATE}),
    ("cloudformation", "describe_stack_resource", {"StackName": "one", "LogicalResourceId": "Topic"}),
    ("ec2", "describe_instance_types", {"InstanceTypes": ["c7i-flex.2xlarge"]}),
]


@pytest.mark.parametrize(("service", "operation", "parameters"), LENIENT, ids=[row[1] for row in LENIENT])
def test_an_answer_of_moto_reaches_the_client_although_it_differs(
    server: SimulatorServer, service: str, operation: str, parameters: dict[str, Any]
) -> None:
    formation = server.client("cloudformation")
    if "StackName" in parameters and not formation.describe_stacks()["Stacks"]:
        formation.create_stack(StackName="one", TemplateBody=TEMPLATE)
    getattr(server.client(service), operation)(**parameters)
    assert server.control.defects() == []
    known = {(one["service"], one["kind"]) for one in server.control.differences()}
    assert (service, "answer") in known


def test_a_template_is_read_from_the_url_that_the_server_signed(server):
    s3, formation = server.client("s3"), server.client("cloudformation")
    s3.create_bucket(Bucket="templates")
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "news"}}
    s3.put_object(Bucket="templates", Key="a/topic.json", Body=json.dumps({"Resources": {"Topic": topic}}))
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "templates", "Key": "a/topic.json"})
    formation.create_stack(StackName="from-url", TemplateURL=url)
    (made,) = formation.describe_stack_resources(StackName="from-url")["StackResources"]
    assert made["PhysicalResourceId"].endswith(":news")


def test_load_balancers_of_both_generations_are_told_apart(server):
    assert server.client("elbv2").describe_load_balancers()["LoadBalancers"] == []
    assert server.client("elb").describe_load_balancers()["LoadBalancerDescriptions"] == []
