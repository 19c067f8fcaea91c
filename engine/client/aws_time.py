"""The time of AWS: the displayed times of an execution must not depend on the clock of the operator's machine."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

# The Date header has whole seconds and answers take time, so a smaller difference is no clock error.
_TOO_SMALL = timedelta(seconds=5)


# The times of a record that have passed when the engine writes them.
_PAST = frozenset({"StartTime", "EndTime", "PolledAt"})


def latest_moment(record: Any) -> datetime | None:
    """The latest time at which the engine wrote to this record; None for a record without times."""
    found: list[datetime] = []
    if isinstance(record, Mapping):
        found = [datetime.fromisoformat(record[name]) for name in _PAST if record.get(name)]
        found += [moment for value in record.values() if (moment := latest_moment(value)) is not None]
    elif isinstance(record, list):
        found = [moment for value in record if (moment := latest_moment(value)) is not None]
    return max(found, default=None)


class AwsTime:
    """The clock of this machine, corrected by the Date header of AWS answers and by the times in records."""

    def __init__(self) -> None:
        self._ahead = timedelta(0)

    def observe(self, answer: Mapping[str, Any]) -> None:
        """Correct the clock by a boto3 response; a missing or malformed Date has no effect."""
        headers = answer["ResponseMetadata"].get("HTTPHeaders", {})
        with suppress(ValueError):
            server_time = parsedate_to_datetime(headers.get("date", ""))
            ahead = server_time.astimezone(UTC) - datetime.now(UTC)
            self._ahead = ahead if abs(ahead) > _TOO_SMALL else timedelta(0)

    def at_least(self, moment: datetime) -> None:
        """A record of AWS names this past moment, so that it cannot be earlier now."""
        behind = moment - self.now()
        if behind > _TOO_SMALL:
            self._ahead += behind

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead
