"""The plan under test: from testdata/, or drafted in the scenario."""

from __future__ import annotations

from typing import Any

from behave import given
from behave.runner import Context

from features import testdata
from features.world import World, load_known_servers


def use_known_groups(world: World) -> None:
    load_known_servers(world)
    for group in testdata.groups_of(world.plan or {"Waves": []}).values():
        world.add_group(group)


@given('the "{plan}" plan')
def the_plan(context: Context, plan: str) -> None:
    context.world.plan = testdata.read(f"plans/{plan}")
    use_known_groups(context.world)


@given('the bad plan "{plan}"')
def the_bad_plan(context: Context, plan: str) -> None:
    use_known_groups(context.world)
    document = testdata.read(f"bad/{plan}")
    for group in document["Groups"]:
        context.world.add_group(group)
    context.world.plan = document["Plan"]


@given("the plan lists its waves in the order {order:Numbers}")
def waves_listed_in_order(context: Context, order: list[int]) -> None:
    context.world.drafted_plan()["Waves"] = [context.world.draft_wave(number) for number in order]


@given("wave {number:d} is followed by a wait of {seconds:Duration}")
def wave_followed_by_wait(context: Context, number: int, seconds: int) -> None:
    context.world.draft_wave(number)["WaitTimeSeconds"] = seconds


@given("wave {number:d} has no health check")
def wave_without_health_check(context: Context, number: int) -> None:
    context.world.draft_wave(number)["HealthCheck"] = {"Enabled": False}


@given("the six known servers")
def known_servers(context: Context) -> None:
    load_known_servers(context.world)


@given("a plan that recovers the six known servers in one wave")
def one_wave_of_all(context: Context) -> None:
    load_known_servers(context.world)
    context.world.add_group(fleet_group(1, list(context.world.servers.values())))
    context.world.plan = fleet_plan(1)


@given("a plan that recovers {count:d} servers in {waves:WaveCount}")
def fleet_in_waves(context: Context, count: int, waves: int) -> None:
    draft_fleet(context.world, count, waves)


@given("the plan has to be done within {seconds:Duration}")
def plan_time_limit(context: Context, seconds: int) -> None:
    context.world.drafted_plan()["TimeoutSeconds"] = seconds


@given('server "{name}" is optional')
def server_is_optional(context: Context, name: str) -> None:
    world: World = context.world
    world.drafted_plan().setdefault("OptionalServers", []).append(world.server_id(name))


@given("the plan keeps its drill instances")
def plan_keeps_instances(context: Context) -> None:
    context.world.drafted_plan()["TerminateDrillInstances"] = False


def draft_fleet(world: World, count: int, waves: int) -> None:
    """Draft a plan of `count` new servers, spread evenly over parallel waves that follow each other."""
    names = [f"server-{number:04}" for number in range(1, count + 1)]
    for number, name in enumerate(names, start=1):
        world.add_server(name, f"s-{number:017x}")
    share = count // waves
    for wave in range(1, waves + 1):
        members = names[(wave - 1) * share : wave * share if wave < waves else count]
        world.add_group(fleet_group(wave, [world.servers[name] for name in members]))
    world.plan = fleet_plan(waves)


def fleet_plan(waves: int) -> dict[str, Any]:
    drafted = [fleet_wave(number) for number in range(1, waves + 1)]
    return {"PlanId": "plan-fleet", "PlanName": f"A fleet in {waves} waves", "Waves": drafted}


def fleet_group(number: int, server_ids: list[str]) -> dict[str, object]:
    group = {"GroupId": f"pg-fleet-{number}", "GroupName": f"Fleet {number}", "SourceServerIds": server_ids}
    return {**group, "Region": "us-east-1"}


def fleet_wave(number: int) -> dict[str, object]:
    wave = {"WaveNumber": number, "WaveName": f"Fleet {number}", "ProtectionGroupId": f"pg-fleet-{number}"}
    return {**wave, "ExecutionType": "PARALLEL"}
