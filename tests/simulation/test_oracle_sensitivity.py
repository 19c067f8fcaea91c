"""The oracle reports a mistake in the engine on a case that exposes it: without this its silence would prove little."""

from __future__ import annotations

import copy
import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.simulation import crashes, generator
from tests.simulation.cases import Case, Document
from tests.simulation.oracle import violations
from tests.simulation.runner import package, run_case

FOUND = Path(__file__).parent / "found"


def drill(
    actions: list[Document] | None = None,
    fails: bool = False,
    timeout: int = 14400,
    type: str = "DRILL",
    **first_wave: Any,
) -> Case:
    """The three-tier drill with changes: more actions, a failing first server, a timeout, fields of the first wave."""
    plan = copy.deepcopy(crashes.DRILL.plans[0])
    plan |= {"timeout": timeout, "type": type}
    plan["waves"][0] |= first_wave
    servers = {**crashes.DRILL.servers, "1": crashes.SERVER | {"fails": "no capacity" if fails else None}}
    return replace(crashes.DRILL, plans=[plan], servers=servers, actions=[*crashes.DRILL.actions, *(actions or [])])


def found(name: str) -> Case:
    return Case.from_dict(json.loads((FOUND / f"{name}.json").read_text(encoding="utf-8"))["case"])


# The mistake: its file, the right code, the wrong code, and the case (or its seed) that exposes it.
MISTAKES: dict[str, tuple[str, str, str, int | Case]] = {
    "a wait is cut to half": (
        "core/decisions.py",
        "timedelta(seconds=before.wait_seconds)",
        "timedelta(seconds=before.wait_seconds // 2)",
        7,
    ),
    "instances get too little time": ("core/outcomes.py", "elapsed < timeout", "elapsed < timeout - 90", 15),
    "a pinned snapshot is forgotten": (
        "core/wave_work.py",
        "for s in chosen if s.snapshot_id)",
        "for s in chosen if s.snapshot_id and False)",
        3,
    ),
    "a recovery is a drill": ("core/wave_work.py", "is_drill=execution.is_drill", "is_drill=True", 3),
    "a drill looks for recoveries at its start only": (
        "core/wave_work.py",
        "if look not in performed",
        "if wave.number < 0 and look not in performed",
        drill([{"at": 20, "do": "foreign_job", "servers": [5], "recovery": True}]),
    ),
    "a launch replaces what the operator did not confirm": (
        "core/protection.py",
        "if server.may_replace(found.recovery_instance_id):",
        "if not execution.is_drill:",
        drill([{"at": 20, "do": "foreign_job", "servers": [5], "recovery": True}], type="RECOVERY"),
    ),
    "a recovery waits for the clean-up of a drill": (
        "function/starting.py",
        "if holder.ended and request",
        "if False and request",
        drill([{"at": 40, "do": "cancel", "plan": 0}, {"at": 100, "do": "start", "plan": 0, "recovery": True}]),
    ),
    "a sequential wave is launched at once": (
        "core/wave_work.py",
        "return () if at_work else pending[:1]",
        "return pending[:1]",
        12,
    ),
    "a stopped instance counts as running": (
        "core/outcomes.py",
        'if state == "running":',
        'if state in ("running", "stopped"):',
        48,
    ),
    "a sequential wave goes on after a failure": (
        "core/wave_work.py",
        "if wave.launch_order is not LaunchOrder.SEQUENTIAL or failed is None or not pending:",
        "if True:",
        drill(fails=True, order="SEQUENTIAL"),
    ),
    "the deadline is late": (
        "core/decisions.py",
        "now >= execution.deadline:",
        "(now - execution.deadline).total_seconds() >= 100:",
        drill(timeout=100),
    ),
    "a failed launch counts as launched": (
        "core/drs_status.py",
        '"FAILED": JobStatus.FAILED, "TERMINATED"',
        '"FAILED": JobStatus.COMPLETED, "TERMINATED"',
        drill(fails=True, timeout=900),
    ),
    "a cancellation in a long wait is noticed late": (
        "core/policy.py",
        "LONGEST_WAIT_SECONDS = 50",
        "LONGEST_WAIT_SECONDS = 170",
        drill([{"at": 200, "do": "cancel", "plan": 0}], wait=900),
    ),
    "a launch is given up while it may still happen": (
        "core/outcomes.py",
        "if _may_still_be_launched(execution, now):",
        "if False:",
        found("launched-after-the-record-was-closed"),
    ),
}


def package_with(file: str, old: str, new: str) -> bytes:
    """The function's package with this mistake."""
    right, wrong = zipfile.ZipFile(io.BytesIO(package())), io.BytesIO()
    assert f"engine/{file}" in right.namelist()
    with zipfile.ZipFile(wrong, "w") as target:
        for name in right.namelist():
            content = right.read(name)
            if name == f"engine/{file}":
                assert content.decode().count(old) == 1
                content = content.decode().replace(old, new).encode()
            target.writestr(name, content)
    return wrong.getvalue()


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_engine_is_reported(mistake):
    file, old, new, case = MISTAKES[mistake]
    chosen = generator.generate(case) if isinstance(case, int) else case
    assert violations(run_case(chosen)) == []
    assert violations(run_case(chosen, code=package_with(file, old, new))) != []
