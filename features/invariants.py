"""The invariants of every execution, in every scenario. They are judged on all versions of its record."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from features import message_agreement, record_agreement
from features.aws_queries import EXECUTION_TAG, WAVE_TAG, instant, recovery_jobs, servers_of
from features.matchers.documents import fields
from features.matchers.records import name_of
from features.targets import EngineCall
from features.world import ENDED, World

Document = dict[str, Any]

ATTEMPT_TAG = "drs-engine:Attempt"
# The record's own form, whatever form AWS's answers have: ISO 8601 in UTC with milliseconds.
RECORD_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
LEASE_KEY = "LEASE"
# Errors of a write that has changed nothing.
_WITHOUT_EFFECT = ("ConditionalCheckFailedException", "TransactionCanceledException", "ThrottlingException")
FORWARD = {
    "execution": ["RUNNING", ("COMPLETED", "FAILED", "CANCELLED")],
    "wave": ["PENDING", "RUNNING", ("COMPLETED", "FAILED", "SKIPPED", "CANCELLED")],
    "server": ["PENDING", "IN_PROGRESS", "LAUNCHED", ("RECOVERED", "FAILED", "SKIPPED", "CANCELLED")],
}


class InvariantBroken(Exception):
    """An execution broke an invariant; the message says which."""


class WithoutEffect(Exception):
    """A step of the scenario had no effect that a Then judged, so the scenario does not test it."""


def broken(world: World) -> list[str]:
    """Every invariant that an execution of this scenario broke, one line each."""
    jobs = recovery_jobs(world)
    found = [*one_job_a_server(jobs)]
    if world.target.name == "moto":
        calls = world.target.engine_calls()
        found += [*launches_without_lease(calls), *unguarded_saves(calls), *launches_without_intent(calls)]
    for execution, seen in world.records_seen.items():
        found.extend(jobs_on_record(execution, seen[-1], jobs))
        found.extend(adopted_although_launched(execution, seen[-1], jobs))
        found.extend(waves_after_dependencies(seen[-1]))
        for earlier, later in pairwise(seen):
            found.extend(only_forward(earlier, later))
        for record in seen:
            found.extend(nothing_runs_after_the_end(record))
            found.extend(times_in_one_form(record))
            found.extend(record_agreement.disagreements(record))
    for message, subject in zip(world.messages, world.subjects, strict=True):
        for record in world.records_seen.get(message["ExecutionId"], [])[-1:]:
            found.extend(message_agreement.disagreements(message, subject, record))
    return list(dict.fromkeys(found))


def one_job_a_server(jobs: list[Document]) -> Iterator[str]:
    """A server has at most one live job, and one intent (execution, wave, attempt) at most one job."""
    intents = Counter(
        (job["tags"][EXECUTION_TAG], job["tags"][WAVE_TAG], job["tags"].get(ATTEMPT_TAG), server)
        for job in jobs
        for server in servers_of(job)
    )
    yield from (
        f"{count} jobs launch server {intent[-1]} for one intent" for intent, count in intents.items() if count > 1
    )
    requests = Counter(
        (one["tags"][EXECUTION_TAG], one["tags"][WAVE_TAG], one["tags"].get(ATTEMPT_TAG)) for one in jobs
    )
    for (_, wave, attempt), count in requests.items():
        if count > 1 or not attempt or int(attempt) < 1:
            yield f"{count} jobs have attempt {attempt} of wave {wave}: each attempt has a number from 1 on and one job"
    for earlier, later in pairwise(sorted(jobs, key=lambda job: job["creationDateTime"])):
        shared = set(servers_of(earlier)) & set(servers_of(later))
        if shared and later["creationDateTime"] < earlier.get("endDateTime", "9999"):
            yield f"server {', '.join(shared)} is in two live jobs: {earlier['jobID']} and {later['jobID']}"


def launches_without_lease(calls: Sequence[EngineCall]) -> Iterator[str]:
    """An execution requests a launch only of servers that are leased to it; an unanswered write may have had effect."""
    owners: dict[str, set[str]] = {}
    for call in calls:
        if call.operation == "TransactWriteItems" and call.error != "TransactionCanceledException":
            for write in call.parameters["TransactItems"]:
                for server, owner in _lease_taken(write):
                    owners[server] = {owner} if call.error is None else owners.get(server, set()) | {owner}
                for server in _leases_released(write) if call.error is None else ():
                    owners.pop(server, None)
        if call.operation == "StartRecovery":
            execution = call.parameters["tags"][EXECUTION_TAG]
            for server in (one["sourceServerID"] for one in call.parameters["sourceServers"]):
                if execution not in owners.get(server, ()):
                    yield f"execution {execution} launched {server}, which is leased to {owners.get(server)}"


def unguarded_saves(calls: Sequence[EngineCall]) -> Iterator[str]:
    """A save replaces only the version of a record that the engine has read, by the next one, so that none is lost."""
    for put in _puts(calls):
        if "Version" in put["Item"]:
            saved = int(put["Item"]["Version"]["N"])
            read = put.get("ExpressionAttributeValues", {}).get(":version", {}).get("N")
            if read is None and put.get("ConditionExpression") != "attribute_not_exists(ExecutionId)":
                yield f"version {saved} of a record was saved whatever version was there"
            elif read is not None and saved != int(read) + 1:
                yield f"version {saved} of a record was saved over version {read}"


def launches_without_intent(calls: Sequence[EngineCall]) -> Iterator[str]:
    """Before an execution requests a launch, its record says so: a function killed after the request finds the job.

    A write whose answer was lost may have had its effect, so it counts as saved.
    """
    saved: set[tuple[str, str, str]] = set()
    for call in calls:
        if call.error not in _WITHOUT_EFFECT:
            for item in (put["Item"] for put in _puts([call])):
                for server in (one["M"] for one in item.get("ServerResults", {}).get("L", [])):
                    attempt = server.get("LaunchAttempt", {}).get("N", "")
                    saved.add((item["ExecutionId"]["S"], server["SourceServerId"]["S"], attempt))
        if call.operation == "StartRecovery":
            execution, attempt = (call.parameters["tags"].get(tag, "") for tag in (EXECUTION_TAG, ATTEMPT_TAG))
            for server in (one["sourceServerID"] for one in call.parameters["sourceServers"]):
                if (execution, server, attempt) not in saved:
                    yield f"execution {execution} launched {server} before attempt {attempt} was saved"


def _puts(calls: Sequence[EngineCall]) -> Iterator[Document]:
    for call in calls:
        if call.operation == "PutItem":
            yield call.parameters
        elif call.operation == "TransactWriteItems":
            yield from (write["Put"] for write in call.parameters["TransactItems"] if "Put" in write)


def _lease_taken(write: Document) -> list[tuple[str, str]]:
    item = write.get("Put", {}).get("Item", {})
    is_lease = item.get("ItemKey", {}).get("S") == LEASE_KEY
    return [(item["ExecutionId"]["S"].rpartition("#")[2], item["LeasedBy"]["S"])] if is_lease else []


def _leases_released(write: Document) -> list[str]:
    key = write.get("Delete", {}).get("Key", {})
    return [key["ExecutionId"]["S"].rpartition("#")[2]] if key.get("ItemKey", {}).get("S") == LEASE_KEY else []


def jobs_on_record(execution: str, record: Document, jobs: list[Document]) -> Iterator[str]:
    known = {result.get("DrsJobId") for wave in record["Waves"] for result in wave["ServerResults"]}
    for job in jobs:
        if job["tags"][EXECUTION_TAG] == execution and job["jobID"] not in known:
            yield f"job {job['jobID']} carries the tag of execution {execution}, whose record does not know it"


def adopted_although_launched(execution: str, record: Document, jobs: list[Document]) -> Iterator[str]:
    """The instance of an adopted server is another execution's, so no job of this one launched it."""
    own = {job["jobID"] for job in jobs if job["tags"][EXECUTION_TAG] == execution}
    for result in (result for wave in record["Waves"] for result in wave["ServerResults"]):
        if result.get("Adopted") and result.get("DrsJobId") in own:
            yield f"{name_of(result)} counts as adopted, although job {result['DrsJobId']} of the execution launched it"


