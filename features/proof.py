"""What each scenario leaves for a reader who distrusts it: records, AWS calls, wave timelines, the plan."""

from __future__ import annotations

from engine.client import ExecutionNotFound
from features.world import World
from traceability import evidence


def attach(world: World) -> None:
    """Attach the evidence of one scenario, as it is before the clean-up."""
    calls = world.target.all_calls()
    if world.plan:
        evidence.attach_plan(world.plan)
    for execution in dict.fromkeys(world.executions):
        try:
            record = world.sample(execution)
        except ExecutionNotFound:
            continue
        evidence.attach_record(record)
        evidence.attach_timeline(record, calls)
    if world.refusal:
        evidence.attach_text("Why the engine refused to start", "\n".join(world.refusal.problems))
    if world.gave_up:
        evidence.attach_text("What the suite waited for in vain", "\n".join(world.gave_up))
    evidence.attach_calls(calls)
