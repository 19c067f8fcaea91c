"""Faults: named facts about the AWS side, for any operation of any service.

A `Fault` is data: it can be written as JSON and read back. `Faults` holds those of one simulator, counts what passes
(`after`) and what is hit (`times`), and says which fault meets a call. The gateway and the Lambda service act on it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

import jmespath  # type: ignore[import-untyped]  # botocore's own dependency; publishes no types

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


@dataclass
class Fault:
    """One fact. `operation` may be "*". `times` is how many calls it hits (None: all), after letting `after` pass.

    `where` narrows it to calls whose parameters match: {JMESPath: value}, where the value found equals the given one
    or, if it is a list, contains it: {"sourceServers[].sourceServerID": "s-0123…"}. `source` narrows it to those of one
    kind of caller ("lambda").
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
        """The JSON form; members that have their default are left out."""
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


def _default(f: Any) -> Any:
    return {} if f.name == "where" else f.default


def _matches(path: str, wanted: Any, parameters: dict[str, Any]) -> bool:
    found = jmespath.search(path, parameters)
    return bool(found == wanted or (isinstance(found, list) and wanted in found))


class Faults:
    """The faults of one simulator. Each named constructor adds its fault and returns it; `remove` heals it."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._buckets: dict[int, tuple[float, datetime]] = {}

    def __iter__(self) -> Any:
        return iter(self._faults)

    def add(self, fault: Fault) -> Fault:
        self._faults.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        self._faults.remove(fault)

    def clear(self) -> None:
        self._faults.clear()

    # -- named facts --------------------------------------------------------------------------------------------------

    def throttle(
        self,
        service: str,
        operation: str = "*",
        times: int | None = 1,
        *,
        retry_after: int | None = None,
        **narrow: Any,
    ) -> Fault:
        """The service throttles; `retry_after` seconds go into the answer's Retry-After header."""
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
        """The service answers with its own 5xx error."""
        return self.add(Fault(SERVER_ERROR, service, operation, times, retry_after=retry_after, **narrow))

    def lose_connection(self, service: str, operation: str = "*", times: int | None = 1, **narrow: Any) -> Fault:
        """The connection breaks before the request arrives: nothing took effect (EndpointConnectionError)."""
        return self.add(Fault(LOSE_CONNECTION, service, operation, times, **narrow))

    def lose_answer(self, service: str, operation: str = "*", times: int | None = 1, **narrow: Any) -> Fault:
        """The call takes effect and its answer never arrives (ReadTimeoutError)."""
        return self.add(Fault(LOSE_ANSWER, service, operation, times, **narrow))

    def expire_token(self, service: str, operation: str = "*", times: int | None = 1, **narrow: Any) -> Fault:
        """The service says that the caller's credentials have expired."""
        return self.add(Fault(EXPIRE_TOKEN, service, operation, times, **narrow))

    def deny(self, service: str, operation: str = "*", times: int | None = 1, **narrow: Any) -> Fault:
        """The service denies access, whatever the policies say."""
        return self.add(Fault(DENY, service, operation, times, **narrow))

    def kill_lambda(self, when: str, service: str, operation: str = "*", times: int | None = 1, **narrow: Any) -> Fault:
        """The Lambda that makes this call dies, "before" the call takes effect or "after" it."""
        if when not in ("before", "after"):
            raise ValueError(f"a Lambda is killed 'before' or 'after' a call, not {when!r}")
        return self.add(Fault(f"kill_lambda_{when}", service, operation, times, **narrow))

    def fail_lambda(
        self, times: int | None = 1, *, function: str = "*", error: str = "unhandled", **narrow: Any
    ) -> Fault:
        """An invocation fails without running: "unhandled" (the runtime died) or "service" (Lambda answers 500)."""
        if error not in ("unhandled", "service"):
            raise ValueError(f"an invocation fails 'unhandled' or by the 'service', not {error!r}")
        return self.add(Fault(FAIL_LAMBDA, "lambda", function, times, code=error, **narrow))

    def rate_limit(self, service: str, per_second: float, burst: int = 1, operation: str = "*", **narrow: Any) -> Fault:
        """A token bucket in virtual time: `burst` calls at once, refilled `per_second`; what exceeds it fails."""
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
        """The service answers with this error; `status` defaults to what the service's model says."""
        return self.add(Fault(RESPOND, service, operation, times, code=code, status=status, message=message, **narrow))

    # -- meeting calls ------------------------------------------------------------------------------------------------

    def meet(
        self,
        kinds: frozenset[str],
        service: str,
        operation: str,
        parameters: dict[str, Any],
        source: str,
        now: datetime,
    ) -> Fault | None:
        """The first fault of these kinds that hits the call; each fault that concerns it counts the call."""
        for fault in self._faults:
            if fault.kind not in kinds or fault.exhausted or not fault.concerns(service, operation, parameters, source):
                continue
            if fault.passed < fault.after:
                fault.passed += 1
            elif fault.kind != RATE_LIMIT or not self._token(fault, now):
                fault.hits += 1
                return fault
        return None

    def _token(self, fault: Fault, now: datetime) -> bool:
        tokens, then = self._buckets.get(id(fault), (float(fault.burst), now))
        tokens = min(float(fault.burst), tokens + (now - then).total_seconds() * fault.per_second)
        taken = tokens >= 1
        self._buckets[id(fault)] = (tokens - 1 if taken else tokens, now)
        return taken
