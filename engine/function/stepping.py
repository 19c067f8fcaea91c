"""One step of an execution: load, then decide, perform and save until the next wait.

A step saves the state before each action with an effect and at its end. If the function is killed in between, the next
step repeats the reads, so that no state is lost.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from engine.aws.caller import AskedToWait
from engine.aws.execution_history import RecordChanged
from engine.core import invariants, policy
from engine.core.actions import Action, Finish, Notify, PollJobs, ReadServers, StartRecovery, TerminateInstances, Wait
from engine.core.decisions import decide
from engine.core.document import timestamp
from engine.core.outcomes import apply
from engine.core.state import Execution
from engine.core.statuses import CleanUpStatus
from engine.function.releasing import release
from engine.function.wiring import Services

# A step with less Lambda time left than this ends early, and the next step continues at once. No single action takes
# longer. The longest is a launch if each answer to the launch and to the search for its job is lost: four tries of two
# read timeouts, and the pauses between them.
RESERVE_MILLISECONDS = 180_000

_EFFECTS = (StartRecovery, TerminateInstances, Notify, Wait, Finish)


class ExecutionUnknown(LookupError):
    """The execution has no record."""

    def __init__(self, execution_id: str) -> None:
        super().__init__(f"there is no execution {execution_id}; `history` lists them")


def tick(
    services: Services,
    execution_id: str,
    *,
    run: int,
    tick_number: int,
    remaining_milliseconds: Callable[[], int],
    polled_at: datetime | None = None,
) -> dict[str, object]:
    """Advance the execution until the next wait; returns the next payload of the state machine (Next: WAIT or DONE).

    `polled_at` is the time of the last DescribeJobs request, from the payload; it only limits the request rate. After
    many ticks, a run of the state machine hands over to a successor, before the Step Functions limit of history events.
    """
    stepper = Stepper(services, run, remaining_milliseconds, polled_at)
    try:
        action = stepper.step(execution_id)
        if isinstance(action, Wait) and tick_number >= policy.TICKS_PER_RUN:
            stepper.hand_over(execution_id)
            action = Finish()
    except AskedToWait as error:
        action = stepper.pause(execution_id, error)
    payload: dict[str, object] = {"Action": "tick", "ExecutionId": execution_id, "Run": run, "Tick": tick_number + 1}
    if stepper.polled_at is not None:
        payload["PolledAt"] = timestamp(stepper.polled_at)
    if isinstance(action, Finish):
        return payload | {"Next": "DONE"}
    return payload | {"Next": "WAIT", "ResumeAt": timestamp(action.until)}


class Stepper:
    """The decide-perform-apply loop of one Lambda invocation."""

    def __init__(
        self,
        services: Services,
        run: int,
        remaining_milliseconds: Callable[[], int],
        polled_at: datetime | None = None,
    ) -> None:
        self._services = services
        self._run = run
        self._remaining_milliseconds = remaining_milliseconds
        self.polled_at = polled_at

    def step(self, execution_id: str) -> Wait | Finish:
        """Work until the core returns Wait or Finish. Raises ExecutionUnknown, InvariantViolated, CallError."""
        while True:
            saved = self._load(execution_id)
            if self._run < saved.run:
                # A later run is in charge. The step before it may have been killed before it started that run.
                if not saved.settled:
                    self._services.machine.run(execution_id, saved.run)
                return Finish()
            try:
                return self._advance(saved)
            except RecordChanged:
                self._services.log.event("The record has changed; deciding again", ExecutionId=execution_id)

    def pause(self, execution_id: str, error: AskedToWait) -> Wait:
        """The wait after DynamoDB or Step Functions requested a pause, so that the step could not save its state.

        The next step finds the effects of the unsaved actions again, as after a killed function.
        """
        self._services.log.event("AWS requests a pause", ExecutionId=execution_id, Cause=str(error))
        return Wait(policy.whole_second_after(self._services.now() + timedelta(seconds=error.retry_after)))

    def hand_over(self, execution_id: str) -> None:
        """Put the next run of the state machine in charge. A repetition does no harm."""
        while True:
            saved = self._load(execution_id)
            try:
                self._services.history.save(saved, replace(saved, run=self._run + 1))
            except RecordChanged:
                continue
            self._services.machine.run(execution_id, self._run + 1)
            return

    def _load(self, execution_id: str) -> Execution:
        execution = self._services.history.load(execution_id)
        if execution is None:
            raise ExecutionUnknown(execution_id)
        return execution

    def _advance(self, saved: Execution) -> Wait | Finish:
        services = self._services
        execution = saved
        # Recently polled jobs count as polled in this step, so that health checks do not cause more DRS requests.
        recently = policy.polled_recently(self.polled_at, services.now())
        performed: set[Action] = {PollJobs(())} if recently else set()
        while True:
            decision = decide(execution, performed, services.now())
            invariants.check(saved, decision.execution)
            execution, action = decision.execution, decision.action
            if isinstance(action, ReadServers):
                saved = services.history.read_servers(saved, action.waves)
                execution = _with_servers_of(execution, saved, action.waves)
                continue
            if isinstance(action, _EFFECTS):
                saved = execution = self._save(saved, execution, action)
            if isinstance(action, Finish):
                release(services, execution)
            if isinstance(action, Wait | Finish):
                return action
            if isinstance(action, PollJobs):
                self.polled_at = services.now()
            outcome = services.executor.perform(execution, action)
            execution = apply(execution, action, outcome, services.now())
            performed.add(action)
            if self._remaining_milliseconds() < RESERVE_MILLISECONDS:
                pause = Wait(policy.whole_second_after(services.now()))
                self._save(saved, execution, pause)
                return pause

    def _save(self, saved: Execution, execution: Execution, action: Action) -> Execution:
        log = self._services.log
        log.decision(type(action).__name__, **vars(action))
        now_saved = self._services.history.save(saved, execution)
        clean_up = execution.clean_up
        if clean_up is not None and clean_up.status is CleanUpStatus.FAILED and clean_up != saved.clean_up:
            log.alarm("CleanUpFailed", "Drill instances may be left", Cause=clean_up.error_message)
        return now_saved


def _with_servers_of(execution: Execution, source: Execution, waves: tuple[int, ...]) -> Execution:
    return execution.map_waves(
        lambda wave: replace(wave, servers=source.wave(wave.number).servers) if wave.number in waves else wave
    )
