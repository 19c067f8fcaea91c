"""One scenario's world: the plan it drafts, the executions it starts, and what it saw of them.

Given steps draft (`groups`, `plan`, `events`), When steps act (`start`, `wait_for_record`), Then steps read (`record`,
`wave`, `result`). What the engine answers with in a When, a refusal or a wait without end, is kept for the Then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from engine.client import AlreadyEnded, EngineClient, EngineError, StartRefused
from features import testdata
from features.targets import Target, WaitTimeout

if TYPE_CHECKING:
    from simulator.drs import DrsWorld
    from simulator.gateway.faults import Fault

Document = dict[str, Any]

# Longer than anything a plan of the test data may take; an engine that needs more than this hangs.
PATIENCE_SECONDS = 30 * 3600
OVER = {"COMPLETED", "FAILED", "CANCELLED"}


class NoPlanYet(AssertionError):
    """A step needs a plan before a Given has named one. An assertion: behave shows the line, and no traceback."""

    def __init__(self) -> None:
        super().__init__('no plan yet; begin with a Given that names one, such as: Given the "three-tier" plan')


class NothingStarted(LookupError):
    """A Then looks at an execution, but no When has started one: the scenario says nothing about the engine."""

    def __init__(self) -> None:
        super().__init__(
            "no execution was started; say before it what happens, such as: When a drill of the plan is run"
        )


class World:
    """What the steps of one scenario share."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.client = EngineClient(target.session(), target.stack.outputs)
        self.servers: dict[str, str] = {}
        self.groups: dict[str, Document] = {}
        self.plan: Document = {}
        self.executions: list[str] = []
        self.refusal: StartRefused | None = None
        self.over_already: AlreadyEnded | None = None
        self.gave_up: list[str] = []
        self.records_seen: dict[str, list[Document]] = {}
        self._read_at: dict[str, int | None] = {}
        self.events: list[Callable[[], None]] = []
        self.foreign_jobs: list[str] = []
        self.clean_ups: list[Callable[[], None]] = []
        self.notes: dict[str, Any] = {}
        self._armed: list[tuple[str, Fault]] = []

    # Given

    @property
    def drs(self) -> DrsWorld:
        """World building for the simulated DRS where the drafted plan recovers to."""
        simulator = self.target.simulator
        account, region = self.plan.get("TargetAccountId"), self.plan.get("TargetRegion")
        world: DrsWorld = simulator.drs_in(account or simulator.account, region or simulator.region)
        return world

    def note_armed(self, sentence: str) -> None:
        """Remember which step put the faults there that are new since the step before."""
        known = {id(fault) for _, fault in self._armed}
        self._armed += [(sentence, fault) for fault in self.target.simulator.faults if id(fault) not in known]

    def idle_faults(self) -> list[str]:
        """A line for each step whose fault no call has met: the scenario would be the same without it."""
        return [
            f'"{sentence}" never came about: no such call was made, {fault.service} {fault.operation}; '
            "let the scenario make one, or take the step out"
            for sentence, fault in self._armed
            # A rate that calls kept to has been there for them.
            if fault.hits == 0 and not (fault.kind == "rate_limit" and fault.passed)
        ]

    def start_foreign_job(self, name: str, *, for_real: bool = False) -> None:
        """Somebody else recovers the server, now; the clean-up removes what that launches, too."""
        self.foreign_jobs.append(self.drs.start_foreign_job([self.server_id(name)], is_drill=not for_real))

    def add_server(self, host_name: str, server_id: str) -> None:
        """Let DRS replicate a server where the drafted plan recovers to."""
        self.target.provide_server(
            server_id, host_name, self.plan.get("TargetAccountId"), self.plan.get("TargetRegion")
        )
        self.servers[host_name] = server_id

    def add_group(self, group: Document) -> None:
        """Draft a group, in the account and Region that the drafted plan recovers to (else the run's own account)."""
        region = self.plan.get("TargetRegion", group["Region"])
        account = self.plan.get("TargetAccountId", self.target.account)
        self.groups[group["GroupId"]] = {**group, "AccountId": account, "Region": region}

    def drafted_plan(self) -> Document:
        """The plan that a Given has named; raises NoPlanYet."""
        if not self.plan:
            raise NoPlanYet
        return self.plan

    def draft_wave(self, number: int) -> Document:
        """The drafted plan's wave; raises LookupError when the plan has no such wave, NoPlanYet without a plan."""
        waves: list[Document] = self.drafted_plan()["Waves"]
        for wave in waves:
            if wave["WaveNumber"] == number:
                return wave
        raise LookupError(f"the drafted plan has no wave {number}")

    def plain_client(self, service: str) -> Any:
        """A client that repeats nothing of itself: what AWS answers is what the caller sees."""
        once = Config(retries={"total_max_attempts": 1})
        return self.target.session().client(service, config=once)

    def server_id(self, name: str) -> str:
        """The id of a server the features call by its host name; an id is its own name."""
        if name not in self.servers and not name.startswith("s-"):
            raise LookupError(f"no server is called {name!r} here; there are {', '.join(self.servers)}")
        return self.servers.get(name, name)

    def server_name(self, server_id: str) -> str:
        return next((name for name, known in self.servers.items() if known == server_id), server_id)

    # When

    def save(self) -> None:
        """Write the drafted groups and plan to the engine's tables."""
        for group in self.groups.values():
            self.client.put_group(group)
        if self.plan:
            self.client.put_plan(self.plan)

    def start(self, run: str, token: str | None = None, initiated_by: str | None = None) -> None:
        """Start the drafted plan; a refusal is kept for the Then to judge. Raises NoPlanYet."""
        plan = self.drafted_plan()
        self.save()
        try:
            execution = self.client.start(plan["PlanId"], run, client_token=token, initiated_by=initiated_by)
        except StartRefused as refusal:
            self.refusal = refusal
        except EngineError as failure:
            self.gave_up.append(f"The engine could not start the plan: {failure}")
        else:
            self.executions.append(execution)

    def wait_for_record(self, condition: Callable[[Document], bool], what: str) -> None:
        """Wait for the newest execution's record to meet `condition`; giving up is kept for the Then to judge."""
        if self.executions:
            self.wait_until(lambda: condition(self.sample()), what, of="dynamodb")

    def wait_until(
        self, condition: Callable[[], Any], what: str, timeout: float = PATIENCE_SECONDS, of: str | None = None
    ) -> None:
        try:
            self.target.wait_until(condition, timeout, what, of=of)
        except WaitTimeout as given_up:
            self.gave_up.append(str(given_up))

    def cancel(self, reason: str) -> None:
        """Cancel the newest execution; the answer that it is over already is kept for the Then to judge."""
        if self.executions:
            try:
                self.client.cancel(self.executions[-1], reason=reason)
            except AlreadyEnded as answer:
                self.over_already = answer

    def run_to_end(self) -> None:
        """Let what the scenario announced happen in its turn, then wait until the execution is over."""
        for event in self.events:
            event()
        self.wait_for_record(lambda record: record["Status"] in OVER, "the execution to be over")

    def sample(self, execution_id: str | None = None) -> Document:
        """Read a record and remember it: the invariants are judged on everything that was ever read.

        A record that nobody can have written since it was read is not read again.
        """
        wanted = execution_id or self.executions[-1]
        changes = self.target.changes_of_items()
        if changes is not None and self._read_at.get(wanted) == changes:
            return self.records_seen[wanted][-1]
        record = self.client.get(wanted)
        seen = self.records_seen.setdefault(wanted, [])
        if not seen or seen[-1] != record:
            seen.append(record)
        self._read_at[wanted] = changes
        return record

    # Then

    def record(self) -> Document:
        """The newest execution's record as the history shows it now. Raises NothingStarted if nobody asked for one."""
        if not self.executions:
            problems = "; ".join([*(self.refusal.problems if self.refusal else []), *self.gave_up])
            if not problems:
                raise NothingStarted
            raise AssertionError(
                f"No execution was started, so there is no record to look at. The engine said: {problems}"
            )
        return self.sample()

    def wave(self, number: int) -> Document:
        record = self.record()
        waves: list[Document] = record["Waves"]
        for wave in waves:
            if wave["WaveNumber"] == number:
                return wave
        raise AssertionError(f"The record of execution {record['ExecutionId']} has no wave {number}")

    def result(self, name: str) -> Document:
        """The server's result in the record, its wave's number added."""
        record, wanted = self.record(), self.server_id(name)
        for wave in record["Waves"]:
            for result in wave["ServerResults"]:
                if result["SourceServerId"] == wanted:
                    return {**result, "WaveNumber": wave["WaveNumber"]}
        raise AssertionError(
            f"The record of execution {record['ExecutionId']} has no result of server {name} ({wanted})"
        )


def load_known_servers(world: World) -> None:
    """The six known servers replicate, whatever the plan."""
    for host_name, server_id in testdata.servers().items():
        world.add_server(host_name, server_id)
