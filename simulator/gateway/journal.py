"""The call journal: every AWS call of every client, in the order in which the calls began."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, overload

MAX_TEXT = 4096
_SECRETS = {"SecretAccessKey", "SessionToken", "secretAccessKey", "sessionToken"}
MASK = "********"
# Operations that only read. Invoke counts as one: the effects of a function are calls of their own.
_READING = ("Describe", "Get", "List", "Query", "Scan", "BatchGet", "Lookup", "Filter", "Invoke")


@dataclass
class JournalEntry:
    """One AWS call. `parameters` and `response` have boto3's names and plain JSON values; secrets are masked.

    `source` is the kind of caller, see `faults.SOURCES`. `response` is None for a call that failed or whose response
    was lost; `error_code` then holds AWS's code, or botocore's exception for a connection. `fault` is the kind of the
    fault that hit the call, `consumed` a DynamoDB call's {read_units, write_units, bytes}.
    """

    number: int
    service: str
    operation: str
    parameters: dict[str, Any]
    account: str
    region: str
    principal: str
    source: str
    actor: str
    started: datetime
    ended: datetime | None = None
    request_id: str = ""
    status_code: int | None = None
    response: dict[str, Any] | None = None
    error_code: str | None = None
    error_message: str | None = None
    fault: str | None = None
    consumed: dict[str, float] | None = None

    @property
    def succeeded(self) -> bool:
        return self.error_code is None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"started": _iso(self.started), "ended": _iso(self.ended) if self.ended else None}


@dataclass
class Journal(Sequence[JournalEntry]):
    calls: list[JournalEntry] = field(default_factory=list)

    _changing: Counter[str] = field(default_factory=Counter)

    def add(self, call: JournalEntry) -> None:
        self.calls.append(call)
        self._count(call)

    def note_end(self, call: JournalEntry) -> None:
        """Counts the end as a change too: the effect of a call lies between its beginning and its end."""
        self._count(call)

    def copy(self) -> Journal:
        """A journal of the same calls; their entries no longer change once they have ended."""
        return Journal(list(self.calls), Counter(self._changing))

    def _count(self, call: JournalEntry) -> None:
        self._changing[call.service] += not call.operation.startswith(_READING)

    def change_count(self, service: str | None = None) -> int:
        """Grows with each beginning and each end of a call (of this service) that may change data."""
        return self._changing.total() if service is None else self._changing[service]

    def select(
        self,
        service: str | None = None,
        operation: str | None = None,
        *,
        principal: str | None = None,
        source: str | None = None,
        since: datetime | None = None,
        error_code: str | None = None,
    ) -> list[JournalEntry]:
        """The calls that match all given criteria; `principal` matches any part of the caller's ARN."""
        return [
            call
            for call in self.calls
            if (service is None or call.service == service)
            and (operation is None or call.operation == operation)
            and (principal is None or principal in call.principal)
            and (source is None or call.source == source)
            and (since is None or call.started >= since)
            and (error_code is None or call.error_code == error_code)
        ]

    def to_json_lines(self) -> str:
        """One JSON object a line. Two runs with the same seed give the same text."""
        return "".join(json.dumps(call.to_dict(), sort_keys=True) + "\n" for call in self.calls)

    @overload
    def __getitem__(self, index: int) -> JournalEntry: ...
    @overload
    def __getitem__(self, index: slice) -> list[JournalEntry]: ...
    def __getitem__(self, index: int | slice) -> JournalEntry | list[JournalEntry]:
        return self.calls[index]

    def __len__(self) -> int:
        return len(self.calls)

    def __iter__(self) -> Iterator[JournalEntry]:
        return iter(self.calls)


def plain(value: Any, name: str = "") -> Any:
    """The value as plain JSON. Masks secrets; replaces long blobs by their size."""
    if name in _SECRETS and isinstance(value, str):
        return MASK
    if isinstance(value, Mapping):
        return {str(key): plain(item, str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return _iso(value)
    if isinstance(value, (bytes, bytearray)):
        return _plain_blob(bytes(value))
    return value


def _plain_blob(value: bytes) -> Any:
    if len(value) > MAX_TEXT:
        return f"<{len(value)} bytes>"
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()
    try:
        return json.loads(text)
    except ValueError:
        return text


def _iso(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"
