"""Shares the scenarios out: over the processes of a run by measured time, over the shards of a CI matrix by position.

Invariant: the shares are disjoint, and together they are all scenarios. So each scenario is recorded exactly once, and
a scenario that is lost or doubled shows when the records are reconciled.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from traceability.evaluation.record_readers import Key
from traceability.model.feature_files import Scenario, for_target
from traceability.running.selection import is_named


@dataclass(frozen=True, order=True)
class Shard:
    """One of `count` parts of the suite; `number` counts from 1."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Return the shard that `text` names, such as 1/4. Raises ValueError."""
        found = re.fullmatch(r"([1-9]\d{0,3})/([1-9]\d{0,3})", text)
        if found is None or int(found[1]) > int(found[2]):
            raise ValueError(f"{text!r} is no shard; the first of four is 1/4, the last 4/4")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def of(self, scenarios: Sequence[Scenario], target: str) -> list[Scenario]:
        """Return the scenarios of this shard: the same on each machine, so no measured time counts."""
        runs = [one for one in scenarios if for_target(one, target)]
        skipped = [one for one in scenarios if not for_target(one, target)]
        mine = {one.place for part in (runs, skipped) for one in part[self.number - 1 :: self.count]}
        return [one for one in scenarios if one.place in mine]


def shares(
    scenarios: Sequence[Scenario],
    target: str,
    processes: int,
    known_seconds: Mapping[Key, float] | None = None,
    named: Collection[str] | None = None,
) -> list[list[Scenario]]:
    """Share the scenarios out over at most `processes` shares so that all end at about the same time.

    `known_seconds` are durations from an earlier run; a scenario without one counts as average. `named` are the places
    of the scenarios to run, None for all; skipped scenarios take no time.
    """
    known = known_seconds or {}
    average = sum(known.values()) / len(known) if known else 1.0
    work = {
        one: known.get(one.key, average) if for_target(one, target) and is_named(one, named) else 0.0
        for one in scenarios
    }
    busy = sum(1 for seconds in work.values() if seconds)
    count = max(1, min(processes, busy))
    load, share_of = [0.0] * count, {}
    for one, seconds in sorted(work.items(), key=lambda item: -item[1]):
        share_of[one] = load.index(min(load))
        load[share_of[one]] += seconds
    return [[one for one in scenarios if share_of[one] == number] for number in range(count)]
