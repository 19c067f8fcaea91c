"""The content of the feature files: the scenarios that should have run, independent of any reporter."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from behave.model import Feature
from behave.model import Scenario as BehaveScenario
from behave.parser import ParserError, parse_file

from traceability.model import feature_form
from traceability.model.catalogue import DOCUMENTS, Catalogue, criterion_ids, tag_of

TARGET_TAGS = ("moto", "aws")
_PARTS = {
    "Given": "state the facts that it begins with",
    "When": "say the one event that its Then judges",
    "Then": "say what must be visible outside the engine",
}


@dataclass(frozen=True)
class Step:
    """`kind` is given, when or then; And and But have the kind of the step that they continue."""

    kind: str
    keyword: str
    name: str
    line: int
    background: bool
    table: tuple[str, ...] | None = None
    """The headings of its table, None without one."""
    has_text: bool = False
    """A doc string follows it."""

    @property
    def is_expectation(self) -> bool:
        """Only a Then of the scenario itself judges the engine; a Background states preconditions."""
        return self.kind == "then" and not self.background


@dataclass(frozen=True)
class Scenario:
    """One scenario, or one row of an outline."""

    name: str
    feature: str
    file: str
    line: int
    tags: tuple[str, ...]
    steps: tuple[Step, ...]
    columns: tuple[str, ...] | None = None
    """The columns of its Examples if it is a row of an outline, else None."""

    @property
    def criteria(self) -> tuple[str, ...]:
        return criterion_ids(self.tags)

    @property
    def key(self) -> tuple[str, str]:
        """The key by which reporters can distinguish scenarios."""
        return self.file, self.name

    @property
    def place(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, order=True)
class SuiteProblem:
    """Something wrong with the features: one line that names the place and the cure."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def read(directory: Path, root: Path) -> tuple[list[Scenario], list[SuiteProblem]]:
    """Return all scenarios below `directory`, named relative to `root`, and a problem for each file that is broken."""
    scenarios: list[Scenario] = []
    problems: list[SuiteProblem] = []
    for path in sorted(directory.rglob("*.feature")):
        name = path.relative_to(root).as_posix()
        text, misencoded = feature_form.decoded(path.read_bytes())
        problems += [SuiteProblem(name, *found) for found in misencoded]
        if text is None:
            continue
        unsigned = [SuiteProblem(name, *found) for found in feature_form.tags_without_sign(text)]
        if unsigned:
            problems += unsigned
            continue
        try:
            feature = parse_file(str(path))
        except ParserError as error:
            line = error.line or 1
            problems.append(SuiteProblem(name, line, f"not valid Gherkin: {_cause(error, text, line)}"))
            continue
        problems += _rules(text, name)
        if feature is None:
            problems.append(SuiteProblem(name, 1, "no Feature in this file; write one or remove the file"))
        else:
            problems += [SuiteProblem(name, *found) for found in feature_form.problems(feature, text)]
            scenarios += _scenarios(feature, name)
    return scenarios, problems


def check(scenarios: Sequence[Scenario], catalogue: Catalogue, tags: Collection[str] = ()) -> list[SuiteProblem]:
    """Return the problems that would make the report wrong: unknown or missing tags, equal names, missing parts.

    `tags` are the known tags besides criteria and targets.
    """
    problems = [problem for scenario in scenarios for problem in _check_tags(scenario, catalogue, tags)]
    problems += [
        SuiteProblem(one.file, one.line, f'scenario "{one.name}" has no step; write its steps or remove it')
        for one in scenarios
        if not one.steps
    ]
    problems += [
        SuiteProblem(one.file, one.line, f'scenario "{one.name}" has no {part}; {_PARTS[part]}')
        for one in scenarios
        for part in _lacking(one)
    ]
    problems += [
        SuiteProblem(one.file, one.line, f'scenario "{one.name}" has a {late} too late; order: Given, When, Then')
        for one in scenarios
        if (late := feature_form.order(step.kind for step in one.steps if not step.background))
    ]
    problems += [problem for one in scenarios for problem in _other_requirement(one, catalogue)]
    return sorted([*problems, *_equal_names(scenarios)])


def for_target(scenario: Scenario, target: str) -> bool:
    """Say whether a scenario belongs to a run on `target`; a rehearsal runs the scenarios for AWS."""
    return ("moto" if target == "moto" else "aws") in scenario.tags


