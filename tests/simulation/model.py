"""The reference model: what a recovery plan means. It knows nothing of AWS, of retries, of polls or of the engine.

It is told the plan, what the world did (which launches fail and how long they take, when an instance runs, when
somebody asked to stop, when AWS was out of order) and what was seen to happen. It walks through the waves in their
order and says, at each one, what may have happened given what has been seen before; whatever else was seen is a
disagreement. Where time decides (a cancellation near a wave's end, an instance that runs at about the moment at which
patience ends) more than one outcome is allowed, and only there:

- something that is due happens at most `LATE` seconds late, and later only by what AWS's disorder cost in that time;
- a server may be FAILED although the world would have recovered it only if its own record blames an operation that was
  out of order at that moment.

All moments are seconds after the beginning of the day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

# Between two looks at the same thing lies less than a minute.
LATE = 60
# An instance that has gone before it was looked at is missed for so long before it is given up.
GONE = 330
# A decision takes a few calls.
PROMPT = 6
ROUNDING = 1.1

RECOVERED, FAILED, SKIPPED, CANCELLED = "RECOVERED", "FAILED", "SKIPPED", "CANCELLED"
COMPLETED = "COMPLETED"


# --- the plan ---


@dataclass(frozen=True)
class Patience:
    """How long an instance is given to run, from the first look at it, and how often it is looked at."""

    timeout: int
    interval: int


@dataclass(frozen=True)
class PlannedWave:
    number: int
    one_by_one: bool
    servers: tuple[str, ...]
    depends_on: tuple[int, ...]
    wait: int
    patience: Patience | None


@dataclass(frozen=True)
class Plan:
    waves: tuple[PlannedWave, ...]
    timeout: int
    cleans_up: bool
    tells: bool
    # How many servers are launched together at most.
    together: int


# --- what the world did ---


@dataclass(frozen=True)
class Launch:
    """What becomes of a server when it is launched."""

    fails: bool
    # From the request to the outcome; a launch that fails early is over before.
    seconds: float
    early: bool
    # States of its instance, each from so many seconds after the launch on.
    states: tuple[tuple[float, str], ...]
    # Somebody else launched the same server while this execution was still at it.
    taken: bool
    # ... or was still cleaning up.
    replaced: bool
    # Somebody else began to recover the server for real before this execution was done with it.
    recovered: bool
    stays: bool

    def state(self, after: float) -> str:
        return [state for since, state in self.states if since <= after][-1]


@dataclass(frozen=True)
class Outage:
    operation: str
    since: float
    until: float


@dataclass(frozen=True)
class World:
    launches: dict[str, Launch]
    # What AWS's disorder, and servers or quota in use by others, cost: (moment, seconds).
    delays: tuple[tuple[float, float], ...] = ()
    outages: tuple[Outage, ...] = ()
    # When somebody first asked to cancel, when that was answered for good, and whether the answer was yes.
    cancelled: float | None = None
    cancel_answered: float = 0.0
    cancel_accepted: bool = False
    # When runs of the state machine died.
    deaths: tuple[float, ...] = ()

    def delay(self, since: float, until: float) -> float:
        """What the disorder of this time cost, and that which was not over when it began."""
        return sum(
            seconds for moment, seconds in self.delays if moment <= until and since <= moment + max(seconds, LATE)
        )

    def late(self, since: float, allowed: float) -> float:
        """The latest moment for something that takes `allowed` seconds from `since` on when all is well."""
        latest = since + allowed
        while (grown := since + allowed + self.delay(since, latest)) > latest:
            latest = grown
        return latest

    def out_of_order(self, operation: str | None, moment: float) -> bool:
        return any(one.operation == operation and one.since <= moment <= one.until + LATE for one in self.outages)


# --- what was seen ---


@dataclass(frozen=True)
class SeenServer:
    server: str
    status: str
    ended: float | None = None
    # The operation that its message blames.
    blames: str | None = None
    # It was not launched because it was recovered for real.
    spared: bool = False


@dataclass(frozen=True)
class SeenWave:
    number: int
    status: str
    servers: tuple[SeenServer, ...]
    started: float | None = None
    ended: float | None = None


@dataclass(frozen=True)
class Seen:
    status: str
    started: float
    ended: float
    timed_out: bool
    waves: tuple[SeenWave, ...]
    clean_up: str
    clean_up_ended: float | None
    told: str
    # Its first run of a state machine that died, if one did, ended it.
    died: bool


# --- the walk ---


@dataclass
class Walk:
    """One execution, from its start to its end; `disagreements` says what may not have happened."""

    plan: Plan
    world: World
    seen: Seen
    found: list[str] = field(default_factory=list)
    halted: bool = False

    def disagreements(self) -> list[str]:
        self.found = [*self._end()]
        ready = self.seen.started
        before: SeenWave | None = None
        for planned, wave in zip(self.plan.waves, self.seen.waves, strict=True):
            self.found += self._wave(planned, wave, ready)
            if wave.started is not None and wave.ended is not None:
                ready = wave.ended
            if wave.status == COMPLETED and wave.ended is not None:
                ready = wave.ended + planned.wait
            elif before is not None and before.status == COMPLETED and wave.started is None:
                # A wave that is skipped takes no time: only the wait of the wave right before counts.
                ready = before.ended or ready
            before = wave
        self.found += [*self._last_wave_ends_it(ready), *self._afterwards()]
        return self.found

    # how the execution ends

    @property
    def stopped(self) -> bool:
        return self.seen.status == CANCELLED or self.seen.timed_out or self.seen.died

    def _end(self) -> Iterator[str]:
        seen, world = self.seen, self.world
        deadline = seen.started + self.plan.timeout
        if seen.ended > world.late(deadline, LATE):
            yield f"it ended {seen.ended - deadline:.0f} s after its deadline"
        if seen.timed_out and seen.ended < deadline - ROUNDING:
            yield f"it timed out {deadline - seen.ended:.0f} s before its deadline"
        if seen.died and not any(death <= seen.ended + LATE for death in world.deaths):
            yield "it ended because its state machine died, but none did"
        yield from self._cancellation(deadline)
        if not self.stopped:
            well = all(wave.status == COMPLETED for wave in seen.waves)
            expected = COMPLETED if well else FAILED
            if seen.status != expected:
                yield f"it is {seen.status}, but its waves make it {expected}"
        elif seen.status == COMPLETED:
            yield "it was stopped, yet it is COMPLETED"

    def _cancellation(self, deadline: float) -> Iterator[str]:
        seen, world = self.seen, self.world
        if seen.status == CANCELLED:
            if world.cancelled is None or world.cancelled > seen.ended + ROUNDING:
                yield "it is CANCELLED, but nobody had asked for that"
            elif seen.ended > world.late(world.cancel_answered, LATE):
                yield f"it was cancelled {seen.ended - world.cancel_answered:.0f} s after somebody had asked"
        elif world.cancel_accepted and not self._overtaken(deadline):
            yield f"somebody was told that it is cancelled, yet it is {seen.status}"

    def _overtaken(self, deadline: float) -> bool:
        """The deadline had passed when the cancellation was asked for."""
        return self.seen.timed_out and self.world.cancelled is not None and self.world.cancelled >= deadline - LATE

    # one wave

    def _wave(self, planned: PlannedWave, wave: SeenWave, ready: float) -> Iterator[str]:
        name = f"wave {planned.number}"
        status = {one.number: one.status for one in self.seen.waves}
        blocked = [number for number in planned.depends_on if status[number] != COMPLETED]
        if wave.started is None:
            yield from self._not_begun(name, wave, blocked, ready)
            return
        if blocked:
            yield f"{name} began although wave {blocked[0]} is {status[blocked[0]]}"
        if wave.started < ready - 0.001:
            yield f"{name} began {ready - wave.started:.1f} s too early"
        if wave.started > self.world.late(ready, PROMPT + ROUNDING):
            yield f"{name} began {wave.started - ready:.0f} s after it could"
        if wave.ended is None:
            yield f"{name} began and never ended"
            return
        if [one.server for one in wave.servers] != list(planned.servers):
            yield f"{name} has other servers than the plan"
        yield from self._servers(planned, wave)
        yield from self._wave_status(name, planned, wave)

    def _not_begun(self, name: str, wave: SeenWave, blocked: list[int], ready: float) -> Iterator[str]:
        expected = {SKIPPED} if blocked else set()
        if self.seen.status == CANCELLED:
            expected.add(CANCELLED)
        elif self.stopped:
            expected.add(SKIPPED)
        if wave.status not in expected:
            yield f"{name} did not begin and is {wave.status}, expected {' or '.join(sorted(expected)) or 'a start'}"
        elif not blocked and not self.halted and self.seen.ended > self.world.late(ready, PROMPT + ROUNDING):
            yield f"{name} had not begun {self.seen.ended - ready:.0f} s after it could, when the execution was stopped"
        # The first wave that had yet to begin keeps those after it from beginning.
        self.halted = self.halted or not blocked
        for one in wave.servers:
            if one.status != wave.status:
                yield f"{one.server} is {one.status} in a wave that is {wave.status}"

    def _wave_status(self, name: str, planned: PlannedWave, wave: SeenWave) -> Iterator[str]:
        assert wave.ended is not None
        cut = self.stopped and abs(wave.ended - self.seen.ended) < 0.01
        allowed = {COMPLETED if all(one.status == RECOVERED for one in wave.servers) else FAILED}
        if cut:
            allowed = {self.seen.status} | (allowed if any(one.status != RECOVERED for one in wave.servers) else set())
            if self.seen.status == CANCELLED:
                allowed = {CANCELLED}
        if wave.status not in allowed:
            yield f"{name} is {wave.status}, expected {' or '.join(sorted(allowed))}"

    # its servers

    def _servers(self, planned: PlannedWave, wave: SeenWave) -> Iterator[str]:
        assert wave.started is not None
        cut = self.stopped and wave.ended is not None and abs(wave.ended - self.seen.ended) < 0.01
        groups = [[one] for one in wave.servers] if planned.one_by_one else [list(wave.servers)]
        begun, failed = wave.started, False
        for group in groups:
            for one in group:
                yield from self._server(planned, one, group, begun, failed, cut)
            if any(one.status == FAILED for one in group):
                failed = True
            begun = max([begun, *(one.ended for one in group if one.ended is not None)])

    def _server(
        self, planned: PlannedWave, one: SeenServer, group: list[SeenServer], begun: float, failed: bool, cut: bool
    ) -> Iterator[str]:
        if failed:
            if one.status != (
                CANCELLED if cut and self.seen.status == CANCELLED and one.status != SKIPPED else SKIPPED
            ):
                yield f"{one.server} is {one.status} although a server before it in its wave failed"
            return
        launch = self.world.launches[one.server]
        if one.spared:
            if one.status != FAILED or not launch.recovered:
                yield f"{one.server} is {one.status} because of a recovery that never was"
            return
        group = [other for other in group if not other.spared]
        launches = [self.world.launches[other.server] for other in group]
        longest = max(other.seconds for other in launches)
        gone = GONE if any(other.taken for other in launches) else 0
        latest = self.world.late(begun, longest + LATE + PROMPT + self._longest_look(planned, launches) + gone)
        place = group.index(one) // self.plan.together * self.plan.together
        together = launches[place : place + self.plan.together]
        # One that fails early is over at any moment before its time.
        over = (max(0 if other.early else other.seconds for other in together), max(o.seconds for o in together))
        if cut and (one.ended is None or abs(one.ended - self.seen.ended) < 0.01):
            if self.seen.ended > latest:
                yield f"{one.server} had no outcome {self.seen.ended - begun:.0f} s after its turn"
            if one.status in (CANCELLED, SKIPPED) or (one.status == FAILED and self.seen.status != CANCELLED):
                if (one.status == CANCELLED) != (self.seen.status == CANCELLED):
                    yield f"{one.server} is {one.status} in an execution that is {self.seen.status}"
                return
        allowed = self._outcomes(planned, launch, over, begun, latest)
        excused = one.status == FAILED and one.ended is not None and self.world.out_of_order(one.blames, one.ended)
        if one.status not in allowed and not excused:
            yield f"{one.server} is {one.status}, the world made it {' or '.join(sorted(allowed))}"
            return
        yield from self._moment(planned, one, launch, begun, latest, excused)

    def _longest_look(self, planned: PlannedWave, launches: list[Launch]) -> float:
        if planned.patience is None:
            return 0
        ends = [
            min([since for since, state in launch.states if state != "pending"] or [planned.patience.timeout])
            for launch in launches
            if not launch.fails
        ]
        return min(max([0, *ends]), planned.patience.timeout) + planned.patience.interval + LATE

    def _outcomes(
        self, planned: PlannedWave, launch: Launch, over: tuple[float, float], begun: float, latest: float
    ) -> set[str]:
        """What may become of a launch, for every moment at which the first look may have come."""
        if launch.fails:
            return {FAILED}
        if launch.taken:
            return {RECOVERED, FAILED}
        if planned.patience is None:
            return {RECOVERED}
        first, last = (max(0.0, moment - launch.seconds) for moment in over)
        late = LATE + PROMPT + self.world.delay(begun, latest)
        return {
            self._looked_at(launch, first + offset, planned.patience, slip)
            for offset in range(int(last - first + late) + 1)
            for slip in ((0.0, late - LATE) if late > LATE + PROMPT else (0.0, 1.0))
        }

    @staticmethod
    def _looked_at(launch: Launch, first: float, patience: Patience, slip: float) -> str:
        """The outcome of looks from `first` on (seconds after the launch), the last of them `slip` late."""
        offset = 0.0
        while True:
            last = offset >= patience.timeout
            state = launch.state(first + offset + (slip if last else 0))
            if state == "running":
                return RECOVERED
            if state != "pending" or last:
                return FAILED
            offset = min(offset + patience.interval, patience.timeout)

    def _moment(
        self, planned: PlannedWave, one: SeenServer, launch: Launch, begun: float, latest: float, excused: bool
    ) -> Iterator[str]:
        if one.ended is None:
            yield f"{one.server} is {one.status} and has no end"
            return
        if one.ended > latest:
            yield f"{one.server} was {one.status} {one.ended - latest:.0f} s later than it could be known"
        earliest = begun + (0 if launch.early else launch.seconds)
        if one.status == RECOVERED and planned.patience is not None and not launch.taken:
            earliest += min([since for since, state in launch.states if state == "running"] or [0])
        if one.ended < earliest - ROUNDING and not excused and not launch.taken:
            yield f"{one.server} was {one.status} {earliest - one.ended:.0f} s before it could be known"

    # the end and what follows

    def _last_wave_ends_it(self, ready: float) -> Iterator[str]:
        if self.stopped:
            return
        ends = [wave.ended for wave in self.seen.waves if wave.ended is not None]
        last = max([self.seen.started, *ends])
        if self.seen.ended > self.world.late(last, PROMPT + ROUNDING):
            yield f"it ended {self.seen.ended - last:.0f} s after its last wave"

    def _afterwards(self) -> Iterator[str]:
        seen, world = self.seen, self.world
        lost = len(world.deaths) >= 3
        expected = "SENT" if self.plan.tells else "SKIPPED"
        excused = self.plan.tells and (lost or any(one.operation == "sns:Publish" for one in world.outages))
        if seen.told != expected and not (excused and seen.told == FAILED):
            yield f"the notification is {seen.told}, expected {expected}"
        begun = [one.server for wave in seen.waves if wave.started is not None for one in wave.servers]
        launched = [world.launches[server] for server in begun]
        expected = COMPLETED if self.plan.cleans_up else SKIPPED
        unclean = (
            lost or any(one.stays for one in launched) or any(o.operation.startswith("drs:") for o in world.outages)
        )
        unclean = unclean or any(one.operation == "sts:AssumeRole" for one in world.outages)
        if seen.clean_up != expected and not (unclean and seen.clean_up == FAILED):
            yield f"the clean-up is {seen.clean_up}, expected {expected}"
        elif seen.clean_up == COMPLETED and seen.clean_up_ended is not None:
            longest = max([0.0, *(one.seconds for one in launched)])
            # What another launch replaced before it was seen could be listed yet, for all that can be known.
            longest += GONE if any(one.replaced for one in launched) else 0
            # What cannot be terminated stays until the clean-up gives up, or a later launch of its server replaces it.
            endless = any(one.stays for one in launched)
            if not endless and seen.clean_up_ended > world.late(seen.ended, longest + 4 * LATE):
                yield f"the clean-up ended {seen.clean_up_ended - seen.ended:.0f} s after the execution"
