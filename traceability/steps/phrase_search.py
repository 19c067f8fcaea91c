"""Searches the phrase book by the words that a tester would use, the best phrase first.

A query is split into ideas: a word, or words that `synonyms.yaml` of the features lists together. `ExternalId` is two
words. An idea is found in a phrase by its own words or by those that the file names for it; words match by their stem,
so that "depends" finds "dependent". A hit in the sentence counts more than one in its gaps, its note or its uses.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path

import yaml

from traceability.model.problems import UserProblem
from traceability.steps.phrase_book import Entry
from traceability.steps.step_definitions import Use

FILE = "synonyms.yaml"
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+[a-z]*")
# The name of a gap without a type is a programmer's word.
_BARE_NAME = re.compile(r"<[a-z_]+>")
_QUOTED = re.compile(r'"[^"]*"')
_STOP = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "at",
        "be",
        "for",
        "from",
        "has",
        "in",
        "is",
        "it",
        "its",
        "of",
        "on",
        "or",
        "that",
        "the",
        "then",
        "to",
        "was",
        "with",
    ]
)
_SENTENCE, _NOTE, _GAP, _USE, _SUBJECT = 8.0, 4.0, 3.0, 2.0, 1.0
"""What a hit counts. A use says little, and the text that it quotes counts only if nothing else is found."""
_STEM = 0.8
_SYNONYM, _LATER_SYNONYM = 0.7, 0.02
"""What a synonym counts, and how much less each later one of its list."""
_LONGEST_KEY = 3
_SHOWN = 10

Words = tuple[str, ...]
Synonyms = Mapping[Words, Sequence[str]]
"""By the words of a search, the words of phrases that mean the same, the nearest first."""


class BadSynonyms(UserProblem):
    """The file of synonyms cannot be used; the message names the entry."""


@dataclass(frozen=True)
class Found:
    """The phrases of a search, best first.

    `meant` has the other words of each idea that the synonyms name. `complete` is False if no phrase has all ideas.
    """

    entries: Sequence[Entry]
    meant: Mapping[str, Sequence[str]]
    complete: bool


def load(folder: Path) -> Synonyms:
    """Read the synonyms of a folder with features, empty without a file. Raises BadSynonyms."""
    path = folder / FILE
    if not path.exists():
        return {}
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader) or {}  # noqa: S506 - text only
    except yaml.YAMLError as problem:
        raise BadSynonyms(f"{path}: not valid YAML: {' '.join(str(problem).split())}") from problem
    if not isinstance(content, dict):
        raise BadSynonyms(f"{path}: write a mapping: the searched word, then a list of words of phrases")
    for name, values in content.items():
        if not words(name) or not isinstance(values, list) or not all(map(_usable, values)):
            raise BadSynonyms(f"{path}: {name}: write a list of words that phrases have, such as [job query]")
    return {words(name): values for name, values in content.items()}


def _usable(value: object) -> bool:
    return isinstance(value, str) and bool(words(value))


def words(text: str) -> Words:
    """Return the words of a text in small letters; `ExternalId` has two, and words such as "the" are left out."""
    found = [re.sub("ie[sd]$", "y", one.lower()) for one in _WORD.findall(text)]
    return tuple(one for one in found if one not in _STOP)


def search(book: Sequence[Entry], query: str, types: Mapping[str, str], synonyms: Synonyms) -> Found:
    """Return the phrases that a query finds. `types` describes the gaps, by the name of their type."""
    ideas = _ideas(words(query), synonyms)
    if not ideas:
        return Found(book, {}, complete=True)
    scored = _scored(book, ideas, types, quoted=False)
    most = _most(scored)
    if not most:
        # A name that stands in quotes, such as that of a plan, is worth a hit only if no word has it.
        scored = _scored(book, ideas, types, quoted=True)
        most = _most(scored)
    kept = [(sum(scores), one) for one, scores in scored if most and sum(score > 0 for score in scores) == most]
    # Equal scores: the shorter sentence says more of what was asked for, then the book's order.
    kept.sort(key=lambda pair: (-pair[0], len(words(pair[1].phrase.sentence))))
    meant = {" ".join(idea): others for idea, others in ideas if others}
    return Found([_matching_use_first(one, ideas) for _, one in kept], meant, most == len(ideas))


_Ideas = Sequence[tuple[Words, Sequence[str]]]
_Scored = list[tuple[Entry, list[float]]]


def _scored(book: Sequence[Entry], ideas: _Ideas, types: Mapping[str, str], *, quoted: bool) -> _Scored:
    fields = [(one, _fields(one, types, quoted=quoted)) for one in book]
    return [(one, [_score(idea, others, mine) for idea, others in ideas]) for one, mine in fields]


def _most(scored: _Scored) -> int:
    """Return the number of ideas that the best phrase has."""
    return max((sum(score > 0 for score in scores) for _, scores in scored), default=0)


def _matching_use_first(entry: Entry, ideas: _Ideas) -> Entry:
    """Return the entry with the use first that has most of the ideas."""

    def hits(use: Use) -> float:
        return sum(_score(idea, others, [(1.0, words(use.text))]) for idea, others in ideas)

    return replace(entry, uses=sorted(entry.uses, key=hits, reverse=True))


def lines(query: str, found: Found) -> Iterator[tuple[str, str]]:
    """Yield the result for a terminal as (style, line), with the styles of the phrase book."""
    for idea, others in found.meant.items():
        yield "note", f"  {idea}: also {', '.join(others)}"
    if not found.complete:
        yield "note", f"  No phrase has all of {query!r}; these have most of it."
    for one in found.entries[:_SHOWN]:
        yield "phrase", f"    {one.phrase.shown}"
        yield from (("note", f"        {note}") for note in one.notes)
        for use in one.examples:
            yield "use", f"        {use.text}   {use.place}"
    more = len(found.entries) - _SHOWN
    if more > 0:
        yield "note", f"  {more} more; another word finds fewer, --json has all."


def nearest(book: Sequence[Entry], query: str, synonyms: Iterable[Words]) -> list[str]:
    """Return known words that are spelt like one of a query that found nothing; a word of a synonym with all of it."""
    known: dict[str, list[str]] = {word: [word] for one in book for word in words(one.phrase.sentence)}
    for key in synonyms:
        for word in key:
            known.setdefault(word, []).append(" ".join(key))
    near = [one for word in words(query) for one in difflib.get_close_matches(word, sorted(known), n=2, cutoff=0.8)]
    return list(dict.fromkeys(offer for one in near for offer in known[one] if words(offer) != words(query)))


def _ideas(query: Words, synonyms: Synonyms) -> list[tuple[Words, Sequence[str]]]:
    """Split a query into ideas with their synonyms; the longest listed one counts."""
    ideas: list[tuple[Words, Sequence[str]]] = []
    rest = query
    while rest:
        size = next((n for n in range(min(_LONGEST_KEY, len(rest)), 0, -1) if _listed(rest[:n], synonyms)), 1)
        ideas.append((rest[:size], _listed(rest[:size], synonyms)))
        rest = rest[size:]
    return ideas


def _listed(idea: Words, synonyms: Synonyms) -> Sequence[str]:
    if idea in synonyms:
        return synonyms[idea]
    return next((others for key, others in synonyms.items() if len(key) == len(idea) and _has(key, idea)), ())


def _fields(entry: Entry, types: Mapping[str, str], *, quoted: bool) -> list[tuple[float, Words]]:
    gaps = [types[one.type] for one in entry.phrase.parameters if one.type in types]
    return [
        (_SENTENCE, words(_BARE_NAME.sub("", entry.phrase.sentence))),
        (_NOTE, words(entry.phrase.note)),
        *((_USE, words(use.text if quoted else _QUOTED.sub('""', use.text))) for use in entry.uses),
        *((_GAP, words(text)) for text in gaps),
        (_SUBJECT, words(entry.subject)),
    ]


def _score(idea: Words, others: Sequence[str], fields: Sequence[tuple[float, Words]]) -> float:
    """Return how well a phrase has an idea, 0 if it has not."""
    wordings = [
        (1.0, idea),
        *((_SYNONYM - _LATER_SYNONYM * place, words(one)) for place, one in enumerate(others)),
    ]
    return max(
        (
            weight * share * (1.0 if set(wording) <= set(text) else _STEM)
            for share, wording in wordings
            for weight, text in fields
            if _has(text, wording)
        ),
        default=0.0,
    )


def _has(text: Words, wording: Words) -> bool:
    return bool(wording) and all(any(alike(one, word) for word in text) for one in wording)


def alike(one: str, other: str) -> bool:
    """Say whether two words have one stem: "depends" and "dependent", "wave" and "waves", not "time" and "timeout"."""
    if one == other or (len(one) > 2 and len(other) > 2 and _stem(one) == _stem(other)):
        return True
    begin = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    rests = len(one) - begin, len(other) - begin
    return (begin >= 4 and max(rests) <= 2) or (begin >= 5 and min(rests) <= 1) or (begin >= 6 and min(rests) <= 2)


def _stem(word: str) -> str:
    """Return a short word without its ending: "skip" for "skipped", "pol" for "poll" and "polling"."""
    bare = re.sub("(?<=...)(?:ing|ed|es|s|e)$", "", word)
    return re.sub(r"(.)\1$", r"\1", bare)
