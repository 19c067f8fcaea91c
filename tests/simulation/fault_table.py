"""docs/faults.md: what the engine does when one operation meets one fault, told from real runs.

Each cell is a day: a drill in another account, of two waves, with one server that fails to launch. The fault meets the
operation at the phase of the row; the cell says how the engine went on, and what became of the drill. Nothing is
written by hand but the words for what can happen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from simulator.gateway.faults import AFTER_EFFECT
from tests.simulation.cases import Day, Document
from tests.simulation.crashes import HEALTH, SERVER
from tests.simulation.oracle_input import engine_calls
from tests.simulation.runner import Life, live

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
COMMAND = "python -m tests.simulation --fault-table"

DAY = Day(
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
    people=[{"at": 0, "do": "start", "plan": 0}],
    other_account=True,
)
CANCELLED_DAY = replace(DAY, people=[*DAY.people, {"at": 30, "do": "cancel", "plan": 0}])
# Each run of the state machine hands over to the next after five ticks.
HANDED_OVER_DAY = replace(DAY, ticks_per_run=5)

# The columns: what the operation meets.
FAULTS: dict[str, Document] = {
    "throttled once": {"kind": "throttle"},
    "throttled, asks for 100 s": {"kind": "throttle", "retry_after": 100},
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
class Row:
    """An operation in a phase: while the plan is started, while the state machine runs it, while one of its runs hands
    over to the next, while it is cancelled."""

    phase: str
    service: str
    operation: str
    # How many such calls go well before: those of other phases.
    before: int

    @property
    def name(self) -> str:
        return f"{self.phase}: {self.service} {self.operation}"

    @property
    def day(self) -> Day:
        return {"cancel": CANCELLED_DAY, "hand over": HANDED_OVER_DAY}.get(self.phase, DAY)


def rows() -> list[Row]:
    """Every operation that the engine calls in these days, in the order of phases and calls."""
    found = list(_rows(live(DAY), ("start", "run")))
    found += _rows(live(HANDED_OVER_DAY), ("hand over",))
    return found + [row for row in _rows(live(CANCELLED_DAY), ("cancel",)) if row.operation == "UpdateItem"]


def _rows(life: Life, phases: tuple[str, ...]) -> Iterable[Row]:
    calls = engine_calls(life)
    starting = calls[0].actor
    cancelling = {call.actor for call in calls if call.operation == "UpdateItem"}
    counts: dict[tuple[str, str], int] = defaultdict(int)
    seen: dict[tuple[str, str, str], Row] = {}
    for call in calls:
        phase = "start" if call.actor == starting else "cancel" if call.actor in cancelling else "run"
        if phase == "run" and call.operation == "StartExecution":
            phase = "hand over"
        key = (phase, call.service, call.operation)
        if phase in phases:
            seen.setdefault(key, Row(*key, counts[key[1:]]))
        counts[key[1:]] += 1
    return sorted(seen.values(), key=lambda row: phases.index(row.phase))


def lived(row: Row, fault: Document) -> Life:
    """The day of one cell."""
    narrowed = {"service": row.service, "operation": row.operation, "source": "lambda", "after": row.before}
    return live(replace(row.day, faults=[{**narrowed, **fault}]))


def cell(row: Row, fault: Document, undisturbed: Document) -> str:
    """What the engine did, in words; raises LookupError when that is not known."""
    life = lived(row, fault)
    if not any(call.fault is not None for call in life.calls):
        raise LookupError(f"{fault} never met {row.name}")
    how = [*_how(life, row), *_what(life, undisturbed)]
    if not how:
        raise LookupError(f"it is not known what {fault} at {row.name} did")
    return "; ".join(how)


def _how(life: Life, row: Row) -> Iterable[str]:
    """How it went on: within the function, outside of it, by another invocation, or not."""
    failed = [failure for failure in life.failures if failure.event.get("Action")]
    hits = [call for call in engine_calls(life) if call.fault is not None]
    again = [
        call
        for call in engine_calls(life)
        if call.actor == hits[0].actor and call.operation == row.operation and call.number > hits[0].number
    ]
    refused = hits[0].fault == "deny" or (row.service == "sts" and hits[0].fault == "expire_token")
    if failed:
        actors = {"start": "whoever starts asks again", "cancel": "whoever cancels asks again"}
        yield actors.get(failed[0].event["Action"], f"the tick is repeated{_times(len(failed))}")
    elif again and len(hits) < 4 and not refused:
        wait = (again[0].started - (hits[0].ended or hits[0].started)).total_seconds()
        yield f"repeated after {wait:.0f} s" if wait >= 1 else "repeated at once"
    elif len(hits) >= 4:
        yield "3 retries, then taken for failed"
    elif hits[0].fault == "throttle" and row.phase != "start":
        later = [c for c in engine_calls(life) if c.operation == row.operation and c.number > hits[0].number]
        if later:
            yield f"waits {(later[0].started - hits[0].started).total_seconds():.0f} s outside of Lambda"
    looks = [call for call in engine_calls(life) if "fromDate" in call.parameters.get("filters", {})]
    if row.operation == "StartRecovery" and any(call.number > hits[0].number for call in looks):
        yield "the job is looked for by its tags"


def _times(count: int) -> str:
    return "" if count == 1 else f" {count} times"


def _what(life: Life, undisturbed: Document) -> Iterable[str]:  # noqa: C901 - a case an ending
    """What became of the drill, compared with the undisturbed one."""
    refused = [act for act in life.acts if act.doing["do"] == "start" and act.result != "started"]
    if refused and not life.records:
        yield f"no execution: {'start refused with the reason' if refused[0].result == 'refused' else 'no answer'}"
        return
    (record,) = life.records.values()
    tries = max(act.tries for act in life.acts)
    if tries > 1 and any("could not be checked" in act.message for act in life.acts):
        yield "start refused with the reason, until somebody asks again"
    if record["Status"] == "RUNNING":
        yield "**the record stays RUNNING: alarm CloserFailed, tried again for a day**"
        return
    if "Notification" not in record:
        ended = f"execution {record['Status']}, neither announced nor cleaned up"
        yield f"**{ended}: alarm CloserFailed, tried again for a day**"
        return
    servers, expected = _servers(record), _servers(undisturbed)
    worse = [name for name, status in servers.items() if status != expected[name] and status in ("FAILED", "SKIPPED")]
    if undisturbed["Status"] == "CANCELLED" != record["Status"]:
        yield "not cancelled, it runs to its end"
        return
    if record["Status"] != undisturbed["Status"]:
        yield f"execution {record['Status']}"
    if worse:
        yield f"{len(worse)} of 3 servers {servers[worse[0]]} with the reason"
    if record["Notification"]["Status"] == "FAILED":
        yield "not announced: alarm NotificationFailed"
    if record["CleanUp"]["Status"] == "FAILED":
        yield "clean-up FAILED: alarm CleanUpFailed"
    if record["CleanUp"]["Status"] in ("PENDING", "RUNNING"):
        yield "**the clean-up is not over: alarm CloserFailed, tried again for a day**"
    if not worse and record["CleanUp"]["Status"] == "COMPLETED" and record["Notification"]["Status"] == "SENT":
        yield "same outcome"
    sent = [c for c in engine_calls(life) if c.operation == "Publish" and (c.succeeded or c.fault in AFTER_EFFECT)]
    if len(sent) > 1:
        yield "announced twice"


def _servers(record: Document) -> dict[str, str]:
    return {one["SourceServerId"]: one["Status"] for wave in record["Waves"] for one in wave["ServerResults"]}


@cache
def _undisturbed(phase: str) -> Document:
    (record,) = live(CANCELLED_DAY if phase == "cancel" else DAY).records.values()
    return record


def page(cells: Callable[[Row, str], str], shown: list[Row]) -> str:
    """The whole page; `cells` gives the words of a row and a column."""
    lines = [
        "# What the engine does when an operation meets a fault",
        "",
        "Each cell is a run of the deployed engine on the simulator: a drill of two waves in another account, one of",
        "whose three servers fails to launch, so that undisturbed it is FAILED with one server lost. The fault meets",
        "the first call of the operation in that phase (without end: all calls from there on). Written by",
        f"`{COMMAND}`; a test lives a sample of the cells again.",
        "",
        "- *same outcome*: the same servers recovered, the end announced, the drill cleaned up; perhaps later.",
        "- *the tick is repeated*: the invocation failed, and the state machine calls the function again.",
        "- *with the reason*: AWS's own message stands in the record at the server or the execution.",
        "",
        "| operation | " + " | ".join(FAULTS) + " |",
        "|---|" + "---|" * len(FAULTS),
    ]
    lines += [f"| {row.name} | " + " | ".join(cells(row, name) for name in FAULTS) + " |" for row in shown]
    return "\n".join(lines) + "\n"


def told(task: tuple[Row, str]) -> str:
    """One cell, for a worker."""
    row, name = task
    return cell(row, FAULTS[name], _undisturbed(row.phase))
