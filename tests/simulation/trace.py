"""The trace of a case: its calls and outcomes with their times, without the ids, which depend on the order of calls.

The thin loop and the Step Functions interpreter must produce the same trace of a case.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from tests.simulation.cases import Document
from tests.simulation.observation import Observation


def trace(observed: Observation) -> Iterator[str]:
    """One line for each call of the function, and for each execution, wave and server of the records."""
    for call in observed.calls:
        if call.source == "lambda":
            yield f"{observed.seconds(call.started):.3f} s {call.service}:{call.operation} {call.error_code or 'OK'}"
    for execution_id, record in observed.records.items():
        yield f"plan {observed.executions[execution_id] + 1} {_summary(observed, record)}"
        for wave in record["Waves"]:
            yield f"wave {wave['WaveNumber']} {_summary(observed, wave)}"
            yield from (f"server {one['SourceServerId']} {_summary(observed, one)}" for one in wave["ServerResults"])


def first_difference(one: Observation, other: Observation) -> str | None:
    """The first difference between the traces of two observations; None if they are equal."""
    for ours, theirs in zip_longest(trace(one), trace(other), fillvalue="the end"):
        if ours != theirs:
            return f"{ours!r} in one, {theirs!r} in the other"
    return None


def _summary(observed: Observation, item: Document) -> str:
    times = [f"{observed.seconds(item[name]):.0f} s" for name in ("StartTime", "EndTime") if name in item]
    return " ".join([item["Status"], *times])
