"""The direct path and the HTTP path give the same journals, answers and errors."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore
import pytest
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, NoCredentialsError

from simulator import Simulator
from simulator.gateway import direct
from simulator.gateway.http import HttpRequest

ROOT = Path(__file__).resolve().parents[3]
# A role in another account; lost answers, killed functions, faults and retries.
SCENARIOS = "@AC-6.2 or @AC-9.3 or @AC-9.4"
SERVER = "arn:aws:drs:us-east-1:111122223333:source-server/s-11111111111111111"
KEY = {"P": {"S": "p"}}


def test_scenarios_leave_the_same_journals_on_both_paths(tmp_path: Path) -> None:
    written = []
    for path in ("direct", "http"):
        file = tmp_path / path
        command = [sys.executable, "-m", "tests.simulator.gateway.journals_of_features", path, str(file), SCENARIOS]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
        written.append(file.read_text(encoding="utf-8").splitlines())
    assert len(written[0]) > 1000
    differing = [number for number, (one, two) in enumerate(zip(*written, strict=True)) if one != two]
    assert differing == []


@pytest.fixture
def seen(aws: Simulator, monkeypatch: pytest.MonkeyPatch) -> list[type]:
    """The kinds of the requests that reach the gateway."""
    kinds: list[type] = []
    handle = aws._gateway.handle

    def note(request: Any) -> Any:
        kinds.append(type(request))
        return handle(request)

    monkeypatch.setattr(aws._gateway, "handle", note)
    return kinds


@pytest.fixture
def table(aws: Simulator) -> Any:
    client = aws.session().client("dynamodb")
    client.create_table(
        TableName="tab",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "P", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "P", "KeyType": "HASH"}],
    )
    aws.drs.initialize()
    aws.drs.add_source_server(SERVER.rpartition("/")[2])
    return client


def _client(aws: Simulator, service: str, **config: Any) -> Any:
    return aws.session().client(service, config=Config(**config))


CALLS: dict[str, Callable[[Simulator], Any]] = {
    "item": lambda aws: _client(aws, "dynamodb").get_item(TableName="tab", Key=KEY),
    "narrowed": lambda aws: _client(aws, "dynamodb").query(
        TableName="tab",
        KeyConditionExpression="P = :p",
        FilterExpression="A = :a",
        ExpressionAttributeValues={":p": {"S": "p"}, ":a": {"S": "a"}},
    ),
    "cancelled": lambda aws: _client(aws, "dynamodb").transact_write_items(
        TransactItems=[{"Put": {"TableName": "tab", "Item": KEY, "ConditionExpression": "attribute_exists(P)"}}]
    ),
    "refused": lambda aws: _client(aws, "dynamodb").get_item(TableName="tab", Key={"Wrong": {"S": "p"}}),
    "invalid": lambda aws: _client(aws, "drs").start_recovery(sourceServers=[{"sourceServerID": "s" * 30}]),
    "jobs": lambda aws: _client(aws, "drs").describe_jobs(filters={}),
    "machines": lambda aws: _client(aws, "stepfunctions").list_state_machines(),
    "no machine": lambda aws: _client(aws, "stepfunctions").describe_execution(
        executionArn="arn:aws:states:us-east-1:111122223333:execution:none:none"
    ),
}


def _answer(call: Callable[[Simulator], Any], aws: Simulator) -> dict[str, Any]:
    try:
        answer: dict[str, Any] = call(aws)
    except ClientError as error:
        answer = error.response
    metadata = answer["ResponseMetadata"]
    for name in ("RequestId", "HTTPHeaders"):  # an identifier of each call; the date
        headers = metadata.pop(name)
    return answer | {"headers": sorted(headers)}


@pytest.mark.parametrize("name", CALLS)
def test_an_answer_is_the_same_on_both_paths(
    aws: Simulator, table: Any, seen: list[type], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    straight = _answer(CALLS[name], aws)
    monkeypatch.setattr(direct, "_is_served", lambda *_: False)
    assert _answer(CALLS[name], aws) == straight
    assert seen == [direct.DirectRequest, HttpRequest]


def test_a_cancelled_transaction_gives_its_reasons(aws: Simulator, table: Any) -> None:
    assert _answer(CALLS["cancelled"], aws)["CancellationReasons"][0]["Code"] == "ConditionalCheckFailed"


@pytest.mark.parametrize(
    "call",
    [
        lambda aws: _client(aws, "dynamodb").put_item(TableName="tab", Item=KEY | {"Blob": {"B": b"1"}}),
        lambda aws: _client(aws, "dynamodb").describe_table(TableName="tab"),
        lambda aws: _client(aws, "drs").list_tags_for_resource(resourceArn=SERVER),
        lambda aws: _client(aws, "sts").get_caller_identity(),
    ],
)
def test_other_calls_take_the_http_path(aws: Simulator, table: Any, seen: list[type], call: Any) -> None:
    call(aws)
    assert seen == [HttpRequest]


def test_each_retry_is_a_call_of_its_own(aws: Simulator, table: Any, seen: list[type]) -> None:
    aws.faults.throttle("dynamodb", "GetItem", times=2)
    answer = _client(aws, "dynamodb", retries={"max_attempts": 3, "mode": "standard"}).get_item(
        TableName="tab", Key=KEY
    )
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    assert seen == [direct.DirectRequest] * 3


def test_a_lost_connection_is_botocores_own_error(aws: Simulator, table: Any) -> None:
    aws.faults.lose_connection("dynamodb", "GetItem")
    with pytest.raises(ConnectionClosedError):
        _client(aws, "dynamodb", retries={"total_max_attempts": 1}).get_item(TableName="tab", Key=KEY)


def test_handlers_of_requests_see_the_host(aws: Simulator, table: Any) -> None:
    hosts: list[str] = []
    table.meta.events.register("before-send", lambda request, **_: hosts.append(request.url))
    table.get_item(TableName="tab", Key=KEY)
    assert hosts == ["https://dynamodb.us-east-1.amazonaws.com/"]


def test_a_client_without_credentials_or_signature_is_refused_as_before(aws: Simulator, seen: list[type]) -> None:
    client: BaseClient = _client(aws, "drs")
    client._request_signer._credentials = None
    with pytest.raises(NoCredentialsError):
        client.describe_jobs(filters={})
    with pytest.raises(Exception, match="not signed"):
        _client(aws, "drs", signature_version=botocore.UNSIGNED).describe_jobs(filters={})
    assert seen == [HttpRequest]
