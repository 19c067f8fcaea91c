"""The course of a day: what happened when, without the ids, which are drawn in the order of calls.

A day that is lived by the thin loop and by the Step Functions interpreter must have the same course.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from tests.simulation.cases import Document
from tests.simulation.runner import Life


def course(life: Life) -> Iterator[str]:
    """One line for each call of the function, and for each execution, wave and server of the records."""
    for call in life.calls:
        if call.source == "lambda":
            yield f"{life.seconds(call.started):.3f} s {call.service}:{call.operation} {call.error_code or 'OK'}"
    for execution_id, record in life.records.items():
        yield f"plan {life.executions[execution_id] + 1} {_words(life, record)}"
        for wave in record["Waves"]:
            yield f"wave {wave['WaveNumber']} {_words(life, wave)}"
            yield from (f"server {one['SourceServerId']} {_words(life, one)}" for one in wave["ServerResults"])


def parting(one: Life, other: Life) -> str | None:
    """Where the courses of two lives of a day part; None: nowhere."""
    for ours, theirs in zip_longest(course(one), course(other), fillvalue="nothing more"):
        if ours != theirs:
            return f"{ours!r} in one, {theirs!r} in the other"
    return None


def _words(life: Life, item: Document) -> str:
    times = [f"{life.seconds(item[name]):.0f} s" for name in ("StartTime", "EndTime") if name in item]
    return " ".join([item["Status"], *times])
