"""A wait in a rehearsal ends when its time is over, to the microsecond."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from features.targets.base import WaitTimeout
from features.targets.waiting import AdvancingEvents

ENOUGH = 100


class Server:
    """An event every so many seconds, and time in microseconds, as the served simulator has it."""

    def __init__(self, every: float) -> None:
        self.every, self.asked = timedelta(seconds=every), 0

    def hold(self) -> None: ...

    def next_event(self, seconds: float) -> dict[str, Any]:
        self.asked += 1
        if self.asked > ENOUGH:
            raise AssertionError("it asks for ever")
        return {"seconds": min(self.every, timedelta(seconds=seconds)).total_seconds()}


@pytest.mark.parametrize(("timeout", "every"), [(1, 0.1), (60, 14.4), (59.76, 15.08), (0.3, 0.1)])
def test_a_wait_in_vain_comes_to_its_end(timeout: float, every: float) -> None:
    server: Any = Server(every)
    with pytest.raises(WaitTimeout, match=f"Waited {timeout:g} s in vain for time to pass"):
        AdvancingEvents(server).until(lambda: False, timeout, "time to pass")
    assert server.asked <= timeout / every + 1
