"""The typed gaps of the phrases: durations, names, statuses, requests, moments. Each is parsed in one place.

Durations are seconds, lists are lists. `features.phrase_values` has the classes of the values.
"""

from __future__ import annotations

import re

import parse  # type: ignore[import-untyped] # publishes no types
from behave import register_type

from features.matchers.engine_calls import Pauses
from features.phrase_values import (
    FAULTS,
    LAUNCH_SETTINGS,
    REQUESTS,
    SOURCES,
    TRUSTS,
    Between,
    Command,
    Existing,
    Gap,
    Moment,
    ObjectiveKind,
    PlanShape,
    Request,
    Requests,
    Resumption,
    Selection,
    Source,
    Start,
)

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_DURATION = r"\d+ (?:second|minute|hour|day)s?"
_NUMBERS = r"\d+(?:(?:, | and )\d+)*"
_STATUS = r"[A-Z][A-Z_]+"
_NAMES = r'"[^"]+"'

_REQUEST = "|".join(f"(?:{words[:-1]}(?:y|ies))" if words.endswith("y") else f"(?:{words}s?)" for words in REQUESTS)


@parse.with_pattern(_DURATION)
def duration(text: str) -> int:
    """A whole number and its unit: '90 seconds', '5 minutes', '1 hour'."""
    number, unit = text.split()
    return int(number) * SECONDS[unit.rstrip("s")]


@parse.with_pattern(_NUMBERS)
def numbers(text: str) -> list[int]:
    """Whole numbers in a row: '1, 2, 3' or '100 and 1'."""
    return [int(number) for number in re.findall(r"\d+", text)]


@parse.with_pattern(rf"(?:at least )?{_NUMBERS} seconds?")
def pauses(text: str) -> Pauses:
    """Pauses between requests: '2 seconds', '2, 4 and 8 seconds', 'at least 10 seconds'."""
    return Pauses(numbers(text), text.startswith("at least"))


@parse.with_pattern(r"between \d+ and \d+ (?:second|minute|hour)s")
def between(text: str) -> Between:
    """A span of time with both limits: 'between 5 and 10 minutes'."""
    low, high = numbers(text)
    unit = SECONDS[text.split()[-1].rstrip("s")]
    return Between(low * unit, high * unit)


@parse.with_pattern(rf"immediately|(?:(?:at most|about) )?{_DURATION}")
def gap(text: str) -> Gap:
    """The time between two moments: 'immediately', '90 seconds', 'at most 5 minutes', 'about 5 minutes'."""
    if text == "immediately":
        return Gap("exactly", 0)
    kind = next((one for one in ("at most", "about") if text.startswith(one)), "exactly")
    return Gap(kind, duration(text.removeprefix(kind).strip()))


@parse.with_pattern(
    r'wave \d+ (?:started|ended)|server "[^"]+" ended|(?:the execution|it) (?:started|ended|was cancelled)'
)
def moment(text: str) -> Moment:
    """A moment in the record: 'wave 2 started', 'server "web-1" ended', 'the execution ended', 'it was cancelled'."""
    part, event = re.split(r" (?=started|ended|was cancelled)", text)
    return Moment("the execution" if part == "it" else part, event)


@parse.with_pattern(_NAMES)
def names(text: str) -> list[str]:
    """Names of servers, all in one pair of quotes: '"web-1, web-2"'."""
    return text.strip('"').split(", ")


@parse.with_pattern(rf"only {_NAMES}|no server(?: of wave \d+)?")
def selection(text: str) -> Selection:
    """Launched servers, each once: 'only "web-1, web-2"', 'no server' or 'no server of wave 2'."""
    if text.startswith("only"):
        return Selection(tuple(names(text.removeprefix("only "))))
    wave = re.search(r"\d+", text)
    return Selection(wave=int(wave[0]) if wave else None)


@parse.with_pattern(r'as it is|without wave \d+|without server "[^"]+"|with another snapshot of server "[^"]+"')
def resumption(text: str) -> Resumption:
    """'as it is', 'without wave 2', 'without server "web-1"', 'with another snapshot of server "web-1"'."""
    name = text.split('"')[1] if '"' in text else ""
    if text.startswith("without wave"):
        return Resumption(skip_waves=tuple(numbers(text)))
    return Resumption(skip_server=name) if text.startswith("without") else Resumption(snapshot_of=name)


