"""The oracle: checks an observation for violations, among them disagreements with the reference model."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema

from simulator.gateway import faults
from simulator.gateway.journal import JournalEntry
from tests.simulation import model, request_checks
from tests.simulation.cases import Document, server_id, snapshot_id
from tests.simulation.monitor import ATTEMPT_TAG, ENDED, TAG, WAVE_TAG
from tests.simulation.observation import Observation
from tests.simulation.oracle_input import (
    conditions_of,
    engine_calls,
    observed_execution,
    plan_of,
    result_of,
)

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
    request_checks.overlapping_starts,
    request_checks.start_answers,
    request_checks.resumption_links,
    request_checks.resumption_answers,
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
