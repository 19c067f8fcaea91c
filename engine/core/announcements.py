"""The moments of an execution that its plan announces (NotifyOn), beside its end.

An announcement never delays work: the engine sends it when the step has only a wait left. Each is tried once, with the
retries of the call; the record says whether it was sent.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.core import approvals
from engine.core.actions import Notify
from engine.core.plan import Moment
from engine.core.state import Execution
from engine.core.statuses import WaveStatus

_OVER = {WaveStatus.COMPLETED, WaveStatus.FAILED}


def due(execution: Execution) -> Notify | None:
    """The next announcement that was not tried yet; None if there is none, or the plan has no topic."""
    if execution.topic_arn is None:
        return None
    tried = {(one.moment, one.wave_number) for one in execution.announcements}
    moment = next((one for one in _moments(execution) if one not in tried), None)
    return Notify(execution.topic_arn, *moment) if moment else None


def _moments(execution: Execution) -> Iterator[tuple[Moment, int | None]]:
    wanted = execution.notify_on
    if Moment.START in wanted:
        yield Moment.START, None
    if Moment.WAVE in wanted:
        yield from ((Moment.WAVE, wave.number) for wave in execution.waves if wave.status in _OVER)
    # A person has to know of it, whatever the plan says.
    if not execution.ended and (wave := approvals.awaited(execution)):
        yield Moment.APPROVAL, wave.number
