"""The estimate of the servers that the selected scenarios launch on real AWS, and of their cost."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from features import testdata

HOURLY_PRICE = 0.20
"""US dollars an instance hour: a Windows instance of the size DRS chooses by default, with its disks; a caution."""
_HOURS = 0.75
_PLAN = re.compile(r'the "([^"]+)" plan')


@dataclass(frozen=True)
class Demand:
    """`launches` counts servers over the whole run; `hours` is an estimate for the whole run."""

    scenarios: int
    launching: int
    launches: int

    @property
    def hours(self) -> float:
        return self.launching * _HOURS

    @property
    def dollars(self) -> float:
        # Beside each instance runs DRS's conversion server for a part of the time.
        return self.launches * _HOURS * HOURLY_PRICE * 2


def of(scenarios: Iterable[Any], tag: str) -> Demand:
    """The demand of behave's scenarios that will run, those with `tag`."""
    mine = [one for one in scenarios if tag in one.effective_tags]
    launching = [one for one in mine if "costs-instances" in one.effective_tags]
    return Demand(len(mine), len(launching), sum(_servers(one) for one in launching))


def _servers(scenario: Any) -> int:
    """The servers that a scenario's plan recovers; all known ones when it drafts a plan of its own."""
    known = len(testdata.servers())
    for step in scenario.all_steps:
        if named := _PLAN.search(step.name):
            plan = testdata.read(f"plans/{named[1]}")
            groups = testdata.groups_of(plan)
            return sum(len(groups[wave["ProtectionGroupId"]]["SourceServerIds"]) for wave in plan["Waves"])
    return known
