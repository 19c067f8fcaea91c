"""Then: what the history tells, and whether it tells it well."""

from __future__ import annotations

from behave import then
from behave.runner import Context
from hamcrest import (
    equal_to,
    greater_than_or_equal_to,
    has_entries,
    has_item,
    has_items,
    has_key,
    is_in,
    is_not,
    not_none,
)

from features.aws_queries import instant, job_of, state_machine_run
from features.matchers import assert_that, follows_schema, has_no_null, lasted, started_after
from features.world import Document, World

RECORD = "Looked at the execution record"
SCHEMA = "execution-record"


@then("the record names the execution, the plan, who started it and that it is RUNNING")
def record_names(context: Context) -> None:
    world: World = context.world
    record = world.record()
    wanted = {"ExecutionId": world.executions[-1], "PlanId": world.plan["PlanId"], "Status": "RUNNING"}
    assert_that(record, has_entries(**wanted, PlanName=world.plan["PlanName"], ExecutionType="DRILL"), RECORD)
    started_by = world.target.client("sts").get_caller_identity()["Arn"]
    assert_that(record.get("InitiatedBy", ""), equal_to(started_by), f"{RECORD}: InitiatedBy")
    assert_that(record, follows_schema(SCHEMA), RECORD)


@then("the record's StartTime is the moment the execution was started")
def record_start_time(context: Context) -> None:
    world: World = context.world
    started = state_machine_run(world)["startDate"]
    recorded = instant(world.record()["StartTime"])
    apart = abs((recorded - started).total_seconds())
    assert_that(apart, lasted(0, 2 * world.target.slack), f"{RECORD} and at Step Functions: seconds between the two")


@then("the record has no EndTime")
def record_has_no_end(context: Context) -> None:
    assert_that(context.world.record(), is_not(has_key("EndTime")), RECORD)


@then("every wave is PENDING or RUNNING")
def waves_pending_or_running(context: Context) -> None:
    for wave in context.world.record()["Waves"]:
        assert_that(wave["Status"], is_in(["PENDING", "RUNNING"]), f"{RECORD}: wave {wave['WaveNumber']}")


@then("the record tells when wave {number:d} started and ended, and how each of its servers fared")
def record_tells_wave(context: Context, number: int) -> None:
    wave = context.world.wave(number)
    assert_that(context.world.record(), follows_schema(SCHEMA), RECORD)
    assert_that(wave, has_entries(StartTime=not_none(), EndTime=not_none()), RECORD)
    for result in wave["ServerResults"]:
        assert_that(result["Status"], is_in(["RECOVERED", "FAILED"]), f"{RECORD}: {result['SourceServerId']}")
        assert_that(result["EndTime"], is_not(greater_than_or_equal_to(wave["EndTime"] + "later")), RECORD)


@then("the record's EndTime is the moment the last wave had ended")
def record_end_time(context: Context) -> None:
    record = context.world.record()
    last = max(wave["EndTime"] for wave in record["Waves"] if "EndTime" in wave)
    ended = record.get("EndTime")
    assert_that(ended, not_none(), f"{RECORD}: EndTime")
    assert_that(instant(ended), started_after(0, instant(last), context.world.target.slack), RECORD)


@then("the record's duration is the time from start to end")
def record_duration(context: Context) -> None:
    record = context.world.record()
    span = (instant(record["EndTime"]) - instant(record["StartTime"])).total_seconds()
    assert_that(record.get("DurationSeconds"), equal_to(int(span)), f"{RECORD}: DurationSeconds, StartTime and EndTime")


@then("the execution is listed for its plan")
def listed_for_plan(context: Context) -> None:
    listed = ids(context.world.client.list_by_plan(context.world.plan["PlanId"]).items)
    assert_that(listed, has_item(context.world.executions[-1]), "Looked at the history of the plan")


@then("the execution is listed under {status:Status}")
def listed_under(context: Context, status: str) -> None:
    listed = ids(context.world.client.list_by_status(status).items)
    assert_that(listed, has_item(context.world.executions[-1]), f"Looked at the history of {status} executions")


@then("the execution is not listed under {status:Status}")
def not_listed_under(context: Context, status: str) -> None:
    listed = ids(context.world.client.list_by_status(status).items)
    assert_that(listed, is_not(has_item(context.world.executions[-1])), f"Looked at the history of {status} executions")


def ids(items: list[Document]) -> list[str]:
    return [item["ExecutionId"] for item in items]


@then('the recorded job of server "{name}" is the one that DRS ran for it')
def recorded_job(context: Context, name: str) -> None:
    job = job_of(context.world, name)
    recorded = context.world.result(name).get("DrsJobId")
    assert_that(recorded, equal_to(job["jobID"] if job else "no job at all"), f"{RECORD} and at the jobs of DRS")


@then('the errors tell wave, server, job, message and time of server "{name}"')
def errors_tell(context: Context, name: str) -> None:
    result = context.world.result(name)
    wanted = {"SourceServerId": result["SourceServerId"], "DrsJobId": result["DrsJobId"]}
    told = has_entries(**wanted, WaveNumber=result["WaveNumber"], Message=result["ErrorMessage"], Time=not_none())
    assert_that(context.world.record()["Errors"], has_items(told), f"{RECORD}: Errors")


@then("the record has every field that its status requires")
def record_follows_schema(context: Context) -> None:
    assert_that(context.world.record(), follows_schema(SCHEMA), RECORD)


@then("no field of the record is null")
def record_has_no_null(context: Context) -> None:
    assert_that(context.world.record(), has_no_null(), RECORD)


@then("every record read on the way had every field that its status requires")
def records_follow_schema(context: Context) -> None:
    for record in context.world.records_seen[context.world.executions[-1]]:
        moment = f"{RECORD} as it was when {sum('EndTime' in wave for wave in record['Waves'])} waves had ended"
        assert_that(record, follows_schema(SCHEMA), moment)


@then("the history of the plan shows all {count:d}, newest first, on pages of {size:d}")
def plan_history_pages(context: Context, count: int, size: int) -> None:
    world: World = context.world
    check_pages(world, count, size, lambda **page: world.client.list_by_plan(world.plan["PlanId"], **page))


@then("the history of {status:Status} executions shows all {count:d}, newest first, on pages of {size:d}")
def status_history_pages(context: Context, status: str, count: int, size: int) -> None:
    world: World = context.world
    check_pages(world, count, size, lambda **page: world.client.list_by_status(status, **page))


def check_pages(world: World, count: int, size: int, fetch: object) -> None:
    pages: list[list[str]] = []
    token = None
    while not pages or token:
        page = fetch(limit=size, page_token=token)  # type: ignore[operator] # a client method with its key bound
        pages.append(ids(page.items))
        token = page.next_token
    where = f"Looked at the history, page by page: {pages}"
    assert_that([one for page in pages for one in page], equal_to(world.executions[::-1][:count]), where)
    assert_that(max(len(page) for page in pages), equal_to(size), where)
