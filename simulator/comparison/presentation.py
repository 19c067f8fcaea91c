"""The result of a comparison, as lines for a terminal and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from simulator.comparison import differences
from simulator.comparison.differences import Difference, Proposal


@dataclass(frozen=True)
class Result:
    """`decided` has the reason by the id of each difference about which a person has decided."""

    found: Sequence[Difference]
    decided: Mapping[str, str]
    proposals: Sequence[Proposal]
    not_compared: Mapping[str, int]
    answers: int
    operations: int

    @property
    def open(self) -> list[Difference]:
        return [one for one in self.found if one.id not in self.decided]


def lines(result: Result) -> Iterator[str]:
    """Yield the result for a reader: the open differences, what they propose, and the suspect criteria."""
    yield f"{result.answers} answers of DRS in {result.operations} operations, compared with a drill on the simulator"
    for one in result.open:
        yield ""
        yield f"{one.kind:<7}{one.place}"
        count = "1 answer" if one.answers == 1 else f"{one.answers} answers"
        yield f"       {one.text} ({'; '.join(filter(None, [count, ', '.join(one.criteria)]))})"
    if result.proposals:
        yield ""
        yield "Proposed for simulator/drs/timing.py:"
        for each in result.proposals:
            count = "1 duration" if each.samples == 1 else f"{each.samples} durations"
            yield f"    {each.phase}: tuple[int, int] = {each.proposed}  # now {each.now}; {count} on AWS"
    if result.not_compared:
        yield ""
        named = ", ".join(f"{name} ({count})" for name, count in result.not_compared.items())
        yield f"Not compared, because the simulator's drill does not ask for it: {named}"
    yield ""
    suspects = differences.suspects(result.open)
    if suspects:
        counted = (f"{name} ({len(mine)})" for name, mine in suspects.items())
        yield f"Suspect until a person has decided: {', '.join(counted)}"
    if result.open:
        yield "Mend the simulator, or decide in simulator/comparison/decided.yaml; --json prints the ids."
    decided = len(result.found) - len(result.open)
    yield f"{len(result.open)} differences" + (f", {decided} more are decided" if decided else "")


def document(result: Result) -> dict[str, Any]:
    """Return the result for programs."""
    return {
        "answers": result.answers,
        "differences": [{"id": one.id, **asdict(one), "decided": result.decided.get(one.id)} for one in result.found],
        "proposals": [asdict(one) for one in result.proposals],
        "not_compared": dict(result.not_compared),
        "suspects": {name: [one.id for one in mine] for name, mine in differences.suspects(result.open).items()},
    }
