"""Real waits of tests in which no other thread gets a turn of the virtual clock."""

from __future__ import annotations

import select


def really_wait(seconds: float) -> None:
    """Wait in real time. `time.sleep` is virtual, and a wait for an event serves threads that call AWS."""
    select.select([], [], [], seconds)
