"""An account with users, roles and groups in moto's IAM, and a judge to ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws
from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

from simulator.iam import Access, AwsRequest, Denied, authorise, authorise_access, forget_usage

ACCOUNT, OTHER, REGION = "111122223333", "444455556666", "us-east-1"


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(effect: str, action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": action, "Resource": resource, **more}


class Account:
    """Builds principals in one account; each method gives the ARN."""

    document = staticmethod(document)

    def __init__(self, number: str) -> None:
        self.number = number

    @property
    def iam(self) -> Any:
        return iam_backends[self.number]["aws"]

    def user(self, name: str, *statements: dict[str, Any]) -> str:
        if name not in self.iam.users:
            self.iam.create_user(region_name="aws", user_name=name)
        if statements:
            self.iam.put_user_policy(name, "inline", document(*statements))
        return f"arn:aws:iam::{self.number}:user/{name}"

    def role(self, name: str, *statements: dict[str, Any], trust: dict[str, Any] | None = None, tags: Any = ()) -> str:
        """`trust` is one statement of the trust policy; without it the role trusts its own account."""
        trusted = trust or {"Principal": {"AWS": self.number}}
        trusting = document({"Effect": "Allow", "Action": "sts:AssumeRole", **trusted})
        listed = [{"Key": key, "Value": value} for key, value in dict(tags).items()]
        self.iam.create_role(name, trusting, "/", None, "", listed, "3600")
        if statements:
            self.iam.put_role_policy(name, "inline", document(*statements))
        return f"arn:aws:iam::{self.number}:role/{name}"

    def session(self, role: str, name: str = "session", policy: str = "") -> str:
        """A session of a role, as sts:AssumeRole would have made it."""
        made = sts_backends[self.number]["aws"].assume_role(
            region_name=REGION,
            role_session_name=name,
            role_arn=f"arn:aws:iam::{self.number}:role/{role}",
            policy=policy,
            duration=3600,
            external_id="",
        )
        return str(made.arn)

    def managed_policy(self, name: str, *statements: dict[str, Any]) -> str:
        return str(self.iam.create_policy(None, None, document(*statements), name, []).arn)


class Judge:
    """Asks about single accesses and about calls."""

    def access(self, principal: str, action: str, resource: str | None = "*", **more: Any) -> Denied | None:
        return authorise_access(
            Access(principal, action, resource, more.pop("account", ACCOUNT), more.pop("region", REGION), **more)
        )

    def call(self, principal: str, service: str, operation: str, **more: Any) -> Denied | None:
        """`more` are the call's parameters."""
        account = principal.split(":")[4] if principal.startswith("arn:") else ACCOUNT
        return authorise(AwsRequest(service, operation, more, account, REGION, principal))


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    monkeypatch.setenv("MOTO_EC2_LOAD_DEFAULT_AMIS", "false")  # 1,300 images that no test looks at
    with mock_aws():
        forget_usage()
        yield Account(ACCOUNT)


@pytest.fixture
def other(account: Account) -> Account:
    return Account(OTHER)


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def allow() -> Any:
    return lambda action, resource="*", **more: statement("Allow", action, resource, **more)


@pytest.fixture
def deny() -> Any:
    return lambda action, resource="*", **more: statement("Deny", action, resource, **more)
