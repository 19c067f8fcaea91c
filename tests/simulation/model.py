"""The reference model: the meaning of a recovery plan. It is independent of AWS, retries, polling and the engine.

Its input is the plan, the conditions (which launches fail and how long they take, when instances run, when an operator
cancelled, when AWS operations failed) and the observed execution. It goes through the waves in order and derives, from
the observations before each one, the outcomes that are allowed; any other observation is a mismatch. More than one
outcome is allowed only where timing decides: a cancellation near the end of a wave, or an instance that starts to run
near the timeout of its health check. Two tolerances apply:

- an event happens at most `TOLERANCE` seconds after it is due, plus the delays that faults cause in that time;
- a server that the conditions would have recovered may be FAILED only if its record names an operation that was
  failing at that moment.

All times are seconds after the start of the case.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.simulation.model_input import (
    TOLERANCE,
    Conditions,
    HealthCheck,
    Launch,
    ObservedExecution,
    ObservedServer,
    ObservedWave,
    Plan,
    PlannedWave,
)

# How long the engine keeps asking for an instance that DRS does not list, before the server is FAILED.
MISSING_INSTANCE_SECONDS = 330
# The time of the few calls that a decision takes.
DECISION_SECONDS = 6
ROUNDING = 1.1
# An instance that the final check does not see is asked for again after this time.
SECOND_LOOK_SECONDS = 16

RECOVERED, FAILED, SKIPPED, CANCELLED = "RECOVERED", "FAILED", "SKIPPED", "CANCELLED"
COMPLETED = "COMPLETED"


@dataclass
class ExecutionCheck:
    """Checks one execution from start to end; `mismatches` lists the observations that the model does not allow."""

    plan: Plan
    conditions: Conditions
    observed: ObservedExecution
    found: list[str] = field(default_factory=list)
    halted: bool = False

    def mismatches(self) -> list[str]:
        self.found = [*self._end()]
        ready = self.observed.started
        before: ObservedWave | None = None
        for planned, wave in zip(self.plan.waves, self.observed.waves, strict=True):
            if wave.carried:
                self.found += [f"wave {wave.number} is carried over and {wave.status}"] * (wave.status != COMPLETED)
                ready = max(ready, (wave.ended or 0) + planned.wait)
                before = None
                continue
            self.found += self._wave(planned, wave, ready)
            if wave.started is not None and wave.ended is not None:
                ready = wave.ended
            if wave.status == COMPLETED and wave.ended is not None:
                ready = wave.ended + planned.wait
            elif before is not None and before.status == COMPLETED and wave.started is None:
                # A wave that is skipped takes no time: only the wait of the wave right before counts.
                ready = before.ended or ready
            before = wave
        self.found += [*self._end_of_last_wave(ready), *self._notification_and_clean_up()]
        return self.found

    # how the execution ends

    @property
    def stopped(self) -> bool:
        return self.observed.status == CANCELLED or self.observed.timed_out or self.observed.ended_abnormally

    def _end(self) -> Iterator[str]:
        observed, conditions = self.observed, self.conditions
        deadline = observed.started + self.plan.timeout
        if observed.ended > conditions.latest(deadline, TOLERANCE):
            yield f"it ended {observed.ended - deadline:.0f} s after its deadline"
        if observed.timed_out and observed.ended < deadline - ROUNDING:
            yield f"it timed out {deadline - observed.ended:.0f} s before its deadline"
        if observed.ended_abnormally and not any(
            moment <= observed.ended + TOLERANCE for moment in conditions.abnormal_exits
        ):
            yield "its record blames a failed state machine, but none failed"
        yield from self._cancellation(deadline)
        if not self.stopped:
            completed = all(wave.status == COMPLETED for wave in observed.waves)
            allowed = self._after_final_check() if completed else {FAILED}
            if observed.status not in allowed:
                expected = " or ".join(sorted(allowed))
                yield f"it is {observed.status}, but its waves and the instances at its end make it {expected}"
        elif observed.status == COMPLETED:
            yield "it was stopped, but it is COMPLETED"

    def _after_final_check(self) -> set[str]:
        """The statuses that the instances at the end allow: a recovery whose instance is gone is FAILED."""
        if self.plan.is_drill:
            return {COMPLETED}
        recovered = [one for wave in self.observed.waves for one in wave.servers if one.status == RECOVERED]
        checked = max(wave.ended or 0 for wave in self.observed.waves)
        if any(one.gone_by is not None and one.gone_by < checked for one in recovered):
            looks = ("ec2:DescribeInstanceStatus", "drs:DescribeRecoveryInstances", "sts:AssumeRole")
            unseen = any(self.conditions.failing(look, self.observed.ended) for look in looks)
            return {FAILED, COMPLETED} if unseen else {FAILED}
        if any(one.gone_from is not None and one.gone_from < self.observed.ended for one in recovered):
            return {FAILED, COMPLETED}
        return {COMPLETED}

    def _cancellation(self, deadline: float) -> Iterator[str]:
        observed, conditions = self.observed, self.conditions
        if observed.status == CANCELLED:
            if conditions.cancelled is None or conditions.cancelled > observed.ended + ROUNDING:
                yield "it is CANCELLED without a request"
            elif observed.ended > conditions.latest(conditions.cancel_answered, TOLERANCE):
                late = observed.ended - conditions.cancel_answered
                yield f"it was cancelled {late:.0f} s after the request was answered"
        elif conditions.cancel_accepted and not self._overtaken(deadline):
            yield f"its cancellation was accepted, but it is {observed.status}"

    def _overtaken(self, deadline: float) -> bool:
        """Whether the deadline had passed when the cancellation was requested."""
        return (
            self.observed.timed_out
            and self.conditions.cancelled is not None
            and self.conditions.cancelled >= deadline - TOLERANCE
        )

    # one wave

    def _wave(self, planned: PlannedWave, wave: ObservedWave, ready: float) -> Iterator[str]:
        name = f"wave {planned.number}"
        status = {one.number: one.status for one in self.observed.waves}
        blocked = [number for number in planned.depends_on if status[number] != COMPLETED]
        if wave.started is None:
            yield from self._not_started(name, wave, blocked, ready)
            return
        if blocked:
            yield f"{name} started although wave {blocked[0]} is {status[blocked[0]]}"
        if wave.started < ready - 0.001:
            yield f"{name} started {ready - wave.started:.1f} s too early"
        if wave.started > self.conditions.latest(ready, DECISION_SECONDS + ROUNDING):
            yield f"{name} started {wave.started - ready:.0f} s after it was due"
        if wave.ended is None:
            yield f"{name} started and has no end"
            return
        if [one.server for one in wave.servers] != list(planned.servers):
            yield f"{name} has other servers than the plan"
        yield from self._servers(planned, wave)
        yield from self._wave_status(name, planned, wave)

    def _not_started(self, name: str, wave: ObservedWave, blocked: list[int], ready: float) -> Iterator[str]:
        expected = {SKIPPED} if blocked else set()
        if self.observed.status == CANCELLED:
            expected.add(CANCELLED)
        elif self.stopped:
            expected.add(SKIPPED)
        if wave.status not in expected:
            yield f"{name} did not start and is {wave.status}, expected {' or '.join(sorted(expected)) or 'a start'}"
        elif (
            not blocked
            and not self.halted
            and self.observed.ended > self.conditions.latest(ready, DECISION_SECONDS + ROUNDING)
        ):
            yield f"{name} had not started when the execution was stopped, {self.observed.ended - ready:.0f} s late"
        # A wave that was due and did not start keeps the later waves from starting.
        self.halted = self.halted or not blocked
        for one in wave.servers:
            if one.status != wave.status:
                yield f"{one.server} is {one.status} in a wave that is {wave.status}"

    def _wave_status(self, name: str, planned: PlannedWave, wave: ObservedWave) -> Iterator[str]:
        assert wave.ended is not None
        cut_off = self.stopped and abs(wave.ended - self.observed.ended) < 0.01
        allowed = {COMPLETED if all(one.status == RECOVERED for one in wave.servers) else FAILED}
        if cut_off:
            allowed = {self.observed.status} | (
                allowed if any(one.status != RECOVERED for one in wave.servers) else set()
            )
            if self.observed.status == CANCELLED:
                allowed = {CANCELLED}
        if wave.status not in allowed:
            yield f"{name} is {wave.status}, expected {' or '.join(sorted(allowed))}"

    # its servers

    def _servers(self, planned: PlannedWave, wave: ObservedWave) -> Iterator[str]:
        assert wave.started is not None
        cut_off = self.stopped and wave.ended is not None and abs(wave.ended - self.observed.ended) < 0.01
        groups = [[one] for one in wave.servers] if planned.one_by_one else [list(wave.servers)]
        start, failed = wave.started, False
        for group in groups:
            for one in group:
                yield from self._server(planned, one, group, start, failed, cut_off)
            if any(one.status == FAILED for one in group):
                failed = True
            start = max([start, *(one.ended for one in group if one.ended is not None)])

    def _server(
        self,
        planned: PlannedWave,
        one: ObservedServer,
        group: list[ObservedServer],
        start: float,
        failed: bool,
        cut_off: bool,
    ) -> Iterator[str]:
        if failed:
            if one.status != (
                CANCELLED if cut_off and self.observed.status == CANCELLED and one.status != SKIPPED else SKIPPED
            ):
                yield f"{one.server} is {one.status} although a server before it in its wave failed"
            return
        launch = self.conditions.launches[one.server]
        if not one.launched:
            if not launch.recovered or (one.protected and one.status != FAILED):
                yield f"{one.server} is {one.status} because of a recovery that does not exist"
            return
        group = [other for other in group if other.launched]
        launches = [self.conditions.launches[other.server] for other in group]
        longest = max(other.seconds for other in launches)
        missing = MISSING_INSTANCE_SECONDS if any(other.relaunched for other in launches) else 0
        latest = self.conditions.latest(
            start, longest + TOLERANCE + DECISION_SECONDS + self._longest_health_check(planned, launches) + missing
        )
        place = group.index(one) // self.plan.servers_per_job * self.plan.servers_per_job
        same_job = launches[place : place + self.plan.servers_per_job]
        # An early failure may happen at any moment before `seconds`.
        over = (max(0 if other.early else other.seconds for other in same_job), max(o.seconds for o in same_job))
        if cut_off and (one.ended is None or abs(one.ended - self.observed.ended) < 0.01):
            if self.observed.ended > latest:
                yield f"{one.server} had no outcome {self.observed.ended - start:.0f} s after its launch was due"
            if one.status in (CANCELLED, SKIPPED) or (one.status == FAILED and self.observed.status != CANCELLED):
                if (one.status == CANCELLED) != (self.observed.status == CANCELLED):
                    yield f"{one.server} is {one.status} in an execution that is {self.observed.status}"
                return
        allowed = self._outcomes(planned, launch, over, start, latest)
        excused = (
            one.status == FAILED and one.ended is not None and self.conditions.failing(one.failed_operation, one.ended)
        )
        if one.status not in allowed and not excused:
            yield f"{one.server} is {one.status}, expected {' or '.join(sorted(allowed))}"
            return
        yield from self._moment(planned, one, launch, start, latest, excused)

    def _longest_health_check(self, planned: PlannedWave, launches: list[Launch]) -> float:
        if planned.health_check is None:
            return 0
        ends = [
            min([since for since, state in launch.states if state != "pending"] or [planned.health_check.timeout])
            for launch in launches
            if not launch.fails
        ]
        return min(max([0, *ends]), planned.health_check.timeout) + planned.health_check.interval + TOLERANCE

    def _outcomes(
        self, planned: PlannedWave, launch: Launch, over: tuple[float, float], start: float, latest: float
    ) -> set[str]:
        """The allowed outcomes of a launch, over all moments at which the first check may have happened."""
        if launch.fails:
            return {FAILED}
        if launch.relaunched:
            return {RECOVERED, FAILED}
        if planned.health_check is None:
            return {RECOVERED}
        first, last = (max(0.0, moment - launch.seconds) for moment in over)
        late = TOLERANCE + DECISION_SECONDS + self.conditions.delay(start, latest)
        return {
            self._health_check_result(launch, first + offset, planned.health_check, slip)
            for offset in range(int(last - first + late) + 1)
            for slip in ((0.0, late - TOLERANCE) if late > TOLERANCE + DECISION_SECONDS else (0.0, 1.0))
        }

    @staticmethod
    def _health_check_result(launch: Launch, first: float, health_check: HealthCheck, slip: float) -> str:
        """The outcome of checks from `first` on (seconds after the launch), the last of them `slip` seconds late."""
        offset = 0.0
        while True:
            last = offset >= health_check.timeout
            state = launch.state(first + offset + (slip if last else 0))
            if state == "running":
                return RECOVERED
            if state != "pending" or last:
                return FAILED
            offset = min(offset + health_check.interval, health_check.timeout)

    def _moment(
        self, planned: PlannedWave, one: ObservedServer, launch: Launch, start: float, latest: float, excused: bool
    ) -> Iterator[str]:
        if one.ended is None:
            yield f"{one.server} is {one.status} and has no end"
            return
        if one.ended > latest:
            yield f"{one.server} was {one.status} {one.ended - latest:.0f} s after its outcome was due"
        earliest = start + (0 if launch.early else launch.seconds)
        if one.status == RECOVERED and planned.health_check is not None and not launch.relaunched:
            earliest += min([since for since, state in launch.states if state == "running"] or [0])
        if one.ended < earliest - ROUNDING and not excused and not launch.relaunched:
            yield f"{one.server} was {one.status} {earliest - one.ended:.0f} s before its outcome was possible"

    # the end, notification and clean-up

    def _end_of_last_wave(self, ready: float) -> Iterator[str]:
        if self.stopped:
            return
        ends = [wave.ended for wave in self.observed.waves if wave.ended is not None and not wave.carried]
        last = max([self.observed.started, *ends])
        servers = [one for wave in self.observed.waves for one in wave.servers]
        again = any(one.gone_from is not None and one.gone_from < self.observed.ended for one in servers)
        allowed = DECISION_SECONDS + ROUNDING + (SECOND_LOOK_SECONDS if again else 0)
        if self.observed.ended > self.conditions.latest(last, allowed):
            yield f"it ended {self.observed.ended - last:.0f} s after its last wave"

    def _notification_and_clean_up(self) -> Iterator[str]:
        observed, conditions = self.observed, self.conditions
        lost = len(conditions.abnormal_exits) >= 3
        expected = "SENT" if self.plan.notifies else "SKIPPED"
        excused = self.plan.notifies and (lost or any(one.operation == "sns:Publish" for one in conditions.outages))
        if observed.notification != expected and not (excused and observed.notification == FAILED):
            yield f"the notification is {observed.notification}, expected {expected}"
        start = [one.server for wave in observed.waves if wave.started is not None for one in wave.servers]
        launched = [conditions.launches[server] for server in start]
        expected = COMPLETED if self.plan.cleans_up else SKIPPED
        unclean = (
            lost
            or any(one.termination_fails for one in launched)
            or any(o.operation.startswith("drs:") for o in conditions.outages)
        )
        unclean = unclean or any(one.operation == "sts:AssumeRole" for one in conditions.outages)
        if observed.clean_up != expected and not (unclean and observed.clean_up == FAILED):
            yield f"the clean-up is {observed.clean_up}, expected {expected}"
        elif observed.clean_up == COMPLETED and observed.clean_up_ended is not None:
            longest = max([0.0, *(one.seconds for one in launched)])
            # The engine waits for an instance that another launch replaced before DRS listed it.
            longest += MISSING_INSTANCE_SECONDS if any(one.replaced for one in launched) else 0
            # An instance that cannot be terminated stays until the clean-up gives up or a later launch replaces it.
            endless = any(one.termination_fails for one in launched)
            if not endless and observed.clean_up_ended > conditions.latest(observed.ended, longest + 4 * TOLERANCE):
                yield f"the clean-up ended {observed.clean_up_ended - observed.ended:.0f} s after the execution"
