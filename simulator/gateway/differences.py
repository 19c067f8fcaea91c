"""The log of differences from AWS that calls met: an operation that is not offered, an answer or a request of moto's.

A difference is no defect of the simulator: the call is answered, and the log shows a reader which answers to doubt.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from simulator.time.clock import SimulatorDefect

NOT_OFFERED, ANSWER, REQUEST = "not offered", "answer", "request"
_LONGEST = 500


class NotOffered(SimulatorDefect):
    """The simulator has no such operation. `protocol` is the wire format of the service's errors."""

    def __init__(self, service: str, operation: str, protocol: str) -> None:
        super().__init__(f"not offered by this simulator: {service} {operation}")
        self.service, self.operation, self.protocol = service, operation, protocol


@dataclass
class Difference:
    """`kind` is NOT_OFFERED, ANSWER (it violates AWS's model) or REQUEST (moto failed at it)."""

    kind: str
    service: str
    operation: str
    problem: str
    count: int = 0

    def __str__(self) -> str:
        return self.problem if self.kind == NOT_OFFERED else f"{self.service} {self.operation}: {self.problem}"


class Differences:
    """Each difference once, with its number of calls. `on_first` is called at the first call of each."""

    def __init__(self) -> None:
        self.on_first: Callable[[Difference], object] = lambda difference: None
        self._known: dict[tuple[str, str, str, str], Difference] = {}

    def __iter__(self) -> Any:
        return iter(self._known.values())

    def __len__(self) -> int:
        return len(self._known)

    def note(self, kind: str, service: str, operation: str, problem: str) -> None:
        made = Difference(kind, service, operation, problem[:_LONGEST])
        known = self._known.setdefault((kind, service, operation, made.problem), made)
        known.count += 1
        if known.count == 1:
            self.on_first(known)

    def not_offered(self, missing: NotOffered) -> None:
        self.note(NOT_OFFERED, missing.service, missing.operation, str(missing))

    def to_list(self) -> list[dict[str, Any]]:
        return [asdict(one) for one in self._known.values()]
