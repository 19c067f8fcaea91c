"""A lived day in the reference model's terms: its plans, what the world did, and what the records say.

What the world did is taken from the day itself (which launches fail, how long they take, when instances run) and from
AWS's side of the journal (which calls met a fault, which were answered that servers or quota are in use).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from simulator.gateway import faults
from simulator.gateway.journal import JournalEntry
from tests.simulation import model
from tests.simulation.cases import Day, Document, server_id
from tests.simulation.monitor import TAG
from tests.simulation.runner import Life

BUSY = {"ConflictException", "ServiceQuotaExceededException"}
BUSY_SECONDS = 40.0
# A call that met a fault: until the client notices, the engine's back-off, the state machine's retries.
NOTICE = {"ReadTimeoutError": 20.0, "ConnectTimeoutError": 5.0}
BACK_OFF = 14.0
STATE_MACHINE_RETRIES = 14.0
CLOSER_RETRY = 305.0
# While AWS is out of order the state machine's pauses double from the first to the longest (infra/template.yaml).
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
TRIES = 4
# Later than any moment of AWS's.
NEVER = "9999"
_BLAMED = re.compile(r"([a-z0-9]+:[A-Za-z]+) failed with")

# --- what the world did ----------------------------------------------------------------------------------------------


def plan_of(day: Day, index: int, kind: str) -> model.Plan:
    """The plan as an execution of this kind (DRILL or RECOVERY) runs it."""
    plan = day.plans[index]
    waves = []
    for number, wave in enumerate(plan["waves"], start=1):
        health = wave["health"]
        waves.append(
            model.PlannedWave(
                number=number,
                one_by_one=wave["order"] == "SEQUENTIAL",
                servers=tuple(server_id(one) for one in wave["servers"]),
                depends_on=tuple(wave["depends_on"] if "depends_on" in wave else [number - 1] if number > 1 else []),
                wait=wave["wait"],
                patience=model.Patience(health["timeout"], health["interval"]) if health else None,
            )
        )
    cleans_up = kind == "DRILL" and not plan["keeps_instances"]
    together = day.quotas.get("servers_per_job", 100)
    return model.Plan(tuple(waves), plan["timeout"], cleans_up, plan["topic"], together)


def world_of(life: Life, execution_id: str) -> model.World:
    cancels = [act for act in life.acts if act.doing["do"] == "cancel" and act.execution_id == execution_id]
    asked = [act for act in cancels if act.result in ("accepted", "no answer") or act.tries > 1]
    return model.World(
        launches={server_id(int(number)): _launch(life, execution_id, int(number)) for number in life.day.servers},
        delays=tuple(delays(life)),
        outages=tuple(outages(life)),
        cancelled=min((life.seconds(act.asked) for act in asked), default=None),
        cancel_answered=max((life.seconds(act.answered) for act in asked), default=0.0),
        cancel_accepted=any(act.result == "accepted" for act in asked),
        deaths=tuple(
            life.seconds(run["stopped"])
            for run in life.runs
            if run["name"].startswith(execution_id) and run["status"] not in ("SUCCEEDED", "RUNNING")
        ),
    )


def _launch(life: Life, execution_id: str, number: int) -> model.Launch:
    fate, server = life.day.servers[str(number)], server_id(number)
    nothing_there = fate["replicates"] in ("DISCONNECTED", "STOPPED") and not fate["snapshot"]
    states = [(0.0, "pending")]
    if fate["becomes"] != "pending":
        states.append((float(fate["boot"]), fate["becomes"]))
    record = life.records.get(execution_id, {})
    at_it = result_of(record, server).get("EndTime", NEVER)
    return model.Launch(
        fails=bool(fate["fails"]) or nothing_there,
        # DRS takes a snapshot in the first sixth of a launch's time: without one to take, it is over then.
        seconds=fate["launch"] / 6 if nothing_there else float(fate["launch"]),
        early=nothing_there,
        states=tuple(states),
        taken=_taken(life, execution_id, server, at_it),
        replaced=_taken(life, execution_id, server, max(at_it, record.get("CleanUp", {}).get("EndTime", at_it))),
        recovered=_recovered(life, execution_id, server),
        stays=fate["terminate_fails"] is not None,
    )


def _taken(life: Life, execution_id: str, server: str, ended: str) -> bool:
    """Somebody else launched the server after this execution had, and before it was done with it."""
    mine = [job for job in launches_of(life.jobs, server) if job["tags"].get(TAG) == execution_id]
    others = [job for job in launches_of(life.jobs, server) if job["tags"].get(TAG) != execution_id]
    return any(own["creationDateTime"] < job["creationDateTime"] <= ended for own in mine for job in others)


def _recovered(life: Life, execution_id: str, server: str) -> bool:
    """Somebody else's recovery for real had begun on the server before this execution was done with it."""
    others = [job for job in launches_of(life.jobs, server) if job["tags"].get(TAG) != execution_id]
    ended = result_of(life.records.get(execution_id, {}), server).get("EndTime", NEVER)
    return any(job["initiatedBy"] == "START_RECOVERY" and job["creationDateTime"] <= ended for job in others)


def launches_of(jobs: list[Document], server: str) -> list[Document]:
    return [
        {"tags": {}, **job}
        for job in jobs
        if job["type"] == "LAUNCH" and any(one["sourceServerID"] == server for one in job["participatingServers"])
    ]


def result_of(record: Document, server: str) -> Document:
    results = (result for wave in record.get("Waves", []) for result in wave["ServerResults"])
    return next((result for result in results if result["SourceServerId"] == server), {})


def engine_calls(life: Life) -> list[JournalEntry]:
    return [call for call in life.calls if call.source == "lambda"]


