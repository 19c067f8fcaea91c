"""The rights of users, groups, roles and sessions by their own policies."""

from __future__ import annotations

from typing import Any

import pytest
from moto.iam.aws_managed_policies import aws_managed_policies_data

from simulator.iam import used
from simulator.iam.policy import ResourceNotMapped, compile_policy

ACCOUNT = "111122223333"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/Plans"
HISTORY = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/History"


def test_nothing_is_allowed_by_itself(account: Any, judge: Any) -> None:
    denied = judge.access(account.user("operator"), "dynamodb:GetItem", TABLE)
    assert denied.message == (
        f"User: arn:aws:iam::{ACCOUNT}:user/operator is not authorized to perform: dynamodb:GetItem"
        f" on resource: {TABLE} because no identity-based policy allows the dynamodb:GetItem action"
    )
    assert (denied.code, denied.status) == ("AccessDeniedException", 403)


@pytest.mark.parametrize(
    ("element", "action", "allowed"),
    [
        ({"Action": "dynamodb:GetItem"}, "dynamodb:GetItem", True),
        ({"Action": "dynamodb:GetItem"}, "dynamodb:PutItem", False),
        ({"Action": ["dynamodb:GetItem", "dynamodb:PutItem"]}, "dynamodb:PutItem", True),
        ({"Action": "dynamodb:*"}, "dynamodb:PutItem", True),
        ({"Action": "dynamodb:*"}, "sns:Publish", False),
        ({"Action": "*"}, "dynamodb:PutItem", True),
        ({"Action": "DYNAMODB:getitem"}, "dynamodb:GetItem", True),
        ({"Action": "dynamodb:*Item"}, "dynamodb:Query", False),
        ({"NotAction": "dynamodb:DeleteItem"}, "dynamodb:GetItem", True),
        ({"NotAction": "dynamodb:DeleteItem"}, "dynamodb:DeleteItem", False),
        ({"NotAction": ["iam:*", "dynamodb:Delete*"]}, "dynamodb:DeleteItem", False),
    ],
)
def test_actions(account: Any, judge: Any, element: dict[str, Any], action: str, allowed: bool) -> None:
    operator = account.user("operator", {"Effect": "Allow", "Resource": "*", **element})
    assert (judge.access(operator, action, TABLE) is None) is allowed


@pytest.mark.parametrize(
    ("element", "resource", "allowed"),
    [
        ({"Resource": TABLE}, TABLE, True),
        ({"Resource": TABLE}, HISTORY, False),
        ({"Resource": [TABLE, HISTORY]}, HISTORY, True),
        ({"Resource": f"arn:aws:dynamodb:*:{ACCOUNT}:table/*"}, TABLE, True),
        ({"Resource": "*"}, TABLE, True),
        ({"Resource": "*"}, "*", True),
        # An action without resources needs a statement for all resources.
        ({"Resource": TABLE}, "*", False),
        ({"NotResource": TABLE}, HISTORY, True),
        ({"NotResource": TABLE}, TABLE, False),
        ({"NotResource": [TABLE, HISTORY]}, HISTORY, False),
    ],
)
def test_resources(account: Any, judge: Any, element: dict[str, Any], resource: str, allowed: bool) -> None:
    operator = account.user("operator", {"Effect": "Allow", "Action": "dynamodb:*", **element})
    assert (judge.access(operator, "dynamodb:GetItem", resource) is None) is allowed


@pytest.mark.parametrize("allow_first", [True, False])
def test_an_explicit_deny_wins_wherever_it_stands(
    account: Any, judge: Any, allow: Any, deny: Any, allow_first: bool
) -> None:
    pair = [allow("*"), deny("dynamodb:Delete*", TABLE)]
    operator = account.user("operator", *(pair if allow_first else pair[::-1]))
    assert judge.access(operator, "dynamodb:GetItem", TABLE) is None
    assert judge.access(operator, "dynamodb:DeleteItem", HISTORY) is None
    denied = judge.access(operator, "dynamodb:DeleteItem", TABLE)
    assert denied.message.endswith("with an explicit deny in an identity-based policy")


def test_a_deny_whose_condition_does_not_hold_denies_nothing(account: Any, judge: Any, allow: Any, deny: Any) -> None:
    elsewhere = deny("*", Condition={"StringNotEquals": {"aws:RequestedRegion": "us-east-1"}})
    operator = account.user("operator", allow("*"), elsewhere)
    assert judge.access(operator, "dynamodb:GetItem", TABLE) is None
    assert judge.access(operator, "dynamodb:GetItem", TABLE, region="eu-west-1") is not None


