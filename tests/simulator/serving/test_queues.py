"""SQS for other SDKs: queue URLs on the server's own host, in both wire formats, and all documented attribute names."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from simulator import Simulator
from tests.serving import SimulatorServer, serving

MESSAGE_ATTRIBUTES = ["SenderId", "SentTimestamp", "ApproximateReceiveCount", "ApproximateFirstReceiveTimestamp"]


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    with serving("--virtual") as started:
        yield started


def test_the_url_of_a_queue_is_on_the_server(server: SimulatorServer) -> None:
    sqs = server.client("sqs")
    expected = f"{server.endpoint}/111122223333/one"
    assert sqs.create_queue(QueueName="one")["QueueUrl"] == expected
    assert sqs.get_queue_url(QueueName="one")["QueueUrl"] == expected
    assert expected in sqs.list_queues()["QueueUrls"]


def test_the_url_has_the_host_by_which_the_client_calls(server: SimulatorServer) -> None:
    named = server.endpoint.replace("127.0.0.1", "localhost")
    url = server.client("sqs", endpoint=named).create_queue(QueueName="named")["QueueUrl"]
    assert url == f"{named}/111122223333/named"


def test_the_url_in_the_output_of_a_stack_is_on_the_server(server: SimulatorServer) -> None:
    template = {
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "stacked"}}},
        "Outputs": {"Url": {"Value": {"Ref": "Queue"}}},
    }
    formation = server.client("cloudformation")
    formation.create_stack(StackName="queue", TemplateBody=json.dumps(template))
    (stack,) = formation.describe_stacks(StackName="queue")["Stacks"]
    url = stack["Outputs"][0]["OutputValue"]
    assert url == f"{server.endpoint}/111122223333/stacked"
    server.client("sqs").send_message(QueueUrl=url, MessageBody="x")
    formation.delete_stack(StackName="queue")
    with pytest.raises(ClientError, match="NonExistentQueue"):
        server.client("sqs").send_message(QueueUrl=url, MessageBody="x")


def test_a_message_posted_to_the_url_arrives(server: SimulatorServer) -> None:
    """The query protocol of older SDKs posts to the path of the queue."""
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName="query")["QueueUrl"]
    body = urlencode({"Action": "SendMessage", "Version": "2012-11-05", "MessageBody": "hello"})
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest("POST", url, headers, body)
    keys = Credentials(server.facts["access_key_id"], server.facts["secret_access_key"])
    SigV4Auth(keys, "sqs", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    connection.request("POST", urlsplit(url).path, body, dict(request.headers))
    answer = connection.getresponse()
    assert (answer.status, b"<MD5OfMessageBody>" in answer.read()) == (200, True)
    (message,) = sqs.receive_message(QueueUrl=url)["Messages"]
    assert message["Body"] == "hello"


@pytest.mark.parametrize("parameter", ["AttributeNames", "MessageSystemAttributeNames"])
def test_every_documented_attribute_of_a_message_can_be_requested(server: SimulatorServer, parameter: str) -> None:
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName=parameter)["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="x")
    (message,) = sqs.receive_message(QueueUrl=url, **{parameter: MESSAGE_ATTRIBUTES})["Messages"]
    assert set(message["Attributes"]) == set(MESSAGE_ATTRIBUTES)
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"


def test_an_unknown_attribute_is_refused(server: SimulatorServer) -> None:
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName="unknown")["QueueUrl"]
    for operation in (sqs.receive_message, sqs.get_queue_attributes):
        with pytest.raises(ClientError, match="Unknown Attribute ApproximateReceiveCounts") as refusal:
            operation(QueueUrl=url, AttributeNames=["ApproximateReceiveCounts"])
        assert refusal.value.response["Error"]["Code"] == "InvalidAttributeName"


def test_without_a_server_the_url_is_that_of_aws() -> None:
    with Simulator() as aws:
        url = aws.session().client("sqs").create_queue(QueueName="one")["QueueUrl"]
    assert url == "https://sqs.us-east-1.amazonaws.com/111122223333/one"
