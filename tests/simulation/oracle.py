"""The oracle: checks an observation for violations, among them disagreements with the reference model."""

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
from tests.simulation.cases import Document, execution_type, server_id, snapshot_id
from tests.simulation.monitor import ATTEMPT_TAG, ENDED, TAG, WAVE_TAG
from tests.simulation.oracle_input import (
    conditions_of,
    delays,
    engine_calls,
    observed_execution,
    outages,
    plan_of,
    result_of,
    was_fenced,
)
from tests.simulation.runner import Observation

SCHEMA = Path(__file__).parents[2] / "testdata" / "schemas" / "execution-record.schema.json"
# The errors by which an invocation may fail: a call that AWS failed for good, a killed or stopped Lambda function.
EXPECTED_ERRORS = {
    "Refused",
    "Unavailable",
    "AskedToWait",
    "CredentialsExpired",
    "Runtime.ExitError",
    "Sandbox.Timedout",
}
# Health checks of many servers fall into different seconds, and one invocation serves one second.
INVOCATIONS_A_MINUTE = 40
# Between the check for recoveries and the launch: up to four attempts whose answer is lost, 20 seconds each.
CHECK_TO_LAUNCH = 120
# States in which DRS lists an instance that is lost.
_GONE = ("SHUTTING-DOWN", "TERMINATED", "NOT_FOUND")
# Later than any moment of a case, in seconds.
LATER = 1e9
# The servers in the refusal of a drill, and in the rows of the refusal of a recovery.
_RECOVERED = re.compile(r"(s-\w{17})\)?(?: was recovered for real|  i-)")


def _failures(observed: Observation) -> Iterator[str]:
    """An invocation fails only if a fault hit one of its calls."""
    hit = {call.actor.rpartition(" ")[2] for call in observed.calls if call.fault is not None}
    for failure in observed.failures:
        if failure.error not in EXPECTED_ERRORS or failure.request_id not in hit:
            yield f"{failure.moment:%H:%M:%S} the function failed without a fault: {failure.error}: {failure.message}"


def _finalized(observed: Observation) -> Iterator[str]:
    for run in observed.runs:
        if run["status"] == "RUNNING":
            yield f"the state machine {run['name']} still runs at the end of the case"
    for execution_id, record in observed.records.items():
        if record["Status"] not in ENDED:
            yield f"execution {execution_id} is {record['Status']} at the end of the case"
    unanswered = any(
        request.result in ("no answer", "refused")
        for request in observed.requests
        if request.action["do"] in ("start", "resume")
    )
    if observed.locks and not unanswered:
        yield f"the plan is still locked: {', '.join(observed.locks)}"


def _overlapping_starts(observed: Observation) -> Iterator[str]:
    begun = [record for record in observed.records.values() if not was_fenced(record)]
    for earlier, later in combinations(sorted(begun, key=lambda record: record["StartTime"]), 2):
        same_plan = earlier["PlanId"] == later["PlanId"]
        if not same_plan and not _servers_of(earlier) & _servers_of(later):
            continue
        free = _free(observed, earlier, later["ExecutionId"], same_plan)
        if later["StartTime"] < free:
            what = "the plan" if same_plan else "one of its servers"
            yield f"{later['ExecutionId']} started while {earlier['ExecutionId']} held {what}"


def _free(observed: Observation, earlier: Document, later: str, same_plan: bool) -> str:
    """When the execution `later` may take over the servers of `earlier`."""
    free: str = earlier.get("EndTime", "9999")
    if observed.kind(later) == "DRILL":
        # A drill of another plan does not wait for an execution that has launched nothing.
        waits = same_plan or any("StartTime" in wave for wave in earlier["Waves"])
        return str(earlier.get("CleanUp", {}).get("EndTime", free)) if waits else free
    requests = [one.action for one in observed.requests if one.execution_id == later]
    drills = any(one.get("cancel_drills") for one in requests) and earlier["ExecutionType"] == "DRILL"
    if drills or any(one.get("take_over") for one in requests):
        return str(earlier.get("CancelRequest", {}).get("Time", free))
    return free


def _start_answers(observed: Observation) -> Iterator[str]:
    by_token: dict[Any, set[str]] = defaultdict(set)
    for request in observed.requests:
        if request.action["do"] != "start":
            continue
        if "token" in request.action and request.execution_id:
            by_token[request.action["token"]].add(request.execution_id)
        if request.result in ("no answer", "refused"):
            yield from _refusal(observed, request)
        elif request.execution_id not in observed.records:
            yield f"the start at {observed.seconds(request.sent):.0f} s returned {request.execution_id}: no record"
    yield from (f"one token started {sorted(ids)}" for ids in by_token.values() if len(ids) > 1)


