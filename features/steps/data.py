"""The test data itself: what is in it, how it is saved, and that nothing of it stays."""

from __future__ import annotations

from behave import given, then, when
from behave.runner import Context
from hamcrest import contains_inanyorder, empty, equal_to

from features import testdata
from features.aws_queries import scan
from features.cleanup import clean_up, left_behind
from features.matchers import assert_that, follows_schema, has_only_pascal_case

TABLES = {"group": "ProtectionGroupsTable", "plan": "RecoveryPlansTable", "record": "ExecutionHistoryTable"}


@given("the protection groups of the test data")
def known_groups(context: Context) -> None:
    for group in testdata.groups().values():
        context.world.add_group(group)


@given("all groups and plans of the test data")
def all_test_data(context: Context) -> None:
    known_groups(context)
    context.world.notes["Plans"] = [testdata.read(f"plans/{name}") for name in testdata.plan_names()]


@when("they are saved")
def they_are_saved(context: Context) -> None:
    context.world.save()
    for plan in context.world.notes.get("Plans", []):
        context.world.client.put_plan(plan)


@then("the saved protection groups are these")
def saved_groups(context: Context) -> None:
    saved = [(item["GroupName"], item["SourceServerIds"]) for item in scan(context.world, TABLES["group"])]
    wanted = [(row["group"], row["servers"].split(", ")) for row in context.table]
    assert_that(saved, contains_inanyorder(*wanted), "Looked at the ProtectionGroups table")


@then("the plan has {waves:d} waves, {dependent:d} of them dependent, {parallel:d} parallel, {sequential:d} sequential")
def plan_shape(context: Context, waves: int, dependent: int, parallel: int, sequential: int) -> None:
    found = context.world.plan["Waves"]
    kinds = [wave["ExecutionType"] for wave in found]
    shape = (len(found), sum(bool(wave.get("DependsOn")) for wave in found), kinds.count("PARALLEL"))
    assert_that(
        (*shape, kinds.count("SEQUENTIAL")), equal_to((waves, dependent, parallel, sequential)), "Looked at the plan"
    )


@then("every saved group and plan follows its schema")
def saved_data_follows_schema(context: Context) -> None:
    for item in scan(context.world, TABLES["group"]):
        assert_that(item, follows_schema("protection-group"), f"Looked at the saved group {item['GroupId']}")
    for item in scan(context.world, TABLES["plan"]):
        assert_that(item, follows_schema("recovery-plan"), f"Looked at the saved plan {item['PlanId']}")


@then("every saved field name is in PascalCase")
def saved_fields_are_pascal_case(context: Context) -> None:
    for kind, table in TABLES.items():
        for item in scan(context.world, table):
            assert_that(item, has_only_pascal_case(), f"Looked at a saved {kind}, as DynamoDB holds it")


@when("the test data is cleaned up")
def test_data_cleaned_up(context: Context) -> None:
    clean_up(context.world)


@then("no {kind:Kind} is left")
def nothing_is_left(context: Context, kind: str) -> None:
    found = left_behind(context.world)
    assert_that(found.get(kind, []), empty(), f"Looked for what the scenario made: {kind}")
