"""Every mistake in a plan is found, named with its wave, server and field, and told once."""

from __future__ import annotations

from decimal import Decimal

import pytest

from engine.core.plan import resolve_target
from engine.core.validation import group_problems, plan_problems, plan_warnings, unknown_server_problems
from tests.engine.core.simulated_aws import ACCOUNT, server, wave


def group(number: int, *servers: str, **fields):
    return {
        "GroupId": f"group-{number}",
        "GroupName": f"Group {number}",
        "SourceServerIds": list(servers),
        "Region": "us-east-1",
        "AccountId": ACCOUNT,
        **fields,
    }


GROUPS = {f"group-{n}": group(n, server(n), server(n + 10)) for n in (1, 2, 3)}


def plan(*waves, **fields):
    return {"PlanId": "plan-1", "PlanName": "Plan", "Waves": list(waves), **fields}


def problems(document, groups=GROUPS):
    target = resolve_target(document, account_id=ACCOUNT, region="us-east-1")
    return [str(problem) for problem in plan_problems(document, groups, target)]


def without(document, field):
    return {name: value for name, value in document.items() if name != field}


def test_a_good_plan_has_no_problem():
    assert problems(plan(wave(1, [server(1)]), wave(2, [server(12), server(2)], DependsOn=[1]))) == []
    assert problems(plan(without(wave(1, []), "ExecutionOrder"))) == []


ONE = wave(1, [server(1)])
ROWS = [
    (plan(), "plan, Waves: must not be empty"),
    (without(plan(ONE), "PlanName"), "plan, PlanName: is missing"),
    (plan(ONE, Owner="me"), "plan, Owner: is not a field here"),
    (plan(ONE, TimeoutSeconds=90000), "plan, TimeoutSeconds: must be at most 86400, is 90000"),
    (plan(ONE, TimeoutSeconds="4h"), 'plan, TimeoutSeconds: must be a whole number, is "4h"'),
    (plan(ONE, TargetAccountId=ACCOUNT), "plan, CrossAccountRoleName: is missing; TargetAccountId needs it"),
    (plan(without(ONE, "WaveName")), "wave 1, WaveName: is missing"),
    (
        plan(wave(1, [server(1)], ExecutionType="BOTH")),
        "wave 1 (Tier 1), ExecutionType: must be PARALLEL or SEQUENTIAL",
    ),
    (
        plan(ONE, TargetAccountId=ACCOUNT, CrossAccountRoleName=f"arn:aws:iam::{ACCOUNT}:role/dr/target"),
        "give the name of the role only, not its ARN: target",
    ),
    (
        plan(ONE, TargetAccountId=ACCOUNT, CrossAccountRoleName="a role"),
        '"a role" is malformed; a role name is 1 to 64 letters, digits and +=,.@_-',
    ),
    (
        plan(ONE, NotificationTopicArn=f"arn:aws:sns:us-east-1:{ACCOUNT}:events.fifo"),
        "FIFO topics are not supported; give a standard topic",
    ),
    (
        plan(ONE, NotificationTopicArn="events"),
        '"events" is malformed; a topic ARN is like arn:aws:sns:us-east-1:111122223333:NAME',
    ),
    (plan(wave(1, ["s-123"])), 'wave 1 (Tier 1), ExecutionOrder: "s-123" is malformed'),
    (plan(wave(1, [])), "wave 1 (Tier 1), ExecutionOrder: must not be empty"),
    (plan(wave(1, [server(9)])), f"wave 1 (Tier 1), ExecutionOrder: {server(9)} is not in protection group group-1"),
    (plan(wave(1, [server(1), server(1)])), f"wave 1 (Tier 1), ExecutionOrder: duplicate server {server(1)}"),
    (
        plan(ONE, wave(2, [server(1)], ProtectionGroupId="group-1")),
        f"wave 2 (Tier 2), ExecutionOrder: duplicate server {server(1)}: already launched by wave 1 (Tier 1)",
    ),
    (
        plan(wave(4, [server(1)])),
        "wave 4 (Tier 4), ProtectionGroupId: protection group group-4 does not exist",
    ),
    (plan(ONE, wave(1, [server(11)])), "wave 1, WaveNumber: is used by 2 waves"),
    (plan(wave(1, [server(1)], DependsOn=[7])), "wave 1 (Tier 1), DependsOn: wave 7 does not exist"),
    (plan(wave(1, [server(1)], DependsOn=[1])), "circular dependency: wave 1 depends on itself"),
    (
        plan(wave(1, [server(1)], DependsOn=[2]), wave(2, [server(2)], DependsOn=[])),
        "wave 1 (Tier 1), DependsOn: wave 2 comes later",
    ),
    (
        plan(
            wave(1, [server(1)], DependsOn=[3]),
            wave(2, [server(2)], DependsOn=[1]),
            wave(3, [server(3)], DependsOn=[2]),
        ),
        "circular dependency: wave 1 -> wave 3 -> wave 2 -> wave 1",
    ),
    (
        plan(wave(1, [server(1)], RecoverySnapshots={server(1): "LATEST"})),
        '"LATEST" is malformed; a snapshot id is pit- and 17 letters or digits; leave it out for the latest data',
    ),
    (
        plan(wave(1, [server(1)], RecoverySnapshots={server(2): "pit-00000000000000001"})),
        f"wave 1 (Tier 1), RecoverySnapshots: {server(2)} is not launched by this wave",
    ),
    (
        plan(wave(1, [server(1)], HealthCheck={"TimeoutSeconds": 0})),
        "wave 1 (Tier 1), HealthCheck.TimeoutSeconds: must be at least 1, is 0",
    ),
    (
        plan(ONE, TargetRegion="eu-west-1"),
        "protection group group-1, Region: is us-east-1, but the plan recovers to eu-west-1",
    ),
    (plan(ONE, "wave"), "wave at position 2"),
    (
        plan(ONE, PlanId="a b/é"),
        'plan, PlanId: "a b/é" is malformed; an id is 1 to 128 letters, digits, points, hyphens',
    ),
    (plan(ONE, PlanId="plan-1\n"), 'plan, PlanId: "plan-1\\n" is malformed'),
    (plan(ONE, PlanId="a" * 129), "is malformed; an id is 1 to 128"),
    (plan(ONE, PlanId=""), 'plan, PlanId: "" is malformed'),
    (plan(wave(1, [server(1) + "\n"])), "is malformed; a source server id is s- and 17"),
    (plan(ONE, TimeoutSeconds=Decimal("1.5")), "plan, TimeoutSeconds: must be a whole number, is 1.5"),
]


