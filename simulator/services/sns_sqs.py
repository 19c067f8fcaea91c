"""Additions to moto's SNS and SQS: message limit, counted subscriptions, long polling, the host of queue URLs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from moto.core.responses import ActionResult
from moto.sns.responses import SNSResponse
from moto.sqs.models import Queue

from simulator.gateway.requests import IdentifiedCall
from simulator.gateway.service_errors import AwsError
from simulator.patches.patching import Patch
from simulator.services.dynamodb.metering import ResponseHook
from simulator.time.clock import VirtualClock

SNS_MESSAGE_LIMIT = 256 * 1024
LONG_POLL_STEP = 0.25
# The owner of such an endpoint must call ConfirmSubscription (API reference of Subscribe). No owner does it here.
_CONFIRMED_BY_OWNER = {"email", "email-json", "http", "https"}
_topic_attributes = SNSResponse.get_topic_attributes
_endpoint: ContextVar[str | None] = ContextVar("the endpoint of the caller", default=None)


@contextmanager
def called_at(endpoint: str) -> Iterator[None]:
    """Queue URLs in the answers to this caller have its endpoint, because some SDKs send messages to the URL's host."""
    token = _endpoint.set(endpoint)
    try:
        yield
    finally:
        _endpoint.reset(token)


def _url(queue: Any, _request_url: Any = None) -> str:
    return f"{_endpoint.get() or f'https://sqs.{queue.region}.amazonaws.com'}/{queue.account_id}/{queue.name}"


def _get_topic_attributes(response: Any) -> ActionResult:
    result = _topic_attributes(response)
    topic = response.backend.get_topic(response._get_param("TopicArn"))
    pending = [
        one.protocol in _CONFIRMED_BY_OWNER for one in response.backend.subscriptions.values() if one.topic is topic
    ]
    counts = {"SubscriptionsPending": sum(pending), "SubscriptionsConfirmed": len(pending) - sum(pending)}
    return ActionResult({"Attributes": {**result.result["Attributes"], **counts}})


class MessageLimit:
    """SNS takes messages of up to 256 KB, counted in bytes of UTF-8, with their attributes."""

    def inspect(self, call: IdentifiedCall, account: str) -> ResponseHook | None:
        messages = {"Publish": [call.parameters], "PublishBatch": call.parameters.get("PublishBatchRequestEntries", [])}
        if sum(_size(message) for message in messages.get(call.operation, [])) > SNS_MESSAGE_LIMIT:
            raise AwsError("InvalidParameter", "Invalid parameter: Message too long", 400)
        return None


def _size(message: dict[str, Any]) -> int:
    attributes: dict[str, dict[str, Any]] = message.get("MessageAttributes") or {}
    parts = [message.get("Message", ""), *attributes]
    parts += [part for attribute in attributes.values() for part in attribute.values()]
    return sum(len(part) if isinstance(part, bytes) else len(str(part).encode()) for part in parts)


def patches(clock: VirtualClock) -> list[Patch]:
    def wait_for_messages(queue: Any, seconds: float) -> None:
        clock.sleep(min(seconds, LONG_POLL_STEP), f"a message in {queue.name}")

    return [
        Patch(SNSResponse, "get_topic_attributes", _get_topic_attributes, "moto counts no subscriptions"),
        Patch(Queue, "url", _url, "moto answers with AWS's host, so a client that follows it leaves the machine"),
        Patch(Queue, "physical_resource_id", property(_url), "the same URL in a stack's outputs"),
        Patch(Queue, "wait_for_messages", wait_for_messages, "moto waits a real second, and frozen time never passes"),
    ]
