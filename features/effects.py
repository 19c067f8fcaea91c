"""What the steps of one scenario arrange, and whether it had an effect that a Then judged.

A scenario is no proof if it would be the same without one of its steps: a fault that no call met, a launch of a server
outside the plan, a state that never came, a refusal that no Then judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.gateway.faults import Fault


@dataclass
class Effects:
    """`servers` has the host names of arranged launches by server id, `never_reached` a line for each vain wait."""

    armed: list[tuple[str, Fault]] = field(default_factory=list)
    servers: dict[str, str] = field(default_factory=dict)
    never_reached: list[str] = field(default_factory=list)
    unjudged: dict[str, str] = field(default_factory=dict)

    def note_armed(self, sentence: str, faults: Iterable[Fault]) -> None:
        """Remember the faults that are new since the step before, with the step that arranged them."""
        known = {id(fault) for _, fault in self.armed}
        self.armed += [(sentence, fault) for fault in faults if id(fault) not in known]

    def keep(self, kind: str, text: str) -> None:
        """Keep an answer of the engine for the Then to judge: a refusal of this kind."""
        self.unjudged[kind] = text

    def judged(self, kind: str) -> None:
        """A Then has judged the answer of this kind."""
        self.unjudged.pop(kind, None)

    def missing(self, records: Iterable[Mapping[str, Any]]) -> list[str]:
        """One line for each step without an effect; `records` are those of the scenario's executions."""
        return [
            *self._idle_faults(),
            *self._strange_servers(list(records)),
            *self.never_reached,
            *(f"{text}; no Then judges it" for text in self.unjudged.values()),
        ]

    def _idle_faults(self) -> Iterator[str]:
        for sentence, fault in self.armed:
            # A rate limit that no call exceeded had an effect as well.
            if fault.hits == 0 and not (fault.kind == "rate_limit" and fault.passed):
                yield (
                    f'"{sentence}" had no effect: the engine made no such call, {fault.service} {fault.operation}; '
                    "change the scenario so that it does, or remove the step"
                )

    def _strange_servers(self, records: list[Mapping[str, Any]]) -> Iterator[str]:
        waves = [wave for record in records for wave in record["Waves"]]
        recovered = {result["SourceServerId"] for wave in waves for result in wave["ServerResults"]}
        for server in sorted(self.servers.keys() - recovered) if records else ():
            yield (
                f'the launch of server "{self.servers[server]}" had no effect: no started plan recovers it; '
                "name a server of the plan, or remove the step"
            )
