"""The suite's real waits for its own threads: during such a wait the threads may call AWS.

A call from a thread that the clock did not start needs a turn. The suite holds the turn token while it waits in real
time for that thread, so both would wait for ever. In `Future.result`, `Event.wait` and `Thread.join` the suite
therefore looks again and again whether a thread requests a turn. Virtual time passes only as long as such calls need.
A thread pool (`map`, `as_completed`, `shutdown`) waits by these three.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

# Between two looks for threads that request a turn, in real seconds.
LOOK_SECONDS = 0.002

_event_wait, _thread_join, _future_result = Event.wait, Thread.join, Future.result


@contextmanager
def served(serve: Callable[[], bool]) -> Iterator[None]:
    """Real waits call `serve`, which lets other threads have their turns; False: this thread waits as without it."""

    def event_wait(self: Event, timeout: float | None = None) -> bool:
        return _wait(serve, lambda seconds: _event_wait(self, seconds), timeout)

    def thread_join(self: Thread, timeout: float | None = None) -> None:
        _wait(serve, lambda seconds: _ends(self, seconds), timeout)

    def future_result(self: Future[Any], timeout: float | None = None) -> Any:
        _wait(serve, lambda seconds: _is_done(self, seconds), timeout)
        return _future_result(self, 0)

    # mypy refuses to replace methods of classes; that is the purpose here.
    Event.wait, Thread.join, Future.result = event_wait, thread_join, future_result  # type: ignore[method-assign]
    try:
        yield
    finally:
        # As above: the originals come back.
        Event.wait, Thread.join, Future.result = _event_wait, _thread_join, _future_result  # type: ignore[method-assign]


def _wait(serve: Callable[[], bool], done: Callable[[float | None], bool], timeout: float | None) -> bool:
    """Wait by `done`, which waits for so many seconds at most, until it is true; False after `timeout`."""
    if not serve():
        return done(timeout)
    end = math.inf if timeout is None else time.monotonic() + timeout
    while (left := end - time.monotonic()) > 0:
        if done(min(LOOK_SECONDS, left)):
            return True
        serve()
    return done(0)


def _ends(thread: Thread, timeout: float | None) -> bool:
    _thread_join(thread, timeout)
    return not thread.is_alive()


def _is_done(future: Future[Any], timeout: float | None) -> bool:
    with suppress(FutureTimeout, CancelledError):
        future.exception(timeout)
    return future.done()
