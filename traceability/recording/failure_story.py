"""The story of a red scenario: promise, expected and found values, course of events, command to repeat it.

`describe` makes the text from the observations of the suite; `save` attaches it to the report and adds it to the run's
summary. A green scenario has no story.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traceability.model import catalogue, redaction, run_notes
from traceability.recording import evidence, recorded_calls
from traceability.steps import cures
from traceability.steps.step_definitions import loaded

if TYPE_CHECKING:
    from behave.model import Scenario

    from traceability.recording.recorded_calls import RecordedCall

STORY = "What happened"
"""The name of the attachment; a reader of the report sees it before the evidence."""
MOST_MOMENTS = 24
"""A longer course is told by its first and last moments."""
_EXPECTED = re.compile(r"Expected: (?P<expected>.*?)\n\s*but: (?P<seen>.*?)(?:\n\n|\n?\Z)", re.DOTALL)
# A condition that a write lost is how DynamoDB settles a race, and part of every good run.
_ORDINARY = {"ConditionalCheckFailedException", "TransactionCanceledException"}
_RED = {"failed", "error", "undefined", "pending", "hook_error"}


def describe(
    scenario: Scenario,
    records: Sequence[Mapping[str, Any]],
    calls: Sequence[RecordedCall],
    names: Mapping[str, str],
    broken: Sequence[str] = (),
    idle: Sequence[str] = (),
) -> str:
    """Return the story, "" for a green scenario.

    `names` maps server ids to host names, `broken` lists the violated invariants, `idle` the faults that no call met.
    """
    red = _red(scenario)
    if not red and not broken and not idle:
        return ""
    return "\n".join(
        [
            *_promises(scenario),
            *_judgement(red, broken),
            *(f"Idle:      {line}" for line in idle),
            *_course(records, names),
            *(_first_wrong(calls) if records else ()),
            f"Again:     behave {scenario.filename}:{scenario.line}",
        ]
    )


def save(scenario: Scenario, text: str) -> None:
    """Show the story on the terminal, attach it to the scenario's result, and note it for the run's summary."""
    print(f"\n{text}\n")  # noqa: T201 - behave keeps what a hook prints and shows it below the red scenario
    evidence.attach_text(STORY, text)
    directory = os.environ.get(run_notes.RUN_DIRECTORY)
    if directory is not None:
        path = Path(directory) / f"stories-{os.getpid()}.json"
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        known[f"{scenario.filename}:{scenario.line}"] = redaction.text(text)
        path.write_text(json.dumps(known, ensure_ascii=False), encoding="utf-8")


def load(directory: Path) -> dict[str, str]:
    """Return the stories of a run by the place of their scenario."""
    found: dict[str, str] = {}
    for path in sorted(directory.glob("stories-*.json")):
        found |= json.loads(path.read_text(encoding="utf-8"))
    return found


def _red(scenario: Scenario) -> list[Any]:
    """The step that ended the scenario, and every other that no phrase says: all of them are to be mended."""
    red = [step for step in scenario.all_steps if step.status.name in _RED]
    return red[:1] + [step for step in red[1:] if step.status.name == "undefined"]


def _promises(scenario: Scenario) -> Iterator[str]:
    known = catalogue.load().criteria
    for one in catalogue.criterion_ids(str(tag) for tag in scenario.effective_tags):
        if one in known:
            yield f"Promise:   {known[one].tag}: {known[one].text}"


def _judgement(red: Sequence[Any], broken: Sequence[str]) -> Iterator[str]:
    for step in red:
        yield f"Red:       {step.keyword} {step.name} ({step.location})"
        message = str(step.exception or "")
        if step.status.name == "undefined":
            message = cures.undefined(step.step_type, step.name, loaded(Path.cwd()))
        found = _EXPECTED.search(message)
        if found:
            yield f"Expected:  {_joined(found['expected'])}"
            yield f"Seen:      {_joined(found['seen'])}"
        else:
            kind = f"{type(step.exception).__name__}: " if step.exception and step.status.name == "error" else ""
            yield f"Seen:      {kind}{_joined(message.partition(chr(10) + chr(10))[0]) or 'no message'}"
    for line in broken:
        yield f"Broken:    an invariant of all executions is violated: {line}"


def _course(records: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Iterator[str]:
    if not records:
        yield "Course:    no execution was seen"
    for record in records:
        yield f"Course of execution {record['ExecutionId']} (AWS's time, UTC):"
        moments = sorted(_moments(record, names), key=lambda one: one[0])
        shown = moments
        if len(moments) > MOST_MOMENTS:
            half = MOST_MOMENTS // 2
            shown = [*moments[:half], ("", f"… {len(moments) - 2 * half} more moments …"), *moments[-half:]]
        told_before: set[str] = set()
        for moment, told in [*shown, *(("", line) for line in _never_begun(record))]:
            yield f"  {_clock(moment):8}  {_once(told, told_before)}"


def _moments(record: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    kind = str(record.get("ExecutionType", "execution")).lower()
    yield record["StartTime"], f"{kind} of {record['PlanId']} started"
    if "CancelRequest" in record:
        yield record["CancelRequest"]["Time"], "a user cancelled it"
    for wave in record["Waves"]:
        if "StartTime" in wave:
            yield wave["StartTime"], f"{_wave(wave)} started"
        for result in wave["ServerResults"]:
            server = names.get(result["SourceServerId"], result["SourceServerId"])
            if "FirstHealthCheckTime" in result:
                yield result["FirstHealthCheckTime"], f"{server} launched; first look at its instance"
            if "EndTime" in result:
                yield result["EndTime"], f"{server} {result['Status']}{_because(result.get('ErrorMessage'))}"
        if "EndTime" in wave and "StartTime" in wave:
            yield wave["EndTime"], f"{_wave(wave)} {wave['Status']}{_because(wave.get('StatusReason'))}"
    if "EndTime" in record:
        yield record["EndTime"], f"execution {record['Status']}{_because(record.get('StatusReason'))}"


def _never_begun(record: Mapping[str, Any]) -> Iterator[str]:
    for wave in record["Waves"]:
        if "StartTime" not in wave:
            yield f"{_wave(wave)} never started, {wave['Status']}{_because(wave.get('StatusReason'))}"
    if "EndTime" not in record:
        yield f"execution not over: still {record['Status']}"


def _first_wrong(calls: Sequence[RecordedCall]) -> Iterator[str]:
    wrong = [
        call
        for call in calls
        if call.error_code and call.source != recorded_calls.SUITE and call.error_code not in _ORDINARY
    ]
    if wrong:
        first = wrong[0]
        rest = f" ({len(wrong) - 1} more failed later)" if len(wrong) > 1 else ""
        said = f": {first.error_message}" if first.error_message else ""
        yield "First call of the engine that went wrong:"
        yield f"  {first.started:%H:%M:%S}  {first.service} {first.operation}, {first.error_code}{said}{rest}"
    elif calls:
        yield "No AWS call of the engine failed."


def _once(told: str, before: set[str]) -> str:
    """Give a reason in full only the first time: one cause often ends a server, its wave and the execution."""
    what, colon, reason = told.partition(": ")
    if colon and reason in before:
        return f"{what}, for the same reason"
    before.add(reason)
    return told


def _wave(wave: Mapping[str, Any]) -> str:
    name = wave.get("WaveName")
    return f"wave {wave['WaveNumber']}{f' ({name})' if name else ''}"


def _because(reason: str | None) -> str:
    return f": {reason}" if reason else ""


def _joined(text: str) -> str:
    return " ".join(text.split())


def _clock(moment: str) -> str:
    return f"{datetime.fromisoformat(moment):%H:%M:%S}" if moment else ""
