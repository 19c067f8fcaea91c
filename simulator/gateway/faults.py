"""Faults of the simulated AWS, for any operation of any service.

A `Fault` is data: JSON can hold it. `Faults` holds the faults of one simulator, counts the calls that a fault lets
pass (`after`) and hits (`times`), and selects the fault for a call. The gateway and the Lambda service apply it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from functools import cache
from typing import Any

import jmespath  # type: ignore[import-untyped]  # botocore's own dependency; publishes no types
from botocore.loaders import create_loader
from moto.core.utils import get_service_model

THROTTLE = "throttle"
SERVER_ERROR = "server_error"
LOSE_CONNECTION = "lose_connection"
LOSE_ANSWER = "lose_answer"
EXPIRE_TOKEN = "expire_token"  # noqa: S105 - the name of a fault
DENY = "deny"
KILL_BEFORE = "kill_lambda_before"
KILL_AFTER = "kill_lambda_after"
RESPOND = "respond"
RATE_LIMIT = "rate_limit"
FAIL_LAMBDA = "fail_lambda"

BEFORE_EFFECT = frozenset(
    {THROTTLE, SERVER_ERROR, LOSE_CONNECTION, EXPIRE_TOKEN, DENY, KILL_BEFORE, RESPOND, RATE_LIMIT}
)
AFTER_EFFECT = frozenset({LOSE_ANSWER, KILL_AFTER})
KINDS = BEFORE_EFFECT | AFTER_EFFECT | {FAIL_LAMBDA}
SOURCES = frozenset({"suite", "client", "lambda", "states", "events"})
"""Callers: a test in this process, a client of the served simulator, a function, a state machine, the event bus."""
_MOST_NAMES = 8


class InvalidFault(ValueError):
    """A fault that can never hit a call. Without this error, a misspelt name would leave the test undisturbed."""


@dataclass
class Fault:
    """One fault. `operation` may be "*". It lets `after` calls pass, then hits `times` calls (None: all).

    `where` selects calls by their parameters: {JMESPath: value}. The value found must equal the given value or, if it
    is a list, contain it: {"sourceServers[].sourceServerID": "s-0123…"}. `source` selects the calls of one kind of
    caller ("lambda").
    """

    kind: str
    service: str = "*"
    operation: str = "*"
    times: int | None = 1
    after: int = 0
    where: dict[str, Any] = field(default_factory=dict)
    source: str | None = None
    retry_after: int | None = None
    code: str | None = None
    status: int | None = None
    message: str | None = None
    per_second: float = 0.0
    burst: int = 0
    passed: int = 0
    hits: int = 0

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, without members that have their default."""
        plain = asdict(self)
        return {f.name: plain[f.name] for f in fields(self) if f.name == "kind" or plain[f.name] != _default(f)}

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> Fault:
        unknown = set(document) - {f.name for f in fields(cls)}
        if unknown:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
        return cls(**document)

    @property
    def exhausted(self) -> bool:
        return self.times is not None and self.hits >= self.times

    def concerns(self, service: str, operation: str, parameters: dict[str, Any], source: str) -> bool:
        return (
            self.service in ("*", service)
            and self.operation in ("*", operation)
            and self.source in (None, source)
            and (not self.kind.startswith("kill_lambda") or source == "lambda")
            and all(_matches(path, wanted, parameters) for path, wanted in self.where.items())
        )


def _problem(fault: Fault) -> str | None:
    """Why the fault can never hit a call, with the known names, the most similar first; None if it can."""
    if fault.kind not in KINDS:
        return f"there is no fault {fault.kind!r}; there are {_nearest_first(fault.kind, KINDS)}"
    if fault.source is not None and fault.source not in SOURCES:
        return f"there is no source {fault.source!r}; there are {_nearest_first(fault.source, SOURCES)}"
    for name, least in (("times", 1), ("after", 0)):
        value = getattr(fault, name)
        if not (isinstance(value, int) and value >= least) and not (name == "times" and value is None):
            every = ", or null for every call" if name == "times" else ""
            return f"{name} is {value!r}; it must be a whole number, at least {least}{every}"
    if fault.service == "*":
        return None if fault.operation == "*" else f"operation {fault.operation!r} needs the name of its service"
    if fault.service not in _services():
        return f"there is no service {fault.service!r}; there are {_nearest_first(fault.service, _services())}"
    operations = _operations(fault.service)
    # For this kind, `operation` holds the name of a function.
    if fault.operation == "*" or fault.operation in operations or fault.kind == FAIL_LAMBDA:
        return None
    near = _nearest_first(fault.operation, operations)
    return f"{fault.service} has no operation {fault.operation!r}; it has {near}"


@cache
def _services() -> frozenset[str]:
    return frozenset(create_loader().list_available_services("service-2"))


@cache
def _operations(service: str) -> frozenset[str]:
    return frozenset(get_service_model(service).operation_names)


def _nearest_first(word: str, known: Iterable[str]) -> str:
    def likeness(name: str) -> tuple[float, str]:
        return -difflib.SequenceMatcher(None, str(word).lower(), name.lower()).ratio(), name

    names = sorted(known, key=likeness)
    # Lists all kinds of faults, but of a service's operations only the most similar names.
    shown = names if len(names) <= len(KINDS) else names[:_MOST_NAMES]
    rest = len(names) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def _default(f: Any) -> Any:
    return {} if f.name == "where" else f.default


