"""What the client answers, and what it raises."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]


class EngineError(Exception):
    """The function of the engine failed; the message is from Lambda."""


class StartRefused(EngineError):
    """The plan was not started; `problems` has all reasons.

    `existing` has the instances of earlier recoveries that are in the way, each with SourceServerId, RecoveryInstanceId
    and, if known, HostName, State, LaunchTime and ExecutionId.
    """

    def __init__(self, problems: list[str], existing: Iterable[Document] = ()) -> None:
        super().__init__("the plan was not started:\n" + "\n".join(f"- {problem}" for problem in problems))
        self.problems = problems
        self.existing = list(existing)


class ExecutionNotFound(EngineError, LookupError):
    """The execution does not exist."""


class AlreadyEnded(EngineError):
    """The execution has ended and cannot be cancelled."""


class DecisionRefused(EngineError):
    """The approval, rejection, pause or continuation has no effect; the message says why."""


@dataclass(frozen=True)
class Started:
    """The execution of a start. `existed`: the plan runs already, or the token was used before."""

    execution_id: str
    existed: bool
    # The first warnings about the servers of a new execution, and their number.
    warnings: tuple[str, ...] = ()
    warning_count: int = 0


@dataclass(frozen=True)
class Page:
    """Summaries of executions, newest first; `next_token` is for the next page, None after the last one."""

    items: list[Document]
    next_token: str | None
