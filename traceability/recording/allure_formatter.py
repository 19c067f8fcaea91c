"""allure-behave's formatter, made to tell the truth.

Left alone it shows a failed after_scenario hook or clean-up as passed, an empty scenario as passed, merges scenarios of
the same name and drops skip reasons and captured output. `TraceabilityListener` mends each of these where the scenario
begins and ends, and puts the result below its requirement and criterion. `RedactingLogger` is the only way to disk.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import allure_behave.listener
import allure_commons.reporter
from allure_behave.formatter import AllureFormatter
from allure_behave.listener import AllureListener
from allure_behave.utils import step_status_details as allures_own_details
from allure_commons import hookimpl, plugin_manager
from allure_commons.logger import AllureFileLogger
from allure_commons.model2 import Label, StatusDetails, TestResult
from allure_commons.types import AttachmentType, LabelType
from allure_commons.utils import md5
from attr import asdict
from behave.configuration import Configuration
from behave.model import Scenario

from traceability.model import redaction
from traceability.model.catalogue import Catalogue, criterion_ids, load
from traceability.model.states import ALLURE_STATUS, DESELECTED, criterion_label, requirement_label
from traceability.model.verdict import JUDGED_ON, PASSED, SUITE_DEFECT, VIOLATED, ScenarioMistake, StepEnd, verdict
from traceability.recording import evidence, wall_clock
from traceability.recording.failure_story import STORY
from traceability.steps import cures
from traceability.steps.step_definitions import loaded


class RedactingLogger(AllureFileLogger):
    """Writes results and attachments, each without credentials."""

    def _report_item(self, item: Any) -> None:
        data = asdict(item, filter=lambda _, value: value or value is False)
        path = self._report_dir / item.file_pattern.format(prefix=uuid4())
        self._write(path, json.dumps(redaction.document(data), ensure_ascii=False))

    @hookimpl
    def report_attached_data(self, body: str | bytes, file_name: str) -> None:
        self._write(self._report_dir / file_name, body)

    @hookimpl
    def report_attached_file(self, source: str, file_name: str) -> None:
        self._write(self._report_dir / file_name, Path(source).read_bytes())

    def _write(self, path: Path, body: str | bytes) -> None:
        """Write at once or not at all; bytes that are text are redacted like text."""
        raw = body.encode("utf-8", "backslashreplace") if isinstance(body, str) else body
        with suppress(UnicodeDecodeError):  # A picture or an archive holds no text to redact.
            raw = redaction.text(raw.decode()).encode()
        half = path.with_suffix(path.suffix + ".tmp")
        half.write_bytes(raw)
        half.replace(path)


class TraceabilityListener(AllureListener):
    """Gives each scenario an identity of its own, its criteria, and the status that behave ended it with."""

    current_scenario_uuid: str | None
    current_step_uuid: str | None

    def __init__(self, config: Configuration, catalogue: Catalogue) -> None:
        super().__init__(config)
        self._catalogue = catalogue
        self._seen: Counter[str] = Counter()

    def start_scenario(self, scenario: Scenario) -> None:
        super().start_scenario(scenario)
        result = self.logger.get_test(self.current_scenario_uuid)
        name = f"{scenario.filename}:{scenario.name}"
        self._seen[name] += 1
        # Two scenarios of one name are two results: equal ids would make Allure show one as the retry of the other.
        identity = md5(name, str(self._seen[name]))
        result.fullName, result.historyId, result.testCaseId = name, identity, identity
        result.titlePath = []
        result.description = self._description(scenario)
        self._label(result, scenario)

    def match_step(self, match: Any) -> None:
        evidence.take_judgements()  # Drops judgements of a hook or an earlier step.
        super().match_step(match)

    def stop_behave_step(self, result: Any) -> None:
        """Attach the judgements of the step while attachments still go to this step."""
        judged_on = evidence.take_judgements()
        if judged_on:
            self.logger.attach_data(uuid4(), judged_on, name=JUDGED_ON, attachment_type=AttachmentType.TEXT)
        super().stop_behave_step(result)

    def stop_scenario(self, scenario: Scenario) -> None:
        self.flush_steps()
        result = self.logger.get_test(self.current_scenario_uuid)
        judged = verdict(scenario.status.name, _step_ends(scenario))
        result.stop = wall_clock.milliseconds()
        result.status = ALLURE_STATUS[judged]
        if judged != PASSED:
            result.statusDetails = self._details(scenario)
        if judged in (VIOLATED, SUITE_DEFECT):
            self._attach_output(scenario)
        result.attachments.sort(key=lambda one: one.name != STORY)
        self.logger.close_test(self.current_scenario_uuid)
        self.group_context.append_test(self.current_scenario_uuid)
        self.group_context.exit()
        self.current_step_uuid = self.current_scenario_uuid = None

    def _label(self, result: TestResult, scenario: Scenario) -> None:
        result.labels = [label for label in result.labels if label.name != LabelType.FEATURE]
        known = [self._catalogue.criteria[one] for one in _criteria(scenario) if one in self._catalogue.criteria]
        requirements = {one.requirement: self._catalogue.requirement_of(one.id) for one in known}
        result.labels += [Label(LabelType.EPIC, requirement_label(one)) for one in requirements.values()]
        result.labels += [Label(LabelType.FEATURE, criterion_label(one)) for one in known]

    def _description(self, scenario: Scenario) -> str:
        known = [self._catalogue.criteria[one] for one in _criteria(scenario) if one in self._catalogue.criteria]
        promises = [f"**{one.tag}** {one.text}" for one in known]
        place = f"{scenario.filename}:{scenario.line}"
        run_again = f"`{place}`, to run just this one: `behave {place}`"
        story = " ".join([*scenario.feature.description, *scenario.description])
        return "\n\n".join(filter(None, [*promises, story, run_again]))

    def _details(self, scenario: Scenario) -> StatusDetails:
        red = next((step for step in scenario.all_steps if step.exception or step.status.is_undefined()), None)
        if red is not None and red.exception and not red.status.is_undefined():
            return _problem(red)
        if red is not None:
            return StatusDetails(message=_undefined(red))
        return StatusDetails(message=_why_without_step(scenario, self.behave_config))

    def _attach_output(self, scenario: Scenario) -> None:
        output = scenario.captured.make_report() if scenario.captured.has_output() else ""
        if output:
            self.logger.attach_data(uuid4(), output, name="Captured output", attachment_type=AttachmentType.TEXT)


class TraceabilityFormatter(AllureFormatter):
    """Use with `behave -f traceability -o <results directory>`."""

    listener: AllureListener
    file_logger: AllureFileLogger
    name = "traceability"
    description = "Allure results, one tree of requirement, criterion and scenario"

    def __init__(self, stream_opener: Any, config: Configuration) -> None:
        super().__init__(stream_opener, config)
        plugin_manager.unregister(self.listener)
        plugin_manager.unregister(self.file_logger)
        self.listener = TraceabilityListener(config, load())
        self.file_logger = RedactingLogger(self.stream_opener.name)
        plugin_manager.register(self.listener)
        plugin_manager.register(self.file_logger)
        # Both modules bound allure's own clock by name, and that one is frozen with the scenario's; so is behave's.
        wall_clock.for_behave()
        allure_behave.listener.step_status_details = _problem
        allure_behave.listener.now = wall_clock.milliseconds
        allure_commons.reporter.now = wall_clock.milliseconds


def _criteria(scenario: Scenario) -> tuple[str, ...]:
    return criterion_ids(str(tag) for tag in [*scenario.tags, *scenario.feature.tags])


def _step_ends(scenario: Scenario) -> list[StepEnd]:
    background = len(scenario.background_steps) if scenario.background else 0
    return [
        StepEnd(index >= background and step.step_type == "then", step.status.name, str(step.exception or ""))
        for index, step in enumerate(scenario.all_steps)
    ]


def _problem(step: Any) -> StatusDetails | None:
    """Return the details of a red step, of an expectation without the stack of behave: its message says all."""
    details: StatusDetails | None = allures_own_details(step)
    if details is not None and isinstance(step.exception, AssertionError):
        details.trace = None
        if isinstance(step.exception, ScenarioMistake):
            details.message = str(step.exception)
    return details


def _undefined(step: Any) -> str:
    """Name an undefined step and its place, and the sentence of the phrase book that comes nearest to it."""
    cure = cures.cure(step.step_type, step.name, loaded(Path.cwd()))
    return f"Undefined step: {step.keyword} {step.name} ({step.location}){cure}"


def _why_without_step(scenario: Scenario, config: Configuration) -> str:
    """The reason of an end that no step explains: a hook, a clean-up, a skip, or a scenario without steps."""
    if scenario.skip_reason:
        return str(scenario.skip_reason)
    if scenario.error_message:
        return str(scenario.error_message)
    if scenario.status.is_error():
        lines = scenario.captured.output.splitlines()
        said = (line for line in lines if line.startswith(("CLEANUP-ERROR", "HOOK-ERROR")))
        return next(said, f"A hook or clean-up failed ({scenario.status.name})")
    if not scenario.should_run_with_tags(config.tag_expression):
        return DESELECTED
    if not list(scenario.all_steps):
        return "The scenario has no step"
    return "The scenario did not run"