def waves_after_dependencies(record: Document) -> Iterator[str]:
    waves = {wave["WaveNumber"]: wave for wave in record["Waves"]}
    for wave in waves.values():
        for number in wave.get("DependsOn", []) if "StartTime" in wave else []:
            needed = waves[number]
            ended = needed.get("EndTime")
            # A person skipped the wave, or an earlier execution started this one, after its dependencies there.
            if "SkippedBy" in needed or "CarriedFrom" in wave:
                continue
            if needed["Status"] != "COMPLETED" or not ended or instant(wave["StartTime"]) < instant(ended):
                yield f"{name_of(wave)} started before {name_of(needed)}, which it depends on, was COMPLETED"


def only_forward(earlier: Document, later: Document) -> Iterator[str]:
    for kind, before, after in parts(earlier, later):
        if rank(kind, after["Status"]) < rank(kind, before["Status"]) or (
            rank(kind, before["Status"]) == len(FORWARD[kind]) - 1 and after["Status"] != before["Status"]
        ):
            yield f"{name_of(after)} went back from {before['Status']} to {after['Status']}"


def parts(earlier: Document, later: Document) -> Iterator[tuple[str, Document, Document]]:
    yield "execution", earlier, later
    for before, after in zip(earlier["Waves"], later["Waves"], strict=True):
        yield "wave", before, after
        for one, other in zip(before["ServerResults"], after["ServerResults"], strict=True):
            yield "server", one, other


def rank(kind: str, status: str) -> int:
    return next(
        place
        for place, step in enumerate(FORWARD[kind])
        if status == step or (isinstance(step, tuple) and status in step)
    )


def nothing_runs_after_the_end(record: Document) -> Iterator[str]:
    if record["Status"] in ENDED:
        for wave in record["Waves"]:
            if wave["Status"] in ("PENDING", "RUNNING"):
                yield f"{name_of(wave)} is {wave['Status']} although the execution is {record['Status']}"


def times_in_one_form(record: Document) -> Iterator[str]:
    for path, name, value in fields(record):
        if name.endswith("Time") and isinstance(value, str) and not RECORD_TIME.fullmatch(value):
            yield f"{path} is {value!r}, no time in UTC with milliseconds such as 2026-01-05T08:00:00.000Z"
