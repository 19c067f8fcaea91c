"""Roles that are deleted and created again: the principals of another account's trust policy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator import Simulator

OTHER = "444455556666"
ENGINE = "arn:aws:iam::111122223333:role/engine"
TARGET = f"arn:aws:iam::{OTHER}:role/target"
BY_ARN = {"Principal": {"AWS": ENGINE}}
BY_CONDITION = {"Principal": {"AWS": "111122223333"}, "Condition": {"ArnEquals": {"aws:PrincipalArn": ENGINE}}}


def policy(**statement: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def make(aws: Simulator, name: str) -> None:
    iam = aws.session().client("iam")
    iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=policy(Action="sts:AssumeRole", Principal={"AWS": "111122223333"}),
    )
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(Action="sts:AssumeRole", Resource=TARGET))


def make_again(aws: Simulator) -> None:
    iam = aws.session().client("iam")
    iam.delete_role_policy(RoleName="engine", PolicyName="p")
    iam.delete_role(RoleName="engine")
    make(aws, "engine")


def offer(aws: Simulator, trust: dict[str, Any]) -> None:
    aws.session(OTHER).client("iam").create_role(
        RoleName="target", AssumeRolePolicyDocument=policy(Action="sts:AssumeRole", **trust)
    )


def may_assume(aws: Simulator, name: str = "engine") -> bool:
    sts = aws.session().client("sts")
    keys = sts.assume_role(RoleArn=f"arn:aws:iam::111122223333:role/{name}", RoleSessionName="session")["Credentials"]
    mine = aws.session().client(
        "sts",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )
    try:
        mine.assume_role(RoleArn=TARGET, RoleSessionName="session")
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


@pytest.mark.parametrize(("trust", "lasts"), [(BY_ARN, False), (BY_CONDITION, True)], ids=["by ARN", "by condition"])
def test_a_role_that_is_made_again_is_trusted_by_its_name_only_where_a_condition_names_it(
    aws: Simulator, trust: dict[str, Any], lasts: bool
) -> None:
    make(aws, "engine")
    make(aws, "other")
    offer(aws, trust)
    assert may_assume(aws)
    assert not may_assume(aws, "other")
    make_again(aws)
    assert may_assume(aws) is lasts
    assert not may_assume(aws, "other")


def test_a_trust_policy_that_is_written_again_means_the_role_of_today(aws: Simulator) -> None:
    make(aws, "engine")
    offer(aws, BY_ARN)
    make_again(aws)
    assert not may_assume(aws)
    aws.session(OTHER).client("iam").update_assume_role_policy(
        RoleName="target", PolicyDocument=policy(Action="sts:AssumeRole", **BY_ARN)
    )
    assert may_assume(aws)
