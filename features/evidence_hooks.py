"""What each scenario leaves for a reader who distrusts it: records, AWS calls, wave timelines, the plan."""

from __future__ import annotations

from collections.abc import Sequence

from behave.model import Scenario

from features.world import Document, World
from traceability.recording import evidence, failure_story


def attach(world: World) -> None:
    """Attach what the scenario's expectations were judged on, as it was then."""
    if world.plan:
        evidence.attach_plan(world.plan)
    for record in latest(world):
        evidence.attach_record(record)
    if world.refusal:
        evidence.attach_text("Why the engine refused to start", "\n".join(world.refusal.problems))
    if world.gave_up:
        evidence.attach_text("What the suite waited for in vain", "\n".join(world.gave_up))


def attach_end(world: World) -> None:
    """Attach how it all ended: the calls of the whole scenario, and the timeline of each execution."""
    calls = world.target.all_calls()
    for record in latest(world):
        evidence.attach_timeline(record, calls)
    evidence.attach_calls(calls)


def tell(world: World, scenario: Scenario, broken: Sequence[str], idle: Sequence[str]) -> None:
    """Tell the story of a scenario that is red, that broke what must always hold, or whose faults met nothing."""
    names = {server: name for name, server in world.servers.items()}
    text = failure_story.describe(scenario, latest(world), world.target.all_calls(), names, broken, idle)
    if text:
        failure_story.save(scenario, text)


def latest(world: World) -> list[Document]:
    """Each execution's record as it was read last."""
    return [seen[-1] for seen in world.records_seen.values()]
