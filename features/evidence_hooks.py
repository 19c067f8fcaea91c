"""Attaches the evidence of each scenario: records, AWS calls, wave timelines, the plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from behave.model import Scenario

from engine.report.page import report_page
from engine.report.timeline import timeline_svg
from features.world import Document, World
from traceability.model import run_notes
from traceability.model.catalogue import criterion_ids, tag_of
from traceability.recording import evidence, failure_story
from traceability.recording.recorded_calls import RecordedCall


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


def attach_end(world: World, scenario: Scenario) -> None:
    """Attach the calls of the whole scenario, and the timeline and report of each execution.

    A run on AWS also keeps the answers of DRS, for `python -m simulator compare`.
    """
    calls = world.target.all_calls()
    if world.target.name == "aws":
        run_notes.record_answers(drs_answers(calls, scenario))
    for record in latest(world):
        evidence.attach_picture("Wave timeline", timeline_svg(record, calls))
        evidence.attach_page("Report of the execution", report_page(record))
    evidence.attach_calls(calls)


def drs_answers(calls: Iterable[RecordedCall], scenario: Scenario) -> Iterator[dict[str, Any]]:
    """Yield the answers of DRS that are known completely, and its errors, with the criteria of the scenario."""
    criteria = [tag_of(one) for one in criterion_ids(scenario.effective_tags)]
    for call in calls:
        if call.service == "drs" and (call.response is not None or call.error_code is not None):
            yield {
                "service": call.service,
                "operation": call.operation,
                "parameters": call.parameters,
                "answer": call.response,
                "error": call.error_code,
                "ended": call.ended.isoformat(),
                "source": call.source,
                "scenario": scenario.name,
                "criteria": criteria,
            }


def describe(world: World, scenario: Scenario, broken: Sequence[str], idle: Sequence[str]) -> None:
    """Describe a scenario that is red, that broke an invariant, or that has a fault without effect."""
    names = {server: name for name, server in world.servers.items()}
    text = failure_story.describe(scenario, latest(world), world.target.all_calls(), names, broken, idle)
    if text:
        failure_story.save(scenario, text)


def latest(world: World) -> list[Document]:
    """The newest version of each execution's record."""
    return [seen[-1] for seen in world.records_seen.values()]
