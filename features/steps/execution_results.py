"""The result of an execution, of its waves and of its servers, and refused starts."""

from __future__ import annotations

from behave import then
from behave.runner import Context
from hamcrest import all_of, empty, equal_to, has_item, has_key, has_length, is_not

from features.aws_queries import EXECUTION_TAG, all_jobs, new_jobs, recovery_client, recovery_instances
from features.matchers import assert_that, has_status, is_skipped_because_of, mentions
from features.subscriber import the_message
from features.world import World


@then("the execution is {status:Status}")
def execution_is(context: Context, status: str) -> None:
    assert_that(context.world.record(), has_status(status), context.world.record_text())


@then("wave {number:d} is {status:Status}")
def wave_is(context: Context, number: int, status: str) -> None:
    assert_that(context.world.wave(number), has_status(status), context.world.record_text())


@then("wave {number:d} is SKIPPED because of wave {cause:d}")
def wave_is_skipped(context: Context, number: int, cause: int) -> None:
    assert_that(context.world.wave(number), is_skipped_because_of(cause), context.world.record_text())


@then('server "{name}" is {status:Status}')
def server_is(context: Context, name: str, status: str) -> None:
    assert_that(context.world.result(name), has_status(status), context.world.record_text())


@then('server "{name}" is adopted, not launched')
def server_is_adopted(context: Context, name: str) -> None:
    world: World = context.world
    server = world.server_id(name)
    instance = next((one for one in recovery_instances(world) if one["sourceServerID"] == server), {})
    job = next((one for one in all_jobs(recovery_client(world, "drs")) if one["jobID"] == instance.get("jobID")), {})
    launched_by = job.get("tags", {}).get(EXECUTION_TAG)
    assert_that(launched_by, is_not(equal_to(world.executions[-1])), f"Read the job of server {name} in DRS")
    wanted = {
        "Adopted": True,
        "AdoptedFrom": launched_by,
        "RecoveryInstanceId": instance.get("recoveryInstanceID", "an instance in DRS"),
    }
    result = world.result(name)
    assert_that({field: result.get(field) for field in wanted}, equal_to(wanted), world.record_text())


@then('server "{name}" has no error')
def server_has_no_error(context: Context, name: str) -> None:
    assert_that(context.world.result(name), is_not(has_key("ErrorMessage")), context.world.record_text())


@then('the execution has lost the instance of server "{name}"')
def instance_is_lost(context: Context, name: str) -> None:
    world: World = context.world
    server, result, record = world.server_id(name), world.result(name), world.record()
    present = [one for one in recovery_instances(world) if one["sourceServerID"] == server]
    replacement = next((one for one in present if one["recoveryInstanceID"] != result["RecoveryInstanceId"]), {})
    named = [result["Ec2InstanceId"], replacement.get("recoveryInstanceID", ""), replacement.get("jobID", "")]
    messages = [error["Message"] for error in record["Errors"] if error.get("SourceServerId") == server]
    assert_that(messages, has_item(all_of(*map(mentions, named))), world.record_text())
    assert_that(record.get("FinalCheck", {}).get("Lost", []), has_item(server), world.record_text())


@then("{place:Document} counts {lost:d} of {count:d} optional servers as not recovered")
def optional_servers_are_counted(context: Context, place: str, lost: int, count: int) -> None:
    world: World = context.world
    found = the_message(world) if place == "the message" else world.record()
    wanted = {"OptionalServerCount": count, "OptionalNotRecovered": lost}
    assert_that({name: found.get(name) for name in wanted}, equal_to(wanted), f"Read the counts of {place}")


@then("the start is refused")
def start_is_refused(context: Context) -> None:
    world: World = context.world
    assert_that(world.refusal is not None, "The engine started the plan although it should have refused it.")
    world.effects.judged("start")


@then("no execution was recorded and no server was launched")
def no_effect(context: Context) -> None:
    world: World = context.world
    recorded = world.client.list_by_plan(world.plan["PlanId"]).items
    launched = [job["jobID"] for job in new_jobs(world)]
    assert_that(recorded, empty(), "Read the history of the plan")
    assert_that(launched, empty(), "Read the jobs of DRS")


@then("{count:d} servers are {status:Status}")
def servers_are(context: Context, count: int, status: str) -> None:
    waves = context.world.record()["Waves"]
    found = [
        result["SourceServerId"] for wave in waves for result in wave["ServerResults"] if result["Status"] == status
    ]
    assert_that(found, has_length(count), context.world.record_text())


@then("the cancellation is refused because the execution has ended")
def cancellation_refused(context: Context) -> None:
    refused = context.world.already_ended is not None
    assert_that(refused, "The engine accepted the cancellation of an execution that had ended.")
    context.world.effects.judged("cancellation")


@then("the clean-up is {status:Status}")
def clean_up_is(context: Context, status: str) -> None:
    found = context.world.record().get("CleanUp", {})
    assert_that(found.get("Status", "absent"), equal_to(status), f"Read CleanUp in the record: {found}")


@then("both starts led to one execution")
def one_execution(context: Context) -> None:
    world: World = context.world
    assert_that(world.executions, has_length(2), "Read the engine's answers to the starts")
    assert_that(set(world.executions), has_length(1), "Read the ExecutionIds that the engine answered with")
    assert_that(world.client.list_by_plan(world.plan["PlanId"]).items, has_length(1), "Read the history of the plan")
