"""Callers without long-term keys: sessions that expire in virtual time, tokens of web identities, presigned URLs."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from tests.serving import SimulatorServer, serving

ROLE = "arn:aws:iam::111122223333:role/drill"
ISSUER = "token.actions.githubusercontent.com"
PROVIDER = f"arn:aws:iam::111122223333:oidc-provider/{ISSUER}"
SUBJECT = "repo:octo/plans:ref:refs/heads/main"


@pytest.fixture(scope="module")
def server() -> Iterator[SimulatorServer]:
    with serving("--virtual") as started:
        iam = started.client("iam")
        iam.create_open_id_connect_provider(Url=f"https://{ISSUER}", ClientIDList=["sts.amazonaws.com"])
        statements = [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "111122223333"}},
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRoleWithWebIdentity",
                "Principal": {"Federated": PROVIDER},
                "Condition": {"StringLike": {f"{ISSUER}:sub": "repo:octo/*"}},
            },
        ]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.create_role(RoleName="drill", AssumeRolePolicyDocument=document)
        allowed = {"Effect": "Allow", "Action": "drs:Describe*", "Resource": "*"}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        iam.put_role_policy(RoleName="drill", PolicyName="reads", PolicyDocument=policy)
        yield started


def client(server: SimulatorServer, keys: dict[str, Any], service: str) -> Any:
    session = boto3.Session(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], region_name="us-east-1")
    return session.client(service, endpoint_url=server.endpoint, config=Config(retries={"total_max_attempts": 1}))


def code_of(error: pytest.ExceptionInfo[ClientError]) -> str:
    return str(error.value.response["Error"]["Code"])


# -- sessions ---------------------------------------------------------------------------------------------------------


SESSIONS = {
    "assume_role": {"RoleArn": ROLE, "RoleSessionName": "me"},
    "get_session_token": {},
    "get_federation_token": {
        "Name": "guest",
        "Policy": json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "drs:*", "Resource": "*"}]}
        ),
    },
}
PRINCIPALS = {
    "assume_role": "arn:aws:sts::111122223333:assumed-role/drill/me",
    "get_session_token": "arn:aws:iam::111122223333:user/operator",
    "get_federation_token": "arn:aws:sts::111122223333:federated-user/guest",
}


@pytest.mark.parametrize("operation", SESSIONS)
def test_a_session_acts_as_its_principal_and_expires_in_virtual_time(server: SimulatorServer, operation: str) -> None:
    server.control.hold()
    try:
        keys = getattr(server.client("sts"), operation)(**SESSIONS[operation], DurationSeconds=900)["Credentials"]
        left = keys["Expiration"].timestamp() - now(server)
        assert left == pytest.approx(900, abs=2)
        assert client(server, keys, "sts").get_caller_identity()["Arn"] == PRINCIPALS[operation]
        client(server, keys, "drs").describe_source_servers(filters={})
        server.control.advance(880)
        client(server, keys, "drs").describe_source_servers(filters={})
        server.control.advance(40)
        with pytest.raises(ClientError) as refusal:
            client(server, keys, "drs").describe_source_servers(filters={})
        assert code_of(refusal) == "ExpiredTokenException"
    finally:
        server.control.release()


@pytest.mark.parametrize("operation", SESSIONS)
def test_a_session_needs_its_own_token(server: SimulatorServer, operation: str) -> None:
    one, other = (getattr(server.client("sts"), operation)(**SESSIONS[operation])["Credentials"] for _ in range(2))
    for token in (None, other["SessionToken"]):
        with pytest.raises(ClientError) as refusal:
            client(server, {**one, "SessionToken": token}, "drs").describe_source_servers(filters={})
        assert code_of(refusal) == "UnrecognizedClientException"


def test_a_session_expires_in_virtual_time_while_time_is_fast() -> None:
    with serving("--speed", "1200") as fast:
        keys = fast.client("sts").get_session_token(DurationSeconds=3600)["Credentials"]
        time.sleep(3.2)  # the test measures real time: 3,840 virtual seconds
        with pytest.raises(ClientError) as refusal:
            client(fast, keys, "sts").get_caller_identity()
        assert code_of(refusal) == "ExpiredToken"


def test_a_federated_user_has_the_rights_of_policy_and_user_together(server: SimulatorServer) -> None:
    keys = server.client("sts").get_federation_token(**SESSIONS["get_federation_token"])["Credentials"]
    with pytest.raises(ClientError, match="not authorized"):
        client(server, keys, "dynamodb").list_tables()
    keys = server.client("sts").get_federation_token(Name="without-policy")["Credentials"]
    with pytest.raises(ClientError, match="not authorized"):
        client(server, keys, "drs").describe_source_servers(filters={})


def now(server: SimulatorServer) -> float:
    return datetime.fromisoformat(server.control.about()["now"]).timestamp()


# -- web identities ---------------------------------------------------------------------------------------------------


def token(**claims: Any) -> str:
    given = {"iss": f"https://{ISSUER}", "aud": "sts.amazonaws.com", "sub": SUBJECT, "exp": time.time() + 600, **claims}
    parts = [json.dumps(one).encode() for one in ({"alg": "RS256"}, given, {})]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def assume(server: SimulatorServer, jwt: str, role: str = ROLE) -> dict[str, Any]:
    options: Any = {"signature_version": UNSIGNED}
    sts: Any = boto3.client("sts", region_name="us-east-1", endpoint_url=server.endpoint, config=Config(**options))
    answer: dict[str, Any] = sts.assume_role_with_web_identity(
        RoleArn=role, RoleSessionName="workflow", WebIdentityToken=jwt
    )
    return answer


def test_a_web_identity_assumes_the_role_that_trusts_it(server: SimulatorServer) -> None:
    answer = assume(server, token())
    assert answer["SubjectFromWebIdentityToken"] == SUBJECT
    mine = client(server, answer["Credentials"], "sts").get_caller_identity()
    assert mine["Arn"] == "arn:aws:sts::111122223333:assumed-role/drill/workflow" == answer["AssumedRoleUser"]["Arn"]
    client(server, answer["Credentials"], "drs").describe_source_servers(filters={})


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"sub": "repo:other/plans:ref:refs/heads/main"}, "AccessDenied"),
        ({"aud": "someone-else"}, "InvalidIdentityToken"),
        ({"iss": "https://example.com"}, "InvalidIdentityToken"),
        ({"exp": 1_700_000_000}, "ExpiredTokenException"),
    ],
)
def test_a_web_identity_that_the_role_does_not_trust_is_refused(
    server: SimulatorServer, claims: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as refusal:
        assume(server, token(**claims))
    assert code_of(refusal) == code


def test_a_token_that_is_none_and_a_role_that_is_not_there_are_refused(server: SimulatorServer) -> None:
    with pytest.raises(ClientError) as refusal:
        assume(server, "not-a-token")
    assert code_of(refusal) == "InvalidIdentityToken"
    with pytest.raises(ClientError) as refusal:
        assume(server, token(), f"{ROLE}-2")
    assert code_of(refusal) == "AccessDenied"
    assert server.control.defects() == []


# -- presigned URLs ---------------------------------------------------------------------------------------------------


def fetch(url: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, method=method), timeout=20) as answer:  # noqa: S310 - our own server
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


@pytest.fixture
def bucket(server: SimulatorServer) -> str:
    server.client("s3").create_bucket(Bucket="shared")
    server.client("s3").put_object(Bucket="shared", Key="a b/plan+1.json", Body=b"{}")
    return "shared"


def test_a_presigned_url_reads_and_writes_an_object(server: SimulatorServer, bucket: str) -> None:
    s3 = server.client("s3", signature_version="s3v4", s3={"addressing_style": "path"})
    where = {"Bucket": bucket, "Key": "a b/plan+1.json"}
    assert fetch(s3.generate_presigned_url("get_object", Params=where)) == (200, b"{}")
    assert fetch(s3.generate_presigned_url("put_object", Params=where), "PUT", b"new")[0] == 200
    assert s3.get_object(**where)["Body"].read() == b"new"


def test_a_presigned_url_that_was_changed_or_has_expired_is_refused(server: SimulatorServer, bucket: str) -> None:
    s3 = server.client("s3", signature_version="s3v4", s3={"addressing_style": "path"})
    where = {"Bucket": bucket, "Key": "a b/plan+1.json"}
    url = s3.generate_presigned_url("get_object", Params=where)
    status, text = fetch(url.replace("plan", "plum"))
    assert (status, b"SignatureDoesNotMatch" in text) == (403, True)
    assert fetch(url, "PUT", b"x")[0] == 403
    url = s3.generate_presigned_url("get_object", Params=where, ExpiresIn=1)
    time.sleep(2.1)  # presigned URLs hold the time of the client's clock, which is real
    status, text = fetch(url)
    assert (status, b"Request has expired" in text) == (403, True)


def test_a_presigned_call_of_sts_names_the_caller(server: SimulatorServer) -> None:
    """As in the tokens of EKS and Vault."""
    keys = Credentials(server.facts["access_key_id"], server.facts["secret_access_key"])
    url = f"{server.endpoint}/?Action=GetCallerIdentity&Version=2011-06-15"
    request = AWSRequest("GET", url)
    SigV4QueryAuth(keys, "sts", "us-east-1", expires=60).add_auth(request)
    status, text = fetch(request.url)
    assert (status, b"user/operator" in text) == (200, True)
    assert fetch(request.url.replace("GetCallerIdentity", "GetSessionToken"))[0] == 403


def test_a_presigned_call_with_temporary_keys_holds_their_token(server: SimulatorServer) -> None:
    made = server.client("sts").get_session_token()["Credentials"]
    url = f"{server.endpoint}/?Action=GetCallerIdentity&Version=2011-06-15"
    answers = []
    for token in (made["SessionToken"], None):
        request = AWSRequest("GET", url)
        keys = Credentials(made["AccessKeyId"], made["SecretAccessKey"], token)
        SigV4QueryAuth(keys, "sts", "us-east-1", expires=60).add_auth(request)
        status, text = fetch(request.url)
        answers.append((status, b"user/operator" in text, b"InvalidClientTokenId" in text))
    assert answers == [(200, True, False), (403, False, True)]


def test_a_request_without_any_signature_is_still_refused(server: SimulatorServer) -> None:
    status, text = fetch(f"{server.endpoint}/shared/a")
    assert (status, b"is not signed" in text) == (403, True)