class TestWherePoliciesHang:
    def test_on_the_user_as_managed_policy(self, account: Any, judge: Any, allow: Any) -> None:
        operator = account.user("operator")
        policy = account.managed_policy("reader", allow("dynamodb:GetItem", TABLE))
        assert judge.access(operator, "dynamodb:GetItem", TABLE) is not None
        account.iam.attach_user_policy(policy, "operator")
        assert judge.access(operator, "dynamodb:GetItem", TABLE) is None
        account.iam.detach_user_policy(policy, "operator")
        assert judge.access(operator, "dynamodb:GetItem", TABLE) is not None

    def test_the_default_version_counts(self, account: Any, judge: Any, allow: Any) -> None:
        operator = account.user("operator")
        policy = account.managed_policy("reader", allow("dynamodb:GetItem"))
        account.iam.attach_user_policy(policy, "operator")
        account.iam.create_policy_version(policy, account.document(allow("dynamodb:PutItem")), "true")
        assert judge.access(operator, "dynamodb:GetItem", TABLE) is not None
        assert judge.access(operator, "dynamodb:PutItem", TABLE) is None

    def test_on_a_group_of_the_user(self, account: Any, judge: Any, allow: Any) -> None:
        operator, stranger = account.user("operator"), account.user("stranger")
        account.iam.create_group("operators", "/")
        account.iam.put_group_policy("operators", "inline", account.document(allow("dynamodb:GetItem")))
        account.iam.attach_group_policy(account.managed_policy("writer", allow("dynamodb:PutItem")), "operators")
        account.iam.add_user_to_group("operators", "operator")
        for action in ("dynamodb:GetItem", "dynamodb:PutItem"):
            assert judge.access(operator, action, TABLE) is None
            assert judge.access(stranger, action, TABLE) is not None
        assert judge.access(operator, "dynamodb:DeleteItem", TABLE) is not None

    def test_on_the_role_for_its_sessions(self, account: Any, judge: Any, allow: Any) -> None:
        role = account.role("engine", allow("dynamodb:GetItem"))
        account.iam.attach_role_policy(account.managed_policy("writer", allow("dynamodb:PutItem")), "engine")
        for principal in (role, account.session("engine", "run-1")):
            assert judge.access(principal, "dynamodb:GetItem", TABLE) is None
            assert judge.access(principal, "dynamodb:PutItem", TABLE) is None
            assert judge.access(principal, "dynamodb:DeleteItem", TABLE) is not None

    def test_a_session_of_a_deleted_role_may_nothing(self, account: Any, judge: Any, allow: Any) -> None:
        account.role("engine", allow("*"))
        session = account.session("engine")
        assert judge.access(session, "dynamodb:GetItem", TABLE) is None
        account.iam.delete_role_policy("engine", "inline")
        account.iam.delete_role("engine")
        denied = judge.access(session, "dynamodb:GetItem", TABLE)
        assert session in denied.message

    def test_a_changed_policy_counts_at_once(self, account: Any, judge: Any, allow: Any) -> None:
        operator = account.user("operator", allow("dynamodb:GetItem"))
        assert judge.access(operator, "dynamodb:GetItem", TABLE) is None
        account.user("operator", allow("dynamodb:PutItem"))
        assert judge.access(operator, "dynamodb:GetItem", TABLE) is not None

    def test_an_administrator_may_everything(self, account: Any, judge: Any, allow: Any) -> None:
        admin = account.user("admin", allow("*"))
        for action, resource in (("iam:DeleteRole", "*"), ("drs:StartRecovery", TABLE), ("anything:AtAll", None)):
            assert judge.access(admin, action, resource) is None

    def test_so_may_the_accounts_root_but_only_there(self, account: Any, judge: Any) -> None:
        root = f"arn:aws:iam::{ACCOUNT}:root"
        assert judge.access(root, "dynamodb:GetItem", TABLE) is None
        assert judge.access(root, "dynamodb:GetItem", TABLE.replace(ACCOUNT, "444455556666")) is not None


