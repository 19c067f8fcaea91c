"""All that is visible from outside the engine after a case: answers, records, jobs, calls, failures."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from simulator import Fault
from simulator.gateway.journal import JournalEntry
from tests.simulation.cases import (
    Case,
    Document,
    execution_type,
)
from tests.simulation.monitor import InvocationFailure


@dataclass
class OperatorRequest:
    """One action of an operator: when it was requested, when it was answered for good, and the answer."""

    action: Document
    sent: datetime
    answered: datetime
    execution_id: str | None = None
    # started | accepted | refused | over already | not found | no answer
    result: str = ""
    message: str = ""
    tries: int = 1
    # The execution that a resumption resumes.
    resumes: str | None = None


@dataclass
class Observation:
    """All that is visible from outside the engine after a case has run."""

    case: Case
    began: datetime
    ended: datetime
    requests: list[OperatorRequest]
    # The index of the plan of each execution, in the order of their starts.
    executions: dict[str, int]
    records: dict[str, Document]
    jobs: list[Document]
    instances: dict[str, str]
    recovery_instances: list[str]
    runs: list[Document]
    locks: list[str]
    calls: list[JournalEntry]
    journal: str
    faults: list[Fault]
    failures: list[InvocationFailure]
    # Invocations that failed before the function ran: (moment, event).
    missed: list[tuple[datetime, Document]]
    log: list[Document]
    # Violations that the monitor found while the case ran, by the name of its check.
    violations: dict[str, list[str]] = field(default_factory=dict)

    def kind(self, execution_id: str) -> str:
        """DRILL or RECOVERY: as requested by its start, or as recorded if no start of it was answered."""
        starts = (one for one in self.requests if one.action["do"] == "start" and one.execution_id == execution_id)
        if first := next(starts, None):
            return execution_type(self.case, first.action)
        return str(self.records[execution_id]["ExecutionType"])

    def seconds(self, moment: datetime | str) -> float:
        """Seconds after the start of the case."""
        when = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
        return (when - self.began).total_seconds()
