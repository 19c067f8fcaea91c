"""Judges a lived day from outside: records, jobs, requests, instances and messages, and the reference model's word."""

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

from simulator.gateway import faults
from simulator.gateway.journal import JournalEntry
from tests.simulation import model
from tests.simulation.cases import Document, kind_of, server_id, snapshot_id
from tests.simulation.monitor import ATTEMPT_TAG, ENDED, TAG, WAVE_TAG
from tests.simulation.oracle_input import delays, engine_calls, outages, plan_of, result_of, seen_of, world_of
from tests.simulation.runner import Life

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
# Many servers under way are looked at at different moments; a moment is a second.
RUNS_A_MINUTE = 40
# A drill looks whether its servers were recovered, and launches them: four tries at most, each lost for 20 seconds.
LOOK_TO_LAUNCH = 120
_RECOVERED = re.compile(r"source server (\S+) was recovered for real")


def judge(life: Life) -> list[str]:
    """Everything that was wrong with the day, one line each; empty: nothing."""
    return [
        *life.broken,
        *_failures(life),
        *_settled(life),
        *_starts(life),
        *_jobs(life),
        *_replaced(life),
        *_requests(life),
        *_pace(life),
        *_instances(life),
        *_messages(life),
        *_records(life),
    ]


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
            free = earlier.get("EndTime", "9999")
            if life.kind(later["ExecutionId"]) == "DRILL":
                free = earlier.get("CleanUp", {}).get("EndTime", free)
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
    disturbed = any(asked - 1 <= moment <= answered for moment, _ in delays(life)) or any(
        one.since - 1 <= answered and one.until >= asked for one in outages(life)
    )
    if "clean-up of execution" in act.message:
        holder = next((one for one in life.records if one in act.message), None)
        record = life.records.get(holder or "", {})
        if kind_of(life.day, act.doing) == "RECOVERY":
            yield f"a recovery had to wait for a clean-up: {act.message}"
        elif not record or life.seconds(record["EndTime"]) > answered:
            yield f"a start was refused because of a clean-up that nobody does: {act.message}"
    elif "is in the way of a" in act.message:
        holder = next((one for one in life.records if one in act.message), None)
        over = holder is not None and life.seconds(life.records[holder].get("EndTime", act.answered)) < answered - 1
        cut_off = any(one.doing["do"] == "start" and one.result == "no answer" for one in life.acts)
        if over or (holder is None and not cut_off):
            yield f"a start was refused because of an execution that is over: {act.message}"
    elif found := _RECOVERED.search(act.message):
        if not any(_recovers(job, found[1], before=answered, life=life) for job in life.jobs):
            yield f"a drill was refused because of a recovery that never was: {act.message}"
    elif not disturbed:
        yield f"a start at {asked:.0f} s came to nothing: {act.result}: {act.message}"


def _recovers(job: Document, server: str, *, before: float, life: Life) -> bool:
    """Whether this job began to launch `server` for real before that second of the day."""
    servers = [one["sourceServerID"] for one in job["participatingServers"]]
    return (
        job["initiatedBy"] == "START_RECOVERY" and server in servers and life.seconds(job["creationDateTime"]) < before
    )


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
            result = result_of(record, one["sourceServerID"])
            if result.get("DrsJobId") != job["jobID"]:
                yield f"{job['jobID']} launched {one['sourceServerID']}, whose record says {result.get('DrsJobId')}"
            if str(result.get("LaunchAttempt")) != tags.get(ATTEMPT_TAG):
                yield f"{job['jobID']} is attempt {tags.get(ATTEMPT_TAG)}, the record's {result.get('LaunchAttempt')}"
            if result.get("Status") == "RECOVERED" and one["launchStatus"] != "LAUNCHED":
                yield f"{one['sourceServerID']} is RECOVERED, though DRS says {one['launchStatus']}"


def _replaced(life: Life) -> Iterator[str]:
    """No drill of the engine took a recovery's instance away: DRS's last job of each of its servers was none."""
    before: dict[str, Document] = {}
    for job in life.jobs:
        if job["type"] != "LAUNCH":
            continue
        drill = job["initiatedBy"] == "START_DRILL" and TAG in job.get("tags", {})
        for one in job["participatingServers"]:
            last, before[one["sourceServerID"]] = before.get(one["sourceServerID"]), job
            if drill and last is not None and _has_recovered(last, one["sourceServerID"], life):
                since = life.seconds(job["creationDateTime"]) - life.seconds(last["endDateTime"])
                if since > LOOK_TO_LAUNCH:
                    yield f"{job['jobID']} replaced what {last['jobID']} had recovered {since:.0f} s before"


def _has_recovered(job: Document, server: str, life: Life) -> bool:
    """Whether the job launched the server for real, and its instance did not end by itself."""
    (status,) = (one["launchStatus"] for one in job["participatingServers"] if one["sourceServerID"] == server)
    fate = next(fate for number, fate in life.day.servers.items() if server_id(int(number)) == server)
    return bool(job["initiatedBy"] == "START_RECOVERY" and status == "LAUNCHED" and fate["becomes"] != "terminated")


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


def _launch_request(life: Life, call: JournalEntry) -> Iterator[str]:
    tags, servers = call.parameters["tags"], call.parameters["sourceServers"]
    plan = life.day.plans[life.executions[tags[TAG]]]
    wave = plan["waves"][int(tags[WAVE_TAG]) - 1]
    kind = life.kind(tags[TAG])
    if call.parameters.get("isDrill") != (kind == "DRILL"):
        yield f"StartRecovery had isDrill {call.parameters.get('isDrill')} in a {kind}"
    if wave["order"] == "SEQUENTIAL" and len(servers) > 1:
        yield f"StartRecovery launched {len(servers)} servers of a SEQUENTIAL wave at once"
    pinned = {server_id(one): snapshot_id(one) for one in wave["pinned"]}
    for one in servers:
        if one.get("recoverySnapshotID") != pinned.get(one["sourceServerID"]):
            yield f"{one['sourceServerID']} was launched from {one.get('recoverySnapshotID', 'the latest data')}"


def _termination_request(life: Life, call: JournalEntry) -> Iterator[str]:
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
        if owner is None or plan is None or life.kind(owner) != "DRILL" or plan["keeps_instances"]:
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
    sent: dict[str, list[JournalEntry]] = defaultdict(list)
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
        plan = plan_of(life.day, life.executions[execution_id], life.kind(execution_id))
        walk = model.Walk(plan, world_of(life, execution_id), seen_of(life, record))
        yield from (f"plan {life.executions[execution_id] + 1}: {line}" for line in walk.disagreements())
