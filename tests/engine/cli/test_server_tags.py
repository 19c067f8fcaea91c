"""Groups by tag at the command line: load, show, check, start."""

from __future__ import annotations

import json

import pytest

from tests.engine.cli.operator import error_line, operator_of_engine

PLAN = "plan-web"
WAVE = {"WaveNumber": 1, "WaveName": "Web", "ProtectionGroupId": "pg-tags", "ExecutionType": "PARALLEL"}


@pytest.fixture
def at(tmp_path):
    with operator_of_engine() as found:
        group = {"GroupId": "pg-tags", "GroupName": "By tag", "ServerTags": {"Tier": "web"}, "Region": "us-east-1"}
        found.group = {**group, "AccountId": found.aws.account}
        found.file = tmp_path / "plan.json"
        found.file.write_text(json.dumps([found.group, {"PlanId": PLAN, "PlanName": "Web", "Waves": [WAVE]}]))
        yield found


def tagged(at, name, **tags):
    return at.aws.drs.add_source_server(hostname=name, tags=tags)


def test_a_group_by_tag_is_loaded_and_shown(at):
    assert at.run("apply", str(at.file)).exit_code == 0
    assert json.loads(at.run("show", PLAN).stdout)[0] == at.group
    assert "unchanged" in at.run("apply", str(at.file)).stdout


def test_check_and_start_use_the_servers_that_have_the_tags_at_that_time(at):
    at.run("apply", str(at.file))
    one = tagged(at, "web-b", Tier="web", Owner="x")
    tagged(at, "db", Tier="database")
    assert [server["SourceServerId"] for server in checked(at)["Servers"]] == [one]
    other = tagged(at, "web-a", Tier="web")
    found = checked(at)
    assert [server["SourceServerId"] for server in found["Servers"]] == [other, one]
    assert {server["Verdict"] for server in found["Servers"]} == {"READY"}
    execution = at.client.start(PLAN)
    (wave,) = at.client.get(execution)["Waves"]
    assert [server["HostName"] for server in wave["ServerResults"]] == ["web-a", "web-b"]


def checked(at):
    return json.loads(at.run("check", PLAN, "--json").stdout)


@pytest.mark.parametrize("kind", [(), ("--recovery", "--yes")])
def test_tags_that_no_server_has_are_blocked_and_no_start_ignores_them(at, kind):
    at.run("apply", str(at.file))
    result = at.run("check", PLAN)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (1, "BLOCKED: 0 servers; plan: 1 WARNING, 1 BLOCKED")
    assert "has the tags Tier=web of protection group pg-tags" in " ".join(result.stdout.split())
    refused = at.run("start", PLAN, *kind)
    assert (refused.exit_code, "has the tags Tier=web of protection group pg-tags" in error_line(refused)) == (1, True)


def test_drs_that_is_not_initialised_is_named_with_the_remedy(at):
    at.run("apply", str(at.file))
    at.aws.drs.uninitialize()
    assert error_line(at.run("start", PLAN)).endswith("aws drs initialize-service")


def test_validate_names_the_groups_whose_servers_are_chosen_at_the_start(at, tmp_path):
    group, plan = json.loads(at.file.read_text())
    for name, document in (("g", group), ("p", plan)):
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    result = at.run("validate", str(tmp_path / "p.json"), "--groups", str(tmp_path / "g.json"))
    assert result.exit_code == 0
    assert "pg-tags selects its servers by tag when an execution starts; `check` shows them" in result.stdout
