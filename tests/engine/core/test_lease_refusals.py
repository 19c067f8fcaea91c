"""The commands that a refusal offers to a start, and to a resumption, past the executions in the way."""

from __future__ import annotations

import pytest

from engine.core.lease_refusals import plan_in_use, ways_on
from engine.core.plan import ExecutionType
from engine.core.start_protocol import Holder
from engine.core.statuses import ExecutionStatus

DRILL, RECOVERY = ExecutionType.DRILL, ExecutionType.RECOVERY
RUNNING, FAILED = ExecutionStatus.RUNNING, ExecutionStatus.FAILED
FAILED_ID = "5fbf0e5c-6d2c-4a52-9a63-3d9f4b1f8f10"


def holder(kind: ExecutionType = RECOVERY, status: ExecutionStatus = RUNNING, execution_id: str = "e1") -> Holder:
    return Holder(execution_id, "p", kind, status, settled=False, cancelled=False, version=1)


@pytest.mark.parametrize(
    ("kind", "holders", "commands"),
    [
        (RECOVERY, [holder()], ["cancel e1", f"resume {FAILED_ID}", "start p --recovery --existing keep \\"]),
        (RECOVERY, [holder(DRILL)], ["cancel e1", f"resume {FAILED_ID}"]),
        (RECOVERY, [holder(status=FAILED)], ["status e1", f"resume {FAILED_ID}"]),
        (
            RECOVERY,
            [holder(DRILL, FAILED, "e1"), holder(RECOVERY, RUNNING, "e2")],
            ["cancel e2", f"resume {FAILED_ID}", "start p --recovery --existing keep \\"],
        ),
        (
            RECOVERY,
            [holder(RECOVERY, FAILED, "e1"), holder(DRILL, RUNNING, "e2")],
            ["cancel e2", f"resume {FAILED_ID}"],
        ),
        (DRILL, [holder()], ["cancel e1", f"resume {FAILED_ID}"]),
        (DRILL, [holder(DRILL)], ["cancel e1", f"resume {FAILED_ID}"]),
    ],
)
def test_a_resumption_is_told_to_resume_again(kind: ExecutionType, holders: list[Holder], commands: list[str]) -> None:
    lines = ways_on("p", kind, holders, FAILED_ID)
    assert [one.split(" engine ")[1] for one in lines if " engine " in one] == commands
    assert max(map(len, lines)) <= 80


def test_a_start_is_told_to_start() -> None:
    assert ways_on("p", RECOVERY, [holder(DRILL)]) == [
        "To cancel the drill and start this recovery:",
        "  python -m engine start p --recovery --cancel-drills",
    ]


def test_the_refusal_of_a_resumption_ends_with_its_commands() -> None:
    assert plan_in_use(holder(DRILL), RECOVERY, "this resumption", FAILED_ID).splitlines() == [
        "plan p: the DRILL e1",
        "(RUNNING) is in the way of this resumption.",
        "Wait until it has ended and is cleaned up, or cancel it; then resume:",
        "  python -m engine cancel e1",
        f"  python -m engine resume {FAILED_ID}",
    ]
