"""The control of the simulator for a test in another process: JSON over HTTP below `/_simulator`, this machine only.

GET  /_simulator              endpoint, account, Region, virtual time and time mode
POST /_simulator/clock        {"pace": "stepped" | "virtual" | <speed>}: sets the time mode
POST /_simulator/hold         the time mode is "stepped" while this connection is open
POST /_simulator/advance      {"seconds": s}: virtual time passes, with all events that are due in it
POST /_simulator/next-event   {"seconds": s, "settle": 1}: on to the next change, at most s away
GET  /_simulator/faults       POST adds one (the fields of `Fault`), DELETE removes all
GET  /_simulator/journal      ?since=<number>: the calls after that one
GET  /_simulator/defects      errors of the simulator itself
GET  /_simulator/differences  answers that differ from AWS, and operations that are not offered
POST /_simulator/world        an environment as in testdata/environments: more servers, DRS not initialised, …
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from simulator import environment_files
from simulator.gateway.differences import NotOffered
from simulator.gateway.faults import Fault
from simulator.serving.remote import CONTROL_PATH
from simulator.serving.time_mode import FASTEST, Driver, ScaledTime, SteppedTime, TimeMode, VirtualTime
from simulator.simulator import Simulator
from simulator.time.clock import Actor, VirtualClock

Document = dict[str, Any]


class BadRequest(ValueError):
    """The request is invalid; the message names the valid values."""


def time_mode_of(word: object, clock: VirtualClock) -> TimeMode:
    """The time mode for "stepped", "virtual" or a speed in virtual seconds a real second. Raises BadRequest."""
    if word == "stepped":
        return SteppedTime()
    if word == "virtual":
        return VirtualTime()
    if isinstance(word, int | float) and 0 < word <= FASTEST:
        return ScaledTime(clock, float(word))
    raise BadRequest(f'the pace is "stepped", "virtual" or a number above 0, at most {FASTEST:.0f}, not {word!r}')


class Control:
    def __init__(self, aws: Simulator, driver: Driver, about: Document) -> None:
        self._aws = aws
        self._driver = driver
        self._about = about
        self.defects: list[str] = []
        self._routes: dict[tuple[str, str], Callable[[Document, Actor], Any]] = {
            ("GET", ""): lambda _query, _me: self._about | self._clock(),
            ("POST", "clock"): self._set_time_mode,
            ("POST", "advance"): self._advance,
            ("POST", "next-event"): self._next_event,
            ("GET", "faults"): lambda _query, _me: [fault.to_dict() for fault in aws.faults],
            ("POST", "faults"): lambda fault, _me: aws.faults.add(_fault(fault)).to_dict(),
            ("DELETE", "faults"): lambda _query, _me: aws.faults.clear(),
            ("GET", "journal"): self._journal,
            ("GET", "defects"): lambda _query, _me: self.defects,
            ("GET", "differences"): lambda _query, _me: aws.differences.to_list(),
            ("POST", "world"): self._apply_environment,
        }

    def report(self, error: BaseException) -> None:
        """Prints a defect on standard error and keeps it for GET /_simulator/defects. A missing operation is none."""
        if isinstance(error, NotOffered):
            self._aws.differences.not_offered(error)
            return
        self.defects.append(f"{type(error).__name__}: {error}")
        traceback.print_exception(error, limit=-5, file=sys.__stderr__)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Sets the time mode "stepped", then restores the previous one."""
        before = self._driver.time_mode
        self._driver.change(SteppedTime())
        try:
            yield
        finally:
            self._driver.change(before)

    def answer(self, method: str, path: str, document: Document, actor: Actor) -> Any:
        """`document` is the body or the query. Raises BadRequest, and LookupError for an unknown path."""
        route = self._routes.get((method, path.removeprefix(CONTROL_PATH).strip("/")))
        if route is None:
            there = ", ".join(f"{verb} {CONTROL_PATH}/{name}".rstrip("/") for verb, name in self._routes)
            raise LookupError(f"{method} {path}: there is {there}")
        try:
            return route(document, actor)
        except (TypeError, KeyError, ValueError) as problem:
            raise BadRequest(f"{method} {path}: {problem}") from problem

    def _clock(self) -> Document:
        due = self._aws.clock.next_due()
        return {
            "now": self._aws.clock.now().isoformat(),
            "next_due": due.isoformat() if due else None,
            "pace": self._driver.time_mode.name,
        }

    def _set_time_mode(self, wanted: Document, _me: Actor) -> Document:
        self._driver.change(time_mode_of(wanted["pace"], self._aws.clock))
        return self._clock()

    def _advance(self, wanted: Document, _me: Actor) -> Document:
        self._aws.clock.sleep(float(wanted["seconds"]), "a client that lets time pass")
        return self._clock()

    def _next_event(self, wanted: Document, _me: Actor) -> Document:
        """Ends after a possible change in AWS, once no event is due within `settle` virtual seconds."""
        clock = self._aws.clock
        settle, end = timedelta(seconds=float(wanted.get("settle", 1))), clock.now() + _span(wanted)
        before, started = self._aws.change_count(), clock.now()
        while (due := clock.next_due()) is not None and due <= end:
            clock.sleep_until(due, "a client that waits for the next event")
            if self._aws.change_count() != before and not self._due_before(clock.now() + settle):
                break
        else:
            clock.sleep_until(end, "a client that waits for the next event")
        seconds = (clock.now() - started).total_seconds()
        return self._clock() | {"changed": self._aws.change_count() != before, "seconds": seconds}

    def _due_before(self, moment: datetime) -> bool:
        due = self._aws.clock.next_due()
        return due is not None and due <= moment

    def _journal(self, query: Document, _me: Actor) -> Document:
        calls = self._aws.journal[int(query.get("since", 0)) :]
        return {"calls": [call.to_dict() for call in calls], "last": len(self._aws.journal)}

    def _apply_environment(self, document: Document, _me: Actor) -> Document:
        environment_files.apply_environment(self._aws, environment_files.parse(document, "the body"))
        return self._about


def _span(wanted: Document) -> timedelta:
    return timedelta(seconds=float(wanted["seconds"]))


def _fault(document: Document) -> Fault:
    if "kind" not in document:
        raise BadRequest("a fault needs a kind")
    return Fault.from_dict(document)


def encode(answer: Any) -> bytes:
    return json.dumps(answer, ensure_ascii=False).encode()