def _matches(path: str, wanted: Any, parameters: dict[str, Any]) -> bool:
    found = jmespath.search(path, parameters)
    return bool(found == wanted or (isinstance(found, list) and wanted in found))


class Faults:
    """The faults of one simulator. Each named constructor adds its fault and returns it; `remove` ends it."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._buckets: dict[int, tuple[float, datetime]] = {}

    def __iter__(self) -> Any:
        return iter(self._faults)

    def add(self, fault: Fault) -> Fault:
        """Raises InvalidFault, with the known names, for a fault that can never hit a call."""
        if problem := _problem(fault):
            raise InvalidFault(problem)
        self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        self._faults.remove(fault)

    def clear(self) -> None:
        self._faults.clear()

    # -- named constructors -------------------------------------------------------------------------------------------

    def throttle(
        self,
        service: str,
        operation: str = "*",
        times: int | None = 1,
        *,
        retry_after: int | None = None,
        **narrow: Any,
    ) -> Fault:
        """The service throttles; `retry_after` is the seconds of its Retry-After header."""
        return self.add(Fault(THROTTLE, service, operation, times, retry_after=retry_after, **narrow))

    def server_error(
        self,
        service: str,
        operation: str = "*",
        times: int | None = 1,
        *,
        retry_after: int | None = None,
        **narrow: Any,
    ) -> Fault:
        """The service returns its own 5xx error."""
        return self.add(Fault(SERVER_ERROR, service, operation, times, retry_after=retry_after, **narrow))

    def lose_connection(self, service: str, operation: str = "*", times: int | None = 1, **narrow: Any) -> Fault:
        """The connection breaks before the request arrives: the call has no effect (EndpointConnectionError)."""
        return self.add(Fault(LOSE_CONNECTION, service, operation, times, **narrow))

    def lose_answer(self, service: str, operation: str = "*", times: int | None = 1, **narrow: Any) -> Fault:
        """The call takes effect, but its answer is lost (ReadTimeoutError)."""
        return self.add(Fault(LOSE_ANSWER, service, operation, times, **narrow))

    def expire_token(self, service: str, operation: str = "*", times: int | None = 1, **narrow: Any) -> Fault:
        """The service rejects the caller's credentials as expired; those of an assumed role stay expired."""
        return self.add(Fault(EXPIRE_TOKEN, service, operation, times, **narrow))

    def deny(self, service: str, operation: str = "*", times: int | None = 1, **narrow: Any) -> Fault:
        """The service denies access, regardless of the policies."""
        return self.add(Fault(DENY, service, operation, times, **narrow))

    def kill_lambda(self, when: str, service: str, operation: str = "*", times: int | None = 1, **narrow: Any) -> Fault:
        """The function that makes this call dies, "before" the call takes effect or "after" it."""
        if when not in ("before", "after"):
            raise ValueError(f"`when` is 'before' or 'after', not {when!r}")
        return self.add(Fault(f"kill_lambda_{when}", service, operation, times, **narrow))

    def fail_lambda(
        self, times: int | None = 1, *, function: str = "*", error: str = "unhandled", **narrow: Any
    ) -> Fault:
        """An invocation fails before it runs: "unhandled" (the runtime died) or "service" (Lambda returns 500)."""
        if error not in ("unhandled", "service"):
            raise ValueError(f"`error` is 'unhandled' or 'service', not {error!r}")
        return self.add(Fault(FAIL_LAMBDA, "lambda", function, times, code=error, **narrow))

    def rate_limit(self, service: str, per_second: float, burst: int = 1, operation: str = "*", **narrow: Any) -> Fault:
        """A token bucket in virtual time: `burst` tokens, refilled `per_second`. It throttles calls without a token."""
        return self.add(Fault(RATE_LIMIT, service, operation, None, per_second=per_second, burst=burst, **narrow))

    def respond(
        self,
        service: str,
        operation: str,
        code: str,
        *,
        status: int | None = None,
        message: str = "",
        times: int | None = 1,
        **narrow: Any,
    ) -> Fault:
        """The service returns this error; `status` defaults to the status in the service's model."""
        return self.add(Fault(RESPOND, service, operation, times, code=code, status=status, message=message, **narrow))

    # -- selection for a call -----------------------------------------------------------------------------------------

    def hit(
        self,
        kinds: frozenset[str],
        service: str,
        operation: str,
        parameters: dict[str, Any],
        source: str,
        now: datetime,
    ) -> Fault | None:
        """The first fault of these kinds that hits the call. Matching faults before it count the call as passed."""
        for fault in self._faults:
            if fault.kind not in kinds or fault.exhausted or not fault.concerns(service, operation, parameters, source):
                continue
            if fault.passed < fault.after or (fault.kind == RATE_LIMIT and self._token(fault, now)):
                fault.passed += 1
            else:
                fault.hits += 1
                return fault
        return None

    def _token(self, fault: Fault, now: datetime) -> bool:
        tokens, then = self._buckets.get(id(fault), (float(fault.burst), now))
        tokens = min(float(fault.burst), tokens + (now - then).total_seconds() * fault.per_second)
        taken = tokens >= 1
        self._buckets[id(fault)] = (tokens - 1 if taken else tokens, now)
        return taken