def _resumption_links(observed: Observation) -> Iterator[str]:
    """A resumption and the execution that it resumes name each other."""
    for execution_id, record in observed.records.items():
        if before := record.get("ResumedFrom"):
            if observed.records.get(before, {}).get("ResumedBy") != execution_id:
                yield f"{execution_id} resumes {before}, which does not name it"
            if observed.records[before]["Status"] not in ("FAILED", "CANCELLED"):
                yield f"{execution_id} resumes {before}, which is {observed.records[before]['Status']}"
        after = record.get("ResumedBy")
        if after is not None and observed.records.get(after, {}).get("ResumedFrom") != execution_id:
            yield f"{execution_id} is resumed by {after}, which does not name it"


def _resumption_answers(observed: Observation) -> Iterator[str]:
    """A resumption that was answered with an execution has its record; a refused one has its reason."""
    for request in observed.requests:
        if request.action["do"] != "resume" or request.resumes is None:
            continue
        if request.result == "started" and request.execution_id not in observed.records:
            yield f"the resumption at {observed.seconds(request.sent):.0f} s returned {request.execution_id}: no record"
        elif request.result in ("refused", "no answer"):
            yield from _refused_resumption(observed, request)


def _refused_resumption(observed: Observation, request: Any) -> Iterator[str]:
    before, message = observed.records.get(request.resumes, {}), request.message
    then = observed.seconds(before["EndTime"]) if "EndTime" in before else LATER
    late = observed.seconds(request.answered)
    if "nothing to resume" in message:
        allowed = before.get("Status") == "COMPLETED"
    elif "only an execution that is FAILED or CANCELLED" in message:
        allowed = then >= observed.seconds(request.sent) - 1
    elif "DRILL that keeps no instances" in message:
        allowed = before.get("ExecutionType") == "DRILL" and before.get("CleanUp", {}).get("Status") != "SKIPPED"
    elif "DRILL whose" in message:
        allowed = before.get("ExecutionType") == "DRILL"
    elif "was resumed already" in message:
        allowed = "ResumedBy" in before
    elif servers := _RECOVERED.findall(message):
        allowed = all(
            any(_recovers(job, one, before=late, observed=observed) for job in observed.jobs) for one in servers
        )
    elif "in the way of this resumption" in message or "in use by another execution" in message:
        allowed = any(one in message for one in observed.records if one != request.resumes)
    elif "the start was cancelled before it launched" in message:
        allowed = True
    else:
        allowed = _disturbed(observed, request)
    if not allowed:
        yield f"the resumption at {observed.seconds(request.sent):.0f} s failed: {request.result}: {message}"


def _launches_over_real_instances(observed: Observation) -> Iterator[str]:
    """The engine requests no launch of a server whose last look showed a real instance; no case confirms one by name.

    The look belongs to the same invocation as the request. Its pages are one look.
    """
    looks: dict[str, dict[str, list[str]]] = defaultdict(dict)
    for call in engine_calls(observed):
        look = looks[call.actor]
        asked = call.parameters.get("filters", {}).get("sourceServerIDs", ())
        if call.operation == "DescribeRecoveryInstances" and call.succeeded and asked:
            if "nextToken" not in call.parameters:
                look.update({server: [] for server in asked})
            for one in (call.response or {}).get("items", ()):
                if one.get("isDrill") is not True and one.get("ec2InstanceState") not in _GONE:
                    look.setdefault(one["sourceServerID"], []).append(one["recoveryInstanceID"])
        elif call.operation == "StartRecovery":
            for server in (one["sourceServerID"] for one in call.parameters["sourceServers"]):
                if server not in look:
                    yield f"{server} was launched without a look at its instances"
                elif look[server]:
                    yield f"{server} was launched although the last look showed {', '.join(look[server])}"


def _servers_of(record: Document) -> set[str]:
    return {result["SourceServerId"] for wave in record["Waves"] for result in wave["ServerResults"]}


def _without_data(observed: Observation, request: Any) -> Iterator[str]:
    """A drill may be refused for servers without data, a recovery only if all its servers are without data."""
    plan = observed.case.plans[request.action["plan"]]
    numbers = [str(number) for wave in plan["waves"] for number in wave["servers"]]
    states = [observed.case.servers[number] for number in numbers]
    lost = [one for one in states if one["replicates"] in ("DISCONNECTED", "STOPPED") and not one["snapshot"]]
    recovery = execution_type(observed.case, request.action) == "RECOVERY"
    if not lost or (recovery and len(lost) < len(states)):
        yield f"a start was refused although its servers have data: {request.message}"


