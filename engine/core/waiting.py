"""How long to wait: until the earliest thing that can happen, and never so long that a cancellation goes unnoticed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from engine.core import policy
from engine.core.actions import Wait
from engine.core.state import Execution


def wait(execution: Execution, now: datetime, wake_ups: Iterable[datetime]) -> Wait:
    """Wait for the earliest of `wake_ups`, the execution's deadline, or the longest wait."""
    limits = [soon(now, policy.LONGEST_WAIT_SECONDS)]
    if execution.deadline is not None and not execution.ended:
        limits.append(policy.whole_second_after(execution.deadline))
    return Wait(min(*wake_ups, *limits))


def soon(now: datetime, seconds: float) -> datetime:
    """About `seconds` from now, at a whole second."""
    return policy.whole_second_before(now + timedelta(seconds=seconds))
