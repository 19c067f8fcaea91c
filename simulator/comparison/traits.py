"""What of DRS's answers can be compared: fields, formats of values, words, orders of statuses and events, durations.

A place is an operation with a path, such as `DescribeJobs items[].status`. The paths follow the service's model; a
member that the model lacks never arrives, because botocore drops it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import botocore.session

from simulator.comparison.answers import Answer

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)")
_DURATION = re.compile(r"-?P(?=[\dT])[\dDTHMSWY.]+")
_WORD = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*")
_ACCOUNT = re.compile(r"(?:\d{12}|\*{8}\d{4})")
_ID = re.compile(r"([a-z]+)-([0-9A-Za-z]{8,})")
TEXT = "any text"
WHOLE = "*"
"""The key under which `Traits.presence` counts the structure itself."""

Place = tuple[str, str]


@dataclass
class Traits:
    """By place, the answers that show each trait.

    `fields` has those in which a member is present, `structures` those in which the structure around it is. `presence`
    counts, by structure and condition, how often it was there and how often each of its members. A condition is a word
    of the same structure, such as "status=COMPLETED", or "" for none: some members come with a status. `orders` has
    sequences by what they are of, `durations` seconds by phase. `known_words` has the words of the service's model.
    """

    operations: dict[str, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    fields: dict[Place, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    structures: dict[Place, list[Answer]] = field(default_factory=lambda: defaultdict(list))
    presence: dict[Place, dict[str, Counter[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Counter))
    )
    formats: dict[Place, dict[str, list[Answer]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    words: dict[Place, dict[str, list[Answer]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    known_words: dict[Place, tuple[str, ...]] = field(default_factory=dict)
    errors: dict[str, dict[str, list[Answer]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    orders: dict[str, dict[tuple[str, ...], list[Answer]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    durations: dict[str, list[tuple[float, Answer]]] = field(default_factory=lambda: defaultdict(list))


def of(answers: Iterable[Answer]) -> Traits:
    """Return the traits of answers that are in order of time."""
    found, model = Traits(), botocore.session.get_session().get_service_model("drs")
    listed = list(answers)
    for one in listed:
        if one.error is not None:
            found.errors[one.operation][one.error].append(one)
        elif one.answer is not None and one.operation in model.operation_names:
            found.operations[one.operation].append(one)
            shape = model.operation_model(one.operation).output_shape
            if shape is not None:
                _walk(found, one, one.answer, shape, (one.operation, ""))
    _add_orders_and_durations(found, listed)
    return found


def _walk(found: Traits, answer: Answer, value: Any, shape: Any, place: Place) -> None:
    operation, path = place
    if shape.type_name == "structure" and isinstance(value, Mapping):
        found.structures[place].append(answer)
        _count(found.presence[place], value, shape)
        for name, member in shape.members.items():
            if value.get(name) is not None:
                below = (operation, f"{path}.{name}".lstrip("."))
                found.fields[below].append(answer)
                _walk(found, answer, value[name], member, below)
    elif shape.type_name == "list" and isinstance(value, list):
        for item in value:
            _walk(found, answer, item, shape.member, (operation, f"{path}[]"))
    elif shape.type_name != "map":
        kind = format_of(value)
        found.formats[place][kind].append(answer)
        enum = tuple(getattr(shape, "enum", ()) or ())
        if isinstance(value, str) and (enum or kind == "word in capitals"):
            found.words[place][value].append(answer)
            found.known_words[place] = enum


def _count(presence: dict[str, Counter[str]], value: Mapping[str, Any], shape: Any) -> None:
    members = [name for name in shape.members if value.get(name) is not None]
    words = [name for name in members if isinstance(value[name], str) and _WORD.fullmatch(value[name])]
    for condition in ("", *(f"{name}={value[name]}" for name in words)):
        presence[condition].update([WHOLE, *members])


def format_of(value: Any) -> str:
    """Return the form of a value in words, such as "time with 6 decimals and offset +00:00"."""
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "whole number" if isinstance(value, int) else "number with decimals"
    text = str(value)
    if moment := _TIME.fullmatch(text):
        zone = "Z" if moment[2] == "Z" else f"offset {moment[2]}"
        return f"time with {len(moment[1] or '')} decimals and {zone}"
    if _DURATION.fullmatch(text):
        return "ISO 8601 duration"
    if text.startswith("arn:"):
        kind, _, name = text.split(":", 5)[-1].partition("/")
        return f"ARN of {kind}, {format_of(name)}"
    if _ACCOUNT.fullmatch(text):
        return "account id"
    if identifier := _ID.fullmatch(text):
        return f"{identifier[1]}- and {len(identifier[2])} letters or digits"
    return "word in capitals" if _WORD.fullmatch(text) else TEXT


def _add_orders_and_durations(found: Traits, answers: Iterable[Answer]) -> None:
    jobs: dict[str, list[tuple[Answer, Mapping[str, Any]]]] = defaultdict(list)
    logs: dict[str, tuple[Answer, list[Mapping[str, Any]]]] = {}
    for one in answers:
        for job in _jobs_in(one):
            jobs[job["jobID"]].append((one, job))
        items = (one.answer or {}).get("items", []) if one.operation == "DescribeJobLogItems" else []
        if any(item.get("event") == "JOB_END" for item in items):
            logs[str(one.parameters.get("jobID", ""))] = (one, items)
    for seen in jobs.values():
        _add_status_orders(found, seen)
    for name, (one, items) in logs.items():
        _add_event_orders(found, one, items)
        created = [job["creationDateTime"] for _, job in jobs.get(name, ()) if "creationDateTime" in job]
        _add_durations(found, one, items, _moment(created[0]) if created else None)


def _jobs_in(answer: Answer) -> Iterator[Mapping[str, Any]]:
    content = answer.answer or {}
    if answer.operation == "DescribeJobs":
        yield from (one for one in content.get("items", []) if "jobID" in one)
    elif "jobID" in content.get("job", {}):
        yield content["job"]


def _add_status_orders(found: Traits, seen: list[tuple[Answer, Mapping[str, Any]]]) -> None:
    last, kind = seen[-1][0], seen[-1][1].get("type", "")
    found.orders[f"status of a {kind} job"][_distinct(job.get("status", "") for _, job in seen)].append(last)
    servers: dict[str, list[str]] = defaultdict(list)
    for _, job in seen:
        for one in job.get("participatingServers", []):
            servers[one.get("sourceServerID", "")].append(one.get("launchStatus", ""))
    for statuses in servers.values():
        found.orders[f"launch status of a server in a {kind} job"][_distinct(statuses)].append(last)


def _add_event_orders(found: Traits, answer: Answer, items: list[Mapping[str, Any]]) -> None:
    ordered = sorted(items, key=lambda one: _moment(one["logDateTime"]))
    servers: dict[str, list[str]] = defaultdict(list)
    for item in ordered:
        servers[item.get("eventData", {}).get("sourceServerID", "")].append(item["event"])
    whole = servers.pop("", [])
    for events in servers.values():
        begin = [one for one in whole if one == "JOB_START"]
        rest = [one for one in whole if one != "JOB_START"]
        found.orders["events of a server in a job's log"][(*begin, *events, *rest)].append(answer)


def _add_durations(found: Traits, answer: Answer, items: list[Mapping[str, Any]], created: datetime | None) -> None:
    """Add the seconds of each phase that `simulator.drs.timing` draws.

    DRS logs no end of a launch: it is the end of the job, after the last conversion.
    """
    moments: dict[str, dict[str, datetime]] = defaultdict(dict)
    for item in items:
        server = item.get("eventData", {}).get("sourceServerID", "")
        moments[server].setdefault(item["event"], _moment(item["logDateTime"]))
    job = moments.pop("", {})
    started, ended = job.get("JOB_START"), job.get("JOB_END")
    spans = [("pending", created, started)]
    for events in moments.values():
        if "CONVERSION_START" not in events and "SNAPSHOT_START" not in events:
            spans.append(("terminate", started, events.get("CLEANUP_END")))
        spans.append(("snapshot", started, events.get("SNAPSHOT_END")))
        spans.append(("conversion", events.get("SNAPSHOT_END"), events.get("CONVERSION_END")))
    converted = [events["CONVERSION_END"] for events in moments.values() if "CONVERSION_END" in events]
    if converted and not any("LAUNCH_FAILED" in events for events in moments.values()):
        spans.append(("launch", max(converted), ended))
    for phase, begin, end in spans:
        if begin is not None and end is not None:
            found.durations[phase].append(((end - begin).total_seconds(), answer))


def _distinct(statuses: Iterable[str]) -> tuple[str, ...]:
    """Return the statuses without repetitions of the one before."""
    kept: list[str] = []
    for one in statuses:
        if not kept or kept[-1] != one:
            kept.append(one)
    return tuple(kept)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)