def _refusal(observed: Observation, request: Any) -> Iterator[str]:  # noqa: C901 - one case for each reason
    sent, answered = observed.seconds(request.sent), observed.seconds(request.answered)
    if "clean-up of execution" in request.message:
        holder = next((one for one in observed.records if one in request.message), None)
        record = observed.records.get(holder or "", {})
        if execution_type(observed.case, request.action) == "RECOVERY":
            yield f"a recovery was refused because of a clean-up: {request.message}"
        elif not record or observed.seconds(record["EndTime"]) > answered:
            yield f"a start was refused because of a clean-up that is not in progress: {request.message}"
    elif "in use by another execution" in request.message:
        yield from _lease_refusal(observed, request)
    elif "the start was cancelled before it launched" in request.message:
        yield from _given_way(observed, request)
    elif "cannot be launched" in request.message:
        yield from _without_data(observed, request)
    elif "is in the way of a" in request.message:
        holder = next((one for one in observed.records if one in request.message), None)
        over = (
            holder is not None
            and observed.seconds(observed.records[holder].get("EndTime", request.answered)) < answered - 1
        )
        cut_off = any(one.action["do"] == "start" and one.result == "no answer" for one in observed.requests)
        if over or (holder is None and not cut_off):
            yield f"a start was refused because of an execution that is over: {request.message}"
    elif servers := _RECOVERED.findall(request.message):
        yield from _protection_refusal(observed, request, servers)
    elif not _disturbed(observed, request):
        yield f"a start at {sent:.0f} s failed: {request.result}: {request.message}"


def _disturbed(observed: Observation, request: Any) -> bool:
    """Whether a fault met the engine while it worked on the request."""
    sent, answered = observed.seconds(request.sent), observed.seconds(request.answered)
    return any(sent - 1 <= moment <= answered for moment, _ in delays(observed)) or any(
        one.since - 1 <= answered and one.until >= sent for one in outages(observed)
    )


def _given_way(observed: Observation, request: Any) -> Iterator[str]:
    unanswered = any(one.action["do"] == "start" and one.result == "no answer" for one in observed.requests)
    cancelled = any(one.action["do"] == "cancel" for one in observed.requests)
    if not unanswered and not cancelled and not any(one in request.message for one in observed.records):
        yield f"a start gave way to an execution that does not exist: {request.message}"


def _lease_refusal(observed: Observation, request: Any) -> Iterator[str]:
    """A refusal because of servers in use: each named execution holds one of the plan's servers at that moment."""
    case, sent = observed.case, observed.seconds(request.sent)
    plan = case.plans[request.action["plan"]]
    servers = {server_id(one) for wave in plan["waves"] for one in wave["servers"]}
    holders = [record for one, record in observed.records.items() if one in request.message]
    if not holders:
        yield f"a start was refused because of an execution without a record: {request.message}"
    for holder in holders:
        shared = servers & _servers_of(holder)
        free = holder.get("EndTime", request.answered)
        if execution_type(case, request.action) == "DRILL":
            free = holder.get("CleanUp", {}).get("EndTime", free)
        if not shared or observed.seconds(free) < sent - 1:
            yield f"a start was refused because of an execution that does not hold its servers: {request.message}"


def _protection_refusal(observed: Observation, request: Any, servers: list[str]) -> Iterator[str]:
    answered = observed.seconds(request.answered)
    for server in servers:
        if not any(_recovers(job, server, before=answered, observed=observed) for job in observed.jobs):
            yield f"a start was refused because of a recovery that does not exist: {request.message}"
    if request.action.get("keep") and execution_type(observed.case, request.action) == "RECOVERY":
        yield f"a recovery that keeps existing instances was refused because of them: {request.message}"


def _recovers(job: Document, server: str, *, before: float, observed: Observation) -> bool:
    """Whether this job started a recovery of `server` before that second of the case."""
    servers = [one["sourceServerID"] for one in job["participatingServers"]]
    return (
        job["initiatedBy"] == "START_RECOVERY"
        and server in servers
        and observed.seconds(job["creationDateTime"]) < before
    )


