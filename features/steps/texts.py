"""Texts that people read: refusals, warnings, errors, messages, logs. One sentence asks each of them for a text."""

from __future__ import annotations

from collections.abc import Callable

from behave import then
from behave.runner import Context
from hamcrest import all_of, contains_string, ends_with, has_item, has_length, is_not, matches_regexp

from features.aws_queries import recovery_instances
from features.matchers import assert_that, mentions
from features.phrase_values import Source
from features.subscriber import MESSAGES, the_message
from features.world import World

REFUSAL = "Read the engine's answer to the start"
MINUTE = r"\d{4}-\d\d-\d\d \d\d:\d\d"


@then('{source:Source} {mention:Mention} "{text}"')
def names_text(context: Context, source: Source, mention: bool, text: str) -> None:
    world: World = context.world
    found, place = TEXTS[source.name](world, source.server)
    if source.name == "the refusal of the decision":
        world.effects.judged("decision")
    assert_that(found, mentions(text) if mention else is_not(mentions(text)), place)


def _of_record(field: str) -> Callable[[World, str], tuple[str, str]]:
    def read(world: World, _: str) -> tuple[str, str]:
        return world.record().get(field, ""), world.record_text()

    return read


def _of_server(field: str) -> Callable[[World, str], tuple[str, str]]:
    def read(world: World, server: str) -> tuple[str, str]:
        return world.result(server).get(field, ""), world.record_text()

    return read


def _log_of(function: str) -> Callable[[World, str], tuple[str, str]]:
    """`function` is the output of the stack that names the Lambda function."""

    def read(world: World, _: str) -> tuple[str, str]:
        group = f"/aws/lambda/{world.target.stack.outputs[function]}"
        events = world.target.client("logs").filter_log_events(logGroupName=group)["events"]
        return "\n".join(event["message"] for event in events), f"Read the log group {group}"

    return read


def _errors(world: World, _: str) -> tuple[str, str]:
    return "; ".join(error["Message"] for error in world.record()["Errors"]), world.record_text()


def _message_errors(world: World, _: str) -> tuple[str, str]:
    errors = the_message(world).get("Errors", [])
    return "; ".join(error["Message"] for error in errors), f"{MESSAGES}: Errors"


# What `phrase_values.SOURCES` names: the text, and where to read it when it is not as expected.
TEXTS: dict[str, Callable[[World, str], tuple[str, str]]] = {
    "the refusal": lambda world, _: (world.refusal_text, REFUSAL),
    "the refusal of the decision": lambda world, _: (world.refused_decision, "Read the answer to the last decision"),
    "the warnings of the start": lambda world, _: ("\n".join(world.start_warnings), "Read the warnings of the start"),
    "the reason of the execution": _of_record("StatusReason"),
    "the errors": _errors,
    "the errors in the message": _message_errors,
    "the error of server": _of_server("ErrorMessage"),
    "the warning of server": _of_server("Warning"),
    "the engine's log": _log_of("FunctionName"),
    "the log of the approvals": _log_of("ApprovalFunctionName"),
}


@then("the refusal names the running execution")
def refusal_names_execution(context: Context) -> None:
    world: World = context.world
    assert_that(world.refusal_text, contains_string(world.executions[-1]), REFUSAL)


@then('the refusal names {row:Row} of server "{name}"')
def refusal_names_server(context: Context, row: list[str], name: str) -> None:
    """One line of the refusal names them all; a row with an instance ends with the minute of its launch."""
    world: World = context.world
    server, refusal = world.server_id(name), world.refusal_text
    facts, end = [name, server], ends_with("")
    if "instance" in row:
        end = matches_regexp(rf"^(?!  )|  {MINUTE}$")
        instances = [one["recoveryInstanceID"] for one in recovery_instances(world) if one["sourceServerID"] == server]
        assert_that(instances, has_length(1), f"Read the recovery instances of DRS for server {name}")
        facts += instances
    assert_that(refusal.splitlines(), has_item(all_of(*map(mentions, facts), end)), f"{REFUSAL}:\n{refusal}")
