"""Judges a lived day: tells the reference model what the world did, and compares with what was seen.

What the world did is taken from the day itself (which launches fail, how long they take, when instances run) and from
AWS's side of the journal (which calls met a fault, which were answered that servers or quota are in use).
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import jsonschema

from simulator import faults
from simulator.journal import Call
from tests.simulation import model
from tests.simulation.days import GROUP, Day, Document, server_id, snapshot_id
from tests.simulation.living import Life
from tests.simulation.watching import ATTEMPT_TAG, ENDED, TAG, WAVE_TAG

SCHEMA = Path(__file__).parents[2] / "testdata" / "schemas" / "execution-record.schema.json"
# What an AWS call raises in the engine when it fails for good, and how Lambda reports its own end.
HONEST_ERRORS = {
    "Refused",
    "Unavailable",
    "AskedToWait",
    "CredentialsExpired",
    "Runtime.ExitError",
    "Sandbox.Timedout",
}
BUSY = {"ConflictException", "ServiceQuotaExceededException"}
BUSY_SECONDS = 40.0
# A call that met a fault: until the client notices, the engine's back-off, the state machine's retries.
NOTICE = {"ReadTimeoutError": 20.0, "ConnectTimeoutError": 5.0}
BACK_OFF = 14.0
STATE_MACHINE_RETRIES = 14.0
CLOSER_RETRY = 305.0
# While AWS is out of order the state machine's pauses double from the first to the longest (infra/template.yaml); calls
# of the function that fail within this time of each other are one row.
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
SAME_ROW = LONGEST_PAUSE + 110.0
TRIES = 4
# Many servers under way are looked at at different moments; a moment is a second.
RUNS_A_MINUTE = 40
_BLAMED = re.compile(r"([a-z0-9]+:[A-Za-z]+) failed with")


def judge(life: Life) -> list[str]:
    """Everything that was wrong with the day, one line each; empty: nothing."""
    return [
        *life.broken,
        *_failures(life),
        *_settled(life),
        *_starts(life),
        *_jobs(life),
        *_requests(life),
        *_pace(life),
        *_instances(life),
        *_messages(life),
        *_records(life),
    ]


# --- what the world did ----------------------------------------------------------------------------------------------


def plan_of(day: Day, index: int) -> model.Plan:
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
    cleans_up = plan["type"] == "DRILL" and not plan["keeps_instances"]
    together = day.quotas.get("servers_per_job", 100)
    return model.Plan(tuple(waves), plan["timeout"], cleans_up, plan["topic"], together)


def world_of(life: Life, execution_id: str) -> model.World:
    cancels = [act for act in life.acts if act.doing["do"] == "cancel" and act.execution_id == execution_id]
    asked = [act for act in cancels if act.result in ("accepted", "no answer") or act.tries > 1]
    return model.World(
        launches={server_id(int(number)): _launch(life, execution_id, int(number)) for number in life.day.servers},
        delays=tuple(_delays(life)),
        outages=tuple(_outages(life)),
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
    return model.Launch(
        fails=bool(fate["fails"]) or nothing_there,
        # DRS takes a snapshot in the first sixth of a launch's time: without one to take, it is over then.
        seconds=fate["launch"] / 6 if nothing_there else float(fate["launch"]),
        early=nothing_there,
        states=tuple(states),
        taken=_taken(life, execution_id, server),
        stays=fate["terminate_fails"] is not None,
    )


def _taken(life: Life, execution_id: str, server: str) -> bool:
    """Somebody else launched the server after this execution had, and before it was done with it."""
    mine = [job for job in launches_of(life.jobs, server) if job["tags"].get(TAG) == execution_id]
    others = [job for job in launches_of(life.jobs, server) if job["tags"].get(TAG) != execution_id]
    ended = _result(life.records.get(execution_id, {}), server).get("EndTime", "9999")
    return any(own["creationDateTime"] < job["creationDateTime"] <= ended for own in mine for job in others)


def launches_of(jobs: list[Document], server: str) -> list[Document]:
    return [
        {"tags": {}, **job}
        for job in jobs
        if job["type"] == "LAUNCH" and any(one["sourceServerID"] == server for one in job["participatingServers"])
    ]


def _result(record: Document, server: str) -> Document:
    results = (result for wave in record.get("Waves", []) for result in wave["ServerResults"])
    return next((result for result in results if result["SourceServerId"] == server), {})


def engine_calls(life: Life) -> list[Call]:
    return [call for call in life.calls if call.source == "lambda"]


def _delays(life: Life) -> Iterator[tuple[float, float]]:
    for call in engine_calls(life):
        if call.fault is not None and call.ended is not None:
            lasted = (call.ended - call.started).total_seconds() + NOTICE.get(call.error_code or "", 0)
            yield life.seconds(call.started), lasted + BACK_OFF + STATE_MACHINE_RETRIES + _asked_to_wait(life, call)
        elif call.error_code in BUSY:
            yield life.seconds(call.started), BUSY_SECONDS
    for moment in life.missed:
        yield life.seconds(moment), STATE_MACHINE_RETRIES
    for failure in life.failures:
        if failure.event.get("source") == "aws.states":
            yield life.seconds(failure.moment), CLOSER_RETRY
    yield from _long_pauses(life)
    # Somebody else's job on a server is over before this execution's can begin: the answers above say how long.


def _long_pauses(life: Life) -> Iterator[tuple[float, float]]:
    """The pauses of the state machine that are longer than its first three."""
    failed = [failure.moment for failure in life.failures if failure.event.get("Action") in ("tick", "close")]
    last, pause = float("-inf"), FIRST_PAUSE
    for moment in sorted(life.seconds(one) for one in [*failed, *life.missed]):
        pause = min(2 * pause, LONGEST_PAUSE) if moment - last <= SAME_ROW else FIRST_PAUSE
        last = moment
        if pause > STATE_MACHINE_RETRIES:
            yield moment, pause


def _asked_to_wait(life: Life, call: Call) -> float:
    retry = [
        fault.retry_after
        for fault in life.faults
        if fault.retry_after and fault.kind == call.fault and fault.service in ("*", call.service)
    ]
    return max(retry, default=0) + 1.0


def _outages(life: Life) -> Iterator[model.Outage]:
    """When an operation failed for good: refused, or so many times in a row that any patience is over."""
    row: dict[str, list[Call]] = defaultdict(list)
    for call in engine_calls(life):
        name = f"{call.service}:{call.operation}"
        if call.fault in (faults.DENY, faults.RESPOND, faults.EXPIRE_TOKEN):
            yield model.Outage(name, life.seconds(call.started), life.seconds(call.ended or call.started) + 20)
        elif call.fault is None and call.error_code is None:
            row[name] = []
        elif call.fault is not None and call.error_code is not None:
            row[name].append(call)
            if len(row[name]) >= TRIES:
                since, last = row[name][0], call
                yield model.Outage(name, life.seconds(since.started), life.seconds(last.ended or last.started) + 30)


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
            one["SourceServerId"], one["Status"], _moment(life, one, "EndTime"), _blamed(one.get("ErrorMessage", ""))
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


# --- what was wrong --------------------------------------------------------------------------------------------------


def _failures(life: Life) -> Iterator[str]:
    """The function fails only where AWS failed it."""
    hit = {call.actor.rpartition(" ")[2] for call in life.calls if call.fault is not None}
    for failure in life.failures:
        if failure.error not in HONEST_ERRORS or failure.request_id not in hit:
            yield f"{failure.moment:%H:%M:%S} the function failed by itself: {failure.error}: {failure.message}"


def _settled(life: Life) -> Iterator[str]:
    for run in life.runs:
        if run["status"] == "RUNNING":
            yield f"the state machine {run['name']} still runs at the end of the day"
    for execution_id, record in life.records.items():
        if record["Status"] not in ENDED:
            yield f"execution {execution_id} is {record['Status']} at the end of the day"
    unanswered = any(act.result in ("no answer", "refused") for act in life.acts if act.doing["do"] == "start")
    if life.locks and not unanswered:
        yield f"the plan is still locked: {', '.join(life.locks)}"


def _starts(life: Life) -> Iterator[str]:
    for plan in range(len(life.day.plans)):
        records = [life.records[one] for one, index in life.executions.items() if index == plan and one in life.records]
        for earlier, later in combinations(sorted(records, key=lambda record: record["StartTime"]), 2):
            free = earlier.get("CleanUp", {}).get("EndTime", earlier.get("EndTime", "9999"))
            if later["StartTime"] < free:
                yield f"{later['ExecutionId']} began while {earlier['ExecutionId']} had the plan"
    by_token: dict[Any, set[str]] = defaultdict(set)
    for act in life.acts:
        if act.doing["do"] != "start":
            continue
        if "token" in act.doing and act.execution_id:
            by_token[act.doing["token"]].add(act.execution_id)
        if act.result in ("no answer", "refused"):
            yield from _refusal(life, act)
        elif act.execution_id not in life.records:
            yield f"the start at {life.seconds(act.asked):.0f} s was told {act.execution_id}, which has no record"
    yield from (f"one token started {sorted(ids)}" for ids in by_token.values() if len(ids) > 1)


def _refusal(life: Life, act: Any) -> Iterator[str]:
    asked, answered = life.seconds(act.asked), life.seconds(act.answered)
    disturbed = any(asked - 1 <= moment <= answered for moment, _ in _delays(life)) or any(
        one.since - 1 <= answered and one.until >= asked for one in _outages(life)
    )
    if "clean-up of execution" in act.message:
        holder = next((one for one in life.records if one in act.message), None)
        record = life.records.get(holder or "", {})
        if not record or life.seconds(record["EndTime"]) > answered:
            yield f"a start was refused because of a clean-up that nobody does: {act.message}"
    elif not disturbed:
        yield f"a start at {asked:.0f} s came to nothing: {act.result}: {act.message}"


def _jobs(life: Life) -> Iterator[str]:
    """Every job with the engine's tags is on record, with an outcome that the record shares."""
    for job in life.jobs:
        tags = job.get("tags", {})
        if job["type"] != "LAUNCH" or TAG not in tags:
            continue
        record = life.records.get(tags[TAG])
        if record is None:
            yield f"{job['jobID']} belongs to {tags[TAG]}, which has no record"
            continue
        for one in job["participatingServers"]:
            result = _result(record, one["sourceServerID"])
            if result.get("DrsJobId") != job["jobID"]:
                yield f"{job['jobID']} launched {one['sourceServerID']}, whose record says {result.get('DrsJobId')}"
            if str(result.get("LaunchAttempt")) != tags.get(ATTEMPT_TAG):
                yield f"{job['jobID']} is attempt {tags.get(ATTEMPT_TAG)}, the record's {result.get('LaunchAttempt')}"
            if result.get("Status") == "RECOVERED" and one["launchStatus"] != "LAUNCHED":
                yield f"{one['sourceServerID']} is RECOVERED, though DRS says {one['launchStatus']}"


