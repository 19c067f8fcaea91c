"""The execution record and the history: content, form, order, pages."""

from __future__ import annotations

from behave import then
from behave.runner import Context
from hamcrest import equal_to, has_entries, has_item, has_items, has_key, has_length, is_in, is_not, not_none

from features.aws_queries import instant, job_of, state_machine_run
from features.matchers import assert_that, follows_schema, has_no_null, lasted, no_later_than
from features.world import Document, World

RECORD = "Read the execution record"
SCHEMA = "execution-record"
STATUSES = ("RUNNING", "COMPLETED", "FAILED", "CANCELLED")
OPEN = ["PENDING", "RUNNING"]


@then("the record names the execution, its plan, its caller and the status {status:Status}")
def record_names(context: Context, status: str) -> None:
    world: World = context.world
    record = world.record()
    wanted = {"ExecutionId": world.executions[-1], "PlanId": world.plan["PlanId"], "Status": status}
    assert_that(record, has_entries(**wanted, PlanName=world.plan["PlanName"], ExecutionType="DRILL"), RECORD)
    caller = world.target.client("sts").get_caller_identity()["Arn"]
    assert_that(record.get("InitiatedBy", ""), equal_to(caller), f"{RECORD}: InitiatedBy")
    assert_that(record, follows_schema(SCHEMA), RECORD)


@then("the record's StartTime is the start of the state machine")
def record_start_time(context: Context) -> None:
    world: World = context.world
    started = state_machine_run(world)["startDate"]
    apart = abs((instant(world.record()["StartTime"]) - started).total_seconds())
    assert_that(apart, lasted(0, 2 * world.target.slack), f"{RECORD} and Step Functions: seconds between the two")


@then("the record has no EndTime")
def record_has_no_end(context: Context) -> None:
    assert_that(context.world.record(), is_not(has_key("EndTime")), RECORD)


@then("{quantity:Quantity} wave is PENDING or RUNNING")
def waves_pending_or_running(context: Context, quantity: str) -> None:
    for wave in context.world.record()["Waves"]:
        wanted = is_in(OPEN) if quantity == "every" else is_not(is_in(OPEN))
        assert_that(wave["Status"], wanted, f"{RECORD}: wave {wave['WaveNumber']}")


@then("the record has start, end and server results of wave {number:d}")
def record_has_wave(context: Context, number: int) -> None:
    wave = context.world.wave(number)
    assert_that(context.world.record(), follows_schema(SCHEMA), RECORD)
    assert_that(wave, has_entries(StartTime=not_none(), EndTime=not_none()), RECORD)
    for result in wave["ServerResults"]:
        server = result["SourceServerId"]
        assert_that(result["Status"], is_in(["RECOVERED", "FAILED"]), f"{RECORD}: {server}")
        assert_that(instant(result["EndTime"]), no_later_than(instant(wave["EndTime"])), f"{RECORD}: end of {server}")


@then("the record's DurationSeconds is the time from StartTime to EndTime")
def record_duration(context: Context) -> None:
    record = context.world.record()
    assert_that(record, has_entries(StartTime=not_none(), EndTime=not_none()), RECORD)
    span = (instant(record["EndTime"]) - instant(record["StartTime"])).total_seconds()
    assert_that(record.get("DurationSeconds"), equal_to(int(span)), f"{RECORD}: DurationSeconds, StartTime and EndTime")


@then("the history lists the execution for its plan and, by status, only as {status:Status}")
def listed(context: Context, status: str) -> None:
    world: World = context.world
    execution = world.executions[-1]
    by_plan = ids(world.client.list_by_plan(world.plan["PlanId"]).items)
    assert_that(by_plan, has_item(execution), "Read the history of the plan")
    under = [one for one in STATUSES if execution in ids(world.client.list_by_status(one).items)]
    assert_that(under, equal_to([status]), "Read the history of each status: statuses that list the execution")


def ids(items: list[Document]) -> list[str]:
    return [item["ExecutionId"] for item in items]


@then('the recorded job of server "{name}" is the one that DRS ran for it')
def recorded_job(context: Context, name: str) -> None:
    job = job_of(context.world, name)
    recorded = context.world.result(name).get("DrsJobId")
    assert_that(recorded, equal_to(job["jobID"] if job else "no job"), f"{RECORD} and the jobs of DRS")


@then('the record lists wave, server, job, message and time of the error of server "{name}"')
def errors_list(context: Context, name: str) -> None:
    result = context.world.result(name)
    wanted = {"SourceServerId": result["SourceServerId"], "DrsJobId": result["DrsJobId"]}
    error = has_entries(**wanted, WaveNumber=result["WaveNumber"], Message=result["ErrorMessage"], Time=not_none())
    assert_that(context.world.record()["Errors"], has_items(error), f"{RECORD}: Errors")


@then("the record has every field that its status requires, and no null")
def record_is_complete(context: Context) -> None:
    record = context.world.record()
    assert_that(record, follows_schema(SCHEMA), RECORD)
    assert_that(record, has_no_null(), RECORD)


@then("every version of the record that was read has every field that its status requires, and no null")
def versions_are_complete(context: Context) -> None:
    versions = context.world.records_seen[context.world.executions[-1]]
    assert_that(len(versions) > 1, "The suite read only one version of the record.")
    for record in versions:
        moment = f"{RECORD} as it was when {sum('EndTime' in wave for wave in record['Waves'])} waves had ended"
        assert_that(record, follows_schema(SCHEMA), moment)
        assert_that(record, has_no_null(), moment)


@then("the history of {status:History} shows all {count:d}, newest first, on pages of {size:d}")
def history_pages(context: Context, status: str, count: int, size: int) -> None:
    world: World = context.world
    pages: list[list[str]] = []
    token = None
    while not pages or token:
        page = world.read_history(status, limit=size, page_token=token)
        pages.append(ids(page.items))
        token = page.next_token
    where = f"Read the history page by page: {pages}"
    assert_that([one for page in pages for one in page], equal_to(world.executions[::-1]), where)
    assert_that(world.executions, has_length(count), "Read the executions that the scenario started")
    assert_that(max(len(page) for page in pages), equal_to(size), where)
