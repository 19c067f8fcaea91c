"""Notifications, as a subscriber receives them: from a queue that is subscribed to the plan's topic."""

from __future__ import annotations

import json

from behave import given, then
from behave.runner import Context
from hamcrest import contains_inanyorder, equal_to, greater_than, has_entries, has_key, has_length, is_not

from features.matchers import assert_that
from features.subscriber import MESSAGES, received, the_message
from features.world import World

QUEUE = "drs-engine-suite-subscriber"


@given("a subscriber to the plan's topic")
def subscriber(context: Context) -> None:
    world: World = context.world
    topic = world.target.stack.outputs["TopicArn"]
    world.drafted_plan()["NotificationTopicArn"] = topic
    sqs, sns = world.target.client("sqs"), world.target.client("sns")
    queue = sqs.create_queue(QueueName=QUEUE)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy(arn, topic)})
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
    world.clean_ups.append(lambda: sqs.delete_queue(QueueUrl=queue))
    world.clean_ups.append(lambda: sns.unsubscribe(SubscriptionArn=subscription["SubscriptionArn"]))
    world.subscriber_queue = queue


def policy(queue: str, topic: str) -> str:
    """Lets only the topic send to the queue."""
    sender = {"Principal": {"Service": "sns.amazonaws.com"}, "Condition": {"ArnEquals": {"aws:SourceArn": topic}}}
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": queue, **sender}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@given("the plan's topic does not exist any more")
def topic_is_deleted(context: Context) -> None:
    context.world.target.client("sns").delete_topic(TopicArn=context.world.plan["NotificationTopicArn"])


@then("the subscriber received {count:Messages}")
def received_messages(context: Context, count: int) -> None:
    context.world.target.pass_time(60)
    assert_that(received(context.world), has_length(count), MESSAGES)


@then("the message has no errors")
def message_without_errors(context: Context) -> None:
    assert_that(the_message(context.world), is_not(has_key("Errors")), MESSAGES)


@then("the message names the affected servers {names:Names}")
def message_names_servers(context: Context, names: list[str]) -> None:
    affected = the_message(context.world).get("AffectedServers", [])
    wanted = [context.world.server_id(name) for name in names]
    assert_that(affected, contains_inanyorder(*wanted), f"{MESSAGES}: AffectedServers")


@then("the message names all {count:d} affected servers")
def message_names_all(context: Context, count: int) -> None:
    assert_that(
        the_message(context.world).get("AffectedServers", []), has_length(count), f"{MESSAGES}: AffectedServers"
    )


@then("the message counts the errors that it leaves out")
def message_counts_errors(context: Context) -> None:
    message = the_message(context.world)
    assert_that(message.get("ErrorsLeftOut", 0), greater_than(0), f"{MESSAGES}: ErrorsLeftOut")
    total = len(message["Errors"]) + message["ErrorsLeftOut"]
    assert_that(total, equal_to(len(context.world.record()["Errors"])), f"{MESSAGES}: errors in it and left out")


@then("the message has ExecutionId, PlanId, Status, Duration and ServerCount of the record")
def message_has_summary(context: Context) -> None:
    record, message = context.world.record(), the_message(context.world)
    same = {key: record[key] for key in ("ExecutionId", "PlanId", "Status", "ServerCount")}
    assert_that(message, has_entries(**same, Duration=record["DurationSeconds"]), f"{MESSAGES} and at the record")
