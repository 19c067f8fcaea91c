"""The short ways of a request end where the libraries' own ways end."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError
from moto.core.request import normalize_request
from moto.core.responses import BaseResponse
from moto.dynamodb.exceptions import ItemSizeTooLarge
from moto.dynamodb.models.dynamo_type import DynamoType, Item

from simulator import Simulator
from simulator.patches import client_shortcuts, moto_requests, stored_items
from simulator.patches.patching import applied

KEY = "AKIAIOSFODNN7EXAMPLE"
HEADERS = {
    "Content-Type": "application/x-amz-json-1.0",
    "X-Amz-Target": "DynamoDB_20120810.GetItem",
    "User-Agent": "Boto3/1 lang/python",
    "X-Amz-Date": "20260105T090000Z",
    "Authorization": f"AWS4-HMAC-SHA256 Credential={KEY}/20260105/eu-west-1/dynamodb/aws4_request, SignedHeaders=host",
    "Content-Length": "17",
}
PLACE = "https://dynamodb.eu-west-1.amazonaws.com/"


def prepared(url: str = PLACE, body: bytes = b'{"TableName": "a"}', **headers: str | None) -> AWSPreparedRequest:
    given = HTTPHeaders()
    for name, value in {**HEADERS, **{name.replace("_", "-"): value for name, value in headers.items()}}.items():
        if value is not None:
            given[name] = value.encode()
    return AWSPreparedRequest("POST", url, given, body, False)


def environ_of(request: Any) -> dict[str, Any]:
    own = ("wsgi.input", "wsgi.errors", "werkzeug.request", "simulator.json")
    return {name: value for name, value in request.environ.items() if name not in own}


@pytest.mark.parametrize(
    "request_",
    [
        prepared(),
        prepared(body=b"", Content_Length="0"),
        prepared(X_Amz_Security_Token="a token"),
        prepared(Transfer_Encoding="chunked"),
        prepared(x_amz_meta="1"),
        prepared(PLACE + "path/of%20its/own?a=1"),
        prepared("https://dynamodb.eu-west-1.amazonaws.com:444/"),
        prepared(Content_Type="application/x-www-form-urlencoded", X_Amz_Target=None, body=b"Action=ListQueues&a=%20"),
        prepared(Content_Type="application/json", X_Amz_Target=None),
    ],
)
def test_a_request_is_as_moto_itself_makes_it(request_: AWSPreparedRequest) -> None:
    quick, slow = moto_requests.normalized(request_), normalize_request(request_)
    assert environ_of(quick) == environ_of(slow)
    assert moto_requests.url_of(quick) == slow.raw_url
    for one in ("method", "url", "path", "raw_path", "raw_url", "query_string", "args", "form", "files", "data"):
        assert getattr(quick, one) == getattr(slow, one), one
    assert sorted(quick.headers) == sorted(slow.headers)
    assert quick.values.to_dict() == slow.values.to_dict()


@pytest.mark.parametrize("raw", [False, True])
def test_a_handler_is_set_up_as_moto_itself_does_it(aws: Simulator, raw: bool) -> None:
    def state(set_up: Any, request: Any) -> dict[str, Any]:
        handler = BaseResponse("dynamodb")
        set_up(handler, request, use_raw_body=raw)
        known = vars(handler)
        # moto's query string is the body or the headers; no JSON protocol uses it.
        return {
            name: tuple(value[:5]) if name == "parsed_url" else value
            for name, value in known.items()
            if name not in ("querystring", "data", "headers", "normalized_request", "parsed_url")
        } | {"netloc": known["parsed_url"].netloc, "agent": known["headers"]["User-Agent"]}

    quick = state(moto_requests._set_up, moto_requests.normalized(prepared()))
    assert quick == state(moto_requests._setup_class, normalize_request(prepared()))
    assert quick["region"] == "eu-west-1"
    assert quick["access_key"] == KEY


def test_a_body_that_looks_like_a_query_names_no_operation(aws: Simulator) -> None:
    handler = BaseResponse("dynamodb")
    handler.setup_class(moto_requests.normalized(prepared(body=b'{"TableName": "a&Action=DeleteTable&b"}')))
    assert handler._get_action() == "GetItem"


def test_the_header_says_who_calls_and_nothing_is_signed() -> None:
    request = AWSRequest("POST", PLACE, data=b"{}")
    credentials = Credentials(KEY, "secret", "a token")
    with applied(client_shortcuts.patches()):
        SigV4Auth(credentials, "dynamodb", "eu-west-1").add_auth(request)
        with pytest.raises(NoCredentialsError):
            SigV4Auth(None, "dynamodb", "eu-west-1").add_auth(request)
    day = request.headers["X-Amz-Date"][:8]
    assert request.headers["Authorization"].startswith(
        f"AWS4-HMAC-SHA256 Credential={KEY}/{day}/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature="
    )
    assert request.headers["X-Amz-Security-Token"] == "a token"


def test_a_url_that_is_signed_beforehand_is_signed() -> None:
    def signed() -> str:
        request = AWSRequest("GET", "https://bucket.s3.amazonaws.com/key")
        SigV4QueryAuth(Credentials(KEY, "secret"), "s3", "us-east-1", expires=60).add_auth(request)
        return str(request.url.partition("X-Amz-Signature=")[2])

    with applied(client_shortcuts.patches()):
        assert len(set(signed())) > 2


def test_a_user_agent_follows_the_client_and_its_features(aws: Simulator) -> None:
    seen: list[str] = []

    def ask(extra: str) -> None:
        client = aws.session().client("sts", config=Config(user_agent_extra=extra))
        client.meta.events.register("before-send", lambda request, **_: seen.append(str(request.headers["User-Agent"])))
        client.get_caller_identity()

    for extra in ("one", "two", "one"):
        ask(extra)
    assert "one" in seen[0]
    assert "two" in seen[1]
    assert seen[0] == seen[2] != seen[1]


VALUES: dict[str, Any] = {
    "Id": {"S": "ä"},
    "N": {"N": "-1.50"},
    "Deep": {
        "M": {"List": {"L": [{"N": "15"}, {"M": {"Yes": {"BOOL": True}, "None": {"NULL": True}}}]}, "é": {"S": "x"}}
    },
    "Sets": {"SS": ["a", "bc"]},
    "Blob": {"B": "AAE="},
    "Empty": {"M": {}},
}


def test_an_item_weighs_what_it_weighs_for_moto() -> None:
    slow = {name: DynamoType(value).size() for name, value in VALUES.items()}
    made = Item(DynamoType(VALUES["Id"]), None, VALUES)
    with applied(stored_items.patches()):
        assert {name: DynamoType(value).size() for name, value in VALUES.items()} == slow
        again = Item(DynamoType(VALUES["Id"]), None, VALUES)
    assert again == made
    assert again.size() == made.size()
    assert type(again.attrs) is type(made.attrs)


@pytest.mark.parametrize("length", [404_000, 404_900, 405_100])
def test_an_item_is_too_large_where_it_is_for_moto(length: int) -> None:
    def fits() -> bool:
        try:
            Item(DynamoType({"S": "a"}), None, {"Id": {"S": "a"}, "Text": {"S": "x" * length}, "More": {"S": "y" * 50}})
        except ItemSizeTooLarge:
            return False
        return True

    slow = fits()
    with applied(stored_items.patches()):
        assert fits() is slow


def test_a_policy_that_changes_is_judged_by_its_new_words(aws: Simulator) -> None:
    def may_list(session: boto3.Session) -> bool:
        client = session.client("dynamodb", config=Config(retries={"total_max_attempts": 1}))
        try:
            client.list_tables()
        except client.exceptions.ClientError as error:
            return bool(error.response["Error"]["Code"] != "AccessDeniedException")
        return True

    def policy(effect: str) -> str:
        return json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": "dynamodb:*", "Resource": "*"}]}
        )

    session = aws.session(user="guest", policy=policy("Allow"))
    assert may_list(session)
    aws.session().client("iam").put_user_policy(UserName="guest", PolicyName="more", PolicyDocument=policy("Deny"))
    assert not may_list(session)


def test_a_policy_kept_as_a_dict_is_judged_as_it_is_now(aws: Simulator) -> None:
    from moto.iam.models import iam_backends

    from simulator.iam.principals import identity_statements, parse_principal

    aws.session(user="guest")
    (user,) = (one for one in iam_backends[aws.account]["aws"].users.values() if one.name == "guest")
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a:*", "Resource": "*"}]}
    user.policies["simulator"] = document
    principal = parse_principal(f"arn:aws:iam::{aws.account}:user/guest")
    assert [one.actions for one in identity_statements(principal)] == [("a:*",)]
    document["Statement"][0]["Action"] = "b:*"  # type: ignore[index]  # of a list
    assert [one.actions for one in identity_statements(principal)] == [("b:*",)]
