"""The questions of a run on AWS before its first change, and its refusals. AWS is the simulator, in this process."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import boto3
import pytest
from moto.cloudformation.models import cloudformation_backends

from features import testdata
from features.targets import TargetRefused, choose, cost_estimate, guardrails, preflight
from features.targets.guardrails import Allowance
from simulator import Simulator, environment_files

ROOT = Path(__file__).parent.parent.parent.parent
ACCOUNT, REGION = "111122223333", "us-east-1"
ALLOWED = Allowance(frozenset([ACCOUNT]), REGION, budget=12)
DEMAND = cost_estimate.Demand(scenarios=3, launching=2, launches=12)
STACK = "drs-engine-suite-0a1b2c3d"
EMPTY_STACK = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'


@pytest.fixture
def aws():
    with Simulator() as simulated:
        for one in environment_files.read(ROOT / "testdata" / "environments" / "six-servers.json"):
            environment_files.apply_environment(simulated, one)
        yield simulated


def refusal(aws: Simulator, region: str = REGION, **changes) -> str:
    allowed = Allowance(**{**ALLOWED.__dict__, "region": region, **changes})
    with pytest.raises(TargetRefused) as refused:
        preflight.check(aws.session(region=region), allowed, DEMAND, STACK)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_a_good_account_is_told_what_was_found(aws):
    assert preflight.identity(aws.session(), ALLOWED)["Account"] == ACCOUNT
    found = preflight.check(aws.session(), ALLOWED, DEMAND, STACK)
    assert found[0] == "6 known servers replicate CONTINUOUSly in us-east-1"
    changing = [call for call in aws.journal if not call.operation.startswith(("Describe", "List", "Get"))]
    assert changing == []


@pytest.mark.parametrize("region", ["us-gov-west-1", "eusc-de-east-1"])
def test_regions_of_other_partitions_have_drs_as_well(region):
    with Simulator(region=region) as simulated:
        allowed = Allowance(frozenset([ACCOUNT]), region, budget=12)
        with pytest.raises(TargetRefused, match=f"DRS is not initialised in {region}"):
            preflight.check(simulated.session(), allowed, DEMAND, STACK)


def test_china_has_no_drs():
    with Simulator(region="cn-north-1") as simulated:
        allowed = Allowance(frozenset([ACCOUNT]), "cn-north-1", budget=12)
        with pytest.raises(TargetRefused, match="region 'cn-north-1' has no Elastic Disaster Recovery"):
            preflight.check(simulated.session(), allowed, DEMAND, STACK)


# -- leave ------------------------------------------------------------------------------------------------------------


def test_without_leave_all_that_is_missing_is_named():
    with pytest.raises(TargetRefused) as refused:
        guardrails.read({}, {})
    for word in ("account", "region", "budget", "ACCEPTANCE_ACCOUNT", "ACCEPTANCE_REGION", "ACCEPTANCE_BUDGET"):
        assert word in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"account": "1234"}, "account '1234': an account id has 12 digits"),
        ({"budget": "many"}, "budget 'many': must be a whole number"),
    ],
)
def test_leave_that_means_nothing_is_named(settings, said):
    with pytest.raises(TargetRefused, match=said):
        guardrails.read({"account": ACCOUNT, "region": REGION, "budget": "6"} | settings, {})


def test_leave_may_come_from_the_environment_and_name_several_accounts():
    environment = {"ACCEPTANCE_ACCOUNT": f"{ACCOUNT}, 444455556666", "ACCEPTANCE_REGION": REGION}
    read = guardrails.read({"budget": "6"}, environment)
    assert read == Allowance(frozenset([ACCOUNT, "444455556666"]), REGION, 6)


def test_a_target_that_is_none_is_refused():
    with pytest.raises(TargetRefused, match="use moto, aws or rehearsal"):
        choose("gcp", {})


def test_the_stack_of_production_can_not_be_named():
    given = {"account": ACCOUNT, "region": REGION, "budget": "6", "stack": "drs-execution-engine"}
    with pytest.raises(TargetRefused, match="begins with drs-engine-suite-"):
        choose("aws", given)


# -- account and Region -----------------------------------------------------------------------------------------------


def test_no_credentials(aws, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with pytest.raises(TargetRefused, match=r"no credentials: .*AWS_PROFILE"):
        preflight.identity(boto3.Session(region_name=REGION), ALLOWED)


def test_credentials_that_have_expired(aws):
    aws.faults.expire_token("sts")
    with pytest.raises(TargetRefused, match=r"does not accept the credentials: ExpiredToken.* renew them"):
        preflight.identity(aws.session(), ALLOWED)


def test_wrong_account(aws):
    with pytest.raises(TargetRefused, match=r"wrong account: .* 444455556666 .*, allowed is 111122223333"):
        preflight.identity(aws.session(account="444455556666"), ALLOWED)


def test_region_without_drs(aws):
    assert "'eu-nowhere-1' has no Elastic Disaster Recovery" in refusal(aws, "eu-nowhere-1")


def test_drs_not_initialised(aws):
    aws.drs.uninitialize()
    assert "DRS is not initialised in us-east-1; open the DRS console there once" in refusal(aws)


def test_wrong_region(aws):
    aws.drs_in(ACCOUNT, "eu-west-1")
    said = refusal(aws, "eu-west-1")
    assert "wrong region or servers gone: DRS in eu-west-1 does not know database-1 (s-3d75cdc0d9a28a725)" in said


def test_a_server_that_does_not_replicate(aws):
    aws.drs.set_replication_state(testdata.servers()["web-2"], "STALLED")
    assert "not every known server replicates CONTINUOUSly: web-2 is STALLED" in refusal(aws)


def test_a_right_that_is_missing(aws):
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["drs:*", "s3:*"], "Resource": "*"}]}'
    )
    session = aws.session(user="auditor", policy=policy)
    said = "; ".join(preflight._denied(session))
    assert "may not read lambda: AccessDenied" in said
    assert "into s3" not in said


# -- what is there already --------------------------------------------------------------------------------------------


def test_stack_name_taken(aws):
    aws.session().client("cloudformation").create_stack(StackName=STACK, TemplateBody=EMPTY_STACK)
    assert f"the stack {STACK} exists already, in CREATE_COMPLETE" in refusal(aws)


def test_stack_in_rollback(aws):
    stack = aws.session().client("cloudformation").create_stack(StackName=STACK, TemplateBody=EMPTY_STACK)["StackId"]
    cloudformation_backends[ACCOUNT][REGION].stacks[stack].status = "ROLLBACK_COMPLETE"
    assert f"the stack {STACK} exists already, in ROLLBACK_COMPLETE; delete it" in refusal(aws)


def test_a_run_that_was_killed_is_not_overlooked(aws):
    tags = [{"Key": "drs-engine:Label", "Value": "drs-engine-suite-dead"}]
    stack = {"StackName": "drs-engine-suite-dead", "TemplateBody": EMPTY_STACK, "Tags": tags}
    aws.session().client("cloudformation").create_stack(**stack)
    assert "left its stack drs-engine-suite-dead; if it is over, remove that with `python -m engine sweep`" in refusal(
        aws
    )
    assert preflight.check(aws.session(), Allowance(**{**ALLOWED.__dict__, "sweeps": True}), DEMAND, STACK)


def test_a_server_in_somebody_elses_job(aws):
    server = testdata.servers()["database-1"]
    aws.drs.start_foreign_job([server])
    assert f"DRS is processing {server} right now" in refusal(aws)


# -- what it costs ----------------------------------------------------------------------------------------------------


def test_budget_too_small(aws):
    assert "budget too small: the selected scenarios launch 12 servers, the budget is 11" in refusal(aws, budget=11)


def scenario(*steps: str, tags=("aws", "costs-instances")):
    named = [SimpleNamespace(name=step) for step in steps]
    return SimpleNamespace(effective_tags=tags, all_steps=named)


def test_the_demand_counts_the_servers_of_each_plan():
    selected = [
        scenario('the "single-wave" plan'),
        scenario('the "three-tier" plan', "a drill of the plan is run"),
        scenario("a plan that recovers the six known servers in one wave"),
        scenario('the "three-tier" plan', tags=("moto", "costs-instances")),
        scenario("the six known servers", tags=("aws",)),
    ]
    assert cost_estimate.of(selected, "aws") == cost_estimate.Demand(scenarios=4, launching=3, launches=2 + 6 + 6)
