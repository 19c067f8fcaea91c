"""Additions to moto's SNS and SQS: a message limit, long polling on the virtual clock, the host of queue URLs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from moto.sqs.models import Queue

from simulator.gateway.requests import IdentifiedCall
from simulator.gateway.service_errors import AwsError
from simulator.patches.patching import Patch
from simulator.services.dynamodb.metering import ResponseHook
from simulator.time.clock import VirtualClock

SNS_MESSAGE_LIMIT = 256 * 1024
LONG_POLL_STEP = 0.25
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
        Patch(Queue, "url", _url, "moto answers with AWS's host, so a client that follows it leaves the machine"),
        Patch(Queue, "physical_resource_id", property(_url), "the same URL in a stack's outputs"),
        Patch(Queue, "wait_for_messages", wait_for_messages, "moto waits a real second, and frozen time never passes"),
    ]
