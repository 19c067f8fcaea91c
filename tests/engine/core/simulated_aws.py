"""A world without AWS for tests of the core: it answers actions, keeps the record as items, and can be interrupted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.core import document, invariants, record, stored_state
from engine.core.actions import (
    Action,
    ActionOutcome,
    Busy,
    CheckInstances,
    Failed,
    FindJob,
    FindRecoveries,
    FindRecoveryInstances,
    FindReplacements,
    FindServers,
    FindTerminations,
    Finish,
    InstancesSeen,
    InstancesVerified,
    JobLogRead,
    JobNotFound,
    JobsSeen,
    JobStarted,
    ListedRecoveryInstance,
    Notify,
    PollJobs,
    Published,
    ReadJobLog,
    ReadServers,
    RecoveriesFound,
    RecoveryInstancesSeen,
    ReplacementsFound,
    ServersFound,
    StartRecovery,
    TerminateInstances,
    TerminationsFound,
    TerminationStarted,
    VerifyInstances,
    Wait,
)
from engine.core.decisions import decide
from engine.core.drs_status import DrsJob
from engine.core.events import CancelRequest
from engine.core.outcomes import apply
from engine.core.plan import ExecutionType, parse_plan, resolve_target
from engine.core.protection import ExistingInstance
from engine.core.state import Execution, new_execution

# A job of three polls. A kill at each of the 20 polls of a usual job would meet the same state again and again.
SHORT_JOB_SECONDS = 120
START = datetime(2026, 1, 5, 8, 0, 0, 240_000, tzinfo=UTC)
ACCOUNT = "111122223333"
TERMINATION = "drsjob-terminate00000000"


class Killed(Exception):
    """The shell died here."""


def server(number: int) -> str:
    return f"s-{number:017d}"


def wave(number: int, servers: list[str], **fields: Any) -> dict[str, Any]:
    """A wave of its own group; PARALLEL unless told otherwise."""
    return {
        "WaveNumber": number,
        "WaveName": f"Tier {number}",
        "ProtectionGroupId": f"group-{number}",
        "ExecutionType": "PARALLEL",
        "ExecutionOrder": servers,
        **fields,
    }


def execution_of(*waves: dict[str, Any], execution_type: ExecutionType = ExecutionType.DRILL, **plan: Any) -> Execution:
    document = {"PlanId": "plan-1", "PlanName": "Plan", "Waves": list(waves), **plan}
    target = resolve_target(document, account_id=ACCOUNT, region="us-east-1")
    return new_execution(
        parse_plan(document, {}, target),
        execution_id="0d4b1b3a-0000-4000-8000-000000000001",
        execution_type=execution_type,
        initiated_by="arn:aws:iam::111122223333:user/operator",
        source_account_id=ACCOUNT,
    )


@dataclass
class World:
    """A model of DRS and EC2, in seconds; `kill_at` interrupts at the n-th action, before or after its effect."""

    now: datetime = START
    job_seconds: int = 600
    boot_seconds: int = 40
    fails: dict[str, str] = field(default_factory=dict)
    never_boots: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    # Servers that another user recovers, with the moment of the recovery.
    recovered: dict[str, datetime] = field(default_factory=dict)
    # What final checks see instead of `running`, by instance: one state after the other, then the last. None: gone.
    verified: dict[str, list[str | None]] = field(default_factory=dict)
    replaced: dict[str, ExistingInstance] = field(default_factory=dict)
    busy_times: int = 0
    failing: dict[type, list[Failed]] = field(default_factory=dict)
    kill_at: int | None = None
    kill_after_effect: bool = False
    items: dict[str, Any] = field(default_factory=dict)
    log: list[tuple[datetime, Action]] = field(default_factory=list)
    jobs: list[tuple[datetime, StartRecovery]] = field(default_factory=list)
    terminated: set[str] = field(default_factory=set)
    messages: int = 0
    actions: int = 0

    # --- the shell ---

    def begin(self, execution: Execution) -> None:
        self.items = document.items(execution)

    def load(self) -> Execution:
        return stored_state.parse_header(self.items[document.HEADER_KEY])

    def record(self) -> dict[str, Any]:
        parts: dict[int, list[Any]] = {}
        for key in sorted(key for key in self.items if key != document.HEADER_KEY):
            parts.setdefault(int(key.split("#")[1]), []).append(self.items[key])
        return record.assemble(self.items[document.HEADER_KEY], parts)

    def cancel(self, reason: str = "cancelled by operator") -> None:
        self._save(replace(self.load(), cancel=CancelRequest(self.now, reason)))

    def change(self, change: Callable[[Execution], Execution]) -> None:
        """Save what a person decides between two steps."""
        self._save(change(self.load()))

    def run(self, *, until: datetime | None = None, cancel_at: datetime | None = None) -> dict[str, Any]:
        """Tick until settled (or `until`); the record."""
        for _ in range(5000):
            try:
                action = self.step()
            except Killed:
                self.now += timedelta(seconds=2)
                continue
            if isinstance(action, Finish):
                return self.record()
            self.now = max(action.until, self.now) + timedelta(milliseconds=160)
            if until is not None and self.now >= until:
                return self.record()
            if cancel_at is not None and self.now >= cancel_at:
                self.cancel()
                cancel_at = None
        raise AssertionError(f"not settled after 5000 steps: {self.record()}")

    def step(self) -> Wait | Finish:
        saved = execution = self.load()
        performed: set[Action] = set()
        while True:
            decision = decide(execution, performed, self.now)
            invariants.check(saved, decision.execution)
            execution, action = decision.execution, decision.action
            if isinstance(action, ReadServers):
                for number in action.waves:
                    parts = [self.items[key] for key in document.part_keys(execution.wave(number))]
                    execution = stored_state.with_servers(execution, number, parts)
                    saved = stored_state.with_servers(saved, number, parts)
                continue
            if isinstance(action, StartRecovery | TerminateInstances | Notify | Wait | Finish):
                self._save(execution)
                saved = execution
            if isinstance(action, Wait | Finish):
                return action
            outcome = self._perform(action)
            self.now += timedelta(milliseconds=80)
            execution = apply(execution, action, outcome, self.now)
            performed.add(action)

    def _save(self, execution: Execution) -> None:
        self.items |= document.items(execution)

    def _perform(self, action: Action) -> ActionOutcome:
        self.actions += 1
        dies = self.actions == self.kill_at
        if dies and not self.kill_after_effect:
            raise Killed
        self.log.append((self.now, action))
        outcome = self._answer(action)
        if dies:
            raise Killed
        return outcome

    # --- DRS, EC2 and SNS ---

    def _answer(self, action: Action) -> ActionOutcome:  # noqa: C901 - one case for each action
        if self.failing.get(type(action)):
            return self.failing[type(action)].pop(0)
        match action:
            case FindServers(ids):
                return ServersFound(frozenset(ids) - self.unknown)
            case FindRecoveries(ids):
                return RecoveriesFound(
                    {s: ExistingInstance(s, f"i-{s[2:]}", f"i-{s[2:]}") for s in ids if self._is_recovered(s)}
                )
            case StartRecovery():
                return self._start(action)
            case FindJob(number, attempt):
                for index, (_, started) in enumerate(self.jobs):
                    if (started.wave, started.attempt) == (number, attempt):
                        return JobStarted(self._job(index))
                return JobNotFound()
            case PollJobs(ids):
                return JobsSeen({job_id: self._job(int(job_id[7:])) for job_id in ids})
            case ReadJobLog():
                return JobLogRead(self.fails)
            case FindRecoveryInstances(ids):
                return RecoveryInstancesSeen(
                    {i: ListedRecoveryInstance(i, i, "2026-01-05T07:59:00Z") for i in ids if i not in self.terminated}
                )
            case CheckInstances(ids):
                return InstancesSeen({i: self._state(i) for i in ids})
            case VerifyInstances(in_ec2, in_drs):
                seen = {i: self._verified(i) for i in (*in_ec2, *in_drs)}
                known = {i: state for i, state in seen.items() if state}
                return InstancesVerified(
                    {i: known[i] for i in in_ec2 if i in known}, {i: known[i] for i in in_drs if i in known}
                )
            case FindReplacements(ids):
                return ReplacementsFound({s: self.replaced[s] for s in ids if s in self.replaced})
            case TerminateInstances(ids):
                self.terminated |= set(ids)
                return TerminationStarted(TERMINATION)
            case FindTerminations(ids):
                return TerminationsFound({s: TERMINATION for s in ids if f"i-{s[2:]}" in self.terminated})
            case Notify():
                self.messages += 1
                return Published("message-1")
        raise AssertionError(action)

    def _verified(self, instance_id: str) -> str | None:
        states = self.verified.get(instance_id, ["running"])
        return states.pop(0) if len(states) > 1 else states[0]

    def _is_recovered(self, server_id: str) -> bool:
        return self.recovered.get(server_id, self.now) < self.now

    def _start(self, action: StartRecovery) -> ActionOutcome:
        if self.busy_times:
            self.busy_times -= 1
            return Busy("servers are being processed by a Job")
        self.jobs.append((self.now, action))
        return JobStarted(self._job(len(self.jobs) - 1))

    def _job(self, index: int) -> DrsJob:
        started, action = self.jobs[index]
        over = self.now >= started + timedelta(seconds=self.job_seconds)
        words = {s: "FAILED" if s in self.fails else "LAUNCHED" for s in action.source_server_ids}
        return DrsJob(
            job_id=f"drsjob-{index:017d}",
            status="COMPLETED" if over else "STARTED",
            launch_statuses=words if over else dict.fromkeys(words, "IN_PROGRESS"),
            recovery_instances={s: f"i-{s[2:]}" for s, word in words.items() if over and word == "LAUNCHED"},
            created=started,
        )

    def _state(self, instance_id: str) -> str:
        source = f"s-{instance_id[2:]}"
        if source in self.never_boots:
            return "pending"
        if self._is_recovered(source):
            return "running"
        started = max(time for time, action in self.jobs if source in action.source_server_ids)
        booted = started + timedelta(seconds=self.job_seconds + self.boot_seconds)
        return "running" if self.now >= booted else "pending"

    # --- queries of tests ---

    def launches(self) -> list[tuple[str, ...]]:
        return [action.source_server_ids for _, action in self.jobs]

    def jobs_per_server(self) -> Counter[str]:
        return Counter(source for launch in self.launches() for source in launch)

    def times(self, kind: type) -> list[datetime]:
        return [time for time, action in self.log if isinstance(action, kind)]
