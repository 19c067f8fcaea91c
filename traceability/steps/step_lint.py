"""Checks the features against the phrases: each step has one phrase, each phrase a use, no placeholder is left.

A message names file, line and remedy, and the nearest phrase for a step without a phrase.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from traceability.model.feature_files import Scenario, Step, SuiteProblem
from traceability.steps.step_definitions import ANY, Phrase, candidates, steps_of, types, uses

_NEAR = 0.55
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
            if phrase.matches(step.name):
                problems += [
                    SuiteProblem(scenario.file, step.line, f'"{step.keyword} {step.name}": {wrong}')
                    for wrong in _wrong_values(phrase, step.name, allowed)
                ]
    return problems


def check_targets(
    scenarios: Sequence[Scenario], phrases: Sequence[Phrase], simulator_only: Sequence[str]
) -> list[SuiteProblem]:
    """Return each step of a scenario for AWS that only the simulator can do, such as a fault."""
    limited = [phrase for phrase in phrases if phrase.file in simulator_only]
    cure = "only the simulator can do it; remove @aws from the scenario"
    return [
        SuiteProblem(one.file, step.line, f'"{step.keyword} {step.name}": {cure}')
        for one in scenarios
        if "aws" in one.tags
        for step in one.steps
        if any(phrase.matches(step.name) for phrase in candidates(limited, step))
    ]


def _wrong_values(phrase: Phrase, text: str, allowed: Mapping[str, Sequence[str]]) -> Iterator[str]:
    values = [value for _, value in phrase.values(text) or ()]
    for part, known in allowed.items():
        start = phrase.pattern.find(part)
        if start < 0 or not values:
            continue
        # The gap of the part is the one behind all gaps that end before it.
        value = values[phrase.pattern[:start].count("{")]
        if value not in known:
            near = difflib.get_close_matches(value, known, 1)
            cure = f"the nearest known is {near[0]!r}" if near else f"known are {', '.join(known)}"
            yield f"{value!r} is not known; {cure}"


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


def undefined(kind: str, text: str, phrases: Sequence[Phrase]) -> str:
    """Say that no phrase matches `text`, and name the nearest phrase and the difference."""
    return f'no phrase says "{kind.capitalize()} {text}"{cure(kind, text, phrases)}'


def cure(kind: str, text: str, phrases: Sequence[Phrase]) -> str:
    """Return the end of a message that names the replacement for a text without a phrase."""
    other = next((phrase for phrase in phrases if phrase.kind != kind and phrase.matches(text)), None)
    if other:
        return f"; it is a {other.kind.capitalize()}: put it there, or say it as a {kind.capitalize()}"
    worded = _worded_alike(kind, text, phrases)
    if worded:
        return f'; "{worded.shown}" does, but {_misfits(worded, text)}'
    near = nearest(kind, text, phrases)
    if near:
        return f'; the nearest that exists: "{near.shown}"'
    return ", and none comes near; search for a word of it: python -m traceability phrases WORD"


def nearest(kind: str, text: str, phrases: Sequence[Phrase]) -> Phrase | None:
    """Return the phrase most like a text, one of its own kind before one of another; None when none is alike."""
    own = _most_alike(text, [phrase for phrase in phrases if phrase.kind in (kind, ANY)])
    return own or _most_alike(text, phrases)


def _most_alike(text: str, phrases: Sequence[Phrase]) -> Phrase | None:
    bare = _bare(text)
    alike = [(difflib.SequenceMatcher(None, bare, _bare(phrase.pattern)).ratio(), phrase) for phrase in phrases]
    best = max(alike, key=lambda one: one[0], default=(0.0, None))
    return best[1] if best[0] >= _NEAR else None


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
        said = [phrase for phrase in candidates(phrases, step) if phrase.matches(step.name)]
        if not said:
            yield SuiteProblem(scenario.file, step.line, undefined(step.kind, step.name, phrases))
        if len({phrase.place for phrase in said}) > 1:
            yield SuiteProblem(scenario.file, step.line, _ambiguous(step, said))


def _ambiguous(step: Step, said: Iterable[Phrase]) -> str:
    places = " and ".join(f'"{phrase.shown}" ({phrase.place})' for phrase in said)
    return f'"{step.keyword} {step.name}" is said by {places}; behave takes the first: reword one of them'


def _worded_alike(kind: str, text: str, phrases: Sequence[Phrase]) -> Phrase | None:
    """Return the phrase whose words a text has, though not the right values; the one with most words, if several."""
    own = [phrase for phrase in phrases if phrase.kind in (kind, ANY) and phrase.values(text) is not None]
    return max(own, key=lambda phrase: len(_bare(phrase.pattern)), default=None)


def _misfits(phrase: Phrase, text: str) -> str:
    known = types()
    told = []
    for parameter, value in phrase.values(text) or ():
        if not parameter.takes(value):
            accepts = (
                "a whole number" if parameter.type == "d" else f"{parameter.type}: {known.get(parameter.type, '')}"
            )
            told.append(f"{value!r} is not what <{parameter.shown}> takes ({accepts.rstrip('.')})")
    return "; ".join(told) or "its values cannot be told apart; put each text into quotes"


def _bare(text: str) -> str:
    """The words alone: quoted texts, numbers and gaps do not make two sentences similar."""
    return " ".join(re.sub(r'"[^"]*"|\{[^}]*\}|\d+', "", text).lower().split())
