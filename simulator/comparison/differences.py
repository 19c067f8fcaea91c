"""Names each difference between the answers of AWS and those of the simulator, and the criteria that rest on it.

A difference is *open* until a person has decided about it: a line in `decided.yaml` with its id and the reason.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import yaml

from simulator.comparison.answers import Answer, NoAnswers, criteria_of
from simulator.comparison.traits import TEXT, WHOLE, Place, Traits
from simulator.drs.timing import Timing

DECIDED = Path(__file__).with_name("decided.yaml")
KINDS = ("field", "format", "word", "order", "time")
_MANY = 20
_TOLERANCE_SECONDS = 1.0


@dataclass(frozen=True)
class Difference:
    """`id` names it in `decided.yaml`. `criteria` are those whose scenarios received such an answer."""

    kind: str
    place: str
    text: str
    answers: int
    criteria: tuple[str, ...]

    @property
    def id(self) -> str:
        # The seconds of a phase are others in each run.
        return f"{self.kind}: {self.place}" + ("" if self.kind == "time" else f": {self.text}")


@dataclass(frozen=True)
class Proposal:
    """A range of seconds for a phase of `simulator.drs.timing.Timing`, from the durations on AWS."""

    phase: str
    now: tuple[int, int]
    proposed: tuple[int, int]
    samples: int


def between(aws: Traits, simulated: Traits, timing: Timing | None = None) -> list[Difference]:
    """Return all differences, by kind. Operations that one side lacks are not compared: see `not_compared`."""
    found = [
        *_fields(aws, simulated),
        *_formats(aws, simulated),
        *_words(aws, simulated),
        *_errors(aws, simulated),
        *_orders(aws, simulated),
        *_times(aws, timing or Timing()),
    ]
    return sorted(found, key=lambda one: (KINDS.index(one.kind), one.place, one.text))


def not_compared(aws: Traits, simulated: Traits) -> dict[str, int]:
    """Return the operations that only AWS was asked, with the number of answers."""
    return {name: len(seen) for name, seen in sorted(aws.operations.items()) if name not in simulated.operations}


def proposals(aws: Traits, timing: Timing | None = None) -> list[Proposal]:
    """Return a range for each phase whose durations on AWS lie outside of the simulator's.

    From 20 durations on it leaves out the lowest and the highest twentieth.
    """
    found = []
    for phase, seen in aws.durations.items():
        now, seconds = getattr(timing or Timing(), phase), sorted(one for one, _ in seen)
        if any(_outside(one, now) for one in seconds):
            cut = len(seconds) // _MANY
            kept = seconds[cut : len(seconds) - cut]
            found.append(Proposal(phase, now, (math.floor(kept[0]), math.ceil(kept[-1])), len(seconds)))
    return found


def suspects(found: Sequence[Difference]) -> dict[str, list[Difference]]:
    """Return the differences by criterion that rests on them."""
    criteria = dict.fromkeys(one for difference in found for one in difference.criteria)
    return {one: [difference for difference in found if one in difference.criteria] for one in criteria}


def load_decided(path: Path | None = None) -> dict[str, str]:
    """Return the reason by the id of each decided difference. Raises NoAnswers."""
    try:
        path = path or DECIDED
        content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as problem:
        raise NoAnswers(f"{path}: cannot be read: {' '.join(str(problem).split())}") from problem
    if not isinstance(content, Mapping) or not all(isinstance(one, str) and one for one in content.values()):
        raise NoAnswers(f"{path}: write a mapping: the id of a difference, then the reason of the decision")
    return dict(content)


def _fields(aws: Traits, simulated: Traits) -> Iterator[Difference]:
    for place, seen in aws.fields.items():
        if place not in simulated.fields and _parent(place) in simulated.structures:
            yield _difference("field", place, "AWS sends it, the simulator does not", seen)
    for place, known in simulated.presence.items():
        found, (operation, path) = aws.presence.get(place, {}), place
        for member in set().union(*known.values()) - {WHOLE}:
            if text := _missing(member, known, found):
                around = aws.structures[place]
                yield _difference("field", (operation, f"{path}.{member}".lstrip(".")), text, around)


def _missing(member: str, known: Mapping[str, Counter[str]], seen: Mapping[str, Counter[str]]) -> str:
    """Return how AWS leaves a member out that the simulator always sends, at least under a condition; "" if not."""
    always = [one for one, count in known.items() if count[member] == count[WHOLE] and one in seen]
    if always and not any(count[member] for count in seen.values()):
        return "the simulator sends it, AWS does not"
    if any(seen[one][member] < seen[one][WHOLE] for one in always):
        return "AWS sometimes leaves it out, the simulator never"
    return ""


def _formats(aws: Traits, simulated: Traits) -> Iterator[Difference]:
    for place, forms in aws.formats.items():
        known = simulated.formats.get(place)
        if known is None or TEXT in known:
            continue
        for form, seen in forms.items():
            if form not in known:
                yield _difference(
                    "format", place, f"AWS sends {form}, the simulator {' or '.join(sorted(known))}", seen
                )


def _words(aws: Traits, simulated: Traits) -> Iterator[Difference]:
    for place, words in aws.words.items():
        known = simulated.words.get(place)
        if known is None:
            continue
        for word, seen in words.items():
            if word not in known:
                listed = "is" if word in aws.known_words[place] else "is not"
                text = f"AWS says {word}, which {listed} in the service's model; the simulator says {_listed(known)}"
                yield _difference("word", place, text, seen)


def _errors(aws: Traits, simulated: Traits) -> Iterator[Difference]:
    for operation, codes in aws.errors.items():
        for code, seen in codes.items():
            if code not in simulated.errors.get(operation, {}) and code not in _ENVIRONMENT:
                known = _listed(simulated.errors.get(operation, {}))
                text = f"AWS refuses with {code}; the simulator's drill met {known}"
                yield _difference("word", (operation, "error"), text, seen)


_ENVIRONMENT = ("ThrottlingException", "AccessDeniedException", "InternalServerException", "ExpiredTokenException")
"""Errors that come from the account and the moment; the simulator gives them as faults."""


def _orders(aws: Traits, simulated: Traits) -> Iterator[Difference]:
    for subject, orders in aws.orders.items():
        known = simulated.orders.get(subject, {})
        if not known:
            continue
        pairs = {pair for one in known for pair in combinations(one, 2)}
        new: dict[tuple[str, str], list[Answer]] = {}
        for order, seen in orders.items():
            for first, then in combinations(order, 2):
                if first != then and (first, then) not in pairs and (then, first) in pairs:
                    new.setdefault((first, then), []).extend(seen)
        for (first, then), seen in new.items():
            text = f"on AWS {first} comes before {then}, in the simulator after it"
            yield _difference("order", ("", subject), text, seen)


def _times(aws: Traits, timing: Timing) -> Iterator[Difference]:
    for phase, seen in aws.durations.items():
        now = getattr(timing, phase)
        outside = [(seconds, one) for seconds, one in seen if _outside(seconds, now)]
        if outside:
            low, high = min(one for one, _ in outside), max(one for one, _ in outside)
            span = f"{low:.0f}" if round(low) == round(high) else f"{low:.0f} to {high:.0f}"
            share = f"{len(outside)} of {len(seen)} times"
            text = f"on AWS {span} s, {share} outside of the simulator's {now[0]} to {now[1]} s"
            yield _difference("time", ("", phase), text, [one for _, one in outside])


def _outside(seconds: float, limits: tuple[int, int]) -> bool:
    return not limits[0] - _TOLERANCE_SECONDS <= seconds <= limits[1] + _TOLERANCE_SECONDS


def _difference(kind: str, place: Place, text: str, seen: Sequence[Answer]) -> Difference:
    return Difference(kind, " ".join(filter(None, place)), text, len(seen), criteria_of(seen))


def _parent(place: Place) -> Place:
    operation, path = place
    return operation, path.rpartition(".")[0]


def _listed(known: Mapping[str, object]) -> str:
    return ", ".join(sorted(known)) or "no error"
