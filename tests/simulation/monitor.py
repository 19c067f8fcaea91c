"""The monitor: invariants of the state in AWS, checked after each invocation of the function.

- a server is launched by at most one job of an execution, and takes part in at most one live job;
- every job with an execution's tags is in that execution's record, or the intent to launch it is still open there;
- a wave starts only after the waves it depends on are COMPLETED; waves run one at a time;
- statuses only move forward; an execution that has ended has no PENDING or RUNNING wave;
- each server of a RUNNING execution without a cancel request is leased to this execution;
- no item of the record has more than 100,000 characters (DynamoDB's limit is 400 KB).
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.core.base_backend import BackendDict

from simulator import Simulator
from simulator.drs.models import drs_backends
from tests.simulation import aws_state
from tests.simulation.cases import REGION, Document

TAG = "drs-engine:ExecutionId"
WAVE_TAG = "drs-engine:Wave"
ATTEMPT_TAG = "drs-engine:Attempt"
ENDED = ("COMPLETED", "FAILED", "CANCELLED", "SKIPPED")
STATUS_ORDER = {
    "execution": (None, "RUNNING", ("COMPLETED", "FAILED", "CANCELLED")),
    "wave": ("PENDING", "RUNNING", ENDED),
    "server": ("PENDING", "IN_PROGRESS", "LAUNCHED", ("RECOVERED", "FAILED", "SKIPPED", "CANCELLED")),
    "clean-up": (None, "PENDING", "RUNNING", ("COMPLETED", "FAILED", "SKIPPED")),
    "notification": (None, ("SENT", "FAILED", "SKIPPED")),
}
LARGEST_ITEM = 100_000


@dataclass(frozen=True)
class InvocationFailure:
    """An invocation of the function that failed."""

    moment: datetime
    request_id: str
    event: Document
    error: str
    message: str


@dataclass(frozen=True)
class State:
    """The items of the table now and after the invocation before, by id and key, and the jobs of DRS."""

    kept: dict[str, dict[str, Document]]
    before: dict[str, dict[str, Document]]
    jobs: list[Any]

    @property
    def executions(self) -> Iterator[tuple[str, dict[str, Document]]]:
        return ((one, parts) for one, parts in self.kept.items() if "EXECUTION" in parts)

    def jobs_of(self, execution_id: str) -> list[Any]:
        return [job for job in self.jobs if job.tags.get(TAG) == execution_id]


class Monitor:
    """Checks after each invocation; `violations` has a line with the time for each violation, by name of the check."""

    def __init__(self, aws: Simulator, table: str, account: str) -> None:
        self._aws, self._table, self._account = aws, table, account
        self.failures: list[InvocationFailure] = []
        self._before: dict[str, dict[str, Document]] = {}
        self._writes = -1
        self.violations: dict[str, list[str]] = defaultdict(list)

    def start(self) -> None:
        functions: Any = self._aws._functions
        invoke = functions.invoke

        def checking(function: Any, event: Any) -> Any:
            outcome = invoke(function, event)
            if outcome.function_error:
                error = json.loads(outcome.payload)
                now = self._aws.clock.now()
                self.failures.append(
                    InvocationFailure(now, outcome.request_id, event, error.get("errorType", ""), error["errorMessage"])
                )
            self.check()
            return outcome

        functions.invoke = checking

    def stop(self) -> None:
        self.check()
        del self._aws._functions.invoke  # uncovers the method of the class

    def check(self) -> None:
        writes = self._aws.journal.change_count()
        if writes == self._writes:
            return
        self._writes = writes
        kept = aws_state.items(self._aws, self._table)
        backends: BackendDict = drs_backends
        jobs = list(backends[self._account][REGION].jobs.values())
        state = State(kept, self._before, jobs)
        moment = f"{self._aws.clock.now():%H:%M:%S}"
        for check in CHECKS:
            self.violations[check.__name__] += [f"{moment} {problem}" for problem in check(state)]
        self._before = kept


def live_jobs(state: State) -> Iterator[str]:
    live = Counter(one.source_server.source_server_id for job in state.jobs if job.live for one in job.servers)
    yield from (f"{server} is in {count} live jobs" for server, count in live.items() if count > 1)


def leases(state: State) -> Iterator[str]:
    for execution_id, parts in state.executions:
        header = parts["EXECUTION"]
        if header.get("Status") != "RUNNING" or "CancelRequest" in header:
            continue
        for result in results_of(parts).values():
            server = result["SourceServerId"]
            key = f"SERVER#{header['TargetAccountId']}#{header['TargetRegion']}#{server}"
            lease = state.kept.get(key, {}).get("LEASE")
            if lease is None or lease["LeasedBy"] != execution_id:
                yield f"{server} of the RUNNING {execution_id} is leased to {lease and lease['LeasedBy']}"


def results_of(parts: dict[str, Document]) -> dict[tuple[int, str], Document]:
    """The result of each server, by wave and server."""
    return {
        (int(key.split("#")[1]), result["SourceServerId"]): result
        for key, part in parts.items()
        if key.startswith("WAVE#")
        for result in part["ServerResults"]
    }


def launches(state: State) -> Iterator[str]:
    for execution_id, _ in state.executions:
        launched = Counter(
            one.source_server.source_server_id for job in state.jobs_of(execution_id) for one in job.servers
        )
        yield from (f"{server} was launched {count} times" for server, count in launched.items() if count > 1)


def recorded_jobs(state: State) -> Iterator[str]:
    for execution_id, parts in state.executions:
        results = results_of(parts)
        for job in state.jobs_of(execution_id):
            for one in job.servers:
                yield from job_problems(job, results.get((int(job.tags[WAVE_TAG]), one.source_server.source_server_id)))


def job_problems(job: Any, result: Document | None) -> Iterator[str]:
    if result is None:
        yield f"{job.job_id} launches a server that is not in the wave its tag names"
    elif result.get("DrsJobId") != job.job_id:
        open_intent = result.get("LaunchUnconfirmed") and str(result.get("LaunchAttempt")) == job.tags[ATTEMPT_TAG]
        if not open_intent:
            yield f"{job.job_id} is not in the record: {result['SourceServerId']} has {result.get('DrsJobId')}"


def item_sizes(state: State) -> Iterator[str]:
    for execution_id, parts in state.executions:
        for key, part in parts.items():
            if len(json.dumps(part)) > LARGEST_ITEM:
                yield f"item {key} of {execution_id} has {len(json.dumps(part))} characters"


def wave_order(state: State) -> Iterator[str]:
    for _, parts in state.executions:
        yield from wave_problems(parts["EXECUTION"])


def wave_problems(header: Document) -> Iterator[str]:
    waves = {wave["WaveNumber"]: wave for wave in header["Waves"]}
    running = [number for number, wave in waves.items() if wave["Status"] == "RUNNING"]
    if len(running) > 1:
        yield f"waves {running} run at the same time"
    for wave in waves.values():
        # A wave that is carried over has started in an earlier execution.
        for number in wave["DependsOn"] if "StartTime" in wave and "CarriedFrom" not in wave else ():
            needed = waves[number]
            if needed["Status"] != "COMPLETED" or needed["EndTime"] > wave["StartTime"]:
                yield f"wave {wave['WaveNumber']} started although wave {number} is {needed['Status']}"
        if header.get("Status") in ENDED and wave["Status"] not in ENDED:
            yield f"wave {wave['WaveNumber']} is {wave['Status']} in an execution that is {header['Status']}"


def status_order(state: State) -> Iterator[str]:
    for execution_id, parts in state.executions:
        for kind, name, was, now in status_changes(state.before.get(execution_id), parts):
            ranks = STATUS_ORDER[kind]
            if was != now and rank(ranks, was) >= rank(ranks, now):
                yield f"{kind} {name} of {execution_id} went from {was} to {now}"


CHECKS = (live_jobs, leases, launches, recorded_jobs, item_sizes, wave_order, status_order)


def status_changes(
    before: dict[str, Document] | None, after: dict[str, Document]
) -> Iterator[tuple[str, str, Any, Any]]:
    if not before or "EXECUTION" not in before:
        return
    old, new = before["EXECUTION"], after["EXECUTION"]
    yield "execution", "", old.get("Status"), new.get("Status")
    yield "clean-up", "", old.get("CleanUp", {}).get("Status"), new.get("CleanUp", {}).get("Status")
    yield "notification", "", old.get("Notification", {}).get("Status"), new.get("Notification", {}).get("Status")
    for one, other in zip(old["Waves"], new["Waves"], strict=True):
        yield "wave", str(other["WaveNumber"]), one["Status"], other["Status"]
    for key in after:
        if key.startswith("WAVE#"):
            for one, other in zip(before[key]["ServerResults"], after[key]["ServerResults"], strict=True):
                yield "server", other["SourceServerId"], one["Status"], other["Status"]


def rank(ranks: tuple[Any, ...], status: Any) -> int:
    return next(
        place for place, step in enumerate(ranks) if status == step or (isinstance(step, tuple) and status in step)
    )