def _requests(life: Life) -> Iterator[str]:
    """What was asked of DRS and EC2 is what the plan says."""
    unhealthy = {
        server_id(one): wave["health"] for plan in life.day.plans for wave in plan["waves"] for one in wave["servers"]
    }
    alone = {server for server, health in unhealthy.items() if health is None}
    if len(life.day.plans) > 1:
        alone = set()
    sources = {
        one["recoveryInstanceID"]: one["sourceServerID"]
        for job in life.jobs
        for one in job["participatingServers"]
        if "recoveryInstanceID" in one
    }
    for call in engine_calls(life):
        if call.operation == "StartRecovery":
            yield from _launch_request(life, call)
        elif call.operation == "DescribeInstanceStatus":
            looked = [one for one in call.parameters["InstanceIds"] if sources.get(one) in alone]
            if looked:
                yield f"{looked} were looked at in EC2 although their wave has no health check"
        elif call.operation == "TerminateRecoveryInstances" and call.succeeded:
            yield from _termination_request(life, call)


def _pace(life: Life) -> Iterator[str]:
    """The function does not run all the time: it is called when there may be something to do."""
    begun = sorted({call.actor: life.seconds(call.started) for call in reversed(engine_calls(life))}.values())
    most = RUNS_A_MINUTE * max(1, len(life.records))
    for first, last in zip(begun, begun[most:], strict=False):
        if last - first < 60:
            yield f"the function ran more than {most} times within a minute, from {first:.0f} s on"
            return