def _jobs(observed: Observation) -> Iterator[str]:
    """Every job with the engine's tags is in a record, with the same outcome."""
    for job in observed.jobs:
        tags = job.get("tags", {})
        if job["type"] != "LAUNCH" or TAG not in tags:
            continue
        record = observed.records.get(tags[TAG])
        if record is None:
            yield f"{job['jobID']} belongs to {tags[TAG]}, which has no record"
            continue
        for one in job["participatingServers"]:
            result = result_of(record, one["sourceServerID"])
            if result.get("DrsJobId") != job["jobID"]:
                yield f"{job['jobID']} launched {one['sourceServerID']}, whose record has {result.get('DrsJobId')}"
            if str(result.get("LaunchAttempt")) != tags.get(ATTEMPT_TAG):
                yield f"{job['jobID']} is attempt {tags.get(ATTEMPT_TAG)}, the record's {result.get('LaunchAttempt')}"
            if result.get("Status") == "RECOVERED" and one["launchStatus"] != "LAUNCHED":
                yield f"{one['sourceServerID']} is RECOVERED although DRS reports {one['launchStatus']}"


def _replaced_recoveries(observed: Observation) -> Iterator[str]:
    """No launch of the engine replaced the instance of a recovery: no server's job before was a recovery."""
    before: dict[str, Document] = {}
    for job in observed.jobs:
        if job["type"] != "LAUNCH":
            continue
        of_engine = TAG in job.get("tags", {})
        for one in job["participatingServers"]:
            last, before[one["sourceServerID"]] = before.get(one["sourceServerID"]), job
            if of_engine and last is not None and _has_recovered(last, one["sourceServerID"], observed):
                since = observed.seconds(job["creationDateTime"]) - observed.seconds(last["endDateTime"])
                if since > CHECK_TO_LAUNCH:
                    yield f"{job['jobID']} replaced the instance of {last['jobID']}, a recovery {since:.0f} s before"


def _has_recovered(job: Document, server: str, observed: Observation) -> bool:
    """Whether the job recovered the server, and its instance did not terminate by itself."""
    (status,) = (one["launchStatus"] for one in job["participatingServers"] if one["sourceServerID"] == server)
    behaviour = next(
        behaviour for number, behaviour in observed.case.servers.items() if server_id(int(number)) == server
    )
    return bool(
        job["initiatedBy"] == "START_RECOVERY" and status == "LAUNCHED" and behaviour["becomes"] != "terminated"
    )


def _aws_requests(observed: Observation) -> Iterator[str]:
    """The requests to DRS and EC2 agree with the plan."""
    checks = {
        server_id(one): wave["health"]
        for plan in observed.case.plans
        for wave in plan["waves"]
        for one in wave["servers"]
    }
    alone = {server for server, health in checks.items() if health is None}
    if len(observed.case.plans) > 1:
        alone = set()
    sources = {
        one["recoveryInstanceID"]: one["sourceServerID"]
        for job in observed.jobs
        for one in job["participatingServers"]
        if "recoveryInstanceID" in one
    }
    for call in engine_calls(observed):
        if call.operation == "StartRecovery":
            yield from _launch_request(observed, call)
        elif call.operation == "DescribeInstanceStatus":
            checked = [one for one in call.parameters["InstanceIds"] if sources.get(one) in alone]
            if checked:
                yield f"EC2 was asked for the status of {checked}, whose wave has no health check"


def _terminations(observed: Observation) -> Iterator[str]:
    """The engine terminates the instances of its own drills only."""
    for call in engine_calls(observed):
        if call.operation == "TerminateRecoveryInstances" and call.succeeded:
            yield from _termination_request(observed, call)


def _invocation_rate(observed: Observation) -> Iterator[str]:
    """The function is not invoked more often than the work of the executions needs."""
    starts = sorted({call.actor: observed.seconds(call.started) for call in reversed(engine_calls(observed))}.values())
    most = INVOCATIONS_A_MINUTE * max(1, len(observed.records))
    for first, last in zip(starts, starts[most:], strict=False):
        if last - first < 60:
            yield f"the function ran more than {most} times within a minute, from {first:.0f} s on"
            return


def _launch_request(observed: Observation, call: JournalEntry) -> Iterator[str]:
    tags, servers = call.parameters["tags"], call.parameters["sourceServers"]
    plan = observed.case.plans[observed.executions[tags[TAG]]]
    wave = plan["waves"][int(tags[WAVE_TAG]) - 1]
    kind = observed.kind(tags[TAG])
    if call.parameters.get("isDrill") != (kind == "DRILL"):
        yield f"StartRecovery had isDrill {call.parameters.get('isDrill')} in a {kind}"
    if wave["order"] == "SEQUENTIAL" and len(servers) > 1:
        yield f"StartRecovery launched {len(servers)} servers of a SEQUENTIAL wave at once"
    pinned = {server_id(one): snapshot_id(one) for one in wave["pinned"]}
    for one in servers:
        if one.get("recoverySnapshotID") != pinned.get(one["sourceServerID"]):
            yield f"{one['sourceServerID']} was launched from {one.get('recoverySnapshotID', 'the latest data')}"


