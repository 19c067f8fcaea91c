"""Describes a case in plain language: plans, environment, timeline of events, violations."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.cases import Case, Document
from tests.simulation.monitor import TAG, WAVE_TAG
from tests.simulation.observation import Observation

_ACTIONS = {
    "start": "an operator starts plan {plan}{recovery}",
    "cancel": "an operator cancels plan {plan}",
    "abort": "an operator stops the state machine of plan {plan}",
    "resume": "an operator resumes plan {plan}{patient}{heal}",
    "foreign_job": "another caller starts a DRS job for {servers}{recovery}",
}
_FAULTS = {
    "throttle": "is throttled",
    "server_error": "answers with a server error",
    "lose_connection": "cannot be reached",
    "lose_answer": "takes effect, and its answer is lost",
    "expire_token": "answers that the token has expired",
    "deny": "denies access",
    "kill_lambda_before": "kills the function before the call takes effect",
    "kill_lambda_after": "kills the function after the call has taken effect",
    "fail_lambda": "fails without running",
    "respond": "answers {code}",
}
LONGEST_TIMELINE = 120


def describe(observed: Observation, problems: list[str], replay: str) -> str:
    """The description of a failing case; `replay` is the command that runs it again."""
    case = observed.case
    return "\n".join(
        [
            f"The case of seed {case.seed} failed:",
            *(f"  ✗ {problem}" for problem in problems),
            "",
            "The plans",
            *(line for index in range(len(case.plans)) for line in _plan(case, index)),
            "",
            "The environment",
            *_environment(case),
            "",
            "Timeline (minutes:seconds after the start)",
            *timeline(observed),
            "",
            f"Run it again: {replay}",
        ]
    )


def _plan(case: Case, index: int) -> Iterator[str]:
    plan = case.plans[index]
    extras = [f"{plan['timeout']} s at most"]
    extras += ["instances are kept"] if plan["keeps_instances"] else []
    extras += ["a notification is sent"] if plan["topic"] else []
    yield f"  plan {index + 1}: a {plan['type'].lower()}, {', '.join(extras)}"
    for number, wave in enumerate(plan["waves"], start=1):
        needs = "the wave before" if "depends_on" not in wave else ", ".join(map(str, wave["depends_on"])) or "none"
        health = wave["health"]
        check = f"checked every {health['interval']} s for {health['timeout']} s" if health else "no health check"
        wait = f", then {wave['wait']} s of waiting" if wave["wait"] else ""
        pinned = f", from their snapshots: {wave['pinned']}" if wave["pinned"] else ""
        yield f"    wave {number} ({wave['order']}, after {needs}): servers {wave['servers']}, {check}{wait}{pinned}"


def _environment(case: Case) -> Iterator[str]:
    where = "another account" if case.other_account else "the engine's own account"
    yield f"  in {where}" + (f", quotas {case.quotas}" if case.quotas else "")
    for number, behaviour in case.servers.items():
        words = [f"launches in {behaviour['launch']} s"]
        if behaviour["fails"]:
            words = [f"fails to launch after {behaviour['launch']} s ({behaviour['fails']})"]
        words.append(f"is {behaviour['becomes']} {behaviour['boot']} s later")
        if behaviour["replicates"] != "CONTINUOUS":
            words.append(
                f"replication is {behaviour['replicates']}" + (", has a snapshot" if behaviour["snapshot"] else "")
            )
        if behaviour["terminate_fails"]:
            words.append(f"cannot be terminated ({behaviour['terminate_fails']})")
        yield f"  server {number}: {', '.join(words)}"
    for fault in case.faults:
        yield f"  {_fault(fault)}"
    for action in case.actions:
        yield f"  at {_clock(action['at'])} {_action(action)}"


def _fault(fault: Document) -> str:
    subject = (
        " ".join(part for part in (fault.get("service", "*"), fault.get("operation", "*")) if part != "*") or "any call"
    )
    if fault["kind"] == "fail_lambda":
        subject = "an invocation of the function"
    words = _FAULTS[fault["kind"]].format(code=fault.get("code"))
    times = fault.get("times", 1)
    often = "always" if times is None else "once" if times == 1 else f"{times} times"
    late = f", after {fault['after']} such calls succeeded" if fault.get("after") else ""
    wait = f", with Retry-After {fault['retry_after']} s" if fault.get("retry_after") else ""
    return f"{subject} {words} {often}{late}{wait}"


def _action(action: Document) -> str:
    named = {
        "plan": action.get("plan", 0) + 1,
        "servers": f"servers {action.get('servers')}",
        "recovery": " as a recovery" if action.get("recovery") else "",
        "patient": " when all executions are over" if action.get("patient") else "",
        "heal": ", now that its servers can be launched" if action.get("heal") else "",
    }
    token = f" with the token {action['token']!r}" if "token" in action else ""
    return _ACTIONS[action["do"]].format(**named) + token


def timeline(observed: Observation) -> Iterator[str]:
    """The events of the case in the order of their times, one line each."""
    lines = sorted([*_operator_requests(observed), *_jobs(observed), *_waves(observed), *_faults(observed)])
    yield from (f"  {_clock(moment)}  {text}" for moment, text in lines[:LONGEST_TIMELINE])
    if len(lines) > LONGEST_TIMELINE:
        yield f"  ... and {len(lines) - LONGEST_TIMELINE} more"


def _operator_requests(observed: Observation) -> Iterator[tuple[float, str]]:
    for request in observed.requests:
        answer = f": {request.result}" + (f" ({request.message})" if request.message else "")
        tries = f" at attempt {request.tries}" if request.tries > 1 else ""
        yield observed.seconds(request.sent), _action(request.action) + answer + tries


def _jobs(observed: Observation) -> Iterator[tuple[float, str]]:
    for job in observed.jobs:
        tags = job.get("tags", {})
        whose = f"wave {tags[WAVE_TAG]} of {_short(tags[TAG])}" if TAG in tags else "another caller"
        servers = ", ".join(str(int(one["sourceServerID"][2:])) for one in job["participatingServers"])
        yield (
            observed.seconds(job["creationDateTime"]),
            f"DRS starts a {job['type']} job for {whose}: servers {servers}",
        )


def _waves(observed: Observation) -> Iterator[tuple[float, str]]:
    for execution_id, record in observed.records.items():
        name = _short(execution_id)
        yield observed.seconds(record["StartTime"]), f"execution {name} of {record['PlanId']} starts"
        for wave in record["Waves"]:
            if "StartTime" in wave:
                yield observed.seconds(wave["StartTime"]), f"wave {wave['WaveNumber']} of {name} starts"
            if "EndTime" in wave:
                results = ", ".join(
                    f"{int(one['SourceServerId'][2:])} {one['Status']}" for one in wave["ServerResults"]
                )
                text = f"wave {wave['WaveNumber']} of {name} is {wave['Status']}: {results}"
                yield observed.seconds(wave["EndTime"]), text
        if "EndTime" in record:
            why = f": {record['StatusReason']}" if "StatusReason" in record else ""
            yield observed.seconds(record["EndTime"]), f"execution {name} is {record['Status']}{why}"
        clean_up = record.get("CleanUp", {})
        if "EndTime" in clean_up:
            yield observed.seconds(clean_up["EndTime"]), f"its clean-up is {clean_up['Status']}"


def _faults(observed: Observation) -> Iterator[tuple[float, str]]:
    for call in observed.calls:
        if call.fault is not None:
            yield observed.seconds(call.started), f"{call.service} {call.operation}: {call.fault}"
    for failure in observed.failures:
        text = f"the function fails ({failure.event.get('Action', 'event')}): {failure.error}: {failure.message[:160]}"
        yield observed.seconds(failure.moment), text


def _short(execution_id: str) -> str:
    return execution_id[:8]


def _clock(seconds: float) -> str:
    return (
        f"{int(seconds // 60):3d}:{seconds % 60:04.1f}"
        if seconds % 1
        else f"{int(seconds // 60):3d}:{int(seconds % 60):02d}"
    )
