"""Groups that select their servers by tag: the choice, and the mistakes that only the choice shows."""

from __future__ import annotations

import pytest

from engine.core.plan import parse_plan, resolve_target
from engine.core.readiness import SourceServer
from engine.core.server_tags import empty_group_problems, resolved
from engine.core.validation import group_problems, plan_problems, resolved_problems
from tests.engine.core.simulated_aws import ACCOUNT, server, wave
from tests.engine.core.test_validation import group, plan, without

TARGET = resolve_target({}, account_id=ACCOUNT, region="us-east-1")
BILLING = {"Tier": "database", "System": "billing"}
SERVERS = [
    SourceServer(server(1), "zeus", tags={**BILLING, "Owner": "finance"}),
    SourceServer(server(2), "ares", tags=BILLING),
    SourceServer(server(3), "hera", tags={"Tier": "database"}),
    SourceServer(server(4), "hermes", tags={"Tier": "Database", "System": "billing"}),
    SourceServer(server(5), None, tags=BILLING),
]


def by_tags(number: int, tags=None, **fields):
    return {**without(group(number), "SourceServerIds"), "ServerTags": BILLING if tags is None else tags, **fields}


def tagged_wave(number: int, **fields):
    return {**without(wave(number, []), "ExecutionOrder"), **fields}


def test_a_server_needs_all_tags_with_the_same_values_and_the_order_is_that_of_the_host_names():
    found = resolved({"group-1": by_tags(1), "group-2": group(2, server(9))}, SERVERS)
    assert found["group-1"]["SourceServerIds"] == [server(5), server(2), server(1)]
    assert found["group-2"] == group(2, server(9))


def test_the_waves_of_the_plan_have_the_chosen_servers_and_their_tags():
    groups = resolved({"group-1": by_tags(1)}, SERVERS)
    (one,) = parse_plan(plan(tagged_wave(1)), groups, TARGET).waves
    assert (one.servers, one.server_tags) == ((server(5), server(2), server(1)), BILLING)


def test_a_group_that_finds_no_server_is_named_with_its_tags_account_and_region():
    groups = resolved({"group-1": by_tags(1, {"Tier": "mainframe"}), "group-2": by_tags(2)}, SERVERS)
    (problem,) = empty_group_problems(plan(tagged_wave(1), tagged_wave(2)), groups, TARGET)
    assert str(problem) == (
        f"wave 1 (Tier 1), ProtectionGroupId: no source server in DRS (account {ACCOUNT}, Region us-east-1) has the "
        "tags Tier=mainframe of protection group group-1"
    )


def test_a_server_in_two_groups_and_an_optional_server_of_none_show_when_the_groups_are_resolved():
    groups = {"group-1": by_tags(1), "group-2": by_tags(2, {"Owner": "finance"})}
    document = plan(tagged_wave(1), tagged_wave(2), OptionalServers=[server(9)])
    assert plan_problems(document, groups, TARGET) == []
    found = [str(one) for one in resolved_problems(document, resolved(groups, SERVERS))]
    assert found == [
        f"wave 2 (Tier 2), ProtectionGroupId: duplicate server {server(1)}: already launched by wave 1 (Tier 1)",
        f"plan, OptionalServers: {server(9)} is not recovered by any wave of the plan",
    ]


@pytest.mark.parametrize(
    ("field", "value"),
    [("ExecutionOrder", [server(1)]), ("RecoverySnapshots", {server(1): "pit-00000000000000001"}), ("Partial", True)],
)
def test_a_wave_cannot_name_servers_of_a_group_by_tag(field, value):
    (problem,) = plan_problems(plan(tagged_wave(1, **{field: value})), {"group-1": by_tags(1)}, TARGET)
    assert str(problem) == (
        f"wave 1 (Tier 1), {field}: cannot be given, because protection group group-1 selects its servers by tag"
    )


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (by_tags(1, SourceServerIds=[server(1)]), "ServerTags: cannot be given together with SourceServerIds"),
        (without(group(1), "SourceServerIds"), "SourceServerIds: is missing; give SourceServerIds or ServerTags"),
        (by_tags(1, {}), "ServerTags: must not be empty"),
        (by_tags(1, {"Tier": 3}), "ServerTags.Tier: must be a text, is 3"),
        (by_tags(1, ["Tier"]), 'ServerTags: must be an object, is ["Tier"]'),
        (by_tags(1, {"": "database"}), "ServerTags: must not be empty"),
        (by_tags(1, {str(number): "x" for number in range(11)}), "ServerTags: must have at most 10, has 11"),
    ],
)
def test_a_mistake_in_a_group_is_one_line(document, message):
    assert [str(one) for one in group_problems(document)] == [f"protection group group-1, {message}"]
