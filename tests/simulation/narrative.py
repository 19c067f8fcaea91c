"""A day told in plain language: what was planned, what the world was like, what happened when, what was wrong."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulation.cases import Day, Document
from tests.simulation.monitor import TAG, WAVE_TAG
from tests.simulation.runner import Life

_DEEDS = {
    "start": "somebody starts plan {plan}{for_real}",
    "cancel": "somebody cancels plan {plan}",
    "abort": "somebody stops the state machine of plan {plan}",
    "foreign_job": "somebody else recovers {servers}{for_real}",
}
_FAULTS = {
    "throttle": "is throttled",
    "server_error": "answers with a server error",
    "lose_connection": "is not reached",
    "lose_answer": "takes effect, and its answer is lost",
    "expire_token": "says that the token has expired",
    "deny": "denies access",
    "kill_lambda_before": "kills the function before it takes effect",
    "kill_lambda_after": "kills the function after it took effect",
    "fail_lambda": "fails without running",
    "respond": "answers {code}",
}
LONGEST_TIMELINE = 120


def told(life: Life, problems: list[str], replay: str) -> str:
    """The whole story of a failing day; `replay` is the command that lives it again."""
    day = life.day
    return "\n".join(
        [
            f"The day of seed {day.seed} went wrong:",
            *(f"  ✗ {problem}" for problem in problems),
            "",
            "The plans",
            *(line for index in range(len(day.plans)) for line in _plan(day, index)),
            "",
            "The world",
            *_world(day),
            "",
            "What happened (minutes:seconds after the beginning)",
            *timeline(life),
            "",
            f"Live it again: {replay}",
        ]
    )


def _plan(day: Day, index: int) -> Iterator[str]:
    plan = day.plans[index]
    extras = [f"{plan['timeout']} s at most"]
    extras += ["instances stay"] if plan["keeps_instances"] else []
    extras += ["people are told"] if plan["topic"] else []
    yield f"  plan {index + 1}: a {plan['type'].lower()}, {', '.join(extras)}"
    for number, wave in enumerate(plan["waves"], start=1):
        needs = "the wave before" if "depends_on" not in wave else ", ".join(map(str, wave["depends_on"])) or "none"
        health = wave["health"]
        look = f"looked at every {health['interval']} s for {health['timeout']} s" if health else "no health check"
        wait = f", then {wave['wait']} s of waiting" if wave["wait"] else ""
        pinned = f", from their snapshots: {wave['pinned']}" if wave["pinned"] else ""
        yield f"    wave {number} ({wave['order']}, after {needs}): servers {wave['servers']}, {look}{wait}{pinned}"


def _world(day: Day) -> Iterator[str]:
    where = "another account" if day.other_account else "the engine's own account"
    yield f"  in {where}" + (f", quotas {day.quotas}" if day.quotas else "")
    for number, fate in day.servers.items():
        words = [f"launches in {fate['launch']} s"]
        if fate["fails"]:
            words = [f"fails to launch after {fate['launch']} s ({fate['fails']})"]
        words.append(f"is {fate['becomes']} {fate['boot']} s later")
        if fate["replicates"] != "CONTINUOUS":
            words.append(f"replication is {fate['replicates']}" + (", has a snapshot" if fate["snapshot"] else ""))
        if fate["terminate_fails"]:
            words.append(f"cannot be terminated ({fate['terminate_fails']})")
        yield f"  server {number}: {', '.join(words)}"
    for fault in day.faults:
        yield f"  {_fault(fault)}"
    for doing in day.people:
        yield f"  at {_clock(doing['at'])} {_deed(doing)}"


def _fault(fault: Document) -> str:
    what = (
        " ".join(part for part in (fault.get("service", "*"), fault.get("operation", "*")) if part != "*") or "any call"
    )
    if fault["kind"] == "fail_lambda":
        what = "an invocation of the function"
    words = _FAULTS[fault["kind"]].format(code=fault.get("code"))
    times = fault.get("times", 1)
    often = "always" if times is None else "once" if times == 1 else f"{times} times"
    late = f", after {fault['after']} such calls went well" if fault.get("after") else ""
    wait = f", asking to come back after {fault['retry_after']} s" if fault.get("retry_after") else ""
    return f"{what} {words} {often}{late}{wait}"


def _deed(doing: Document) -> str:
    named = {
        "plan": doing.get("plan", 0) + 1,
        "servers": f"servers {doing.get('servers')}",
        "for_real": " for real" if doing.get("for_real") else "",
    }
    token = f" with the token {doing['token']!r}" if "token" in doing else ""
    return _DEEDS[doing["do"]].format(**named) + token


def timeline(life: Life) -> Iterator[str]:
    """What happened, in order, one line each."""
    lines = sorted([*_acts(life), *_jobs(life), *_waves(life), *_disorder(life)])
    yield from (f"  {_clock(moment)}  {text}" for moment, text in lines[:LONGEST_TIMELINE])
    if len(lines) > LONGEST_TIMELINE:
        yield f"  ... and {len(lines) - LONGEST_TIMELINE} more"


def _acts(life: Life) -> Iterator[tuple[float, str]]:
    for act in life.acts:
        answer = f": {act.result}" + (f" ({act.message})" if act.message else "")
        tries = f" at the {act.tries}th try" if act.tries > 1 else ""
        yield life.seconds(act.asked), _deed(act.doing) + answer + tries


def _jobs(life: Life) -> Iterator[tuple[float, str]]:
    for job in life.jobs:
        tags = job.get("tags", {})
        whose = f"wave {tags[WAVE_TAG]} of {_short(tags[TAG])}" if TAG in tags else "nobody we know"
        servers = ", ".join(str(int(one["sourceServerID"][2:])) for one in job["participatingServers"])
        yield life.seconds(job["creationDateTime"]), f"DRS begins a {job['type']} job for {whose}: servers {servers}"


def _waves(life: Life) -> Iterator[tuple[float, str]]:
    for execution_id, record in life.records.items():
        name = _short(execution_id)
        yield life.seconds(record["StartTime"]), f"execution {name} of {record['PlanId']} begins"
        for wave in record["Waves"]:
            if "StartTime" in wave:
                yield life.seconds(wave["StartTime"]), f"wave {wave['WaveNumber']} of {name} begins"
            if "EndTime" in wave:
                results = ", ".join(
                    f"{int(one['SourceServerId'][2:])} {one['Status']}" for one in wave["ServerResults"]
                )
                text = f"wave {wave['WaveNumber']} of {name} is {wave['Status']}: {results}"
                yield life.seconds(wave["EndTime"]), text
        if "EndTime" in record:
            why = f": {record['StatusReason']}" if "StatusReason" in record else ""
            yield life.seconds(record["EndTime"]), f"execution {name} is {record['Status']}{why}"
        clean_up = record.get("CleanUp", {})
        if "EndTime" in clean_up:
            yield life.seconds(clean_up["EndTime"]), f"its clean-up is {clean_up['Status']}"


def _disorder(life: Life) -> Iterator[tuple[float, str]]:
    for call in life.calls:
        if call.fault is not None:
            yield life.seconds(call.started), f"{call.service} {call.operation}: {call.fault}"
    for failure in life.failures:
        text = f"the function fails ({failure.event.get('Action', 'event')}): {failure.error}: {failure.message[:160]}"
        yield life.seconds(failure.moment), text


def _short(execution_id: str) -> str:
    return execution_id[:8]


def _clock(seconds: float) -> str:
    return (
        f"{int(seconds // 60):3d}:{seconds % 60:04.1f}"
        if seconds % 1
        else f"{int(seconds // 60):3d}:{int(seconds % 60):02d}"
    )