def _launch_request(life: Life, call: Call) -> Iterator[str]:
    tags, servers = call.parameters["tags"], call.parameters["sourceServers"]
    plan = life.day.plans[life.executions[tags[TAG]]]
    wave = plan["waves"][int(tags[WAVE_TAG]) - 1]
    if call.parameters.get("isDrill") != (plan["type"] == "DRILL"):
        yield f"StartRecovery had isDrill {call.parameters.get('isDrill')} in a {plan['type']}"
    if wave["order"] == "SEQUENTIAL" and len(servers) > 1:
        yield f"StartRecovery launched {len(servers)} servers of a SEQUENTIAL wave at once"
    pinned = {server_id(one): snapshot_id(one) for one in wave["pinned"]}
    for one in servers:
        if one.get("recoverySnapshotID") != pinned.get(one["sourceServerID"]):
            yield f"{one['sourceServerID']} was launched from {one.get('recoverySnapshotID', 'the latest data')}"


def _termination_request(life: Life, call: Call) -> Iterator[str]:
    job = next((job for job in life.jobs if job["jobID"] == (call.response or {}).get("job", {}).get("jobID")), None)
    owners = {
        one.get("recoveryInstanceID"): other.get("tags", {}).get(TAG)
        for other in life.jobs
        if other["type"] == "LAUNCH"
        for one in other["participatingServers"]
    }
    for instance in call.parameters["recoveryInstanceIDs"]:
        owner = owners.get(instance)
        plan = life.day.plans[life.executions[owner]] if owner in life.executions else None
        if plan is None or plan["type"] != "DRILL" or plan["keeps_instances"]:
            yield f"{instance} was terminated by {job and job['jobID']}, though nobody's drill had launched it"


