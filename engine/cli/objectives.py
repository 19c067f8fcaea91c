"""Recovery objectives for people: target against actual, in one line each, and the estimate of the time left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from statistics import median
from typing import Any

from engine.cli.times import clock

Record = Mapping[str, Any]
# From this age on, the age of recovered data is shown beside the server.
OLD_DATA_SECONDS = 3600


def objective_lines(record: Record, now: datetime) -> Iterator[str]:
    """Recovery time and oldest data; while the execution runs, the time that is left of the objective."""
    objectives = record.get("Objectives", {})
    time, point = objectives.get("RecoveryTime", {}), objectives.get("RecoveryPoint", {})
    if record["Status"] == "RUNNING":
        if target := time.get("TargetSeconds"):
            left = int(target - (now - datetime.fromisoformat(record["StartTime"])).total_seconds())
            rest = f"{clock(left)} left" if left >= 0 else f"missed by {clock(-left)}"
            yield f"Recovery time objective {clock(target)}: {rest}"
        return
    if time:
        yield _line("Recovery time", time, time.get("ActualSeconds"), "no server recovered")
    if point:
        line = _line("Oldest data", point, point.get("WorstSeconds"), "age not known")
        # The age of data as of a point in time is the operator's choice.
        yield line.replace("not known", "not judged") if "AsOf" in record and "Met" not in point else line


def _line(name: str, objective: Record, actual: int | None, missing: str) -> str:
    found = missing if actual is None else clock(actual)
    if "TargetSeconds" not in objective:
        return f"{name}: {found}"
    sign, verdict = {True: ("✔", "met"), False: ("✘", "not met"), None: ("·", "not known")}[objective.get("Met")]
    met = actual is not None and actual <= objective["TargetSeconds"]
    # A short time, or new data, of the servers that were recovered is no success.
    why = " (not COMPLETED)" if met and objective.get("Met") is False else ""
    return f"{sign} {name}: {found}, objective {clock(objective['TargetSeconds'])} {verdict}{why}"


def recovery_time(item: Record) -> str:
    """The recovery time of a past execution in a list, with a sign for its objective."""
    time = item.get("Objectives", {}).get("RecoveryTime", {})
    if "ActualSeconds" not in time:
        return ""
    sign = {True: " ✔", False: " ✘"}.get(time.get("Met"), "")
    return f"{clock(time['ActualSeconds'])}{sign}"


def trend(items: Sequence[Record]) -> Iterator[str]:
    """For the executions of one plan, newest first: the recovery times of those that are COMPLETED, oldest first."""
    for kind, words in (("DRILL", "drills"), ("RECOVERY", "recoveries")):
        times = [
            item["Objectives"]["RecoveryTime"]["ActualSeconds"]
            for item in items
            if item["ExecutionType"] == kind and item["Status"] == "COMPLETED" and recovery_time(item)
        ]
        if len(times) > 1:
            shown = " ".join(clock(seconds) for seconds in reversed(times[:_SHOWN]))
            yield f"Recovery time of {words}, oldest first: {shown}; median {clock(int(median(times)))}"


_SHOWN = 6


def estimate(record: Record, earlier: Sequence[int], now: datetime) -> str:
    """The time left by the durations in seconds of earlier executions of the plan; empty if there are none."""
    if record["Status"] != "RUNNING" or not earlier:
        return ""
    runs = "1 earlier run" if len(earlier) == 1 else f"the median of {len(earlier)} earlier runs"
    left = int(median(earlier) - (now - datetime.fromisoformat(record["StartTime"])).total_seconds())
    if left < 0:
        return f"Estimate: over by now; {runs} took {clock(int(median(earlier)))}"
    return f"Estimate: {clock(left)} left, by {runs}"
