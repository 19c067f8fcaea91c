"""The short ways of a request end where the libraries' own ways end."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSPreparedRequest, AWSRequest
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import NoCredentialsError
from moto.core.request import normalize_request
from moto.core.responses import BaseResponse

from simulator import Simulator
from simulator.patches import client_shortcuts, moto_requests
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
