"""Lives many days in a few processes, and keeps what came of each as one line of JSON."""

from __future__ import annotations

import gc
import json
import multiprocessing
import re
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from multiprocessing.pool import Pool
from pathlib import Path
from typing import Any

from tests.simulation import cases, generator, oracle, oracle_input
from tests.simulation.runner import Life, live
from tests.simulation.trace import parting

# A worker is replaced after so many days: what a process gathers in them is given back.
DAYS_A_WORKER = 100
Result = dict[str, Any]


def lived(day: cases.Day) -> tuple[Life | None, list[str]]:
    """The day and what was wrong with it; a day that cannot be lived at all is wrong, too.

    A day with the Step Functions interpreter is lived by the thin loop as well, and must take the same course.
    """
    try:
        life = live(day)
        apart = parting(live(replace(day, interpreter=False)), life) if day.interpreter else None
    except Exception:  # noqa: BLE001 - whatever breaks a day is the finding: it is told and shrunk like any other
        return None, [f"the day could not be lived: {traceback.format_exc(limit=-6)}"]
    differs = [f"the thin loop and the interpreter live it differently: {apart}"] if apart else []
    return life, [*oracle.judge(life), *differs]


def kinds(problems: list[str]) -> set[str]:
    """The problems without the ids and numbers of their day: what a smaller day must have in common with a larger."""
    return {re.sub(r"[\w-]*\d[\w.:-]*", "#", problem) for problem in problems}


def live_seed(seed: int) -> Result:
    """One day of a seed, for a worker: {seed, problems, cpu, virtual, calls, outcomes, faults}."""
    begun = time.process_time()
    day = generator.draw(seed)
    life, problems = lived(day)
    result: Result = {"seed": seed, "problems": problems, "interpreter": day.interpreter}
    if life is not None:
        result |= {
            "virtual": round((life.ended - life.began).total_seconds()),
            "calls": len(life.calls),
            "outcomes": sorted(record["Status"] for record in life.records.values()),
            "faults": dict(fault_counts(life)),
            "servers": len(day.servers),
            "waves": sum(len(plan["waves"]) for plan in day.plans),
        }
    return result | {"cpu": round(time.process_time() - begun, 3)}


def fault_counts(life: Life) -> Counter[str]:
    """How often each kind of disorder was met that day."""
    counts = Counter(call.fault for call in life.calls if call.fault is not None)
    counts["fail_lambda"] += len(life.missed)
    counts["servers or quota in use"] += sum(
        call.error_code in oracle_input.BUSY for call in oracle_input.engine_calls(life)
    )
    used = {f"s-{int(number):017d}" for number in life.day.servers}
    statuses = Counter(one["launchStatus"] for job in life.jobs for one in job["participatingServers"])
    counts["launch failed"] += statuses["FAILED"]
    counts["instance hung or died"] += sum(
        life.day.servers[str(int(server[2:]))]["becomes"] != "running"
        for job in life.jobs
        if job["type"] == "LAUNCH"
        for server in (one["sourceServerID"] for one in job["participatingServers"])
        if server in used
    )
    counts.update(
        {
            "cancel": sum(act.doing["do"] == "cancel" and act.result == "accepted" for act in life.acts),
            "second start": sum(act.doing["do"] == "start" and "for_real" not in act.doing for act in life.acts)
            - len(life.day.plans),
            "recovery after a drill": sum(
                act.doing["do"] == "start" and "for_real" in act.doing and act.result == "started" for act in life.acts
            ),
            "state machine stopped": sum(act.result == "aborted" for act in life.acts),
            "somebody else's job": sum(act.doing["do"] == "foreign_job" for act in life.acts),
            "shared servers": len(life.day.plans) - 1,
            "recovered for real meanwhile": sum(
                "was recovered for real" in result.get("ErrorMessage", "")
                for record in life.records.values()
                for wave in record["Waves"]
                for result in wave["ServerResults"]
            ),
        }
    )
    return +counts


@dataclass
class Summary:
    """What many days came to."""

    began: float = field(default_factory=time.monotonic)
    days: int = 0
    virtual: float = 0
    cpu: float = 0
    calls: int = 0
    failed: list[Result] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, result: Result) -> None:
        self.days += 1
        self.cpu += result["cpu"]
        self.virtual += result.get("virtual", 0)
        self.calls += result.get("calls", 0)
        self.outcomes.update(result.get("outcomes", ()))
        self.faults.update(result.get("faults", {}))
        if result["problems"]:
            self.failed.append(result)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def line(self) -> str:
        rate = self.days / self.seconds if self.seconds else 0
        return (
            f"{self.days} days lived ({self.virtual / 86400:.1f} days of virtual time, {self.calls:,} AWS calls), "
            f"{len(self.failed)} went wrong; {rate:.1f} days a second, "
            f"{self.cpu / max(1, self.days):.2f} s of processor time each"
        )


def workers(processes: int) -> Pool:
    """Processes of their own: a day leaves memory behind, so each lives only so many."""
    return multiprocessing.get_context("spawn").Pool(processes, _look_for_garbage_less, maxtasksperchild=DAYS_A_WORKER)


def _look_for_garbage_less() -> None:
    """The models of AWS's services stay; looking through them for garbage takes an eighth of a day's processor time."""
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)


def run(
    seeds: Iterator[int],
    *,
    processes: int,
    seconds: float | None = None,
    at_least: int = 0,
    results: Path | None = None,
    until: datetime | None = None,
    show: Callable[[str], None] | None = None,
) -> Summary:
    """Live the days of `seeds` until they end, `seconds` have passed (after `at_least` days) or it is `until`."""
    summary = Summary()

    def time_is_up() -> bool:
        spent = seconds is not None and summary.seconds > seconds and summary.days >= at_least
        return spent or (until is not None and datetime.now(UTC) >= until)

    room = threading.Semaphore(2 * processes)

    def fed() -> Iterator[int]:
        for seed in seeds:
            room.acquire()
            if time_is_up():
                return
            yield seed

    with workers(processes) as pool:
        for result in pool.imap_unordered(live_seed, fed()):
            room.release()
            summary.add(result)
            if results is not None:
                with results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(result) + "\n")
            if show is not None:
                show(summary.line())
    return summary


def already_lived(results: Path | None) -> Iterator[Result]:
    """What a results file holds of earlier runs."""
    if results is not None and results.exists():
        yield from (json.loads(line) for line in results.read_text(encoding="utf-8").splitlines() if line)


def progress(every: float = 10.0) -> Callable[[str], None]:
    """Shows a line: over itself on a terminal, now and then elsewhere."""
    shown = [0.0]

    def show(line: str) -> None:
        terminal = sys.stderr.isatty()
        if time.monotonic() - shown[0] < (0.2 if terminal else every):
            return
        shown[0] = time.monotonic()
        sys.stderr.write(f"\r\x1b[K{line}" if terminal else f"{line}\n")
        sys.stderr.flush()

    return show
