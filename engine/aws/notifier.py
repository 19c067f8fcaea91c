"""Notifications through SNS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.aws.caller import Caller


@dataclass(frozen=True)
class Notifier:
    """Publishes to SNS topics; `client(region)` returns an SNS client for the Region of the topic."""

    caller: Caller
    client: Callable[[str], Any]

    def publish(self, topic_arn: str, subject: str, message: str) -> str:
        """Publish the message; returns its message id."""
        region = topic_arn.split(":")[3]
        response = self.caller.call(
            self.client(region), "publish", TopicArn=topic_arn, Subject=subject, Message=message
        )
        return str(response["MessageId"])
