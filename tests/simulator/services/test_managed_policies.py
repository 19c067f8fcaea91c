"""AWS's managed policies: looked up, attached, detached, given by a template, and judged."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from simulator import Simulator

CONSOLE = "arn:aws:iam::aws:policy/AWSElasticDisasterRecoveryConsoleFullAccess"
READ_ONLY = "arn:aws:iam::aws:policy/AWSElasticDisasterRecoveryReadOnlyAccess"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}],
}
NO_RIGHTS = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:GetAccessKeyInfo", "Resource": "*"}]}
)


@pytest.fixture
def iam(aws: Simulator) -> Any:
    return aws.session().client("iam")


def test_a_policy_of_aws_is_found_with_its_document(iam: Any) -> None:
    policy = iam.get_policy(PolicyArn=CONSOLE)["Policy"]
    version = iam.get_policy_version(PolicyArn=CONSOLE, VersionId=policy["DefaultVersionId"])["PolicyVersion"]
    assert "drs:*" in json.dumps(version["Document"])
    assert policy["AttachmentCount"] == 0


def test_the_policies_of_aws_are_listed_apart_from_own_ones(iam: Any) -> None:
    iam.create_policy(PolicyName="mine", PolicyDocument=NO_RIGHTS)
    own = [one for page in iam.get_paginator("list_policies").paginate(Scope="Local") for one in page["Policies"]]
    all_ = [one for page in iam.get_paginator("list_policies").paginate(Scope="AWS") for one in page["Policies"]]
    assert [one["PolicyName"] for one in own] == ["mine"]
    assert len(all_) > 1000
    assert CONSOLE in {one["Arn"] for one in all_}


@pytest.mark.parametrize("kind", ["role", "user", "group"])
def test_a_policy_of_aws_is_attached_and_detached(iam: Any, kind: str) -> None:
    name = {f"{kind.capitalize()}Name": "one"}
    if kind == "role":
        iam.create_role(RoleName="one", AssumeRolePolicyDocument=json.dumps(TRUST))
    else:
        getattr(iam, f"create_{kind}")(**name)
    getattr(iam, f"attach_{kind}_policy")(**name, PolicyArn=CONSOLE)
    listed = getattr(iam, f"list_attached_{kind}_policies")(**name)["AttachedPolicies"]
    assert listed == [{"PolicyName": "AWSElasticDisasterRecoveryConsoleFullAccess", "PolicyArn": CONSOLE}]
    getattr(iam, f"detach_{kind}_policy")(**name, PolicyArn=CONSOLE)
    assert getattr(iam, f"list_attached_{kind}_policies")(**name)["AttachedPolicies"] == []


def test_a_policy_that_aws_does_not_have_is_refused(iam: Any) -> None:
    iam.create_user(UserName="one")
    with pytest.raises(ClientError) as refusal:
        iam.attach_user_policy(UserName="one", PolicyArn="arn:aws:iam::aws:policy/AWSElasticDisasterRecoveryNone")
    assert refusal.value.response["Error"]["Code"] == "NoSuchEntity"


def test_the_identifiers_of_other_resources_stay_the_same() -> None:
    def role_id(looks: bool) -> str:
        with Simulator() as aws:
            iam = aws.session().client("iam")
            iam.get_policy(PolicyArn=CONSOLE) if looks else iam.list_users()
            return str(iam.create_role(RoleName="one", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["RoleId"])

    assert role_id(looks=True) == role_id(looks=False)


def test_the_console_s_policy_suffices_for_a_drill(aws: Simulator) -> None:
    aws.drs.initialize()
    server = aws.drs.add_source_server(hostname="database-1")
    operator = aws.session(user="operator", policy=NO_RIGHTS)
    drs = operator.client("drs")
    with pytest.raises(ClientError, match="not authorized"):
        drs.describe_source_servers(filters={})
    aws.session().client("iam").attach_user_policy(UserName="operator", PolicyArn=f"{CONSOLE}_v2")
    drs.start_recovery(sourceServers=[{"sourceServerID": server}], isDrill=True)
    aws.wait_until(lambda: drs.describe_jobs()["items"][0]["status"] == "COMPLETED", timeout=7200)
    (launched,) = drs.describe_jobs()["items"][0]["participatingServers"]
    assert launched["launchStatus"] == "LAUNCHED"
    drs.terminate_recovery_instances(recoveryInstanceIDs=[launched["recoveryInstanceID"]])


def test_the_read_only_policy_reads_only(aws: Simulator) -> None:
    aws.drs.initialize()
    server = aws.drs.add_source_server(hostname="database-1")
    operator = aws.session(user="operator", policy=NO_RIGHTS)
    aws.session().client("iam").attach_user_policy(UserName="operator", PolicyArn=READ_ONLY)
    drs = operator.client("drs")
    assert len(drs.describe_source_servers(filters={})["items"]) == 1
    with pytest.raises(ClientError, match="drs:StartRecovery"):
        drs.start_recovery(sourceServers=[{"sourceServerID": server}], isDrill=True)


def deploy(aws: Simulator, operation: str, properties: dict[str, Any], kind: str = "Role") -> None:
    if kind == "Role":
        properties = {"AssumeRolePolicyDocument": TRUST, **properties}
    template = {"Resources": {"One": {"Type": f"AWS::IAM::{kind}", "Properties": {f"{kind}Name": "one", **properties}}}}
    call = getattr(aws.session().client("cloudformation"), operation)
    call(StackName="policies", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"])


def attached(iam: Any, kind: str = "role") -> list[str]:
    answer = getattr(iam, f"list_attached_{kind}_policies")(**{f"{kind.capitalize()}Name": "one"})
    return [one["PolicyArn"] for one in answer["AttachedPolicies"]]


@pytest.mark.parametrize("kind", ["Role", "User"])
def test_a_template_attaches_managed_policies(aws: Simulator, iam: Any, kind: str) -> None:
    own = iam.create_policy(PolicyName="mine", PolicyDocument=NO_RIGHTS)["Policy"]["Arn"]
    inline = [{"PolicyName": "inline", "PolicyDocument": json.loads(NO_RIGHTS)}]
    deploy(aws, "create_stack", {"ManagedPolicyArns": [CONSOLE, own], "Policies": inline}, kind)
    assert attached(iam, kind.lower()) == [CONSOLE, own]
    names = getattr(iam, f"list_{kind.lower()}_policies")(**{f"{kind}Name": "one"})["PolicyNames"]
    assert names == ["inline"]
    aws.session().client("cloudformation").delete_stack(StackName="policies")
    with pytest.raises(ClientError, match="NoSuchEntity"):
        attached(iam, kind.lower())


def test_an_update_replaces_the_policies_of_the_template_only(aws: Simulator, iam: Any) -> None:
    inline = [{"PolicyName": "first", "PolicyDocument": json.loads(NO_RIGHTS)}]
    deploy(aws, "create_stack", {"ManagedPolicyArns": [CONSOLE], "Policies": inline})
    iam.put_role_policy(RoleName="one", PolicyName="by-hand", PolicyDocument=NO_RIGHTS)
    inline = [{"PolicyName": "second", "PolicyDocument": json.loads(NO_RIGHTS)}]
    deploy(aws, "update_stack", {"ManagedPolicyArns": [READ_ONLY], "Policies": inline})
    assert attached(iam) == [READ_ONLY]
    assert sorted(iam.list_role_policies(RoleName="one")["PolicyNames"]) == ["by-hand", "second"]
