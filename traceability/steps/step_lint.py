"""Checks the features against the phrases: each step has one phrase, each phrase a use, no placeholder is left.

A message names file, line and remedy, and the nearest phrase for a step without a phrase.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from traceability.model.feature_files import Scenario, Step, SuiteProblem
from traceability.model.settings import RequiredTag
from traceability.steps import cures
from traceability.steps.step_definitions import Phrase, candidates, steps_of, uses

_NEAR_VALUE = 0.75
"""More than difflib's own 0.6: STALLED is not a typing error of CANCELLED."""
_PLACEHOLDER = re.compile(r"<.+>")


def is_placeholder(text: str) -> bool:
    """A sentence with placeholders in angle brackets, as `new` writes it."""
    return _PLACEHOLDER.fullmatch(text) is not None


def check(scenarios: Sequence[Scenario], phrases: Sequence[Phrase]) -> list[SuiteProblem]:
    """Return each step without a phrase or with several, and each remaining placeholder."""
    return sorted({*_left_to_write(scenarios), *_steps(scenarios, phrases)})


def check_values(
    scenarios: Sequence[Scenario], phrases: Sequence[Phrase], allowed: Mapping[str, Sequence[str]]
) -> list[SuiteProblem]:
    """Return each step with a value that its gap does not take; `allowed` has the values by a part of the phrase."""
    problems = []
    for scenario, step in steps_of(scenarios):
        for phrase in candidates(phrases, step):
            if phrase.matches(step.name) and not cures.unfilled_gap(scenario, step):
                problems += [
                    SuiteProblem(scenario.file, step.line, f'"{step.keyword} {step.name}": {wrong}')
                    for wrong in _wrong_values(phrase, step.name, allowed)
                ]
    return problems


def check_tags(
    scenarios: Sequence[Scenario], phrases: Sequence[Phrase], required: Sequence[RequiredTag]
) -> list[SuiteProblem]:
    """Return each scenario that lacks a tag which its steps require."""
    problems = []
    for rule in required:
        causes = [phrase for phrase in phrases if any(part in phrase.pattern for part in rule.phrases)]
        for one in scenarios:
            if (
                rule.beside not in one.tags
                or rule.tag in one.tags
                or any(step.name == rule.unless for step in one.steps)
            ):
                continue
            cause = next(
                (step for step in one.steps if any(p.matches(step.name) for p in candidates(causes, step))), None
            )
            if cause:
                said = (
                    f'scenario "{one.name}" has @{rule.beside} and "{cause.keyword} {cause.name}"; tag it @{rule.tag}'
                )
                problems.append(SuiteProblem(one.file, one.line, f"{said} as well"))
    return problems


def check_targets(scenarios: Sequence[Scenario], simulator_only: Sequence[Phrase]) -> list[SuiteProblem]:
    """Return each step of a scenario for AWS that only the simulator can do, such as a fault."""
    cure = "only the simulator can do it; remove @aws from the scenario"
    return [
        SuiteProblem(one.file, step.line, f'"{step.keyword} {step.name}": {cure}')
        for one in scenarios
        if "aws" in one.tags
        for step in one.steps
        if any(phrase.matches(step.name) for phrase in candidates(simulator_only, step))
    ]


def _wrong_values(phrase: Phrase, text: str, allowed: Mapping[str, Sequence[str]]) -> Iterator[str]:
    values = [value for _, value in phrase.values(text) or ()]
    known_by_gap: dict[int, Sequence[str]] = {}
    # The longest part says most about its gap: "wave … is <Status>" more than "<Status>".
    for part in sorted(allowed, key=len):
        if part in phrase.pattern:
            # A part means its last gap.
            end = phrase.pattern.index(part) + len(part)
            known_by_gap[phrase.pattern[:end].count("{") - 1] = allowed[part]
    for gap, known in known_by_gap.items() if values else ():
        if values[gap] not in known:
            near = difflib.get_close_matches(values[gap], known, 1, _NEAR_VALUE)
            cure = f"the nearest known is {near[0]!r}" if near else f"known are {', '.join(known)}"
            yield f"{values[gap]!r} is not known; {cure}"


def unused(scenarios: Sequence[Scenario], phrases: Sequence[Phrase]) -> list[SuiteProblem]:
    """Return every phrase that no step says; worth asking once each step has its phrase."""
    said = uses(phrases, scenarios)
    # Several wordings of one step, such as a singular and a plural, are in use when one of them is.
    in_use = {phrase.place for phrase, places in said.items() if places}
    return [
        SuiteProblem(phrase.file, phrase.line, f'no feature says "{phrase.shown}"; use it or remove it')
        for phrase in said
        if phrase.place not in in_use
    ]


def _left_to_write(scenarios: Sequence[Scenario]) -> Iterator[SuiteProblem]:
    for one in scenarios:
        if is_placeholder(one.name):
            yield SuiteProblem(one.file, one.line, f"left to write: the scenario's name, {one.name}")
    for one, step in steps_of(scenarios):
        if is_placeholder(step.name):
            cure = "replace it with a sentence of the phrase book (make phrases)"
            yield SuiteProblem(one.file, step.line, f"left to write: {step.keyword} {step.name}; {cure}")


def _steps(scenarios: Sequence[Scenario], phrases: Sequence[Phrase]) -> Iterator[SuiteProblem]:
    for scenario, step in steps_of(scenarios):
        if is_placeholder(step.name):
            continue
        wrong = cures.unseen_character(step.name) or cures.unfilled_gap(scenario, step)
        if wrong:
            yield SuiteProblem(scenario.file, step.line, f'"{step.keyword} {cures.visible(step.name)}" {wrong}')
            continue
        said = [phrase for phrase in candidates(phrases, step) if phrase.matches(step.name)]
        if not said:
            yield SuiteProblem(scenario.file, step.line, cures.undefined(step.kind, step.name, phrases))
        if len({phrase.place for phrase in said}) > 1:
            yield SuiteProblem(scenario.file, step.line, _ambiguous(step, said))


def _ambiguous(step: Step, said: Iterable[Phrase]) -> str:
    places = " and ".join(f'"{phrase.shown}" ({phrase.place})' for phrase in said)
    return f'"{step.keyword} {step.name}" is said by {places}; behave takes the first: reword one of them'
