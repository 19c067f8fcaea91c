"""The real time of day, also while a scenario has a frozen one of its own.

A scenario's clock replaces `time.time` for the whole process; `perf_counter` stays real and is anchored here, before
any scenario began. Reporters want this time: how long a scenario took the reader, not how long it took AWS.
"""

from __future__ import annotations

import time
from types import SimpleNamespace

import behave.model

_EPOCH = time.time() - time.perf_counter()


def seconds() -> float:
    """Return the seconds since 1970."""
    return _EPOCH + time.perf_counter()


def milliseconds() -> int:
    """Return the milliseconds since 1970, as Allure counts."""
    return round(seconds() * 1000)


def for_behave() -> None:
    """Let behave's own durations (summary, JUnit) be real; its model asks the clock in one place, by this name."""
    behave.model.time = SimpleNamespace(time=seconds)