def _termination_request(observed: Observation, call: JournalEntry) -> Iterator[str]:
    job = next(
        (job for job in observed.jobs if job["jobID"] == (call.response or {}).get("job", {}).get("jobID")), None
    )
    owners = {
        one.get("recoveryInstanceID"): other.get("tags", {}).get(TAG)
        for other in observed.jobs
        if other["type"] == "LAUNCH"
        for one in other["participatingServers"]
    }
    for instance in call.parameters["recoveryInstanceIDs"]:
        owner = owners.get(instance)
        plan = observed.case.plans[observed.executions[owner]] if owner in observed.executions else None
        if owner is None or plan is None or observed.kind(owner) != "DRILL" or plan["keeps_instances"]:
            yield f"{instance} was terminated by {job and job['jobID']}, although no drill of the engine launched it"


def _instances(observed: Observation) -> Iterator[str]:
    """After a COMPLETED clean-up no instance of the drill is left."""
    for execution_id, record in observed.records.items():
        if record.get("CleanUp", {}).get("Status") != "COMPLETED":
            continue
        for job in observed.jobs:
            if job.get("tags", {}).get(TAG) != execution_id:
                continue
            for one in job["participatingServers"]:
                instance = one.get("recoveryInstanceID")
                state = observed.instances.get(instance or "", "")
                # DRS goes on listing an instance that was terminated outside of DRS.
                if state == "running" or (instance in observed.recovery_instances and state != "terminated"):
                    yield f"{instance} of {one['sourceServerID']} is left after the clean-up of {execution_id}"


def _messages(observed: Observation) -> Iterator[str]:
    """Each execution with a topic has one notification, and a second one only if a fault hit that invocation."""
    sent: dict[str, list[JournalEntry]] = defaultdict(list)
    for call in engine_calls(observed):
        if call.operation == "Publish" and (call.error_code is None or call.fault in faults.AFTER_EFFECT):
            message = call.parameters["Message"]
            body = json.loads(message) if isinstance(message, str) else message
            sent[body["ExecutionId"]].append(call)
            record = observed.records.get(body["ExecutionId"], {})
            if (body["Status"], body["Duration"], body["ServerCount"]) != (
                record.get("Status"),
                record.get("DurationSeconds"),
                record.get("ServerCount"),
            ):
                yield f"the notification says {body['Status']}, {body['Duration']} s; the record {record.get('Status')}"
    hit = {call.actor for call in observed.calls if call.fault is not None}
    for execution_id, record in observed.records.items():
        calls = sent[execution_id]
        notification = record.get("Notification", {}).get("Status")
        if notification == "SENT" and not calls:
            yield f"the notification of {execution_id} is SENT, but no message was published"
        again = [call for call in calls[:-1] if call.actor not in hit]
        if again:
            yield f"{execution_id} was announced {len(calls)} times without a fault"


@cache
def _schema() -> Any:
    return jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))


def _records(observed: Observation) -> Iterator[str]:
    for execution_id, record in observed.records.items():
        if record["Status"] not in ENDED:
            continue
        for error in _schema().iter_errors(record):
            yield f"the record of {execution_id} breaks its schema: {error.json_path}: {error.message[:200]}"
        plan = plan_of(observed.case, observed.executions[execution_id], observed.kind(execution_id))
        check = model.ExecutionCheck(plan, conditions_of(observed, execution_id), observed_execution(observed, record))
        yield from (f"plan {observed.executions[execution_id] + 1}: {line}" for line in check.mismatches())


CHECKS = (
    _failures,
    _finalized,
    _overlapping_starts,
    _start_answers,
    _resumption_links,
    _resumption_answers,
    _launches_over_real_instances,
    _jobs,
    _replaced_recoveries,
    _aws_requests,
    _terminations,
    _invocation_rate,
    _instances,
    _messages,
    _records,
)


def by_check(observed: Observation) -> dict[str, list[str]]:
    """The violations by the name of the check that found them, those of the monitor as well; one line each."""
    found = {check.__name__.removeprefix("_"): list(check(observed)) for check in CHECKS}
    return {name: lines for name, lines in {**observed.violations, **found}.items() if lines}


def violations(observed: Observation) -> list[str]:
    """The violations in the case, one line each; empty if there are none."""
    return [line for lines in by_check(observed).values() for line in lines]
