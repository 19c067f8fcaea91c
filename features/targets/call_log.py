"""The journal of the suite's own calls on real AWS: requests and answers, from botocore's events.

Times are AWS's own, as `Waiting.moment_of` reads them: the suite's clock is never compared with AWS's.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

from traceability.recording import recorded_calls


@dataclass(frozen=True)
class SeenCall:
    """One call, in the form of `traceability.recording.recorded_calls`."""

    service: str
    operation: str
    parameters: dict[str, Any]
    response: dict[str, Any] | None
    error_code: str | None
    error_message: str | None
    started: datetime
    ended: datetime
    account: str
    region: str
    principal: str
    source: str


class CallJournal:
    """`identity` returns account and ARN of the caller, once known; `moment_of` AWS's time at an answer."""

    def __init__(
        self,
        identity: Callable[[], tuple[str, str]],
        moment_of: Callable[[Mapping[str, str]], datetime | None],
    ) -> None:
        self.calls: list[SeenCall] = []
        self._identity = identity
        self._moment_of = moment_of
        self._here = threading.local()
        self._last = datetime.now(UTC)

    @property
    def last_moment(self) -> datetime:
        """The time of AWS's last answer, by its own clock."""
        return self._last

    def listen(self, session: boto3.Session) -> None:
        """Record every call of this session's clients."""
        region = str(session.region_name)
        session.events.register("provide-client-params", self._asked)
        session.events.register("after-call", lambda **event: self._answered(region, **event))
        session.events.register("after-call-error", lambda **event: self._failed(region, **event))

    def _asked(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self._here.call = (model.service_model.service_name, model.name, dict(params), time.perf_counter())

    def _answered(self, region: str, http_response: Any, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        service, operation, parameters, begun = self._take(model)
        error = parsed.get("Error") if http_response.status_code >= 300 else None
        answer = None if error is not None else {k: v for k, v in parsed.items() if k != "ResponseMetadata"}
        self._note(region, service, operation, parameters, answer, error or {}, begun, http_response.headers)

    def _failed(self, region: str, exception: Exception, **event: Any) -> None:
        service, operation, parameters, begun = getattr(self._here, "call", ("", "", {}, time.perf_counter()))
        error = {"Code": type(exception).__name__, "Message": str(exception)}
        self._note(region, service, operation, parameters, None, error, begun, {})

    def _take(self, model: Any) -> tuple[str, str, dict[str, Any], float]:
        asked = getattr(self._here, "call", None)
        if asked is None or asked[1] != model.name:
            return model.service_model.service_name, model.name, {}, time.perf_counter()
        return asked  # type: ignore[no-any-return]  # `_asked` has set it

    def _note(
        self,
        region: str,
        service: str,
        operation: str,
        parameters: dict[str, Any],
        answer: dict[str, Any] | None,
        error: dict[str, Any],
        begun: float,
        headers: Mapping[str, str],
    ) -> None:
        took = timedelta(seconds=time.perf_counter() - begun)
        self._last = self._moment_of(headers) or self._last
        account, principal = self._identity()
        self.calls.append(
            SeenCall(
                service,
                operation,
                parameters,
                answer,
                error.get("Code"),
                error.get("Message"),
                self._last - took,
                self._last,
                account,
                region,
                principal,
                recorded_calls.SUITE,
            )
        )
