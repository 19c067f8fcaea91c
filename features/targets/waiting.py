"""How the suite waits on real AWS, and in a rehearsal: the only place where the two differ."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlsplit

from features.targets.base import TargetRefused, WaitTimeout
from simulator.serving import RemoteSimulator

LOOK_EVERY_SECONDS = 10.0


class Waiting(Protocol):
    def until(self, condition: Callable[[], Any], timeout: float, what: str) -> Any:
        """Wait for `condition` and return its value; raises WaitTimeout naming `what`."""

    def pause(self, seconds: float) -> None:
        """Let so much of AWS's time go by."""


class Sleeping:
    """On AWS time passes by itself: sleep, and ask again."""

    def until(self, condition: Callable[[], Any], timeout: float, what: str) -> Any:
        end = time.monotonic() + timeout
        while True:
            if value := condition():
                return value
            if time.monotonic() >= end:
                raise WaitTimeout(f"Waited {timeout:g} s in vain for {what}")
            self.pause(min(LOOK_EVERY_SECONDS, max(0.0, end - time.monotonic())))

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)  # real AWS has no other clock than the real one


class AskingForEvents:
    """In a rehearsal the served simulator stands still until it is asked for the next event."""

    def __init__(self, server: RemoteSimulator) -> None:
        self._server = server
        server.hold()

    def until(self, condition: Callable[[], Any], timeout: float, what: str) -> Any:
        # Microseconds, as the server counts: of floats a rest would stay that is over for it and never for us.
        left = timedelta(seconds=timeout)
        while True:
            if value := condition():
                return value
            if left <= timedelta(0):
                raise WaitTimeout(f"Waited {timeout:g} s in vain for {what}")
            left -= timedelta(seconds=self._server.next_event(left.total_seconds())["seconds"])

    def pause(self, seconds: float) -> None:
        self._server.advance(seconds)


def waiting() -> Waiting:
    """By the endpoint that AWS's clients of this process will call. Raises TargetRefused for one that is neither."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    if endpoint is None:
        return Sleeping()
    if urlsplit(endpoint).hostname not in ("localhost", "127.0.0.1", "::1"):
        return Sleeping()
    try:
        return AskingForEvents(RemoteSimulator(endpoint))
    except OSError as problem:
        raise TargetRefused(f"nobody answers at AWS_ENDPOINT_URL={endpoint}: {problem}") from problem
