"""The interface of a target. Simulated and real AWS behave differently in `wait_until` only."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import boto3

from engine.deploy import packaging
from traceability.recording import recorded_calls

if TYPE_CHECKING:
    from engine.deploy.deployment import Stack
    from simulator import Simulator


class WaitTimeout(Exception):
    """A condition was not met in time; the message names the condition and the time."""


class TargetRefused(Exception):
    """The run cannot or must not take place on its target; the message is one line with reason and cure."""


class NotSimulated(Exception):
    """A step needs the simulator, but the scenario runs on real AWS: its tags are wrong."""


@dataclass(frozen=True)
class EngineCall:
    """One AWS call of the engine. `error` is None after a success, `answer` is None if it is not known completely."""

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
        """Time, operation and result, for a message."""
        return f"{self.started:%H:%M:%S.%f} {self.service}:{self.operation} {self.error or 'ok'} by {self.principal}"


class RunTarget(ABC):
    """Runs one `scenario()` at a time; the other members work between its start and its end."""

    name: str
    # The latency of AWS in seconds: the tolerance of an exact time in a feature.
    slack: float

    # Whether the whole account is the suite's, so that all resources in it at the end are its own.
    is_alone = True

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str, str], Any] = {}

    @abstractmethod
    def scenario(self) -> AbstractContextManager[None]:
        """Set up one scenario, with the deployed stack, and remove it afterwards."""

    def open(self, scenarios: Sequence[Any]) -> None:
        """Check at the start of a run that these scenarios may run here. Raises TargetRefused."""
        try:
            packaging.package()
        except packaging.PackagingFailed as problem:
            raise TargetRefused(str(problem)) from problem

    def close(self) -> None:  # noqa: B027 - a target without a run-wide state has no clean-up
        """Remove the resources of the whole run."""

    @abstractmethod
    def retire_stack(self) -> None:
        """Delete the stack, unless other scenarios of the run need it."""

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
        """The suite's own credentials, by default for the run's account and Region."""

    def client(self, service: str, account: str | None = None, region: str | None = None) -> Any:
        """A client of the suite's own, made once: to make one takes longer than most calls."""
        key = (service, account or self.account, region or self.region)
        if key not in self._clients:
            self._clients[key] = self.session(account, region).client(service)
        return self._clients[key]

    @abstractmethod
    def provide_server(self, server_id: str, host_name: str, account: str | None, region: str | None) -> None:
        """Let DRS replicate this server there. Raises LookupError if the target cannot."""

    def began_at(self) -> datetime | None:
        """When the scenario began, by AWS's clock; None where each scenario has an AWS of its own."""
        return None

    def let_launches_take_their_usual_time(self, server_ids: Sequence[str]) -> None:  # noqa: B027 - on AWS they do
        """Undo the suite's shorter launch times for these servers, if the target has any."""

    @abstractmethod
    def wait_until(self, condition: Callable[[], Any], timeout: float, what: str, *, of: str | None = None) -> Any:
        """Wait for `condition` to become true and return its value. Raises WaitTimeout with `what`, the condition.

        `of`: "dynamodb" if the condition reads only items; it is then evaluated only after a write to a table.
        """

    def changes_of_items(self) -> int | None:
        """A number that grows with every write to a table; None where the target does not count them."""
        return None

    @abstractmethod
    def engine_calls(self) -> list[EngineCall]:
        """Every AWS call of the engine since the scenario began, in order."""

    @abstractmethod
    def all_calls(self) -> Sequence[recorded_calls.RecordedCall]:
        """Every observed AWS call since the scenario began, in order, with the suite's own."""

    @property
    def simulator(self) -> Simulator:
        """The simulated AWS, for its environment and its faults. Raises NotSimulated on real AWS."""
        raise NotSimulated(f"this step needs the simulator, but the target is {self.name}; tag the scenario @moto only")

    def note_privileges(self, scenario: str, file: str, line: int) -> None:  # noqa: B027 - real AWS does not list them
        """Record the rights that the engine's roles exercised in the scenario."""

    def pass_time(self, seconds: float) -> None:
        """Let this much of AWS's time pass."""
        with suppress(WaitTimeout):
            self.wait_until(lambda: False, seconds, "time to pass")
