"""Runs many cases in several processes, and keeps the result of each as one line of JSON."""

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
from tests.simulation.observation import Observation
from tests.simulation.runner import run_case
from tests.simulation.trace import first_difference

# A worker process is replaced after this number of cases, which frees the memory that it has gathered.
CASES_PER_WORKER = 100
Result = dict[str, Any]


def check_case(case: cases.Case) -> tuple[Observation | None, list[str]]:
    """Run the case: its observation and violations. An exception while it runs is a violation; no observation then.

    A case with the Step Functions interpreter runs with the thin loop as well: the traces must be equal.
    """
    try:
        observed = run_case(case)
        difference = (
            first_difference(run_case(replace(case, interpreter=False)), observed) if case.interpreter else None
        )
    except Exception:  # noqa: BLE001 - any exception is a finding: it is reported and reduced like a violation
        return None, [f"the case raised an exception: {traceback.format_exc(limit=-6)}"]
    differs = [f"the thin loop and the interpreter differ: {difference}"] if difference else []
    return observed, [*oracle.violations(observed), *differs]


def without_ids(violations: list[str]) -> set[str]:
    """The violations without ids and numbers, to compare those of a reduced case with those of the whole one."""
    return {re.sub(r"[\w-]*\d[\w.:-]*", "#", line) for line in violations}


def check_seed(seed: int) -> Result:
    """Run the case of a seed in a worker: {seed, problems, interpreter, virtual, calls, outcomes, faults, ..., cpu}."""
    started = time.process_time()
    case = generator.generate(seed)
    observed, problems = check_case(case)
    result: Result = {"seed": seed, "problems": problems, "interpreter": case.interpreter}
    if observed is not None:
        result |= {
            "virtual": round((observed.ended - observed.began).total_seconds()),
            "calls": len(observed.calls),
            "outcomes": sorted(record["Status"] for record in observed.records.values()),
            "faults": dict(fault_counts(observed)),
            "servers": len(case.servers),
            "waves": sum(len(plan["waves"]) for plan in case.plans),
        }
    return result | {"cpu": round(time.process_time() - started, 3)}


def fault_counts(observed: Observation) -> Counter[str]:
    """How often each kind of fault and of other disturbance occurred in the case."""
    counts = Counter(call.fault for call in observed.calls if call.fault is not None)
    counts["fail_lambda"] += len(observed.missed)
    counts["servers or quota in use"] += sum(
        call.error_code in oracle_input.BUSY for call in oracle_input.engine_calls(observed)
    )
    used = {f"s-{int(number):017d}" for number in observed.case.servers}
    statuses = Counter(one["launchStatus"] for job in observed.jobs for one in job["participatingServers"])
    counts["launch failed"] += statuses["FAILED"]
    counts["instance not running"] += sum(
        observed.case.servers[str(int(server[2:]))]["becomes"] != "running"
        for job in observed.jobs
        if job["type"] == "LAUNCH"
        for server in (one["sourceServerID"] for one in job["participatingServers"])
        if server in used
    )
    counts.update(
        {
            "cancel": sum(
                request.action["do"] == "cancel" and request.result == "accepted" for request in observed.requests
            ),
            "second start": sum(
                request.action["do"] == "start" and "recovery" not in request.action for request in observed.requests
            )
            - len(observed.case.plans),
            "recovery after a drill": sum(
                request.action["do"] == "start" and "recovery" in request.action and request.result == "started"
                for request in observed.requests
            ),
            "resumption": sum(bool(request.resumes) and request.result == "started" for request in observed.requests),
            "refused resumption": sum(
                bool(request.resumes) and request.result == "refused" for request in observed.requests
            ),
            "take-over": sum(
                request.action.get("take_over", False) and request.result == "started" for request in observed.requests
            ),
            "wave carried over": sum(
                "CarriedFrom" in wave for record in observed.records.values() for wave in record["Waves"]
            ),
            "state machine stopped": sum(request.result == "aborted" for request in observed.requests),
            "job of another caller": sum(request.action["do"] == "foreign_job" for request in observed.requests),
            "shared servers": len(observed.case.plans) - 1,
            "adopted": sum(
                result.get("Adopted", False)
                for record in observed.records.values()
                for wave in record["Waves"]
                for result in wave["ServerResults"]
            ),
            "recovered by another caller": sum(
                "was recovered for real" in result.get("ErrorMessage", "")
                for record in observed.records.values()
                for wave in record["Waves"]
                for result in wave["ServerResults"]
            ),
        }
    )
    return +counts


@dataclass
class Summary:
    """The totals of many cases."""

    began: float = field(default_factory=time.monotonic)
    cases: int = 0
    virtual: float = 0
    cpu: float = 0
    calls: int = 0
    failed: list[Result] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)

    def add(self, result: Result) -> None:
        self.cases += 1
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
        rate = self.cases / self.seconds if self.seconds else 0
        return (
            f"{self.cases} cases run ({self.virtual / 86400:.1f} days of virtual time, {self.calls:,} AWS calls), "
            f"{len(self.failed)} failed; {rate:.1f} cases a second, "
            f"{self.cpu / max(1, self.cases):.2f} s of processor time each"
        )


def workers(processes: int) -> Pool:
    """Worker processes, each replaced after CASES_PER_WORKER cases, because a case leaves memory behind."""
    return multiprocessing.get_context("spawn").Pool(
        processes, _reduce_garbage_collection, maxtasksperchild=CASES_PER_WORKER
    )


def _reduce_garbage_collection() -> None:
    """The service models stay in memory; collecting garbage among them takes an eighth of a case's processor time."""
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
    """Run the cases of `seeds` until they end, `seconds` have passed (after `at_least` cases) or it is `until`."""
    summary = Summary()

    def time_is_up() -> bool:
        spent = seconds is not None and summary.seconds > seconds and summary.cases >= at_least
        return spent or (until is not None and datetime.now(UTC) >= until)

    room = threading.Semaphore(2 * processes)

    def feed() -> Iterator[int]:
        for seed in seeds:
            room.acquire()
            if time_is_up():
                return
            yield seed

    with workers(processes) as pool:
        for result in pool.imap_unordered(check_seed, feed()):
            room.release()
            summary.add(result)
            if results is not None:
                with results.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(result) + "\n")
            if show is not None:
                show(summary.line())
    return summary


def earlier_results(results: Path | None) -> Iterator[Result]:
    """The results of earlier runs in a results file."""
    if results is not None and results.exists():
        yield from (json.loads(line) for line in results.read_text(encoding="utf-8").splitlines() if line)


def progress(every: float = 10.0) -> Callable[[str], None]:
    """A function that shows a line: in place of the last one on a terminal, elsewhere once in `every` seconds."""
    shown = [0.0]

    def show(line: str) -> None:
        terminal = sys.stderr.isatty()
        if time.monotonic() - shown[0] < (0.2 if terminal else every):
            return
        shown[0] = time.monotonic()
        sys.stderr.write(f"\r\x1b[K{line}" if terminal else f"{line}\n")
        sys.stderr.flush()

    return show
