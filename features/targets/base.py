"""What a target offers to the suite. `wait_until` is the only place where simulated and real AWS behave differently."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3

from traceability.recording import recorded_calls

if TYPE_CHECKING:
    from engine.deploy.deployment import Stack
    from simulator import Simulator


class WaitTimeout(Exception):
    """What was waited for did not happen in time; says what it was and how long the wait took."""


class TargetRefused(Exception):
    """The run cannot or must not take place on its target; one line that says why, and the cure."""


class NotSimulated(Exception):
    """A step needs the simulator, but the scenario plays on real AWS: its tags are wrong."""


@dataclass(frozen=True)
class EngineCall:
    """One AWS call of the engine: what it asked, what came of it (`error` None: success), when, in which run
    of the function; `answer` is None where nobody knows all of it."""

    service: str
    operation: str
    parameters: dict[str, Any]
    error: str | None
    started: datetime
    ended: datetime
    principal: str
    account: str
    invocation: str
    answer: dict[str, Any] | None = None

    @property
    def line(self) -> str:
        """For a reader: time, operation, outcome."""
        return f"{self.started:%H:%M:%S.%f} {self.service}:{self.operation} {self.error or 'ok'} by {self.principal}"


class Target(ABC):
    """A place for scenarios. One `scenario()` at a time; between its start and end the other members work."""

    name: str
    # Seconds of AWS's own latency that an exact time in a feature may come late.
    slack: float

    # Whether everything in the account is the suite's, so that whatever is left at the end is its own.
    is_alone = True

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str, str], Any] = {}

    @abstractmethod
    def scenario(self) -> AbstractContextManager[None]:
        """Set up what one scenario needs, the deployed stack included, and take it away afterwards."""

    def open(self, scenarios: Sequence[Any]) -> None:  # noqa: B027 - a target that costs nothing has nothing to ask
        """Before anything else of a run: make sure that these scenarios may run here; raises TargetRefused."""

    def close(self) -> None:  # noqa: B027 - a target that keeps nothing between scenarios has nothing to close
        """Take away what the whole run needed."""

    @abstractmethod
    def retire_stack(self) -> None:
        """Delete the stack, unless it has to serve the run's other scenarios."""

    @property
    @abstractmethod
    def stack(self) -> Stack:
        """The stack that the engine under test is deployed as."""

    @property
    @abstractmethod
    def account(self) -> str: ...

    @property
    @abstractmethod
    def region(self) -> str: ...

    @abstractmethod
    def session(self, account: str | None = None, region: str | None = None) -> boto3.Session:
        """The suite's own credentials, for the run's account and Region unless told otherwise."""

    def client(self, service: str, account: str | None = None, region: str | None = None) -> Any:
        """A client of the suite's own; made once, because making one takes longer than most calls."""
        key = (service, account or self.account, region or self.region)
        if key not in self._clients:
            self._clients[key] = self.session(account, region).client(service)
        return self._clients[key]

    @abstractmethod
    def provide_server(self, server_id: str, host_name: str, account: str | None, region: str | None) -> None:
        """See to it that DRS replicates this server there; raises LookupError where that cannot be arranged."""

    def began_at(self) -> datetime | None:
        """When the scenario began, by AWS's clock; None where AWS is as old as the scenario."""
        return None

    def let_launches_take_their_usual_time(self, server_ids: Sequence[str]) -> None:  # noqa: B027 - on AWS they do
        """Where the suite has shortened what DRS takes to launch these servers, let it take its usual time."""

    @abstractmethod
    def wait_until(self, condition: Callable[[], Any], timeout: float, what: str, *, of: str | None = None) -> Any:
        """Wait for `condition` to become true and return its value; raises WaitTimeout naming `what`.

        `of`: "dynamodb" for a condition on nothing but items, which only calls change; it need not be asked oftener.
        """

    def changes_of_items(self) -> int | None:
        """Grows with every write to a table, whoever made it; None where nobody can tell."""
        return None

    @abstractmethod
    def engine_calls(self) -> list[EngineCall]:
        """Every AWS call the engine made since the scenario began, in order."""

    @abstractmethod
    def all_calls(self) -> Sequence[recorded_calls.RecordedCall]:
        """Every AWS call that was seen since the scenario began, in order, the suite's own included."""

    @property
    def simulator(self) -> Simulator:
        """The simulated AWS, for building the world and for faults; raises NotSimulated on real AWS."""
        raise NotSimulated(f"this step needs the simulator, but the target is {self.name}; tag the scenario @moto only")

    def note_privileges(self, scenario: str, file: str, line: int) -> None:  # noqa: B027 - real AWS keeps no such notes
        """Write down which rights the engine's roles exercised in the scenario."""

    def pass_time(self, seconds: float) -> None:
        """Let time go by, whatever happens meanwhile."""
        with suppress(WaitTimeout):
            self.wait_until(lambda: False, seconds, "time to pass")
