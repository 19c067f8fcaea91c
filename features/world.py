"""One scenario's world: the plan it drafts, the executions it starts, and the records that it read.

Given steps draft (`groups`, `plan`), When steps act (`start`, `wait_for_record`), Then steps read (`record`, `wave`,
`result`). A When keeps the engine's refusal, or a wait that timed out, for the Then to judge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from click.testing import CliRunner

from engine import cli
from engine.client import AlreadyEnded, DecisionRefused, EngineClient, EngineError, Page, StartRefused
from features import testdata
from features.effects import Effects
from features.matchers import describe
from features.targets import RunTarget, WaitTimeout
from traceability.model.verdict import ScenarioMistake

if TYPE_CHECKING:
    from simulator.drs import DrsWorld

Document = dict[str, Any]

# Longer than any plan of the test data may take; an engine that needs longer hangs.
TIMEOUT_SECONDS = 30 * 3600
ENDED = {"COMPLETED", "FAILED", "CANCELLED"}


class NoPlanYet(ScenarioMistake):
    """A step needs a plan before a Given has named one."""

    def __init__(self) -> None:
        super().__init__('no plan yet; begin with a Given that names one, such as: Given the "three-tier" plan')


class NothingStarted(ScenarioMistake):
    """A Then reads an execution, but no When has started one: the scenario does not test the engine."""

    def __init__(self) -> None:
        super().__init__("no execution was started; put a When before it, such as: When a drill of the plan is run")


@dataclass
class WatchedJob:
    """A job of DRS that the suite read again and again: each status with the time of its first appearance."""

    job: Document | None = None
    statuses: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True)
class HistoryPage:
    """One page of the history, and the AWS calls that read it."""

    page: Page
    calls: Sequence[Any]


@dataclass(frozen=True)
class OperationResult:
    """The answer of an operation to a good request, and its answer to each fault, by error code."""

    answer: Any
    errors: dict[str, Any]


class World:
    """State that the steps of one scenario share."""

    def __init__(self, target: RunTarget) -> None:
        self.target = target
        self.client = EngineClient(target.session(), target.stack.outputs)
        self.servers: dict[str, str] = {}
        self.groups: dict[str, Document] = {}
        self.plan: Document = {}
        self.executions: list[str] = []
        self.refusal: StartRefused | None = None
        self.command_failure: str | None = None
        # Verdict, host name ("" for the plan as a whole) and message of each finding of the last readiness check.
        self.findings: list[tuple[str, str, str]] = []
        self.already_ended: AlreadyEnded | None = None
        self.refused_decision = ""
        # A customer's KMS key, which the engine may use in the account that the plan recovers to. Simulated AWS only.
        self.encryption_key_arn: str = getattr(target, "encryption_key_arn", "")
        self.start_warnings: list[str] = []
        # The time as of which the scenario runs its plan.
        self.as_of = datetime.min.replace(tzinfo=UTC)
        self.timed_out: list[str] = []
        self.records_seen: dict[str, list[Document]] = {}
        self._read_at: dict[str, int | None] = {}
        self.foreign_jobs: list[str] = []
        # For the clean-up: plans that are saved beside `plan`, further removals, its jobs and instances, items left.
        self.saved_plans: list[Document] = []
        self.clean_ups: list[Callable[[], None]] = []
        self.terminate_jobs: list[str] = []
        self.terminated_instances: list[str] = []
        self.items_left: list[str] | None = None
        # Results of a When, for the Then.
        self.drs_answer: Document | str | None = None
        self.subscriber_queue = ""
        self.messages: list[Document] = []
        self.subjects: list[str] = []
        self.history_page: HistoryPage | None = None
        self.watched_job = WatchedJob()
        self.refused_connection: str | None = None
        self.operation_results: dict[str, OperationResult] = {}
        self.effects = Effects()

    # Given

    @property
    def drs(self) -> DrsWorld:
        """The simulated DRS of the account and Region that the drafted plan recovers to."""
        simulator = self.target.simulator
        account, region = self.plan.get("TargetAccountId"), self.plan.get("TargetRegion")
        world: DrsWorld = simulator.drs_in(account or simulator.account, region or simulator.region)
        return world

    def arrange(self, name: str) -> str:
        """Remember that the scenario arranges the launch of this server; returns the server's id."""
        server = self.server_id(name)
        self.effects.servers[server] = name
        return server

    def start_foreign_job(self, name: str, run: str) -> None:
        """Start another user's drill or recovery of the server; the clean-up removes its instance as well."""
        self.foreign_jobs.append(self.drs.start_foreign_job([self.server_id(name)], is_drill=run == "DRILL"))

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
        """The drafted plan's wave; raises ScenarioMistake without such a wave, NoPlanYet without a plan."""
        waves: list[Document] = self.drafted_plan()["Waves"]
        for wave in waves:
            if wave["WaveNumber"] == number:
                return wave
        there = ", ".join(str(wave["WaveNumber"]) for wave in waves)
        raise ScenarioMistake(f"the drafted plan has no wave {number}; it has {there}")

    def plain_client(self, service: str) -> Any:
        """A client without botocore's retries: the caller sees each answer of AWS."""
        once = Config(retries={"total_max_attempts": 1})
        return self.target.session().client(service, config=once)

    def server_id(self, name: str) -> str:
        """The id of a server that the features name by its host name; a server id stays as it is."""
        if name not in self.servers and not name.startswith("s-"):
            raise ScenarioMistake(f"this scenario has no server {name!r}; it has {', '.join(self.servers)}")
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

    def start(self, run: str, plan: str = "", **options: Any) -> None:
        """Start the drafted plan, or this plan of the test data; keep a refusal for the Then to judge.

        `options` are those of the engine's client. Raises NoPlanYet.
        """
        started = self.drafted_plan()
        self.save()
        if plan:
            started = testdata.read(f"plans/{plan}")
            self.saved_plans.append(started)
            self.client.put_plan(started)
        try:
            answer = self.client.start_or_find(started["PlanId"], run, **options)
        except StartRefused as refusal:
            self._keep_refusal(refusal)
        except EngineError as failure:
            self.timed_out.append(f"The engine could not start the plan: {failure}")
        else:
            self.executions.append(answer.execution_id)
            self.start_warnings = list(answer.warnings)

    def _keep_refusal(self, refusal: StartRefused) -> None:
        self.refusal = refusal
        self.effects.keep("start", f"the engine refused a start: {refusal.problems[0]}")

    def resume(self, **choices: Any) -> None:
        """Resume the newest execution and run it to its end; keep a refusal for the Then to judge.

        `choices` are those of the engine's client.
        """
        try:
            self.executions.append(self.client.resume(self.executions[-1], **choices))
        except StartRefused as refusal:
            self._keep_refusal(refusal)
        else:
            self.run_to_end()

    def start_together(self, *starts: tuple[str, str]) -> None:
        """Start plans at the same moment, each with its kind of run; "" is the drafted plan. Simulated AWS only."""
        drafted = self.drafted_plan()
        self.save()
        plans = [testdata.read(f"plans/{name}") if name else drafted for _, name in starts]
        for plan in plans:
            self.client.put_plan(plan)
        self.saved_plans += [plan for plan in plans if plan is not drafted]
        operators = [
            self.target.simulator.spawn(f"operator {number}", partial(self._answer, run, plan))
            for number, ((run, _), plan) in enumerate(zip(starts, plans, strict=True))
        ]
        for operator in operators:
            answer = operator.join()
            if isinstance(answer, StartRefused):
                self._keep_refusal(answer)
            else:
                self.executions.append(answer)

    def _answer(self, run: str, plan: Document) -> str | StartRefused:
        try:
            return self.client.start(plan["PlanId"], run)
        except StartRefused as refusal:
            return refusal

    def run_command(self, words: Sequence[str]) -> None:
        """Run a `start` command of the engine in this process, confirmed by the id of the plan. Simulated AWS only."""
        result = CliRunner().invoke(
            cli.main, list(words), input=f"{words[1]}\n", env={"ENGINE_STACK": self.target.stack.name}
        )
        self.command_failure = result.output if result.exit_code else None
        if result.exit_code:
            self.effects.keep("command", f"the command failed: {result.output.strip()}")
        if not result.exit_code:
            self.executions.append(result.stdout.strip().splitlines()[-1])

    def wait_for_record(self, condition: Callable[[Document], bool], what: str) -> None:
        """Wait for the newest execution's record to meet `condition`; keep a timeout for the Then to judge."""
        if self._may_go_on():
            self.wait_until(lambda: condition(self.sample()), what, of="dynamodb")

    def wait_for_state(self, condition: Callable[[Document], bool], what: str) -> None:
        """Wait until a version of the newest record meets `condition`, or the execution has ended without it."""
        self.wait_for_record(lambda record: record["Status"] in ENDED or condition(record), what)
        seen = self.records_seen.get(self.executions[-1], []) if self.executions else []
        if seen and not any(map(condition, seen)):
            self.effects.never_reached.append(
                f"the scenario waits for {what}, but the execution ended {seen[-1]['Status']} before that"
            )

    def _may_go_on(self) -> bool:
        """Whether there is an execution; False after a refused start, which a Then judges. Raises NothingStarted."""
        if not self.executions and self.refusal is None and not self.timed_out:
            raise NothingStarted
        return bool(self.executions)

    def wait_until(
        self, condition: Callable[[], Any], what: str, timeout: float = TIMEOUT_SECONDS, of: str | None = None
    ) -> None:
        try:
            self.target.wait_until(condition, timeout, what, of=of)
        except WaitTimeout as timeout_reached:
            self.timed_out.append(str(timeout_reached))
            self.effects.never_reached.append(str(timeout_reached))

    def cancel(self, reason: str) -> None:
        """Cancel the newest execution; keep the answer that it has already ended for the Then to judge."""
        if self._may_go_on():
            try:
                self.client.cancel(self.executions[-1], reason=reason)
            except AlreadyEnded as answer:
                self.already_ended = answer
                self.effects.keep("cancellation", f"the engine refused a cancellation: {answer}")

    def hold(self, change: str) -> None:
        """Pause or continue the newest execution."""
        if self._may_go_on():
            (self.client.pause if change == "paused" else self.client.continue_)(self.executions[-1])

    def decide(self, decision: str, wave: int, comment: str) -> None:
        """Approve or reject a wave of the newest execution; keep a refusal for the Then to judge."""
        act = self.client.approve if decision == "approve" else self.client.reject
        if self._may_go_on():
            try:
                act(self.executions[-1], wave, comment=comment)
            except DecisionRefused as refusal:
                self.refused_decision = str(refusal)
                self.effects.keep("decision", f"the engine refused a decision: {refusal}")

    def run_to_end(self) -> None:
        """Wait until the newest execution has ended."""
        self.wait_for_record(lambda record: record["Status"] in ENDED, "the execution to end")

    def sample(self, execution_id: str | None = None) -> Document:
        """Read a record and remember it: the invariants are judged on every record that was read.

        A record is not read again while no item of any table has changed.
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
        """The newest execution's record as the history shows it now. Raises NothingStarted without a start."""
        if not self.executions:
            problems = "; ".join([*(self.refusal.problems if self.refusal else []), *self.timed_out])
            if not problems:
                raise NothingStarted
            raise AssertionError(
                f"No execution was started, so there is no record to read. The engine said: {problems}"
            )
        return self.sample()

    def record_text(self) -> str:
        """The record, and the waits that timed out: for the end of a mismatch."""
        return "\n".join(["Read the execution record:", describe(self.record()), *self.timed_out])

    @property
    def refusal_text(self) -> str:
        """The engine's answer to the refused start. Raises AssertionError if it refused none."""
        if self.refusal is None:
            raise AssertionError(
                f"The engine did not refuse the start; executions: {', '.join(self.executions) or 'none'}."
            )
        self.effects.judged("start")
        return "\n".join(self.refusal.problems)

    def read_history(self, status: str, **page: Any) -> Page:
        """One page of the history: of the drafted plan, or of all executions with this status."""
        if status:
            return self.client.list_by_status(status, **page)
        return self.client.list_by_plan(self.plan["PlanId"], **page)

    def wave(self, number: int) -> Document:
        record = self.record()
        waves: list[Document] = record["Waves"]
        for wave in waves:
            if wave["WaveNumber"] == number:
                return wave
        raise AssertionError(f"The record of execution {record['ExecutionId']} has no wave {number}")

    def require_wave(self, number: int) -> None:
        """Raise ScenarioMistake if no plan of the scenario has such a wave: its absence would prove nothing."""
        numbers = {wave["WaveNumber"] for plan in (self.plan, *self.saved_plans) for wave in plan.get("Waves", ())}
        if number not in numbers:
            there = ", ".join(map(str, sorted(numbers)))
            raise ScenarioMistake(f"no plan of this scenario has a wave {number}; there are {there}")

    def result(self, name: str) -> Document:
        """The server's result in the record, with the number of its wave."""
        record, wanted = self.record(), self.server_id(name)
        for wave in record["Waves"]:
            for result in wave["ServerResults"]:
                if result["SourceServerId"] == wanted:
                    return {**result, "WaveNumber": wave["WaveNumber"]}
        raise AssertionError(
            f"The record of execution {record['ExecutionId']} has no result of server {name} ({wanted})"
        )


def load_known_servers(world: World) -> None:
    """Let DRS replicate the six known servers."""
    for host_name, server_id in testdata.servers().items():
        world.add_server(host_name, server_id)
