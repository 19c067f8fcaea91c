"""The oracle's checks of starts and resumptions: what was answered, what was refused and why, and what overlaps."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import Any

from tests.simulation.cases import Document, execution_type, server_id
from tests.simulation.observation import Observation
from tests.simulation.oracle_input import (
    delays,
    outages,
    was_fenced,
)

# Later than any moment of a case, in seconds.
LATER = 1e9


# The servers in the refusal of a drill, and in the rows of the refusal of a recovery.
_RECOVERED = re.compile(r"(s-\w{17})\)?(?: was recovered for real|  i-)")


def overlapping_starts(observed: Observation) -> Iterator[str]:
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


def start_answers(observed: Observation) -> Iterator[str]:
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


def resumption_links(observed: Observation) -> Iterator[str]:
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


def resumption_answers(observed: Observation) -> Iterator[str]:
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
