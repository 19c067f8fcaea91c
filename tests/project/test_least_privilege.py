"""The linter of policies and the check of the reasons find planted mistakes."""

from __future__ import annotations

import pytest

from tests.least_privilege import page
from tests.least_privilege.lint import problems
from tests.least_privilege.mutations import mutations
from tests.least_privilege.policies import PolicyLocation
from tests.least_privilege.replay import MutationResult


def policy(**statement):
    return {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]}


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (policy(Action="iam:PassRole", Resource="*"), "manages permissions of any resource: iam:PassRole"),
        (
            policy(Action="ec2:TerminateInstances", Resource="*", Condition={"Bool": {"aws:ViaAWSService": "true"}}),
            "writes to any resource: ec2:TerminateInstances",
        ),
        (policy(Action="s3:GetObject", Resource="*"), "lets data out: s3:GetObject"),
        (policy(Action="drs:*", Resource="arn:aws:drs:*:111122223333:job/*"), "all actions of a service: drs"),
    ],
    ids=["any role", "any instance, with a condition", "any object", "a whole service"],
)
def test_the_linter_notices(document, words):
    assert words in list(problems(document))


def test_the_linter_accepts_named_resources():
    assert list(problems(policy(Action="drs:StartRecovery", Resource="arn:aws:drs:*:1:source-server/*"))) == []


class _Fixed(PolicyLocation):
    """A policy that is not deployed."""

    @property
    def document(self):
        return policy(
            Sid="S",
            Action=["a:One", "a:Two"],
            Resource=["arn:1", "arn:2"],
            Condition={"Bool": {"k:1": "true"}, "StringEquals": {"k:2": "x", "k:3": "y"}},
        )


PLACE = _Fixed("function", "engine", "111122223333", "role")


def test_every_change_is_made_once_and_alone():
    found = {(one.kind, one.subject): one.document["Statement"][0] for one in mutations(PLACE)}
    original = PLACE.document["Statement"][0]
    assert list(found) == [
        ("action", "a:One"),
        ("action", "a:Two"),
        ("resource", "arn:1"),
        ("resource", "arn:2"),
        ("condition", "k:1"),
        ("condition", "k:2"),
        ("condition", "k:3"),
    ]
    assert found["action", "a:One"] == {**original, "Action": ["a:Two"]}
    assert found["resource", "arn:2"]["Resource"][0] == "arn:1"
    assert found["condition", "k:1"]["Condition"] == {"StringEquals": {"k:2": "x", "k:3": "y"}}
    assert found["condition", "k:3"]["Condition"] == {"Bool": {"k:1": "true"}, "StringEquals": {"k:2": "x"}}


def test_a_right_without_a_reason_and_a_reason_without_a_right_are_named():
    with pytest.raises(page.OutdatedPage) as error:
        page.rows([MutationResult(one, ()) for one in mutations(PLACE)])
    assert "reasons.yaml: S, a:One: no reason is given" in error.value.problems
    assert "reasons.yaml: Launch, drs:StartRecovery: the template has no such right" in error.value.problems
