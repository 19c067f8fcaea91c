"""A policy that changes is evaluated by its new words, although compiled policies are kept."""

from __future__ import annotations

import json

import boto3
from botocore.config import Config
from moto.iam.models import iam_backends

from simulator import Simulator
from simulator.iam.principals import identity_statements, parse_principal


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
    aws.session(user="guest")
    (user,) = (one for one in iam_backends[aws.account]["aws"].users.values() if one.name == "guest")
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "a:*", "Resource": "*"}]}
    user.policies["simulator"] = document
    principal = parse_principal(f"arn:aws:iam::{aws.account}:user/guest")
    assert [one.actions for one in identity_statements(principal)] == [("a:*",)]
    document["Statement"][0]["Action"] = "b:*"  # type: ignore[index]  # of a list
    assert [one.actions for one in identity_statements(principal)] == [("b:*",)]