@parse.with_pattern(_STATUS)
def status(text: str) -> str:
    """A status of the record or of DRS, in capitals: COMPLETED, FAILED, SKIPPED, IN_PROGRESS."""
    return text


@parse.with_pattern(rf"{_STATUS}(?:, {_STATUS})+")
def statuses(text: str) -> list[str]:
    """Statuses in the order in which they appeared: 'PENDING, STARTED, COMPLETED'."""
    return text.split(", ")


@parse.with_pattern("DRS|the record")
def place(text: str) -> str:
    """Where a job's status is read: 'DRS' or 'the record'."""
    return text


@parse.with_pattern("every|no")
def quantity(text: str) -> str:
    """'every' or 'no'."""
    return text


@parse.with_pattern(_REQUEST)
def request(text: str) -> Request:
    singular = re.sub(r"ies$", "y", text) if text.endswith("ies") else text.rstrip("s")
    return REQUESTS[singular]


@parse.with_pattern(
    rf"(?:every|all|the first(?: \d+)?|the \d+(?:st|nd|rd|th)) (?:{_REQUEST})"
    rf"|\d+ (?:{_REQUEST}) after the first(?: \d+)?"
)
def requests(text: str) -> Requests:
    """Some of the engine's requests: 'every job query', 'the first 3 job queries', 'the 3rd job query',
    '2 job queries after the first'."""
    (kind,) = re.findall(_REQUEST, text)
    said, found = text.replace(kind, "").strip(), numbers(text) if re.search(r"\d", text) else []
    if said in ("every", "all"):
        return Requests(request(kind), None)
    if "after the first" in said:
        return Requests(request(kind), found[0], found[1] if len(found) > 1 else 1)
    if said.startswith("the first"):
        return Requests(request(kind), found[0] if found else 1)
    return Requests(request(kind), 1, found[0] - 1)


@parse.with_pattern(rf"1 (?:{_REQUEST}) was|\d+ (?:{_REQUEST}) were")
def counted(text: str) -> Requests:
    (kind,) = re.findall(_REQUEST, text)
    return Requests(request(kind), int(text.split()[0]))


@parse.with_pattern("|".join(FAULTS))
def fault(text: str) -> str:
    return FAULTS[text]


@parse.with_pattern(r"drill|recovery")
def run_type(text: str) -> str:
    """The kind of run: drill or recovery."""
    return text.upper()


@parse.with_pattern(r'the plan|the "[^"]+" plan')
def plan_name(text: str) -> str:
    """The plan of the Given, or another plan of the test data: 'the plan', 'the "three-tier" plan'."""
    return "" if text == "the plan" else text.split('"')[1]


@parse.with_pattern(
    rf"run(?: with existing instances kept| with the instances of {_NAMES} replaced"
    rf"| with instance {_NAMES} of server {_NAMES} replaced| as of {_DURATION} ago)?"
    rf"|started(?: with the token {_NAMES})?"
)
def start(text: str) -> Start:
    """A start and its option: 'started', 'started with the token "a"', 'run' (to the end of the execution),
    'run as of 2 hours ago', 'run with existing instances kept', 'run with the instances of "web-1" replaced',
    'run with instance "i-0123456789abcdef0" of server "web-1" replaced'."""
    verb, _, option = text.partition(" ")
    if option.startswith("with the token"):
        return Start(to_end=False, token=option.split('"')[1])
    if option.startswith("as of"):
        return Start(to_end=True, as_of=duration(option.removeprefix("as of ").removesuffix(" ago")))
    return Start(to_end=verb == "run", existing=_existing(option) if option else None)


def _existing(text: str) -> Existing:
    quoted = re.findall(_NAMES, text)
    if len(quoted) == 2:
        return Existing((quoted[1].strip('"'),), quoted[0].strip('"'))
    return Existing(tuple(names(quoted[0]))) if quoted else Existing()


@parse.with_pattern("time|point")
def objective(text: str) -> ObjectiveKind:
    """A recovery objective: 'time' or 'point'."""
    name = f"Recovery{text.capitalize()}"
    return ObjectiveKind(name, f"{name}ObjectiveSeconds")


@parse.with_pattern("is met|is not met")
def verdict(text: str) -> bool:
    """'is met' or 'is not met'."""
    return text == "is met"


@parse.with_pattern("approved|rejected")
def decision(text: str) -> str:
    """The decision about a wave that waits for approval: 'approved' or 'rejected'."""
    return {"approved": "approve", "rejected": "reject"}[text]


