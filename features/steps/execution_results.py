"""The result of an execution, of its waves and of its servers, and refused starts."""

from __future__ import annotations

from behave import then
from behave.runner import Context
from hamcrest import empty, equal_to, has_key, has_length, is_not

from features.aws_queries import new_jobs
from features.matchers import assert_that, describe, has_status, is_skipped_because_of, mentions
from features.world import World


def where(world: World) -> str:
    """The record, for the end of a mismatch, with the waits that timed out."""
    return "\n".join(["Read the execution record:", describe(world.record()), *world.timed_out])


@then("the execution is {status:Status}")
def execution_is(context: Context, status: str) -> None:
    assert_that(context.world.record(), has_status(status), where(context.world))


@then("wave {number:d} is {status:Status}")
def wave_is(context: Context, number: int, status: str) -> None:
    assert_that(context.world.wave(number), has_status(status), where(context.world))


@then("wave {number:d} is SKIPPED because of wave {cause:d}")
def wave_is_skipped(context: Context, number: int, cause: int) -> None:
    assert_that(context.world.wave(number), is_skipped_because_of(cause), where(context.world))


@then('server "{name}" is {status:Status}')
def server_is(context: Context, name: str, status: str) -> None:
    assert_that(context.world.result(name), has_status(status), where(context.world))


@then('the error of server "{name}" names "{text}"')
def server_error_names(context: Context, name: str, text: str) -> None:
    assert_that(context.world.result(name).get("ErrorMessage", ""), mentions(text), where(context.world))


@then('server "{name}" has no error')
def server_has_no_error(context: Context, name: str) -> None:
    assert_that(context.world.result(name), is_not(has_key("ErrorMessage")), where(context.world))


@then('the errors name "{text}"')
def errors_name(context: Context, text: str) -> None:
    messages = "; ".join(error["Message"] for error in context.world.record()["Errors"])
    assert_that(messages, mentions(text), where(context.world))


@then("the start is refused")
def start_is_refused(context: Context) -> None:
    world: World = context.world
    assert_that(world.refusal is not None, "The engine started the plan although it should have refused it.")


@then('the refusal names "{text}"')
def refusal_names(context: Context, text: str) -> None:
    assert_that(refusal_text(context.world), mentions(text), "Read the engine's answer to the start")


@then('the refusal does not name "{text}"')
def refusal_does_not_name(context: Context, text: str) -> None:
    assert_that(refusal_text(context.world), is_not(mentions(text)), "Read the engine's answer to the start")


def refusal_text(world: World) -> str:
    if world.refusal is None:
        raise AssertionError(
            f"The engine did not refuse the start; executions: {', '.join(world.executions) or 'none'}."
        )
    return "\n".join(world.refusal.problems)


@then("no execution was recorded and no server was launched")
def no_effect(context: Context) -> None:
    world: World = context.world
    recorded = world.client.list_by_plan(world.plan["PlanId"]).items
    launched = [job["jobID"] for job in new_jobs(world)]
    assert_that(recorded, empty(), "Read the history of the plan")
    assert_that(launched, empty(), "Read the jobs of DRS")


@then('the reason of the execution names "{text}"')
def reason_names(context: Context, text: str) -> None:
    assert_that(context.world.record().get("StatusReason", ""), mentions(text), where(context.world))


@then("{count:d} servers are {status:Status}")
def servers_are(context: Context, count: int, status: str) -> None:
    waves = context.world.record()["Waves"]
    found = [
        result["SourceServerId"] for wave in waves for result in wave["ServerResults"] if result["Status"] == status
    ]
    assert_that(found, has_length(count), where(context.world))


@then("the cancellation is refused because the execution has ended")
def cancellation_refused(context: Context) -> None:
    refused = context.world.already_ended is not None
    assert_that(refused, "The engine accepted the cancellation of an execution that had ended.")


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
