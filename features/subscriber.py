"""The subscriber of a plan's topic: reads the messages from its queue."""

from __future__ import annotations

import json
from typing import Any

from hamcrest import greater_than, has_length

from features.matchers import assert_that
from features.world import World
from traceability.recording import evidence

MESSAGES = "Read the messages in the subscriber's queue"


def received(world: World) -> list[dict[str, Any]]:
    """All messages so far. Reads each one from the queue once; does not wait."""
    sqs, queue = world.target.client("sqs"), world.subscriber_queue
    while found := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, WaitTimeSeconds=0).get("Messages"):
        for message in found:
            envelope = json.loads(message["Body"])
            world.messages.append(json.loads(envelope["Message"]))
            world.subjects.append(envelope.get("Subject", ""))
            evidence.attach_text("Message that the subscriber received", message["Body"])
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return world.messages


def the_message(world: World) -> dict[str, Any]:
    """The newest message. Waits for it: the engine publishes after the end of the execution."""
    world.wait_until(lambda: received(world), "a message in the subscriber's queue", timeout=120)
    assert_that(received(world), has_length(greater_than(0)), MESSAGES)
    return received(world)[-1]
