"""Translates an observation into the reference model's terms: the plan, the conditions and the observed execution.

The conditions come from the case (which launches fail, how long they take, when instances run) and from AWS's side of
the journal (which calls a fault hit, which calls were refused because servers or quota were in use).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from simulator.gateway import faults
from simulator.gateway.journal import JournalEntry
from tests.simulation import model_input
from tests.simulation.cases import Case, Document, server_id
from tests.simulation.monitor import TAG
from tests.simulation.observation import Observation

BUSY = {"ConflictException", "ServiceQuotaExceededException"}
BUSY_SECONDS = 40.0
# Seconds that a fault costs: the client's timeout, the engine's back-off, the state machine's retries.
CLIENT_TIMEOUTS = {"ReadTimeoutError": 20.0, "ConnectTimeoutError": 5.0}
BACK_OFF = 14.0
STATE_MACHINE_RETRIES = 14.0
CLOSER_RETRY = 305.0
# The pauses between the state machine's retries double from the first to the longest (infra/template.yaml).
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
ATTEMPTS = 4
# Later than any time that AWS reports.
NEVER = "9999"
# The end of the reason with which one start cancels another execution.
TAKEN_OVER = "takes over its servers"
_FAILED_OPERATION = re.compile(r"([a-z0-9]+:[A-Za-z]+) failed with")

# --- the plan and the conditions -------------------------------------------------------------------------------------


def plan_of(case: Case, index: int, kind: str) -> model_input.Plan:
    """The plan as an execution of this kind (DRILL or RECOVERY) runs it."""
    plan = case.plans[index]
    waves = []
    for number, wave in enumerate(plan["waves"], start=1):
        health = wave["health"]
        waves.append(
            model_input.PlannedWave(
                number=number,
                one_by_one=wave["order"] == "SEQUENTIAL",
                servers=tuple(server_id(one) for one in wave["servers"]),
                depends_on=tuple(wave["depends_on"] if "depends_on" in wave else [number - 1] if number > 1 else []),
                wait=wave["wait"],
                health_check=model_input.HealthCheck(health["timeout"], health["interval"]) if health else None,
            )
        )
    cleans_up = kind == "DRILL" and not plan["keeps_instances"]
    servers_per_job = case.quotas.get("servers_per_job", 100)
    return model_input.Plan(tuple(waves), plan["timeout"], cleans_up, plan["topic"], kind == "DRILL", servers_per_job)


def conditions_of(observed: Observation, execution_id: str) -> model_input.Conditions:
    cancels = [
        request
        for request in observed.requests
        if request.action["do"] == "cancel" and request.execution_id == execution_id
    ]
    requested = [request for request in cancels if request.result in ("accepted", "no answer") or request.tries > 1]
    sent = [observed.seconds(request.sent) for request in requested]
    answered = [observed.seconds(request.answered) for request in requested]
    taken_over = _taken_over(observed, execution_id)
    return model_input.Conditions(
        launches={
            server_id(int(number)): _launch(observed, execution_id, int(number)) for number in observed.case.servers
        },
        delays=tuple(delays(observed)),
        outages=tuple(outages(observed)),
        cancelled=min([*sent, *taken_over], default=None),
        cancel_answered=max([*answered, *taken_over], default=0.0),
        cancel_accepted=bool(taken_over) or any(request.result == "accepted" for request in requested),
        abnormal_exits=tuple(
            observed.seconds(run["stopped"])
            for run in observed.runs
            if run["name"].startswith(execution_id) and run["status"] not in ("SUCCEEDED", "RUNNING")
        ),
    )


def _taken_over(observed: Observation, execution_id: str) -> list[float]:
    """When a recovery that may cancel drills, or takes over executions, has cancelled this one; empty if none has."""
    record = observed.records.get(execution_id, {})
    request = record.get("CancelRequest", {})
    drills = any(one.action.get("cancel_drills") for one in observed.requests)
    named = any(one.action.get("take_over") for one in observed.requests)
    allowed = named or (drills and record.get("ExecutionType") == "DRILL") or was_fenced(record)
    found = request.get("Reason", "").endswith(TAKEN_OVER)
    return [observed.seconds(request["Time"])] if found and allowed else []


def was_fenced(record: Document) -> bool:
    """Whether another start ended this one before it began: its state machine only closed the record.

    The state machine may exist already when the start is cut off before its record is RUNNING.
    """
    request = record.get("CancelRequest", {})
    before = request.get("Time", NEVER) <= record.get("StartTime", "")
    begun = any("StartTime" in wave and "CarriedFrom" not in wave for wave in record.get("Waves", ()))
    return before and not begun and str(request.get("Reason", "")).endswith(TAKEN_OVER)


def _launch(observed: Observation, execution_id: str, number: int) -> model_input.Launch:
    behaviour, server = observed.case.servers[str(number)], server_id(number)
    no_data = behaviour["replicates"] in ("DISCONNECTED", "STALLED", "STOPPED") and not behaviour["snapshot"]
    states = [(0.0, "pending")]
    if behaviour["becomes"] != "pending":
        states.append((float(behaviour["boot"]), behaviour["becomes"]))
    record = observed.records.get(execution_id, {})
    ended = result_of(record, server).get("EndTime", NEVER)
    return model_input.Launch(
        fails=(bool(behaviour["fails"]) and not _healed(observed, record)) or no_data,
        # In the simulator the snapshot phase is the first sixth of a launch's time: without data the launch fails then.
        seconds=behaviour["launch"] / 6 if no_data else float(behaviour["launch"]),
        early=no_data,
        states=tuple(states),
        relaunched=_relaunched(observed, execution_id, server, ended),
        replaced=_relaunched(
            observed, execution_id, server, max(ended, record.get("CleanUp", {}).get("EndTime", ended))
        ),
        recovered=_recovered(observed, execution_id, server),
        termination_fails=behaviour["terminate_fails"] is not None,
    )


def _healed(observed: Observation, record: Document) -> bool:
    """Whether an operator let all servers be launched before this execution started."""
    moments = [one.sent for one in observed.requests if one.action.get("heal") and one.resumes]
    return any(observed.seconds(moment) <= observed.seconds(record["StartTime"]) for moment in moments if record)


def _relaunched(observed: Observation, execution_id: str, server: str, ended: str) -> bool:
    """Whether another caller launched the server after this execution did, up to the time `ended`."""
    mine = [job for job in launches_of(observed.jobs, server) if job["tags"].get(TAG) == execution_id]
    others = [job for job in launches_of(observed.jobs, server) if job["tags"].get(TAG) != execution_id]
    return any(own["creationDateTime"] < job["creationDateTime"] <= ended for own in mine for job in others)


def _recovered(observed: Observation, execution_id: str, server: str) -> bool:
    """Whether another caller started a recovery of the server before this execution had its outcome.

    In a resumed drill, the drills that it resumes count as well.
    """
    others = [job for job in launches_of(observed.jobs, server) if job["tags"].get(TAG) != execution_id]
    ended = result_of(observed.records.get(execution_id, {}), server).get("EndTime", NEVER)
    chain = predecessors(observed, execution_id)
    return any(
        (job["initiatedBy"] == "START_RECOVERY" or job["tags"].get(TAG) in chain) and job["creationDateTime"] <= ended
        for job in others
    )


def predecessors(observed: Observation, execution_id: str) -> set[str]:
    """The executions that this one resumes, directly or not."""
    found: set[str] = set()
    while before := observed.records.get(execution_id, {}).get("ResumedFrom"):
        found.add(before)
        execution_id = before
    return found


def launches_of(jobs: list[Document], server: str) -> list[Document]:
    return [
        {"tags": {}, **job}
        for job in jobs
        if job["type"] == "LAUNCH" and any(one["sourceServerID"] == server for one in job["participatingServers"])
    ]


def result_of(record: Document, server: str) -> Document:
    results = (result for wave in record.get("Waves", []) for result in wave["ServerResults"])
    return next((result for result in results if result["SourceServerId"] == server), {})


def engine_calls(observed: Observation) -> list[JournalEntry]:
    return [call for call in observed.calls if call.source == "lambda"]


def delays(observed: Observation) -> Iterator[tuple[float, float]]:
    for call in engine_calls(observed):
        if call.fault is not None and call.ended is not None:
            lasted = (call.ended - call.started).total_seconds() + CLIENT_TIMEOUTS.get(call.error_code or "", 0)
            yield (
                observed.seconds(call.started),
                lasted + BACK_OFF + STATE_MACHINE_RETRIES + _retry_after(observed, call),
            )
        elif call.error_code in BUSY:
            yield observed.seconds(call.started), BUSY_SECONDS
    for call in _waits_in_queue(observed):
        yield observed.seconds(call.started), BUSY_SECONDS
    for moment, _ in observed.missed:
        yield observed.seconds(moment), STATE_MACHINE_RETRIES
    for failure in observed.failures:
        if failure.event.get("source") == "aws.states":
            yield observed.seconds(failure.moment), CLOSER_RETRY
    yield from _long_pauses(observed)


def _waits_in_queue(observed: Observation) -> Iterator[JournalEntry]:
    """The reads of the launch queue that found an earlier entry, and after which no launch followed.

    The entry may belong to a cancelled execution: it counts until it expires, because it is not renewed any more.
    """
    by_invocation: dict[str, list[JournalEntry]] = defaultdict(list)
    for call in engine_calls(observed):
        by_invocation[call.actor].append(call)
    for calls in by_invocation.values():
        for number, read in enumerate(calls, start=1):
            others_wait = read.operation == "Query" and (read.response or {}).get("Items")
            launched = [then.operation for then in calls[number : number + 1]] == ["StartRecovery"]
            if others_wait and not launched:
                yield read


def _long_pauses(observed: Observation) -> Iterator[tuple[float, float]]:
    """The pauses of the state machine that are longer than its first three."""
    failed = [(failure.moment, failure.event) for failure in observed.failures]
    pauses: dict[tuple[Any, ...], float] = defaultdict(lambda: FIRST_PAUSE)
    for moment, event in sorted([*failed, *observed.missed], key=lambda one: one[0]):
        if event.get("Action") in ("tick", "close"):
            # One state of one run, entered once: its failures are consecutive attempts.
            state = tuple(event.get(name) for name in ("Action", "ExecutionId", "Run", "Tick"))
            if pauses[state] > STATE_MACHINE_RETRIES:
                yield observed.seconds(moment), pauses[state]
            pauses[state] = min(2 * pauses[state], LONGEST_PAUSE)


def _retry_after(observed: Observation, call: JournalEntry) -> float:
    retry = [
        fault.retry_after
        for fault in observed.faults
        if fault.retry_after and fault.kind == call.fault and fault.service in ("*", call.service)
    ]
    return max(retry, default=0) + 1.0


_LAUNCH = "drs:StartRecovery"
# A launch that fails for good names the call that failed last.
_LAUNCH_CALLS = (_LAUNCH, "drs:DescribeJobs", "drs:DescribeRecoveryInstances")


def outages(observed: Observation) -> Iterator[model_input.Outage]:
    """When an operation failed for good: denied, or failed in ATTEMPTS successive calls."""
    in_a_row: dict[str, list[JournalEntry]] = defaultdict(list)
    for call in engine_calls(observed):
        name = f"{call.service}:{call.operation}"
        if call.fault in (faults.DENY, faults.RESPOND, faults.EXPIRE_TOKEN):
            yield model_input.Outage(
                name, observed.seconds(call.started), observed.seconds(call.ended or call.started) + 20
            )
        elif call.fault is None and call.error_code is None:
            in_a_row[name] = []
        elif call.fault is not None and call.error_code is not None:
            for affected in _attempts_of(call, name):
                in_a_row[affected].append(call)
                if len(in_a_row[affected]) >= ATTEMPTS:
                    since, until = in_a_row[affected][0].started, call.ended or call.started
                    for named in _LAUNCH_CALLS if affected == _LAUNCH else (affected,):
                        yield model_input.Outage(named, observed.seconds(since), observed.seconds(until) + 30)


def _attempts_of(call: JournalEntry, name: str) -> tuple[str, ...]:
    """The operations of which this call is an attempt: searches and looks are part of a launch."""
    searches = call.operation == "DescribeJobs" and "fromDate" in call.parameters.get("filters", {})
    looks = call.operation == "DescribeRecoveryInstances" and "sourceServerIDs" in call.parameters.get("filters", {})
    return (name, _LAUNCH) if searches or looks else (name,)


# --- the observed execution ------------------------------------------------------------------------------------------


def observed_execution(observed: Observation, record: Document) -> model_input.ObservedExecution:
    reason = record.get("StatusReason", "")
    clean_up = record.get("CleanUp", {})
    return model_input.ObservedExecution(
        status=record["Status"],
        started=observed.seconds(record["StartTime"]),
        ended=observed.seconds(record["EndTime"]),
        timed_out=reason.startswith("the execution timed out"),
        ended_abnormally=reason.startswith(("its Lambda function failed for good", "the state machine")),
        waves=tuple(_observed_wave(observed, wave) for wave in record["Waves"]),
        clean_up=clean_up.get("Status", "absent"),
        clean_up_ended=_moment(observed, clean_up, "EndTime"),
        notification=record.get("Notification", {}).get("Status", "absent"),
    )


def _observed_wave(observed: Observation, wave: Document) -> model_input.ObservedWave:
    servers = [
        model_input.ObservedServer(
            one["SourceServerId"],
            one["Status"],
            _moment(observed, one, "EndTime"),
            _failed_operation(one.get("ErrorMessage", "")),
            protected="was recovered for real" in one.get("ErrorMessage", ""),
            adopted=one.get("Adopted", False),
            gone_from=gone_from,
            gone_by=gone_by,
        )
        for one in wave["ServerResults"]
        for gone_from, gone_by in [_disappearance(observed, one)]
    ]
    started, ended = _moment(observed, wave, "StartTime"), _moment(observed, wave, "EndTime")
    carried = "CarriedFrom" in wave
    return model_input.ObservedWave(wave["WaveNumber"], wave["Status"], tuple(servers), started, ended, carried)


def _disappearance(observed: Observation, result: Document) -> tuple[float | None, float | None]:
    """From when the recovered instance of a server may be gone, and from when it is gone for sure; None: it stays."""
    server, instance = result["SourceServerId"], result.get("RecoveryInstanceId")
    jobs = launches_of(observed.jobs, server)
    own = next((job for job in jobs if _launched(job, server).get("recoveryInstanceID") == instance), None)
    if instance is None or own is None:
        return None, None
    created = observed.seconds(own["creationDateTime"])
    later = [job for job in jobs if job["creationDateTime"] > own["creationDateTime"]]
    begun = [observed.seconds(job["creationDateTime"]) for job in later]
    done = [
        observed.seconds(job["endDateTime"])
        for job in later
        if _launched(job, server)["launchStatus"] == "LAUNCHED" and "endDateTime" in job
    ]
    behaviour = observed.case.servers[str(int(server[2:]))]
    if behaviour["becomes"] == "terminated":
        begun.append(created)
        done += [observed.seconds(own["endDateTime"]) + behaviour["boot"]] if "endDateTime" in own else []
    return min(begun, default=None), min(done, default=None)


def _launched(job: Document, server: str) -> Document:
    return next(one for one in job["participatingServers"] if one["sourceServerID"] == server)


def _moment(observed: Observation, item: Document, name: str) -> float | None:
    return observed.seconds(item[name]) if name in item else None


def _failed_operation(message: str) -> str | None:
    if "could not assume role" in message:
        return "sts:AssumeRole"
    found = _FAILED_OPERATION.search(message)
    return found[1] if found else None
