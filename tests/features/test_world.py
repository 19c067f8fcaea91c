"""A record is read again when it may have changed, and only then; on AWS, which does not tell, always."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from features.world import World


class Reader:
    """Stands for the engine's client: what it reads is what somebody wrote last."""

    def __init__(self) -> None:
        self.written: dict[str, Any] = {"Status": "RUNNING"}
        self.reads = 0

    def get(self, _: str) -> dict[str, Any]:
        self.reads += 1
        return dict(self.written)


def world(changes: list[int | None]) -> tuple[World, Reader]:
    made: World = World.__new__(World)
    reader = Reader()
    made.target = SimpleNamespace(changes_of_items=lambda: changes[-1])  # type: ignore[assignment]
    made.client = reader  # type: ignore[assignment]
    made.executions, made.records_seen, made._read_at = ["one"], {}, {}
    return made, reader


def test_a_record_that_nobody_wrote_is_not_read_again() -> None:
    changes: list[int | None] = [3]
    made, reader = world(changes)
    assert [made.sample() for _ in range(3)] == [{"Status": "RUNNING"}] * 3
    assert reader.reads == 1
    reader.written = {"Status": "COMPLETED"}
    changes.append(4)
    assert made.sample() == {"Status": "COMPLETED"}
    assert made.records_seen == {"one": [{"Status": "RUNNING"}, {"Status": "COMPLETED"}]}
    made.sample("another")
    assert reader.reads == 3


def test_where_nobody_can_tell_a_record_is_always_read() -> None:
    made, reader = world([None])
    made.sample()
    reader.written = {"Status": "COMPLETED"}
    assert made.sample() == {"Status": "COMPLETED"}


def test_a_record_that_is_gone_is_missed_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made, reader = world([3])

    def gone(_: str) -> dict[str, Any]:
        raise LookupError("no such execution")

    monkeypatch.setattr(reader, "get", gone)
    for _ in range(2):
        with pytest.raises(LookupError):
            made.sample()
    assert made.records_seen == {}
