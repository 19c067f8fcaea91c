"""Policies of functions, topics, queues, buckets and roles; access across accounts; services as principals."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest

ACCOUNT, OTHER, REGION = "111122223333", "444455556666", "us-east-1"
RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/ended"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:engine"


@pytest.fixture
def client(account: Any, allow: Any) -> Any:
    """boto3 clients of an administrator of the account (moto itself checks no policy here)."""
    account.user("admin", allow("*"))
    key = account.iam.create_access_key(user_name="admin")
    session = boto3.Session(key.access_key_id, key.secret_access_key, region_name=REGION)
    return session.client


@pytest.fixture
def function(account: Any, client: Any) -> Any:
    """A function `engine` in the account; its Lambda client."""
    import io
    import zipfile

    account.role("engine", trust={"Principal": {"Service": "lambda.amazonaws.com"}})
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("index.py", "def handler(event, context): pass")
    aws_lambda = client("lambda")
    aws_lambda.create_function(
        FunctionName="engine",
        Runtime="python3.12",
        Role=f"arn:aws:iam::{ACCOUNT}:role/engine",
        Handler="index.handler",
        Code={"ZipFile": code.getvalue()},
    )
    return aws_lambda


class TestFunction:
    def test_a_service_needs_the_functions_permission(self, judge: Any, function: Any) -> None:
        ask = lambda: judge.access("events.amazonaws.com", "lambda:InvokeFunction", FUNCTION, source_arn=RULE)  # noqa: E731 asked before and after
        assert "no resource-based policy allows" in ask().message
        function.add_permission(
            FunctionName="engine",
            StatementId="rule",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=RULE,
        )
        assert ask() is None

    @pytest.mark.parametrize(
        ("principal", "action", "source", "allowed"),
        [
            ("events.amazonaws.com", "lambda:InvokeFunction", RULE, True),
            ("events.amazonaws.com", "lambda:InvokeFunction", RULE + "-other", False),
            ("events.amazonaws.com", "lambda:InvokeFunction", None, False),
            ("events.amazonaws.com", "lambda:DeleteFunction", RULE, False),
            ("sns.amazonaws.com", "lambda:InvokeFunction", RULE, False),
        ],
    )
    def test_a_permission_is_for_one_service_action_and_source(
        self, judge: Any, function: Any, principal: str, action: str, source: str | None, allowed: bool
    ) -> None:
        function.add_permission(
            FunctionName="engine",
            StatementId="rule",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
            SourceArn=RULE,
        )
        assert (judge.access(principal, action, FUNCTION, source_arn=source) is None) is allowed

    def test_a_user_of_another_account_needs_both_sides(
        self, other: Any, judge: Any, allow: Any, function: Any
    ) -> None:
        stranger = other.user("stranger", allow("lambda:InvokeFunction", FUNCTION))
        powerless = other.user("powerless")
        call = {"action": "lambda:InvokeFunction", "resource": FUNCTION, "account": OTHER}
        assert "no resource-based policy allows" in judge.access(stranger, **call).message
        function.add_permission(
            FunctionName="engine", StatementId="other", Action="lambda:InvokeFunction", Principal=OTHER
        )
        assert judge.access(stranger, **call) is None
        assert "no identity-based policy allows" in judge.access(powerless, **call).message

    def test_a_function_that_does_not_exist_lets_no_service_in(self, judge: Any, function: Any) -> None:
        assert judge.access("events.amazonaws.com", "lambda:InvokeFunction", FUNCTION + "2", source_arn=RULE)


class TestTopic:
    @pytest.fixture
    def topic(self, client: Any) -> str:
        return str(client("sns").create_topic(Name="results")["TopicArn"])

    def set_policy(self, client: Any, topic: str, *statements: dict[str, Any]) -> None:
        policy = json.dumps({"Version": "2012-10-17", "Statement": [{"Resource": topic, **one} for one in statements]})
        client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)

    def test_its_default_policy_lets_its_own_account_in(
        self, account: Any, other: Any, judge: Any, allow: Any, topic: str
    ) -> None:
        assert judge.access(account.user("powerless"), "sns:Publish", topic) is None
        stranger = other.user("stranger", allow("sns:Publish"))
        assert judge.access(stranger, "sns:Publish", topic, account=OTHER) is not None

    def test_a_principal_of_the_account_that_it_names_needs_no_more(
        self, account: Any, judge: Any, client: Any, topic: str
    ) -> None:
        named, stranger = account.user("named"), account.user("stranger")
        self.set_policy(client, topic, {"Effect": "Allow", "Principal": {"AWS": named}, "Action": "sns:Publish"})
        assert judge.access(named, "sns:Publish", topic) is None
        assert judge.access(stranger, "sns:Publish", topic) is not None
        assert judge.access(named, "sns:DeleteTopic", topic) is not None

    def test_naming_the_account_only_delegates(
        self, account: Any, judge: Any, allow: Any, client: Any, topic: str
    ) -> None:
        self.set_policy(client, topic, {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sns:Publish"})
        assert judge.access(account.user("powerless"), "sns:Publish", topic) is not None
        assert judge.access(account.user("publisher", allow("sns:Publish")), "sns:Publish", topic) is None

    @pytest.mark.parametrize("named_first", [True, False])
    def test_naming_the_principal_counts_beside_naming_its_account(
        self, account: Any, judge: Any, client: Any, topic: str, named_first: bool
    ) -> None:
        principals = [account.user("named"), ACCOUNT]
        grants = [
            {"Effect": "Allow", "Principal": {"AWS": one}, "Action": "sns:Publish"}
            for one in (principals if named_first else principals[::-1])
        ]
        self.set_policy(client, topic, *grants)
        assert judge.access(principals[0], "sns:Publish", topic) is None

    def test_its_deny_wins_over_an_administrator(self, account: Any, judge: Any, client: Any, topic: str) -> None:
        self.set_policy(client, topic, {"Effect": "Deny", "Principal": "*", "Action": "sns:Publish"})
        denied = judge.access(f"arn:aws:iam::{ACCOUNT}:user/admin", "sns:Publish", topic)
        assert denied.message.endswith("with an explicit deny in a resource-based policy")

    def test_a_role_that_it_names_means_its_sessions(self, account: Any, judge: Any, client: Any, topic: str) -> None:
        role = account.role("engine")
        account.role("other")
        self.set_policy(client, topic, {"Effect": "Allow", "Principal": {"AWS": role}, "Action": "sns:Publish"})
        assert judge.access(account.session("engine"), "sns:Publish", topic) is None
        assert judge.access(account.session("other"), "sns:Publish", topic) is not None

    def test_a_session_that_it_names_means_only_that_one(
        self, account: Any, judge: Any, client: Any, topic: str
    ) -> None:
        account.role("engine")
        one, two = account.session("engine", "one"), account.session("engine", "two")
        self.set_policy(client, topic, {"Effect": "Allow", "Principal": {"AWS": one}, "Action": "sns:Publish"})
        assert judge.access(one, "sns:Publish", topic) is None
        assert judge.access(two, "sns:Publish", topic) is not None


class TestQueue:
    @pytest.mark.parametrize(
        ("source", "allowed"), [("results", True), ("others", False)], ids=["its topic", "another topic"]
    )
    def test_a_topic_may_send_to_a_queue_that_says_so(
        self, judge: Any, client: Any, source: str, allowed: bool
    ) -> None:
        queue, topic = f"arn:aws:sqs:{REGION}:{ACCOUNT}:mail", f"arn:aws:sns:{REGION}:{ACCOUNT}"
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": queue,
            "Condition": {"ArnEquals": {"aws:SourceArn": f"{topic}:results"}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        client("sqs").create_queue(QueueName="mail", Attributes={"Policy": policy})
        denied = judge.access("sns.amazonaws.com", "sqs:SendMessage", queue, source_arn=f"{topic}:{source}")
        assert (denied is None) is allowed

    def test_a_queue_without_policy_lets_no_service_in(self, judge: Any, client: Any) -> None:
        client("sqs").create_queue(QueueName="mail")
        queue = f"arn:aws:sqs:{REGION}:{ACCOUNT}:mail"
        assert judge.access("sns.amazonaws.com", "sqs:SendMessage", queue) is not None


class TestBucket:
    def test_another_account_needs_both_sides(self, other: Any, judge: Any, allow: Any, client: Any) -> None:
        client("s3").create_bucket(Bucket="code")
        stranger = other.user("stranger", allow("s3:GetObject"))
        call = {"action": "s3:GetObject", "resource": "arn:aws:s3:::code/a", "resource_account": ACCOUNT}
        assert judge.access(stranger, account=OTHER, **call) is not None
        grant = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{OTHER}:root"},
            "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::code/*",
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [grant]})
        client("s3").put_bucket_policy(Bucket="code", Policy=policy)
        assert judge.access(stranger, account=OTHER, **call) is None
        assert judge.access(other.user("powerless"), account=OTHER, **call) is not None

    def test_a_bucket_belongs_to_the_account_that_made_it(
        self, other: Any, judge: Any, allow: Any, client: Any
    ) -> None:
        client("s3").create_bucket(Bucket="code")
        stranger = other.user("stranger", allow("s3:*"))
        assert judge.call(stranger, "s3", "GetObject", Bucket="code", Key="a") is not None


class TestAssumeRole:
    def assume(self, judge: Any, principal: str, role: str, **more: Any) -> Any:
        return judge.call(principal, "sts", "AssumeRole", RoleArn=role, RoleSessionName="run", **more)

    def test_in_the_same_account_the_account_delegates(self, account: Any, judge: Any, allow: Any) -> None:
        role = account.role("engine")
        assert self.assume(judge, account.user("allowed", allow("sts:AssumeRole", role)), role) is None
        denied = self.assume(judge, account.user("powerless"), role)
        assert denied.code == "AccessDenied"
        assert denied.message == (
            f"User: arn:aws:iam::{ACCOUNT}:user/powerless is not authorized to perform: sts:AssumeRole"
            f" on resource: {role}"
        )

    def test_in_the_same_account_naming_the_principal_is_enough(self, account: Any, judge: Any) -> None:
        named = account.user("named")
        role = account.role("engine", trust={"Principal": {"AWS": named}})
        assert self.assume(judge, named, role) is None
        assert self.assume(judge, account.user("stranger"), role) is not None

    @pytest.mark.parametrize("named_by", ["account number", "account root", "role"])
    def test_across_accounts_both_sides_must_agree(
        self, account: Any, other: Any, judge: Any, allow: Any, named_by: str
    ) -> None:
        target = f"arn:aws:iam::{OTHER}:role/recovery"
        engine = account.role("engine", allow("sts:AssumeRole", target))
        trusted = {"account number": ACCOUNT, "account root": f"arn:aws:iam::{ACCOUNT}:root", "role": engine}
        other.role("recovery", trust={"Principal": {"AWS": trusted[named_by]}})
        account.role("powerless")
        assert self.assume(judge, account.session("engine"), target) is None
        assert self.assume(judge, account.session("powerless"), target) is not None

    def test_being_named_by_another_account_is_not_enough(self, account: Any, other: Any, judge: Any) -> None:
        engine = account.role("engine")
        target = other.role("recovery", trust={"Principal": {"AWS": engine}})
        assert self.assume(judge, account.session("engine"), target) is not None

    def test_a_role_that_trusts_somebody_else_refuses(self, account: Any, other: Any, judge: Any, allow: Any) -> None:
        target = other.role("recovery", trust={"Principal": {"AWS": "999988887777"}})
        account.role("engine", allow("sts:AssumeRole"))
        assert self.assume(judge, account.session("engine"), target) is not None

    def test_a_role_that_does_not_exist_sounds_like_one_that_refuses(
        self, account: Any, judge: Any, allow: Any
    ) -> None:
        account.role("engine", allow("sts:AssumeRole"))
        target = f"arn:aws:iam::{OTHER}:role/recovery"
        denied = self.assume(judge, account.session("engine"), target)
        assert denied.message.endswith(f"is not authorized to perform: sts:AssumeRole on resource: {target}")

    def test_an_administrator_does_not_get_past_a_trust_policy(
        self, account: Any, other: Any, judge: Any, allow: Any
    ) -> None:
        target = other.role("recovery", trust={"Principal": {"Service": "lambda.amazonaws.com"}})
        assert self.assume(judge, account.user("admin", allow("*")), target) is not None

    @pytest.mark.parametrize(("external_id", "allowed"), [("secret", True), ("guess", False), (None, False)])
    def test_the_external_id_must_be_the_one(
        self, account: Any, other: Any, judge: Any, allow: Any, external_id: str | None, allowed: bool
    ) -> None:
        trust = {"Principal": {"AWS": ACCOUNT}, "Condition": {"StringEquals": {"sts:ExternalId": "secret"}}}
        target = other.role("recovery", trust=trust)
        account.role("engine", allow("sts:AssumeRole", target))
        given = {"ExternalId": external_id} if external_id else {}
        assert (self.assume(judge, account.session("engine"), target, **given) is None) is allowed

    def test_an_external_id_that_nobody_asks_for_does_no_harm(self, account: Any, judge: Any, allow: Any) -> None:
        role = account.role("engine")
        assert self.assume(judge, account.user("operator", allow("sts:*")), role, ExternalId="x") is None

    def test_an_explicit_deny_of_the_caller_wins(self, account: Any, judge: Any, deny: Any) -> None:
        operator = account.user("operator", deny("sts:AssumeRole"))
        role = account.role("engine", trust={"Principal": {"AWS": operator}})
        assert self.assume(judge, operator, role) is not None

    @pytest.mark.parametrize(
        ("service", "source", "allowed"),
        [
            ("states.amazonaws.com", f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:engine", True),
            ("states.amazonaws.com", f"arn:aws:states:{REGION}:{OTHER}:stateMachine:engine", False),
            ("states.amazonaws.com", None, False),
            ("lambda.amazonaws.com", f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:engine", False),
        ],
    )
    def test_a_service_takes_a_role_that_trusts_it_for_that_source(
        self, account: Any, judge: Any, service: str, source: str | None, allowed: bool
    ) -> None:
        trust = {
            "Principal": {"Service": "states.amazonaws.com"},
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
        }
        role = account.role("machine", trust=trust)
        assert (judge.access(service, "sts:AssumeRole", role, source_arn=source) is None) is allowed

    def test_a_role_in_a_path_is_found_by_its_whole_arn(self, account: Any, judge: Any, allow: Any) -> None:
        trusting = account.document({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": ACCOUNT}})
        account.iam.create_role("engine", trusting, "/service-role/", None, "", [], "3600")
        operator = account.user("operator", allow("sts:AssumeRole"))
        assert self.assume(judge, operator, f"arn:aws:iam::{ACCOUNT}:role/service-role/engine") is None
        assert self.assume(judge, operator, f"arn:aws:iam::{ACCOUNT}:role/engine") is not None


def test_a_service_that_has_no_policies_is_closed_to_other_accounts(
    account: Any, other: Any, judge: Any, allow: Any
) -> None:
    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/Plans"
    stranger = other.user("stranger", allow("*"))
    assert "no resource-based policy allows" in judge.access(stranger, "dynamodb:GetItem", table, account=OTHER).message