def _scenarios(feature: Feature, file: str) -> Iterable[Scenario]:
    for one in feature.walk_scenarios():
        background = len(one.background_steps) if one.background else 0
        yield Scenario(
            name=str(one.name),
            feature=str(feature.name),
            file=file,
            line=one.line,
            tags=_tags(one),
            steps=tuple(
                Step(
                    step.step_type,
                    step.keyword,
                    str(step.name),
                    step.line,
                    index < background,
                    tuple(map(str, step.table.headings)) if step.table is not None else None,
                    step.text is not None,
                )
                for index, step in enumerate(one.all_steps)
            ),
            columns=tuple(map(str, one._row.headings)) if one._row else None,
        )


def _tags(scenario: BehaveScenario) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*(str(tag) for tag in scenario.tags), *(str(tag) for tag in scenario.feature.tags)]))


def _lacking(scenario: Scenario) -> list[str]:
    """The parts that a scenario with steps does not have; a Background may state its facts."""
    there = {step.kind.capitalize() for step in scenario.steps if step.kind != "then" or step.is_expectation}
    return [part for part in _PARTS if part not in there] if scenario.steps else []


def _check_tags(scenario: Scenario, catalogue: Catalogue, tags: Collection[str]) -> Iterable[SuiteProblem]:
    def problem(message: str) -> SuiteProblem:
        return SuiteProblem(scenario.file, scenario.line, f'scenario "{scenario.name}" {message}')

    if not scenario.criteria:
        yield problem(f"names no criterion; tag it {' or '.join(one.tag_form for one in DOCUMENTS)}")
    for one in scenario.criteria:
        if one in catalogue.planned:
            yield problem(f"names @{tag_of(one)}, which is only planned; move it to the criteria of its document first")
        elif one not in catalogue.criteria:
            yield problem(f"names an unknown criterion @{tag_of(one)}; known are {catalogue.spans}")
    known_tags = [*TARGET_TAGS, *tags, *(criterion.tag for criterion in catalogue.criteria.values())]
    for tag in scenario.tags:
        if tag not in known_tags and not criterion_ids([tag]):
            lowered = {one.lower(): one for one in known_tags}
            near = difflib.get_close_matches(tag.lower(), lowered, 1)
            others = f"; the nearest known is @{lowered[near[0]]}" if near else ""
            forms = (one.tag_form for one in DOCUMENTS)
            known_ones = ", ".join([*forms, *(f"@{one}" for one in (*TARGET_TAGS, *tags))])
            yield problem(f"has an unknown tag, @{tag}{others or f'; known are {known_ones}'}")
    if not set(TARGET_TAGS) & set(scenario.tags):
        yield problem("does not say where it runs; tag it @moto, @aws or both")


def _other_requirement(scenario: Scenario, catalogue: Catalogue) -> Iterable[SuiteProblem]:
    """A scenario belongs to the file of a requirement whose criterion it names; it may name others beside it."""
    for kind in DOCUMENTS:
        found = re.match(rf"{kind.feature_prefix}(\d+)_", Path(scenario.file).name)
        known = [one for one in scenario.criteria if one in catalogue.criteria]
        if found and known:
            mine = [(catalogue.document_of(one).kind, catalogue.requirement_of(one).number) for one in known]
            if (kind, int(found[1])) not in mine:
                cure = f"move it to the file of @{tag_of(known[0])}"
                message = f'scenario "{scenario.name}" names no criterion of the requirement of this file; {cure}'
                yield SuiteProblem(scenario.file, scenario.line, message)


def _equal_names(scenarios: Sequence[Scenario]) -> Iterable[SuiteProblem]:
    """Reports tell scenarios apart by feature and name: equal ones would be shown as one, retried.

    Readers would take names that differ in capitals alone for one as well.
    """
    places = defaultdict(list)
    for one in scenarios:
        places[one.feature, one.name.casefold()].append(one)
    for first, *others in places.values():
        for one in others:
            capitals = "" if one.name == first.name else ", but for capitals,"
            message = (
                f'scenario "{one.name}" has{capitals} the name of the one at {first.place}; give it a name of its own'
            )
            yield SuiteProblem(one.file, one.line, message)


def _rules(text: str, name: str) -> Iterable[SuiteProblem]:
    """Scenarios inside a Rule never reach Allure."""
    for number, line in enumerate(text.splitlines(), 1):
        if re.match(r"\s*Rule:", line):
            yield SuiteProblem(
                name, number, "Rule: hides its scenarios from the report; put them directly below the Feature"
            )


def _cause(error: ParserError, text: str, line: int) -> str:
    said = " ".join(str(error.args[0] if error.args else error).split())
    return feature_form.malformed_table(text, line) if "Malformed table" in said else f"{said}; mend the line"