@parse.with_pattern(rf"cancelled(?: with the reason {_NAMES})?|paused|continued")
def command(text: str) -> Command:
    """'cancelled', 'cancelled with the reason "a test"', 'paused' or 'continued'."""
    return Command(text.split()[0], text.split('"')[1] if '"' in text else "")


@parse.with_pattern("the record|the message")
def document(text: str) -> str:
    """Where a result is read: 'the record' or 'the message'."""
    return text


@parse.with_pattern(
    "|".join(sorted((rf"{one} {_NAMES}" if one.endswith("of server") else one for one in SOURCES), reverse=True))
)
def source(text: str) -> Source:
    name, _, server = text.partition(' "')
    return Source(name, server.rstrip('"'))


@parse.with_pattern("names?|do(?:es)? not name")
def mention(text: str) -> bool:
    """'names', 'name', 'does not name' or 'do not name'."""
    return "not" not in text


@parse.with_pattern("host name and id|host name, id and instance")
def row(text: str) -> list[str]:
    """Facts about a server: 'host name and id' or 'host name, id and instance'."""
    return re.split(", | and ", text)


@parse.with_pattern(rf"server {_NAMES}|every server")
def servers(text: str) -> str:
    """'server "web-1"' or 'every server'."""
    return text.split('"')[1] if '"' in text else ""


@parse.with_pattern("|".join(TRUSTS))
def trust(text: str) -> str:
    return text


@parse.with_pattern(r"the plan|[A-Z]+ executions")
def history(text: str) -> str:
    """The executions of one plan, or all with one status: 'the plan', 'COMPLETED executions'."""
    return "" if text == "the plan" else text.split()[0]


@parse.with_pattern(r"\d+ waves?")
def wave_count(text: str) -> int:
    """'1 wave', '5 waves'."""
    return int(text.split()[0])


@parse.with_pattern(r"\d+ (?:parallel|sequential) waves?(?:, \d+ of them dependent)?")
def plan_shape(text: str) -> PlanShape:
    """The waves of a plan: '1 sequential wave', '3 parallel waves, 2 of them dependent'."""
    found = numbers(" and ".join(re.findall(r"\d+", text)))
    return PlanShape(found[0], text.split()[1].upper(), found[1] if len(found) > 1 else 0)


@parse.with_pattern(r"no message|\d+ messages?")
def messages(text: str) -> int:
    """'no message', '1 message', '3 messages'."""
    return 0 if text.startswith("no") else int(text.split()[0])


@parse.with_pattern(r"next call|next \d+ calls")
def calls(text: str) -> int:
    """'next call', 'next 3 calls'."""
    return int(text.split()[1]) if text != "next call" else 1


@parse.with_pattern("record, plan or group|running recovery job|instance|stack")
def kind(text: str) -> str:
    """A resource that the clean-up removes: 'record, plan or group', 'running recovery job', 'instance' or 'stack'."""
    return text


@parse.with_pattern("|".join(LAUNCH_SETTINGS))
def launch_setting(text: str) -> str:
    return text


launch_setting.__doc__ = f"A setting of a server's launch: {', '.join(map(repr, LAUNCH_SETTINGS))}."
counted.__doc__ = (
    "A number of requests with its verb: '4 recovery requests were', '1 job query was'. Each kind: "
    f"{', '.join(map(repr, REQUESTS))}."
)
fault.__doc__ = f"A fault of AWS: {', '.join(map(repr, FAULTS))}."
source.__doc__ = f"A text that people read: {', '.join(map(repr, SOURCES))}; a server follows in quotes."
trust.__doc__ = f"The role of the recovery account: {', '.join(map(repr, TRUSTS))}."

register_type(
    Between=between,
    Calls=calls,
    Command=command,
    Counted=counted,
    Decision=decision,
    Document=document,
    Duration=duration,
    Fault=fault,
    Gap=gap,
    History=history,
    Kind=kind,
    LaunchSetting=launch_setting,
    Mention=mention,
    Messages=messages,
    Moment=moment,
    Names=names,
    Numbers=numbers,
    Objective=objective,
    Pauses=pauses,
    Place=place,
    Plan=plan_name,
    Quantity=quantity,
    Requests=requests,
    Resumption=resumption,
    Row=row,
    Run=run_type,
    Selection=selection,
    Servers=servers,
    Source=source,
    Start=start,
    Status=status,
    Statuses=statuses,
    Trust=trust,
    Verdict=verdict,
    WaveCount=wave_count,
    Waves=plan_shape,
)
