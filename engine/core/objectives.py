"""The recovery objectives of an execution: the targets of its plan against the measured values.

- Recovery time: from StartTime to the end of the last server that is RECOVERED. Waits and approvals count. A resumption
  counts from the start of the first execution.
- Recovery point: the age of the data of each recovered server, which is the creation of its recovery job minus the
  time of its snapshot, and at least 0. DRS takes the snapshot of a replicating server after the job was created. The
  oldest data count.

Optional servers do not count. An objective without a target is measured and not judged, and so is the recovery point of
an execution as of a point in time. A judged objective is not met unless the execution is COMPLETED.
"""

from __future__ import annotations

from dataclasses import replace

from engine.core import policy
from engine.core.events import Objective
from engine.core.state import Execution, ServerState
from engine.core.statuses import ExecutionStatus, ServerStatus


def measured(execution: Execution) -> Execution:
    """The ended execution with its measured objectives. The servers of all waves that ran must have been read."""
    required = [server for _, server in execution.servers() if not server.optional]
    recovered = [server for server in required if server.status is ServerStatus.RECOVERED]
    ages = [server.data_age_seconds for server in recovered]
    known = [age for age in ages if age is not None]
    completed = execution.status is ExecutionStatus.COMPLETED
    objectives = execution.objectives
    return replace(
        execution,
        objectives=replace(
            objectives,
            recovery_time=_judged(objectives.recovery_time, _recovery_seconds(execution, recovered), completed),
            recovery_point=_judged(
                objectives.recovery_point,
                max(known, default=None),
                completed,
                all_known=len(known) == len(ages),
                judge=execution.as_of is None,
            ),
        ),
    )


def _recovery_seconds(execution: Execution, recovered: list[ServerState]) -> int | None:
    ends = [server.end_time for server in recovered if server.end_time]
    start = execution.first_start_time or execution.start_time
    if start is None or not ends:
        return None
    return max(0, policy.elapsed_seconds(start, max(ends)))


def _judged(
    objective: Objective, seconds: int | None, completed: bool, *, all_known: bool = True, judge: bool = True
) -> Objective:
    """The objective with its measured value. A value that may be worse than the known one cannot meet a target."""
    found = replace(objective, actual_seconds=seconds)
    if objective.target_seconds is None or not judge:
        return found
    if not completed or (seconds is not None and seconds > objective.target_seconds):
        return replace(found, met=False)
    return replace(found, met=True if seconds is not None and all_known else None)
