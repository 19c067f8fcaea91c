"""The oracle reports a mistake in the engine on a case that exposes it: without this its silence would prove little."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from simulator.gateway.faults import KILL_AFTER
from tests.simulation import crashes, generator, monitor, oracle
from tests.simulation.cases import Case, Document
from tests.simulation.monitor import State
from tests.simulation.oracle import by_check
from tests.simulation.runner import package, run_case

FOUND = Path(__file__).parent / "found"


def drill(
    actions: list[Document] | None = None,
    fails: bool = False,
    timeout: int = 14400,
    type: str = "DRILL",
    keeps_instances: bool = False,
    faults: Sequence[Document] = (),
    **first_wave: Any,
) -> Case:
    """The three-tier drill with changes: more actions, a failing first server, a timeout, fields of the first wave."""
    plan = copy.deepcopy(crashes.DRILL.plans[0])
    plan |= {"timeout": timeout, "type": type, "keeps_instances": keeps_instances}
    plan["waves"][0] |= first_wave
    servers = {**crashes.DRILL.servers, "1": crashes.SERVER | {"fails": "no capacity" if fails else None}}
    chosen = [*crashes.DRILL.actions, *(actions or [])]
    return replace(crashes.DRILL, plans=[plan], servers=servers, actions=chosen, faults=list(faults))


def found(name: str) -> Case:
    return Case.from_dict(json.loads((FOUND / f"{name}.json").read_text(encoding="utf-8"))["case"])


# A second start over a server that the first execution holds.
TWO_PLANS = replace(
    crashes.SITUATIONS["cancelled drill"].case,
    actions=[*crashes.DRILL.actions, {"at": 75, "do": "start", "plan": 1}],
)
RESUMED = crashes.SITUATIONS["resumption"].case
LOST_LAUNCH = {"kind": KILL_AFTER, "source": "lambda", "service": "drs", "operation": "StartRecovery", "times": 1}
# The checks of what no engine can do at simulated AWS, or only with hundreds of servers: a state has the mistake.
JOB = SimpleNamespace(
    live=True, tags={}, servers=[SimpleNamespace(source_server=SimpleNamespace(source_server_id="s-1"))]
)
OF_STATES = {
    "live_jobs": (State({}, {}, [JOB, JOB]), "s-1 is in 2 live jobs"),
    "item_sizes": (
        State({"x": {"EXECUTION": {"Reason": "a" * monitor.LARGEST_ITEM}}}, {}, []),
        "item EXECUTION of x has 100014 characters",
    ),
}


@dataclass(frozen=True)
class Mistake:
    """A mistake in one file of the engine, the case (or its seed) that exposes it, and the check that reports it."""

    file: str
    right: str
    wrong: str
    case: int | Case
    noticed_by: str
    # The engine's own invariants are off as well: they would stop it before the oracle sees the mistake.
    unguarded: bool = False

    @property
    def changes(self) -> Iterator[tuple[str, str, str]]:
        yield self.file, self.right, self.wrong
        if self.unguarded:
            yield "core/invariants.py", "    if violations:", "    if False:"


MISTAKES = {
    "a wait is cut to half": Mistake(
        "core/decisions.py",
        "timedelta(seconds=before.wait_seconds)",
        "timedelta(seconds=before.wait_seconds // 2)",
        7,
        "records",
    ),
    "instances get too little time": Mistake(
        "core/launched_instances.py", "elapsed < timeout", "elapsed < timeout - 90", 15, "records"
    ),
    "a pinned snapshot is forgotten": Mistake(
        "core/wave_work.py",
        "for s in chosen if s.snapshot_id)",
        "for s in chosen if s.snapshot_id and False)",
        3,
        "aws_requests",
    ),
    "a recovery is a drill": Mistake(
        "core/wave_work.py", "is_drill=execution.is_drill", "is_drill=True", 3, "aws_requests"
    ),
    "a drill looks for recoveries at its start only": Mistake(
        "core/wave_work.py",
        "if look not in performed",
        "if wave.number < 0 and look not in performed",
        drill([{"at": 20, "do": "foreign_job", "servers": [5], "recovery": True}]),
        "launches_over_real_instances",
    ),
    "a launch replaces what the operator did not confirm": Mistake(
        "core/protection.py",
        "if server.may_replace(found.recovery_instance_id):",
        "if not execution.is_drill:",
        drill([{"at": 20, "do": "foreign_job", "servers": [5], "recovery": True}], type="RECOVERY"),
        "replaced_recoveries",
    ),
    "a recovery waits for the clean-up of a drill": Mistake(
        "function/starting.py",
        "if holder.ended and claim(",
        "if False and claim(",
        drill([{"at": 40, "do": "cancel", "plan": 0}, {"at": 100, "do": "start", "plan": 0, "recovery": True}]),
        "start_answers",
    ),
    "a sequential wave is launched at once": Mistake(
        "core/wave_work.py",
        "return () if at_work else pending[:1]",
        "return pending[:1]",
        12,
        "records",
    ),
    "a stopped instance counts as running": Mistake(
        "core/launched_instances.py",
        'if state == "running":',
        'if state in ("running", "stopped"):',
        48,
        "records",
    ),
    "a sequential wave goes on after a failure": Mistake(
        "core/wave_work.py",
        "if wave.launch_order is not LaunchOrder.SEQUENTIAL or failed is None or not pending:",
        "if True:",
        drill(fails=True, order="SEQUENTIAL"),
        "records",
    ),
    "the deadline is late": Mistake(
        "core/decisions.py",
        "now >= execution.deadline:",
        "(now - execution.deadline).total_seconds() >= 100:",
        drill(timeout=100),
        "invocation_rate",
    ),
    "a failed launch counts as launched": Mistake(
        "core/drs_status.py",
        '"FAILED": JobStatus.FAILED, "TERMINATED"',
        '"FAILED": JobStatus.COMPLETED, "TERMINATED"',
        drill(fails=True, timeout=900),
        "records",
    ),
    "a cancellation in a long wait is noticed late": Mistake(
        "core/policy.py",
        "LONGEST_WAIT_SECONDS = 50",
        "LONGEST_WAIT_SECONDS = 170",
        drill([{"at": 200, "do": "cancel", "plan": 0}], wait=900),
        "records",
    ),
    "a launch is given up while it may still happen": Mistake(
        "core/outcomes.py",
        "if _may_still_be_launched(execution, now):",
        "if False:",
        found("launched-after-the-record-was-closed"),
        "recorded_jobs",
    ),
    "a start takes no leases": Mistake("core/start_protocol.py", "if not view.missing:", "if True:", drill(), "leases"),
    "a start ignores the leases of others": Mistake(
        "core/start_protocol.py",
        "return Claim.BLOCKS if holder.machine_runs else Claim.DEAD",
        "return Claim.FREE",
        TWO_PLANS,
        "overlapping_starts",
    ),
    "a lost answer is a refused launch": Mistake(
        "aws/drs.py",
        "if tags.items() <= item.get(",
        "if False and item.get(",
        drill(faults=[LOST_LAUNCH]),
        "launches",
    ),
    "a wave does not wait for its dependencies": Mistake(
        "core/decisions.py",
        "for number in wave.depends_on:",
        "for number in ():",
        drill(fails=True),
        "wave_order",
        unguarded=True,
    ),
    "a cancelled server is launched": Mistake(
        "core/outcomes.py",
        "if status is JobStatus.COMPLETED and not server.ended:",
        "if status is JobStatus.COMPLETED:",
        drill([{"at": 30, "do": "cancel", "plan": 0}]),
        "status_order",
        unguarded=True,
    ),
    "the function fails": Mistake(
        "core/notification.py", "return str(execution.status)", "return str(execution.state)", drill(), "failures"
    ),
    "a settled execution keeps its plan": Mistake(
        "aws/execution_history.py",
        "unlock = [self._unlock(after)] if after.settled and not before.settled else []",
        "unlock = []",
        drill(),
        "finalized",
    ),
    "a resumed execution does not name its successor": Mistake(
        "aws/execution_history.py",
        "SET ResumedBy = :new, Version",
        "SET ContinuedBy = :new, Version",
        RESUMED,
        "resumption_links",
    ),
    "a completed execution is resumed": Mistake(
        "core/resumption.py",
        "if before.status is ExecutionStatus.COMPLETED:",
        "if False:",
        drill([{"at": 1, "do": "resume", "plan": 0, "patient": True}], type="RECOVERY"),
        "resumption_links",
    ),
    "a failed execution is not resumed": Mistake(
        "core/resumption.py", "if not before.ended:", "if before.reason:", RESUMED, "resumption_answers"
    ),
    "a client token starts a second execution": Mistake(
        "function/starting.py",
        "if request.client_token is None:",
        "if True:",
        drill([{"at": at, "do": "start", "plan": 0, "token": "same"} for at in (2000, 4000)]),
        "start_answers",
    ),
    "a clean-up leaves an instance": Mistake(
        "core/finalization.py",
        "if server.awaits_termination]:",
        "if server.awaits_termination][1:]:",
        drill(),
        "instances",
    ),
    "a kept drill is cleaned up": Mistake(
        "core/finalization.py",
        "wanted = execution.terminate_drill_instances or",
        "wanted = True or",
        drill(keeps_instances=True),
        "terminations",
    ),
    "a job stands in no record": Mistake(
        "core/outcomes.py", "job_id=job.job_id,", "job_id=None,", drill(timeout=300), "jobs"
    ),
    "a notification names another duration": Mistake(
        "core/notification.py",
        '"Duration": _duration(execution, about),',
        '"Duration": 1 + _duration(execution, about),',
        drill(),
        "messages",
    ),
}


def package_with(mistake: Mistake) -> bytes:
    """The function's package with this mistake."""
    right, wrong = zipfile.ZipFile(io.BytesIO(package())), io.BytesIO()
    contents = {name: right.read(name) for name in right.namelist()}
    for file, old, new in mistake.changes:
        assert contents[f"engine/{file}"].count(old.encode()) == 1
        contents[f"engine/{file}"] = contents[f"engine/{file}"].replace(old.encode(), new.encode())
    with zipfile.ZipFile(wrong, "w") as target:
        for name, content in contents.items():
            target.writestr(name, content)
    return wrong.getvalue()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_engine_is_reported(mistake):
    seeded = MISTAKES[mistake]
    case = generator.generate(seeded.case) if isinstance(seeded.case, int) else seeded.case
    assert by_check(run_case(case)) == {}
    assert seeded.noticed_by in by_check(run_case(case, code=package_with(seeded)))


def test_each_check_reports_a_mistake():
    checks = {check.__name__.removeprefix("_") for check in (*oracle.CHECKS, *monitor.CHECKS)}
    for name, (state, problem) in OF_STATES.items():
        assert list(getattr(monitor, name)(state)) == [problem]
    assert {seeded.noticed_by for seeded in MISTAKES.values()} == checks - OF_STATES.keys()