def _instances(life: Life) -> Iterator[str]:
    """A drill's instances are gone when its clean-up is COMPLETED; nobody else's are touched."""
    for execution_id, record in life.records.items():
        if record.get("CleanUp", {}).get("Status") != "COMPLETED":
            continue
        for job in life.jobs:
            if job.get("tags", {}).get(TAG) != execution_id:
                continue
            for one in job["participatingServers"]:
                instance = one.get("recoveryInstanceID")
                if instance in life.recovery_instances or life.instances.get(instance or "", "") == "running":
                    yield f"{instance} of {one['sourceServerID']} is left after the clean-up of {execution_id}"


def _messages(life: Life) -> Iterator[str]:
    """One message an execution that has a topic; a second one only where the function died after the first."""
    sent: dict[str, list[Call]] = defaultdict(list)
    for call in engine_calls(life):
        if call.operation == "Publish" and (call.error_code is None or call.fault in faults.AFTER_EFFECT):
            message = call.parameters["Message"]
            body = json.loads(message) if isinstance(message, str) else message
            sent[body["ExecutionId"]].append(call)
            record = life.records.get(body["ExecutionId"], {})
            if (body["Status"], body["Duration"], body["ServerCount"]) != (
                record.get("Status"),
                record.get("DurationSeconds"),
                record.get("ServerCount"),
            ):
                yield f"the message says {body['Status']}, {body['Duration']} s; the record {record.get('Status')}"
    hit = {call.actor for call in life.calls if call.fault is not None}
    for execution_id, record in life.records.items():
        calls = sent[execution_id]
        told = record.get("Notification", {}).get("Status")
        if told == "SENT" and not calls:
            yield f"the notification of {execution_id} is SENT, but nothing was published"
        again = [call for call in calls[:-1] if call.actor not in hit]
        if again:
            yield f"{execution_id} was announced {len(calls)} times, though nothing had gone wrong"


@cache
def _schema() -> Any:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _records(life: Life) -> Iterator[str]:
    for execution_id, record in life.records.items():
        if record["Status"] not in ENDED:
            continue
        for error in _schema().iter_errors(record):
            yield f"the record of {execution_id} breaks its schema: {error.json_path}: {error.message[:200]}"
        plan = plan_of(life.day, life.executions[execution_id])
        walk = model.Walk(plan, world_of(life, execution_id), seen_of(life, record))
        yield from (f"plan {life.executions[execution_id] + 1}: {line}" for line in walk.disagreements())


__all__ = ["GROUP", "judge", "plan_of", "seen_of", "world_of"]
