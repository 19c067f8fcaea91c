"""Attaches the evidence of each scenario: records, AWS calls, wave timelines, the plan."""

from __future__ import annotations

from collections.abc import Sequence

from behave.model import Scenario

from engine.report.page import report_page
from engine.report.timeline import timeline_svg
from features.world import Document, World
from traceability.recording import evidence, failure_story


def attach(world: World) -> None:
    """Attach the records and answers that the scenario's Then steps judged, as they were then."""
    if world.plan:
        evidence.attach_plan(world.plan)
    for record in latest(world):
        evidence.attach_record(record)
    if world.refusal:
        evidence.attach_text("Reasons for the refused start", "\n".join(world.refusal.problems))
    if world.timed_out:
        evidence.attach_text("Waits that timed out", "\n".join(world.timed_out))


def attach_end(world: World) -> None:
    """Attach the calls of the whole scenario, and the timeline and report of each execution."""
    calls = world.target.all_calls()
    for record in latest(world):
        evidence.attach_picture("Wave timeline", timeline_svg(record, calls))
        evidence.attach_page("Report of the execution", report_page(record))
    evidence.attach_calls(calls)


def describe(world: World, scenario: Scenario, broken: Sequence[str], idle: Sequence[str]) -> None:
    """Describe a scenario that is red, that broke an invariant, or that has a fault without effect."""
    names = {server: name for name, server in world.servers.items()}
    text = failure_story.describe(scenario, latest(world), world.target.all_calls(), names, broken, idle)
    if text:
        failure_story.save(scenario, text)


def latest(world: World) -> list[Document]:
    """The newest version of each execution's record."""
    return [seen[-1] for seen in world.records_seen.values()]
