"""The sweep finds what a killed deployment of a test stack left, and no other resource."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from engine.aws.drs import TAG_LABEL
from engine.deploy import sweep
from engine.deploy.code_bucket import bucket_name
from simulator import Simulator
from tests.engine.cli.operator import left, operator_of_engine
from tests.engine.deployed import STACK

LABEL = f"{sweep.LABEL_PREFIX}0a1b2c3d"


@pytest.fixture
def session():
    with Simulator() as simulator:
        yield simulator.session()


def buckets(session):
    return [one["Name"] for one in session.client("s3").list_buckets()["Buckets"]]


def test_a_bucket_whose_tagging_was_cut_off_is_swept(session):
    bucket = bucket_name(session, LABEL)
    session.client("s3").create_bucket(Bucket=bucket)
    (leftover,) = sweep.find(session)
    assert (leftover.label, leftover.buckets) == (LABEL, [bucket])
    sweep.remove(session, LABEL, lambda seconds: None, print)
    assert buckets(session) == []


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("drs-engine-suite-notes", {}),
        ("other-0a1b2c3d-code-111122223333-us-east-1", {}),
        (f"{LABEL}-code-111122223333-us-east-1", {"Owner": "another team"}),
        (f"{LABEL}-code-999988887777-us-east-1", {}),
    ],
    ids=["no code bucket", "no test stack", "another team's tags", "another account's name"],
)
def test_another_bucket_stays(session, name, tags):
    s3 = session.client("s3")
    s3.create_bucket(Bucket=name)
    if tags:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]})
    assert sweep.find(session) == []


def test_a_denied_look_at_a_bucket_is_raised(session):
    """The sweep would leave the bucket without a word."""
    session.client("s3").create_bucket(Bucket=bucket_name(session, LABEL))
    rights = [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    rights.append({"Effect": "Deny", "Action": "s3:GetBucketTagging", "Resource": "*"})
    session.client("iam").put_user_policy(
        UserName="suite",
        PolicyName="simulator",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": rights}),
    )
    with pytest.raises(ClientError, match="s3:GetBucketTagging"):
        sweep.find(session)


def test_an_execution_that_may_not_be_stopped_keeps_its_stack():
    """It would go on launching servers while the stack is deleted."""
    with operator_of_engine() as at:
        client = at.client
        at.aws.session().client("cloudformation").update_stack(
            StackName=STACK,
            UsePreviousTemplate=True,
            Parameters=[
                {"ParameterKey": name, "UsePreviousValue": True} for name in ("CodeBucket", "CodeKey", "KeepData")
            ],
            Tags=[{"Key": TAG_LABEL, "Value": LABEL}],
            Capabilities=["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        client.start("plan-three-tier")
        at.aws.faults.deny("stepfunctions", "StopExecution")
        with pytest.raises(ClientError, match="StopExecution"):
            sweep.remove(at.aws.session(), LABEL, at.aws.advance, print)
        assert STACK in left(at)["stacks"]
