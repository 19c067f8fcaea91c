"""The test data: its content, its form in the engine's tables, and its removal."""

from __future__ import annotations

from behave import given, then, when
from behave.runner import Context
from hamcrest import contains_inanyorder, empty, equal_to, has_length

from features import testdata
from features.aws_queries import scan
from features.cleanup import clean_up, left_behind, stacks_left
from features.matchers import assert_that, follows_schema, has_only_pascal_case
from features.phrase_values import PlanShape

TABLES = {"group": "ProtectionGroupsTable", "plan": "RecoveryPlansTable", "record": "ExecutionHistoryTable"}


@given("the groups and plans of the test data")
def all_test_data(context: Context) -> None:
    for group in testdata.groups().values():
        context.world.add_group(group)
    context.world.saved_plans = [testdata.read(f"plans/{name}") for name in testdata.plan_names()]


@when("the test data is saved")
def test_data_saved(context: Context) -> None:
    context.world.save()
    for plan in context.world.saved_plans:
        context.world.client.put_plan(plan)


@then("the saved protection groups are")
def saved_groups(context: Context) -> None:
    saved = [(item["GroupName"], item["SourceServerIds"]) for item in scan(context.world, TABLES["group"])]
    wanted = [(row["group"], row["servers"].split(", ")) for row in context.table]
    assert_that(saved, contains_inanyorder(*wanted), "Read the ProtectionGroups table")


@then("the saved plan has {shape:Waves}")
def plan_shape(context: Context, shape: PlanShape) -> None:
    saved = scan(context.world, TABLES["plan"])
    assert_that(saved, has_length(1), "Read the RecoveryPlans table")
    waves = saved[0]["Waves"]
    types = [wave["ExecutionType"] for wave in waves]
    assert_that(types, equal_to([shape.execution_type] * shape.count), "Read ExecutionType of the saved waves")
    dependent = [wave["WaveNumber"] for wave in waves if wave.get("DependsOn")]
    assert_that(dependent, has_length(shape.dependent), "Read the saved waves with DependsOn")


@then("every saved group and plan follows its schema")
def saved_data_follows_schema(context: Context) -> None:
    for item in scan(context.world, TABLES["group"]):
        assert_that(item, follows_schema("protection-group"), f"Read the saved group {item['GroupId']}")
    for item in scan(context.world, TABLES["plan"]):
        assert_that(item, follows_schema("recovery-plan"), f"Read the saved plan {item['PlanId']}")


@then("every saved field name is in PascalCase")
def saved_fields_are_pascal_case(context: Context) -> None:
    for kind, table in TABLES.items():
        for item in scan(context.world, table):
            assert_that(item, has_only_pascal_case(), f"Read a saved {kind} from DynamoDB")


@when("the test data is cleaned up")
def test_data_cleaned_up(context: Context) -> None:
    clean_up(context.world)
    context.world.target.retire_stack()  # the tables have been read


@then("no {kind:Kind} is left")
def nothing_is_left(context: Context, kind: str) -> None:
    found = left_behind(context.world) | {"stack": stacks_left(context.world)}
    assert_that(found.get(kind, []), empty(), f"Searched for resources of the scenario: {kind}")