class TestBoundsTakeAway:
    def test_a_permissions_boundary(self, account: Any, judge: Any, allow: Any) -> None:
        account.role("engine", allow("dynamodb:*"))
        account.iam.put_role_permissions_boundary("engine", account.managed_policy("bound", allow("dynamodb:GetItem")))
        session = account.session("engine")
        assert judge.access(session, "dynamodb:GetItem", TABLE) is None
        denied = judge.access(session, "dynamodb:PutItem", TABLE)
        assert denied.message.endswith("because no permissions boundary allows the dynamodb:PutItem action")

    def test_a_boundary_grants_nothing(self, account: Any, judge: Any, allow: Any) -> None:
        account.role("engine")
        account.iam.put_role_permissions_boundary("engine", account.managed_policy("bound", allow("*")))
        assert judge.access(account.session("engine"), "dynamodb:GetItem", TABLE) is not None

    def test_a_sessions_policy(self, account: Any, judge: Any, allow: Any, deny: Any) -> None:
        account.role("engine", allow("dynamodb:*"))
        narrow = account.session(
            "engine", "narrow", account.document(allow("dynamodb:GetItem"), deny("dynamodb:Query"))
        )
        assert judge.access(narrow, "dynamodb:GetItem", TABLE) is None
        assert "no session policy allows" in judge.access(narrow, "dynamodb:PutItem", TABLE).message
        assert "explicit deny in a session policy" in judge.access(narrow, "dynamodb:Query", TABLE).message
        assert judge.access(account.session("engine", "wide"), "dynamodb:PutItem", TABLE) is None


def test_caller_identity_is_free_even_when_denied(account: Any, judge: Any, deny: Any) -> None:
    assert judge.call(account.user("operator", deny("*")), "sts", "GetCallerIdentity") is None


def test_a_resource_that_is_not_known_is_a_defect_only_when_a_policy_asks_for_it(
    account: Any, judge: Any, allow: Any
) -> None:
    anywhere = account.user("anywhere", allow("drs:*"))
    narrow = account.user("narrow", allow("drs:*", f"arn:aws:drs:us-east-1:{ACCOUNT}:job/*"))
    assert judge.access(anywhere, "drs:DeleteLaunchAction", None) is None
    with pytest.raises(ResourceNotMapped, match="drs:DeleteLaunchAction"):
        judge.access(narrow, "drs:DeleteLaunchAction", None)


def test_all_of_awss_managed_policies_can_be_read() -> None:
    import json

    policies = json.loads(aws_managed_policies_data)
    assert len(policies) > 1000
    for policy in policies.values():
        assert compile_policy(json.dumps(policy["Document"]))


class TestUse:
    def test_only_allowed_accesses_are_noted(self, account: Any, judge: Any, allow: Any) -> None:
        operator = account.user("operator", allow("dynamodb:GetItem", TABLE))
        judge.access(operator, "dynamodb:GetItem", TABLE)
        judge.access(operator, "dynamodb:PutItem", TABLE)
        assert [(one.principal, one.action, one.resource, one.via_service) for one in used()] == [
            (operator, "dynamodb:GetItem", TABLE, None)
        ]

    def test_a_session_counts_for_its_role_and_each_right_once(self, account: Any, judge: Any, allow: Any) -> None:
        role = account.role("engine", allow("ec2:*"))
        for name in ("one", "two"):
            judge.access(account.session("engine", name), "ec2:RunInstances", "*", via_service="drs.amazonaws.com")
        assert [(one.principal, one.via_service) for one in used()] == [(role, "drs.amazonaws.com")]


@pytest.mark.parametrize(
    ("action", "code", "start"),
    [
        ("ec2:StopInstances", "UnauthorizedOperation", "You are not authorized to perform this operation. User: "),
        ("drs:StartRecovery", "AccessDeniedException", "User: "),
        ("lambda:InvokeFunction", "AccessDeniedException", "User: "),
        ("states:StartExecution", "AccessDeniedException", "User: "),
        ("s3:GetObject", "AccessDenied", "User: "),
        ("iam:PassRole", "AccessDenied", "User: "),
        ("sts:AssumeRole", "AccessDenied", "User: "),
        ("sns:Publish", "AuthorizationError", "User: "),
    ],
)
def test_each_service_refuses_with_its_own_code(account: Any, judge: Any, action: str, code: str, start: str) -> None:
    denied = judge.access(account.user("operator"), action)
    assert denied.code == code
    assert denied.message.startswith(start)
    assert "on resource" not in denied.message
