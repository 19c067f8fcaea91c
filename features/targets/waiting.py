"""Waiting on real AWS and in a rehearsal. The two differ in this module only."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from features.targets.base import TargetRefused, WaitTimeout
from simulator.serving import RemoteSimulator

POLL_SECONDS = 10.0


class Waiting(Protocol):
    def until(self, condition: Callable[[], Any], timeout: float, what: str) -> Any:
        """Wait for `condition` and return its value. Raises WaitTimeout with `what`, the condition."""

    def pause(self, seconds: float) -> None:
        """Let this much of AWS's time pass."""

    def moment_of(self, headers: Mapping[str, str]) -> datetime | None:
        """The time of AWS at its answer with these headers; None if the answer does not say."""


class Sleeping:
    """On AWS: sleep, and evaluate the condition again."""

    def until(self, condition: Callable[[], Any], timeout: float, what: str) -> Any:
        end = time.monotonic() + timeout
        while True:
            if value := condition():
                return value
            if time.monotonic() >= end:
                raise WaitTimeout(f"Waited {timeout:g} s in vain for {what}")
            self.pause(min(POLL_SECONDS, max(0.0, end - time.monotonic())))

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)  # real AWS has no other clock than the real one

    def moment_of(self, headers: Mapping[str, str]) -> datetime | None:
        date = headers.get("date")
        return parsedate_to_datetime(date) if date else None


class AdvancingEvents:
    """In a rehearsal: advance the served simulator, whose clock stands still, from event to event."""

    def __init__(self, server: RemoteSimulator) -> None:
        self._server = server
        server.hold()

    def until(self, condition: Callable[[], Any], timeout: float, what: str) -> Any:
        # Microseconds, as the server counts: a float would keep a remainder that the server rounds away.
        left = timedelta(seconds=timeout)
        while True:
            if value := condition():
                return value
            if left <= timedelta(0):
                raise WaitTimeout(f"Waited {timeout:g} s in vain for {what}")
            left -= timedelta(seconds=self._server.next_event(left.total_seconds())["seconds"])

    def pause(self, seconds: float) -> None:
        self._server.advance(seconds)

    def moment_of(self, headers: Mapping[str, str]) -> datetime | None:
        """The Date header of the server is real. Its virtual clock has stood still since the answer."""
        return datetime.fromisoformat(self._server.about()["now"]) if headers else None


def waiting() -> Waiting:
    """The way to wait for the endpoint of this process's AWS clients. Raises TargetRefused if a local one is silent."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint is None:
        return Sleeping()
    if urlsplit(endpoint).hostname not in ("localhost", "127.0.0.1", "::1"):
        return Sleeping()
    try:
        return AdvancingEvents(RemoteSimulator(endpoint))
    except OSError as problem:
        raise TargetRefused(f"no answer from AWS_ENDPOINT_URL={endpoint}: {problem}") from problem