def delays(life: Life) -> Iterator[tuple[float, float]]:
    for call in engine_calls(life):
        if call.fault is not None and call.ended is not None:
            lasted = (call.ended - call.started).total_seconds() + NOTICE.get(call.error_code or "", 0)
            yield life.seconds(call.started), lasted + BACK_OFF + STATE_MACHINE_RETRIES + _asked_to_wait(life, call)
        elif call.error_code in BUSY:
            yield life.seconds(call.started), BUSY_SECONDS
    for call in _behind(life):
        yield life.seconds(call.started), BUSY_SECONDS
    for moment, _ in life.missed:
        yield life.seconds(moment), STATE_MACHINE_RETRIES
    for failure in life.failures:
        if failure.event.get("source") == "aws.states":
            yield life.seconds(failure.moment), CLOSER_RETRY
    yield from _long_pauses(life)
    # Somebody else's job on a server is over before this execution's can begin: the answers above say how long.


def _behind(life: Life) -> Iterator[JournalEntry]:
    """The looks at the launch queue that found somebody waiting, and after which nothing was launched.

    Whoever waits may be an execution that was cancelled: its place counts until it has not been renewed for a while.
    """
    by_invocation: dict[str, list[JournalEntry]] = defaultdict(list)
    for call in engine_calls(life):
        by_invocation[call.actor].append(call)
    for calls in by_invocation.values():
        for number, look in enumerate(calls, start=1):
            somebody_waits = look.operation == "Query" and (look.response or {}).get("Items")
            launched = [then.operation for then in calls[number : number + 1]] == ["StartRecovery"]
            if somebody_waits and not launched:
                yield look


def _long_pauses(life: Life) -> Iterator[tuple[float, float]]:
    """The pauses of the state machine that are longer than its first three."""
    failed = [(failure.moment, failure.event) for failure in life.failures]
    pauses: dict[tuple[Any, ...], float] = defaultdict(lambda: FIRST_PAUSE)
    for moment, event in sorted([*failed, *life.missed], key=lambda one: one[0]):
        if event.get("Action") in ("tick", "close"):
            # One state of one run, entered once: its failures are tries of one row.
            state = tuple(event.get(name) for name in ("Action", "ExecutionId", "Run", "Tick"))
            if pauses[state] > STATE_MACHINE_RETRIES:
                yield life.seconds(moment), pauses[state]
            pauses[state] = min(2 * pauses[state], LONGEST_PAUSE)


def _asked_to_wait(life: Life, call: JournalEntry) -> float:
    retry = [
        fault.retry_after
        for fault in life.faults
        if fault.retry_after and fault.kind == call.fault and fault.service in ("*", call.service)
    ]
    return max(retry, default=0) + 1.0


def outages(life: Life) -> Iterator[model.Outage]:
    """When an operation failed for good: refused, or so many times in a row that any patience is over."""
    row: dict[str, list[JournalEntry]] = defaultdict(list)
    for call in engine_calls(life):
        name = f"{call.service}:{call.operation}"
        if call.fault in (faults.DENY, faults.RESPOND, faults.EXPIRE_TOKEN):
            yield model.Outage(name, life.seconds(call.started), life.seconds(call.ended or call.started) + 20)
        elif call.fault is None and call.error_code is None:
            row[name] = []
        elif call.fault is not None and call.error_code is not None:
            for affected in _tries_of(call, name):
                row[affected].append(call)
                if len(row[affected]) >= TRIES:
                    since, until = row[affected][0].started, call.ended or call.started
                    yield model.Outage(affected, life.seconds(since), life.seconds(until) + 30)


def _tries_of(call: JournalEntry, name: str) -> tuple[str, ...]:
    """A launch looks for its job before it is repeated and after a conflict: what fails there is a try of its own."""
    looks = call.operation == "DescribeJobs" and "fromDate" in call.parameters.get("filters", {})
    return ("drs:StartRecovery", "drs:DescribeJobs") if looks or call.operation == "StartRecovery" else (name,)


# --- what was seen ---------------------------------------------------------------------------------------------------


def seen_of(life: Life, record: Document) -> model.Seen:
    reason = record.get("StatusReason", "")
    clean_up = record.get("CleanUp", {})
    return model.Seen(
        status=record["Status"],
        started=life.seconds(record["StartTime"]),
        ended=life.seconds(record["EndTime"]),
        timed_out=reason.startswith("the execution timed out"),
        died=reason.startswith(("its Lambda function failed for good", "the state machine")),
        waves=tuple(_seen_wave(life, wave) for wave in record["Waves"]),
        clean_up=clean_up.get("Status", "absent"),
        clean_up_ended=_moment(life, clean_up, "EndTime"),
        told=record.get("Notification", {}).get("Status", "absent"),
    )


def _seen_wave(life: Life, wave: Document) -> model.SeenWave:
    servers = [
        model.SeenServer(
            one["SourceServerId"],
            one["Status"],
            _moment(life, one, "EndTime"),
            _blamed(one.get("ErrorMessage", "")),
            spared="was recovered for real" in one.get("ErrorMessage", ""),
        )
        for one in wave["ServerResults"]
    ]
    started, ended = _moment(life, wave, "StartTime"), _moment(life, wave, "EndTime")
    return model.SeenWave(wave["WaveNumber"], wave["Status"], tuple(servers), started, ended)


def _moment(life: Life, item: Document, name: str) -> float | None:
    return life.seconds(item[name]) if name in item else None


def _blamed(message: str) -> str | None:
    if message.startswith("could not assume role"):
        return "sts:AssumeRole"
    found = _BLAMED.search(message)
    return found[1] if found else None
