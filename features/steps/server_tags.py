"""Groups by tag: the tags of source servers, the groups that select by them, and the servers on record."""

from __future__ import annotations

from behave import given, then
from behave.runner import Context
from hamcrest import equal_to, has_entries

from features.matchers import assert_that
from features.world import World

RECORD = "Read the execution record"


@given("the servers have these tags in DRS")
def servers_have_tags(context: Context) -> None:
    """The first column is the server, the others are keys of tags; an empty cell is no tag."""
    world: World = context.world
    drs = world.target.client("drs")
    for row in context.table:
        server, *tags = row.cells
        found = drs.describe_source_servers(filters={"sourceServerIDs": [world.server_id(server)]})["items"]
        keys = context.table.headings[1:]
        drs.tag_resource(
            resourceArn=found[0]["arn"], tags={key: tag for key, tag in zip(keys, tags, strict=True) if tag}
        )


@given("the group of wave {number:d} selects the servers with these tags")
def group_selects_by_tags(context: Context, number: int) -> None:
    world: World = context.world
    wave = world.draft_wave(number)
    wave.pop("ExecutionOrder", None)
    group = {**world.groups[wave["ProtectionGroupId"]], "ServerTags": dict(context.table[0].items())}
    world.groups[wave["ProtectionGroupId"]] = {
        name: value for name, value in group.items() if name != "SourceServerIds"
    }


@then("the record of wave {number:d} has the servers {names:Names}, and the tags that selected them")
def wave_has_servers(context: Context, number: int, names: list[str]) -> None:
    world: World = context.world
    wave = world.wave(number)
    found = [world.server_name(one["SourceServerId"]) for one in wave["ServerResults"]]
    assert_that(found, equal_to(names), f"{RECORD}: servers of wave {number}")
    tags = world.groups[wave["ProtectionGroupId"]]["ServerTags"]
    assert_that(wave, has_entries(ServerCount=len(names), ServerTags=equal_to(tags)), RECORD)
