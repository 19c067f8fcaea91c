"""The time as AWS tells it: what an operator sees of an execution must not depend on the clock of his machine."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

# The header has whole seconds, and an answer takes some time: no difference between two clocks.
_TOO_SMALL = timedelta(seconds=5)


class AwsTime:
    """This machine's clock, put right by the Date of each of AWS's answers."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def observe(self, answer: Mapping[str, Any]) -> None:
        """`answer` is boto3's; one without a Date that can be read changes nothing."""
        headers = answer["ResponseMetadata"].get("HTTPHeaders", {})
        with suppress(ValueError):
            server_time = parsedate_to_datetime(headers.get("date", ""))
            ahead = server_time.astimezone(UTC) - datetime.now(UTC)
            self._ahead = ahead if abs(ahead) > _TOO_SMALL else timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead
