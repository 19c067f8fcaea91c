"""Each operator with a row that holds and one that does not; qualifiers; absent keys; unknown keys and operators."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.iam.conditions import UnknownConditionOperator, all_hold, parse_conditions
from simulator.iam.request_context import UnknownConditionKey
from simulator.time.clock import SimulatorDefect

ROLE = "arn:aws:iam::111122223333:role/engine"


class Keys:
    """A request context of its own: single values or tuples."""

    def __init__(self, **values: Any) -> None:
        self._values = {key: value if isinstance(value, tuple) else (value,) for key, value in values.items()}

    def values(self, key: str) -> tuple[str, ...] | None:
        return self._values.get(key)

    def substitute(self, text: str) -> str:
        return text.replace("${me}", "operator")


def holds(block: dict[str, Any], **context: Any) -> bool:
    return all_hold(parse_conditions(block), Keys(**context))


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "expected"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", "a", "A", False),
        ("StringEquals", ["a", "b"], "b", True),
        ("StringEquals", ["a", "b"], "c", False),
        ("StringEquals", "a*", "ab", False),
        ("StringEquals", "${me}", "operator", True),
        ("StringEqualsIgnoreCase", "a", "A", True),
        ("StringEqualsIgnoreCase", "a", "b", False),
        ("StringLike", "a*", "ab", True),
        ("StringLike", "a*", "ba", False),
        ("StringNotEquals", "a", "b", True),
        ("StringNotEquals", ["a", "b"], "b", False),
        ("StringNotEqualsIgnoreCase", "a", "A", False),
        ("StringNotEqualsIgnoreCase", "a", "B", True),
        ("StringNotLike", "a*", "ba", True),
        ("StringNotLike", "a*", "ab", False),
        ("ArnLike", "arn:aws:iam::*:role/e*", ROLE, True),
        ("ArnLike", "arn:aws:iam::*:user/*", ROLE, False),
        ("ArnEquals", "arn:aws:iam::*:role/engine", ROLE, True),
        ("ArnEquals", "arn:aws:iam::1:role/engine", ROLE, False),
        ("ArnNotLike", "arn:aws:iam::*:user/*", ROLE, True),
        ("ArnNotLike", "arn:aws:iam::*:role/*", ROLE, False),
        ("ArnNotEquals", "arn:aws:iam::*:user/*", ROLE, True),
        ("ArnNotEquals", ROLE, ROLE, False),
        ("Bool", "true", "true", True),
        ("Bool", "true", "false", False),
        ("Bool", True, "true", True),
        ("Bool", False, "true", False),
        ("NumericEquals", 5, "5.0", True),
        ("NumericEquals", 5, "6", False),
        ("NumericNotEquals", 5, "6", True),
        ("NumericNotEquals", 5, "5", False),
        ("NumericLessThan", 5, "4", True),
        ("NumericLessThan", 5, "5", False),
        ("NumericLessThanEquals", 5, "5", True),
        ("NumericLessThanEquals", 5, "6", False),
        ("NumericGreaterThan", 5, "6", True),
        ("NumericGreaterThan", 5, "5", False),
        ("NumericGreaterThanEquals", 5, "5", True),
        ("NumericGreaterThanEquals", 5, "4", False),
        ("Null", "true", "here", False),
        ("Null", "false", "here", True),
    ],
)
def test_operators(operator: str, wanted: Any, value: str, expected: bool) -> None:
    assert holds({operator: {"key": wanted}}, key=value) is expected


@pytest.mark.parametrize(
    ("operator", "expected"),
    [
        ("StringEquals", False),
        ("StringLike", False),
        ("ArnLike", False),
        ("Bool", False),
        ("NumericEquals", False),
        ("StringNotEquals", True),
        ("StringNotLike", True),
        ("ArnNotEquals", True),
        ("NumericNotEquals", True),
        ("StringEqualsIfExists", True),
        ("BoolIfExists", True),
        ("ArnLikeIfExists", True),
        ("ForAllValues:StringEquals", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
        ("ForAnyValue:StringEqualsIfExists", True),
    ],
)
def test_an_absent_key(operator: str, expected: bool) -> None:
    assert holds({operator: {"key": "1"}}) is expected


@pytest.mark.parametrize(("wanted", "expected"), [("true", True), ("false", False)])
def test_null_asks_for_absence(wanted: str, expected: bool) -> None:
    assert holds({"Null": {"key": wanted}}) is expected


def test_if_exists_still_judges_a_key_that_is_there() -> None:
    assert not holds({"StringEqualsIfExists": {"key": "a"}}, key="b")


@pytest.mark.parametrize(
    ("operator", "wanted", "values", "expected"),
    [
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "b"), True),
        ("ForAllValues:StringEquals", ["a", "b"], ("a", "c"), False),
        ("ForAllValues:StringLike", ["drs-*"], ("drs-a", "drs-b"), True),
        ("ForAllValues:StringNotEquals", ["a"], ("b", "c"), True),
        ("ForAllValues:StringNotEquals", ["a"], ("a", "c"), False),
        ("ForAnyValue:StringEquals", ["a", "b"], ("c", "b"), True),
        ("ForAnyValue:StringEquals", ["a", "b"], ("c", "d"), False),
        ("ForAnyValue:StringNotEquals", ["a"], ("a", "c"), True),
        ("ForAnyValue:StringNotEquals", ["a"], ("a",), False),
    ],
)
def test_set_qualifiers(operator: str, wanted: list[str], values: tuple[str, ...], expected: bool) -> None:
    assert holds({operator: {"key": wanted}}, key=values) is expected


def test_all_operators_and_all_keys_must_hold() -> None:
    block = {"StringEquals": {"one": "a", "two": "b"}, "Bool": {"three": "true"}}
    assert holds(block, one="a", two="b", three="true")
    assert not holds(block, one="a", two="x", three="true")
    assert not holds(block, one="a", two="b", three="false")


def test_several_values_need_a_qualifier() -> None:
    with pytest.raises(SimulatorDefect, match="ForAllValues: or ForAnyValue:"):
        holds({"StringEquals": {"key": "a"}}, key=("a", "b"))


@pytest.mark.parametrize("operator", ["IpAddress", "DateLessThan", "StringEqual", "BinaryEquals"])
def test_an_unknown_operator_is_a_defect(operator: str) -> None:
    with pytest.raises(UnknownConditionOperator, match=operator):
        holds({operator: {"key": "a"}}, key="a")


ACCOUNT = "111122223333"
INSTANCE = f"arn:aws:ec2:us-east-1:{ACCOUNT}:instance/i-0123456789abcdef0"


# Condition block, context of the access, and whether it holds for user "operator" and Region us-east-1.
KEYS: list[tuple[dict[str, Any], dict[str, Any], bool]] = [
    ({"Bool": {"aws:ViaAWSService": "true"}}, {"via_service": "drs.amazonaws.com"}, True),
    ({"Bool": {"aws:ViaAWSService": "true"}}, {}, False),
    ({"Bool": {"aws:viaawsservice": "false"}}, {}, True),
    ({"ForAnyValue:StringEquals": {"aws:CalledVia": "drs.amazonaws.com"}}, {"via_service": "drs.amazonaws.com"}, True),
    ({"ForAnyValue:StringEquals": {"aws:CalledVia": "drs.amazonaws.com"}}, {"via_service": "x.amazonaws.com"}, False),
    ({"StringEquals": {"aws:CalledViaLast": "drs.amazonaws.com"}}, {"via_service": "drs.amazonaws.com"}, True),
    ({"StringEquals": {"aws:CalledViaFirst": "drs.amazonaws.com"}}, {}, False),
    ({"StringEquals": {"aws:RequestedRegion": ["us-east-1", "us-west-2"]}}, {}, True),
    ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, {"region": "eu-west-1"}, False),
    ({"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/operator"}}, {}, True),
    ({"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{ACCOUNT}:user/other"}}, {}, False),
    ({"StringEquals": {"aws:PrincipalAccount": ACCOUNT}}, {}, True),
    ({"StringEquals": {"aws:PrincipalAccount": "444455556666"}}, {}, False),
    ({"StringEquals": {"aws:PrincipalType": "User"}}, {}, True),
    ({"StringEquals": {"aws:PrincipalType": "AssumedRole"}}, {}, False),
    ({"StringEquals": {"aws:username": "operator"}}, {}, True),
    ({"StringEquals": {"aws:username": "other"}}, {}, False),
    ({"Bool": {"aws:PrincipalIsAWSService": "false"}}, {}, True),
    ({"StringEquals": {"aws:ResourceAccount": ACCOUNT}}, {"resource": INSTANCE}, True),
    ({"StringEquals": {"aws:ResourceAccount": ACCOUNT}}, {"resource_account": "444455556666"}, False),
    ({"Bool": {"aws:SecureTransport": "true"}}, {}, True),
    ({"Null": {"aws:SourceArn": "true"}}, {}, True),
    ({"Null": {"aws:MultiFactorAuthPresent": "true"}}, {}, True),
    ({"StringEquals": {"aws:RequestTag/Team": "dr"}}, {"context": {"aws:RequestTag/Team": ("dr",)}}, True),
    ({"StringEquals": {"aws:RequestTag/Team": "dr"}}, {"context": {"aws:RequestTag/team": ("dr",)}}, False),
    ({"StringEquals": {"aws:RequestTag/Team": "dr"}}, {}, False),
    ({"ForAllValues:StringLike": {"aws:TagKeys": "dr-*"}}, {"context": {"aws:TagKeys": ("dr-a", "dr-b")}}, True),
    ({"ForAllValues:StringLike": {"aws:TagKeys": "dr-*"}}, {"context": {"aws:TagKeys": ("dr-a", "b")}}, False),
    (
        {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        {"context": {"iam:PassedToService": ("lambda.amazonaws.com",)}},
        True,
    ),
    (
        {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}},
        {"context": {"iam:PassedToService": ("ec2.amazonaws.com",)}},
        False,
    ),
    ({"StringEquals": {"sts:ExternalId": "secret"}}, {"context": {"sts:ExternalId": ("secret",)}}, True),
    ({"StringEquals": {"sts:ExternalId": "secret"}}, {"context": {"sts:ExternalId": ("guess",)}}, False),
    ({"StringEquals": {"sts:ExternalId": "secret"}}, {}, False),
    ({"StringEquals": {"cloudwatch:namespace": "Engine"}}, {"context": {"cloudwatch:namespace": ("Engine",)}}, True),
    ({"StringEquals": {"cloudwatch:namespace": "Engine"}}, {"context": {"cloudwatch:namespace": ("Else",)}}, False),
]


@pytest.mark.parametrize(("block", "more", "expected"), KEYS)
def test_condition_keys(
    account: Any, judge: Any, allow: Any, block: dict[str, Any], more: dict[str, Any], expected: bool
) -> None:
    operator = account.user("operator", allow("ec2:*", Condition=block))
    given = {"resource": INSTANCE, **more}
    assert (judge.access(operator, "ec2:TerminateInstances", **given) is None) is expected


def test_an_unknown_key_is_a_defect_and_no_silent_answer(account: Any, judge: Any, allow: Any, deny: Any) -> None:
    for make in (allow, deny):
        operator = account.user("operator", make("ec2:*", Condition={"StringEquals": {"aws:SourceIp": "10.0.0.1"}}))
        with pytest.raises(UnknownConditionKey, match="aws:SourceIp"):
            judge.access(operator, "ec2:TerminateInstances", INSTANCE)


def test_a_condition_of_a_statement_for_something_else_is_not_asked(account: Any, judge: Any, allow: Any) -> None:
    other = allow("s3:*", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.1"}})
    assert judge.access(account.user("operator", other, allow("ec2:*")), "ec2:StopInstances", INSTANCE) is None


class TestResourceTags:
    def test_of_an_ec2_instance(self, account: Any, judge: Any, allow: Any) -> None:
        from moto.ec2.models import ec2_backends

        reservation = ec2_backends[ACCOUNT]["us-east-1"].run_instances(
            "ami-12345678",
            1,
            None,
            [],
            region_name="us-east-1",
            instance_type="t3.micro",
            is_instance_type_default=False,
            tags={"instance": {"Drill": "yes"}},
        )
        arn = INSTANCE.replace("i-0123456789abcdef0", reservation.instances[0].id)
        for key in ("aws:ResourceTag/Drill", "ec2:ResourceTag/Drill"):
            for value, expected in (("yes", True), ("no", False)):
                operator = account.user("operator", allow("ec2:*", Condition={"StringEquals": {key: value}}))
                assert (judge.access(operator, "ec2:TerminateInstances", arn) is None) is expected
        assert judge.access(operator, "ec2:TerminateInstances", INSTANCE) is not None

    def test_of_a_role(self, account: Any, judge: Any, allow: Any) -> None:
        account.role("engine", tags={"Team": "dr"})
        role = f"arn:aws:iam::{ACCOUNT}:role/engine"
        for value, expected in (("dr", True), ("web", False)):
            condition = {"StringEquals": {"aws:ResourceTag/Team": value}}
            operator = account.user("operator", allow("iam:*", Condition=condition))
            assert (judge.access(operator, "iam:PassRole", role) is None) is expected

    def test_of_a_service_that_the_simulator_cannot_read_is_a_defect(
        self, account: Any, judge: Any, allow: Any
    ) -> None:
        operator = account.user("operator", allow("sns:*", Condition={"StringEquals": {"aws:ResourceTag/a": "b"}}))
        with pytest.raises(SimulatorDefect, match="cannot read the tags"):
            judge.access(operator, "sns:Publish", f"arn:aws:sns:us-east-1:{ACCOUNT}:topic")


def test_principal_tags_are_those_of_the_role(account: Any, judge: Any, allow: Any) -> None:
    condition = {"StringEquals": {"aws:PrincipalTag/Team": "dr"}}
    account.role("tagged", allow("ec2:*", Condition=condition), tags={"Team": "dr"})
    account.role("untagged", allow("ec2:*", Condition=condition))
    assert judge.access(account.session("tagged"), "ec2:StopInstances", INSTANCE) is None
    assert judge.access(account.session("untagged"), "ec2:StopInstances", INSTANCE) is not None


def test_policy_variables_are_filled_in(account: Any, judge: Any, allow: Any) -> None:
    own = allow("iam:*", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}")
    operator = account.user("operator", own)
    account.user("other")
    assert judge.access(operator, "iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/operator") is None
    assert judge.access(operator, "iam:CreateAccessKey", f"arn:aws:iam::{ACCOUNT}:user/other") is not None
    account.role("engine", own)
    assert judge.access(account.session("engine"), "iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/engine") is not None