@pytest.mark.parametrize(("document", "expected"), ROWS, ids=[row[1][:60] for row in ROWS])
def test_a_mistake_is_named(document, expected):
    assert any(expected in problem for problem in problems(document)), problems(document)


def test_every_mistake_is_told_at_once_and_only_once():
    document = plan(wave(1, ["s-123"], ProtectionGroupId="none"), wave(2, [server(2)], DependsOn=[9]), TimeoutSeconds=1)
    found = problems(document)
    assert len(found) == len(set(found)) == 4, found


def test_too_many_servers_are_counted():
    servers = [server(n) for n in range(1001)]
    groups = {"group-1": group(1, *servers)}
    assert "plan, Waves: launches 1001 servers; at most 1000 are possible" in problems(plan(wave(1, servers)), groups)


def test_waits_that_use_up_the_time_out_are_a_warning():
    waves = [
        wave(1, [server(1), server(11)], WaitTimeSeconds=300),
        wave(2, [server(2), server(12)], WaitTimeSeconds=900),
    ]
    assert plan_warnings(plan(*waves, TimeoutSeconds=301), GROUPS) == []
    (warning,) = plan_warnings(plan(*waves, TimeoutSeconds=300), GROUPS)
    assert str(warning) == (
        "plan, TimeoutSeconds: the waits between waves last 300 s in all, the time-out is 300 s; "
        "the last waves cannot start"
    )


def test_many_servers_that_are_left_out_are_counted():
    groups = {"group-1": group(1, *(server(number) for number in range(20)))}
    (warning,) = plan_warnings(plan(wave(1, [server(0)])), groups)
    assert f"{server(5)} and 14 more of protection group group-1" in warning.message


def test_a_group_is_checked_by_itself():
    found = [str(problem) for problem in group_problems(group(1, "s-1", AccountId="me"))]
    assert len(found) == 2
    assert all(problem.startswith("protection group group-1, ") for problem in found)


@pytest.mark.parametrize("group_id", ["a b/é\n", "pg/1", "", "a" * 129, "pg-1\n", 3])
def test_a_group_has_an_id_that_can_be_typed_and_found_again(group_id):
    (problem,) = group_problems(group(1, server(1), GroupId=group_id))
    assert problem.field == "GroupId"
    assert not group_problems(group(1, server(1), GroupId="Pg_1.a-" + "b" * 121))


def test_servers_that_drs_does_not_know_are_named_with_account_and_region():
    document = plan(wave(1, [server(1), server(11)]))
    target = resolve_target(document, account_id=ACCOUNT, region="us-east-1")
    (problem,) = unknown_server_problems(document, GROUPS, {server(1)}, target)
    assert str(problem) == (
        f"wave 1 (Tier 1), ExecutionOrder: source server {server(11)} does not exist in DRS "
        f"(account {ACCOUNT}, Region us-east-1)"
    )
