"""Credentials that do not fit together are refused, with and without a request on the wire."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from simulator import Simulator
from simulator.gateway import direct
from simulator.gateway.identity import service_credentials

ONCE = Config(retries={"total_max_attempts": 1})
# Service and operation, and its codes for an invalid token and for a wrong signature.
CALLS = [
    ("drs", "describe_jobs", ("UnrecognizedClientException", 403), ("InvalidSignatureException", 403)),
    ("stepfunctions", "list_state_machines", ("UnrecognizedClientException", 400), ("InvalidSignatureException", 400)),
    ("ec2", "describe_instances", ("AuthFailure", 401), ("AuthFailure", 401)),
    ("s3", "list_buckets", ("InvalidAccessKeyId", 403), ("SignatureDoesNotMatch", 403)),
    ("sts", "get_caller_identity", ("InvalidClientTokenId", 403), ("SignatureDoesNotMatch", 403)),
]
SERVICES = pytest.mark.parametrize(("service", "operation", "invalid_token", "bad_signature"), CALLS)


@pytest.fixture(autouse=True, params=["direct path", "HTTP"])
def path(request: Any, aws: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Either path, for the services that have both."""
    aws.drs.initialize()
    if request.param == "HTTP":
        monkeypatch.setattr(direct, "_is_served", lambda *_: False)


def keys(aws: Simulator) -> tuple[str, str, str]:
    made = aws.session().client("sts").get_session_token()["Credentials"]
    return made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]


def answer(service: str, operation: str, *credentials: str) -> tuple[str, int]:
    """(error code, status); ("", 200) for a call that succeeds."""
    client = boto3.Session(*credentials, region_name="us-east-1").client(service, config=ONCE)
    try:
        getattr(client, operation)()
    except ClientError as refusal:
        return refusal.response["Error"]["Code"], refusal.response["ResponseMetadata"]["HTTPStatusCode"]
    return "", 200


@SERVICES
def test_temporary_keys_need_their_own_token(
    aws: Simulator, service: str, operation: str, invalid_token: Any, bad_signature: Any
) -> None:
    key, secret, token = keys(aws)
    assert answer(service, operation, key, secret, token) == ("", 200)
    assert answer(service, operation, key, secret) == invalid_token
    assert answer(service, operation, key, secret, keys(aws)[2]) == invalid_token


@SERVICES
def test_keys_of_a_user_have_no_token(
    aws: Simulator, service: str, operation: str, invalid_token: Any, bad_signature: Any
) -> None:
    user = aws.session().get_credentials()
    assert answer(service, operation, user.access_key, user.secret_key, keys(aws)[2]) == invalid_token


@SERVICES
def test_a_wrong_secret_key_is_refused(
    aws: Simulator, service: str, operation: str, invalid_token: Any, bad_signature: Any
) -> None:
    key, secret, token = keys(aws)
    assert answer(service, operation, key, secret[::-1], token) == bad_signature
    user = aws.session().get_credentials()
    assert answer(service, operation, user.access_key, secret) == bad_signature


def test_a_token_of_the_surrounding_environment_does_not_reach_the_simulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of another session")
    with Simulator() as aws:
        assert boto3.client("sts").get_caller_identity()["Account"] == aws.account


def test_a_token_that_a_fault_found_expired_stays_expired(aws: Simulator) -> None:
    """A client that repeats the call with the same credentials is refused again, by every service."""
    temporary = keys(aws)
    assert answer("drs", "describe_jobs", *temporary) == ("", 200)
    aws.faults.expire_token("drs")
    assert answer("drs", "describe_jobs", *temporary) == ("ExpiredTokenException", 403)
    assert answer("drs", "describe_jobs", *temporary) == ("ExpiredTokenException", 403)
    assert answer("sts", "get_caller_identity", *temporary) == ("ExpiredToken", 403)
    assert answer("drs", "describe_jobs", *keys(aws)) == ("", 200)


def test_a_service_renews_its_own_token_that_a_fault_found_expired(aws: Simulator) -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = (
        aws.session()
        .client("iam")
        .create_role(
            RoleName="function", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )["Role"]
    )
    own = service_credentials(role["Arn"], "execution-environment", seconds=3600)
    session = (own.access_key, own.secret_key, own.token or "")
    aws.faults.expire_token("sts")
    assert answer("sts", "get_caller_identity", *session) == ("ExpiredToken", 403)
    assert answer("sts", "get_caller_identity", *session) == ("", 200)
