"""Writes docs/faults.md, the reaction of the engine to each fault at each operation, from real runs.

Each cell is a case: a drill of two waves in another account, with one server that fails to launch. The fault hits the
operation in the phase of the row; the cell says how the engine continued and how the drill ended. Only the phrases of
the cells are written by hand.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from simulator.gateway.faults import AFTER_EFFECT
from tests.simulation.cases import Case, Document
from tests.simulation.crashes import HEALTH, SERVER
from tests.simulation.observation import Observation
from tests.simulation.oracle_input import engine_calls
from tests.simulation.runner import run_case

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
COMMAND = "python -m tests.simulation --fault-table"

BASE_CASE = Case(
    seed=1,
    plans=[
        {
            "name": "Two tiers",
            "type": "DRILL",
            "waves": [
                {"order": "PARALLEL", "servers": [1, 2], "wait": 0, "health": HEALTH, "pinned": [], "depends_on": []},
                {"order": "PARALLEL", "servers": [3], "wait": 0, "health": HEALTH, "pinned": [], "depends_on": []},
            ],
            "timeout": 3600,
            "keeps_instances": False,
            "topic": True,
        }
    ],
    servers={"1": SERVER, "2": SERVER | {"fails": "no capacity"}, "3": SERVER},
    actions=[{"at": 0, "do": "start", "plan": 0}],
    other_account=True,
)
CANCELLED_CASE = replace(BASE_CASE, actions=[*BASE_CASE.actions, {"at": 30, "do": "cancel", "plan": 0}])
# Each run of the state machine hands over to the next after five ticks.
HANDED_OVER_CASE = replace(BASE_CASE, ticks_per_run=5)

# The columns.
FAULTS: dict[str, Document] = {
    "throttled once": {"kind": "throttle"},
    "throttled, Retry-After 100 s": {"kind": "throttle", "retry_after": 100},
    "throttled without end": {"kind": "throttle", "times": None},
    "server error": {"kind": "server_error"},
    "connection lost": {"kind": "lose_connection"},
    "answer lost": {"kind": "lose_answer"},
    "token expired": {"kind": "expire_token"},
    "access denied": {"kind": "deny"},
    "function killed before": {"kind": "kill_lambda_before"},
    "function killed after": {"kind": "kill_lambda_after"},
}


@dataclass(frozen=True)
class TableRow:
    """An operation in a phase: start of the plan, run of the state machine, hand-over between runs, cancellation."""

    phase: str
    service: str
    operation: str
    # The number of calls of this operation in earlier phases.
    before: int

    @property
    def name(self) -> str:
        return f"{self.phase}: {self.service} {self.operation}"

    @property
    def case(self) -> Case:
        return {"cancel": CANCELLED_CASE, "hand over": HANDED_OVER_CASE}.get(self.phase, BASE_CASE)


def rows() -> list[TableRow]:
    """The operations that the engine calls in these cases, in the order of phases and calls."""
    found = list(_rows(run_case(BASE_CASE), ("start", "run")))
    found += _rows(run_case(HANDED_OVER_CASE), ("hand over",))
    return found + [row for row in _rows(run_case(CANCELLED_CASE), ("cancel",)) if row.operation == "UpdateItem"]


def _rows(observed: Observation, phases: tuple[str, ...]) -> Iterable[TableRow]:
    calls = engine_calls(observed)
    starting = calls[0].actor
    cancelling = {call.actor for call in calls if call.operation == "UpdateItem"}
    counts: dict[tuple[str, str], int] = defaultdict(int)
    seen: dict[tuple[str, str, str], TableRow] = {}
    for call in calls:
        phase = "start" if call.actor == starting else "cancel" if call.actor in cancelling else "run"
        if phase == "run" and call.operation == "StartExecution":
            phase = "hand over"
        key = (phase, call.service, call.operation)
        if phase in phases:
            seen.setdefault(key, TableRow(*key, counts[key[1:]]))
        counts[key[1:]] += 1
    return sorted(seen.values(), key=lambda row: phases.index(row.phase))


def run_with_fault(row: TableRow, fault: Document) -> Observation:
    """Run the case of one cell."""
    narrowed = {"service": row.service, "operation": row.operation, "source": "lambda", "after": row.before}
    return run_case(replace(row.case, faults=[{**narrowed, **fault}]))


def cell(row: TableRow, fault: Document, undisturbed: Document) -> str:
    """The reaction of the engine in words. Raises LookupError if the fault did not happen or no phrase fits."""
    observed = run_with_fault(row, fault)
    if not any(call.fault is not None for call in observed.calls):
        raise LookupError(f"{fault} did not happen at {row.name}")
    phrases = [*_continuation(observed, row), *_outcome(observed, undisturbed)]
    if not phrases:
        raise LookupError(f"no phrase describes {fault} at {row.name}")
    return "; ".join(phrases)


def _continuation(observed: Observation, row: TableRow) -> Iterable[str]:
    """How the engine continued: within the function, after a wait, by another invocation, or not."""
    failed = [failure for failure in observed.failures if failure.event.get("Action")]
    hits = [call for call in engine_calls(observed) if call.fault is not None]
    again = [
        call
        for call in engine_calls(observed)
        if call.actor == hits[0].actor and call.operation == row.operation and call.number > hits[0].number
    ]
    refused = hits[0].fault == "deny" or (row.service == "sts" and hits[0].fault == "expire_token")
    if failed:
        actors = {"start": "the caller starts again", "cancel": "the caller cancels again"}
        yield actors.get(failed[0].event["Action"], f"the tick is repeated{_times(len(failed))}")
    elif again and len(hits) < 4 and not refused:
        wait = (again[0].started - (hits[0].ended or hits[0].started)).total_seconds()
        yield f"repeated after {wait:.0f} s" if wait >= 1 else "repeated at once"
    elif len(hits) >= 4:
        yield "fails after 3 retries"
    elif hits[0].fault == "throttle" and row.phase != "start":
        later = [c for c in engine_calls(observed) if c.operation == row.operation and c.number > hits[0].number]
        if later:
            yield f"waits {(later[0].started - hits[0].started).total_seconds():.0f} s outside Lambda"
    searches = [call for call in engine_calls(observed) if "fromDate" in call.parameters.get("filters", {})]
    if row.operation == "StartRecovery" and any(call.number > hits[0].number for call in searches):
        yield "the job is searched by its tags"


def _times(count: int) -> str:
    return "" if count == 1 else f" {count} times"


def _outcome(observed: Observation, undisturbed: Document) -> Iterable[str]:  # noqa: C901 - one branch for each ending
    """How the drill ended, compared with the undisturbed one."""
    refused = [
        request for request in observed.requests if request.action["do"] == "start" and request.result != "started"
    ]
    if refused and not observed.records:
        yield f"no execution: {'start refused with the reason' if refused[0].result == 'refused' else 'no answer'}"
        return
    (record,) = observed.records.values()
    tries = max(request.tries for request in observed.requests)
    if tries > 1 and any("could not be checked" in request.message for request in observed.requests):
        yield "start refused with the reason, until the caller starts again"
    if record["Status"] == "RUNNING":
        yield "**the record stays RUNNING: alarm CloserFailed, tried again for a day**"
        return
    if "Notification" not in record:
        ended = f"execution {record['Status']}, without notification and clean-up"
        yield f"**{ended}: alarm CloserFailed, tried again for a day**"
        return
    servers, expected = _servers(record), _servers(undisturbed)
    worse = [name for name, status in servers.items() if status != expected[name] and status in ("FAILED", "SKIPPED")]
    if undisturbed["Status"] == "CANCELLED" != record["Status"]:
        yield "not cancelled, runs to its end"
        return
    if record["Status"] != undisturbed["Status"]:
        yield f"execution {record['Status']}"
    if worse:
        yield f"{len(worse)} of 3 servers {servers[worse[0]]} with the reason"
    if record["Notification"]["Status"] == "FAILED":
        yield "no notification: alarm NotificationFailed"
    if record["CleanUp"]["Status"] == "FAILED":
        yield "clean-up FAILED: alarm CleanUpFailed"
    if record["CleanUp"]["Status"] in ("PENDING", "RUNNING"):
        yield "**the clean-up does not end: alarm CloserFailed, tried again for a day**"
    if not worse and record["CleanUp"]["Status"] == "COMPLETED" and record["Notification"]["Status"] == "SENT":
        yield "same outcome"
    sent = [c for c in engine_calls(observed) if c.operation == "Publish" and (c.succeeded or c.fault in AFTER_EFFECT)]
    if len(sent) > 1:
        yield "two notifications"


def _servers(record: Document) -> dict[str, str]:
    return {one["SourceServerId"]: one["Status"] for wave in record["Waves"] for one in wave["ServerResults"]}


@cache
def _undisturbed(phase: str) -> Document:
    (record,) = run_case(CANCELLED_CASE if phase == "cancel" else BASE_CASE).records.values()
    return record


def page(cells: Callable[[TableRow, str], str], shown: list[TableRow]) -> str:
    """The whole page; `cells` returns the text of a row and column."""
    lines = [
        "# The engine's reaction to faults",
        "",
        "Each cell is a run of the deployed engine on the simulator: a drill of two waves in another account. One of",
        "its three servers fails to launch, so that without a fault the drill is FAILED with one failed server. The",
        "fault hits the first call of the operation in that phase (*without end*: this call and all later ones).",
        f"`{COMMAND}` writes this page; a test runs a sample of the cells again.",
        "",
        "- *same outcome*: the same servers are recovered, the notification is sent, the drill is cleaned up; the",
        "  times may differ.",
        "- *the tick is repeated*: the invocation failed, and the state machine invokes the function again.",
        "- *with the reason*: the record of the server or the execution contains AWS's own message.",
        "",
        "| operation | " + " | ".join(FAULTS) + " |",
        "|---|" + "---|" * len(FAULTS),
    ]
    lines += [f"| {row.name} | " + " | ".join(cells(row, name) for name in FAULTS) + " |" for row in shown]
    return "\n".join(lines) + "\n"


def cell_of(task: tuple[TableRow, str]) -> str:
    """One cell, computed in a worker."""
    row, name = task
    return cell(row, FAULTS[name], _undisturbed(row.phase))
