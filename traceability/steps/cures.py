"""What to write instead of a step that no phrase says: the cause if it is known, else the nearest phrase."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator, Sequence

from traceability.model.feature_files import Scenario, Step
from traceability.steps.step_definitions import ANY, GAP, Phrase, types

_NEAR = 0.55
# Characters that look like a space or like nothing: in a text editor, nobody sees them.
_UNSEEN = re.compile(r"[^\S \n]|[\u200b-\u200f\u2060\ufeff\u00ad]")
_NAMES = {"\t": "tab", "\u00a0": "non-breaking space", "\u202f": "narrow non-breaking space"}
# Double and single quotation marks, guillemets and primes.
_TYPOGRAPHIC = {
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033", '"'),
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032", "'"),
}
_OUTLINE_GAP = re.compile(r"<(\w[\w -]*)>")
_ENDINGS = r"(?:e?s|ed)?"
_QUOTED = re.compile(r'"[^"]*"')


def unseen_character(text: str) -> str:
    """Name the first character of a step that nobody sees, such as a tab, and its place; "" if there is none."""
    found = _UNSEEN.search(text)
    if found is None:
        return ""
    name = _NAMES.get(found[0]) or unicodedata.name(found[0], "control character").lower()
    before = text[: found.start()].split()
    where = f'behind "{before[-1]}"' if before else "at its beginning"
    remedy = "write a space" if found[0].isspace() else "remove it"
    return f"has a {name} (U+{ord(found[0]):04X}) {where}; {remedy}"


def visible(text: str) -> str:
    """Return a text with a space for each character that nobody sees: a terminal would expand a tab."""
    return _UNSEEN.sub(" ", text)


def unfilled_gap(scenario: Scenario, step: Step) -> str:
    """Say why a gap of an outline, such as <wave>, stays as it is in a step; "" if the step has none."""
    names = _OUTLINE_GAP.findall(step.name)
    if not names:
        return ""
    if scenario.columns is None:
        return f"has <{names[0]}>, but gaps work only in a Scenario Outline; write a value, or an outline with Examples"
    near = difflib.get_close_matches(names[0], scenario.columns, 1)
    hint = f"; the nearest is {near[0]!r}" if near else ""
    return (
        f"has <{names[0]}>, but its Examples have no column {names[0]!r}{hint}; they have {', '.join(scenario.columns)}"
    )


def undefined(kind: str, text: str, phrases: Sequence[Phrase]) -> str:
    """Say that no phrase matches `text`, and name the cause or the nearest phrase."""
    return f'no phrase says "{kind.capitalize()} {text}"{cure(kind, text, phrases)}'


def cure(kind: str, text: str, phrases: Sequence[Phrase]) -> str:
    """Return the end of a message that names the replacement for a text without a phrase."""
    own = [phrase for phrase in phrases if phrase.kind in (kind, ANY)]
    straight = "".join(_TYPOGRAPHIC.get(one, one) for one in text)
    if straight != text:
        return f"; use straight quotes: {kind.capitalize()} {straight}"
    worded = _worded_alike(text, own)
    if worded and (capitals := _in_capitals(worded, text)):
        return f'; "{worded.shown}" does, but {_misfits(worded, text)}; in capitals: "{kind.capitalize()} {capitals}"'
    other = next((phrase for phrase in phrases if phrase.kind != kind and phrase.matches(text)), None)
    if other:
        return f"; it is a {other.kind.capitalize()}: put it there, or say it as a {kind.capitalize()}"
    if worded:
        return f'; "{worded.shown}" does, but {_misfits(worded, text)}'
    if quoted := next(_in_quotes(text, own), ""):
        return f"; put the name in quotes: {kind.capitalize()} {quoted}"
    near = nearest(kind, text, phrases)
    if near:
        return f'; the nearest that exists: "{near.shown}"'
    return ", and none comes near; search for a word of it: python -m traceability phrases WORD"


def nearest(kind: str, text: str, phrases: Sequence[Phrase]) -> Phrase | None:
    """Return the phrase most like a text, one of its own kind before one of another; None when none is alike.

    A phrase that has the same words with other endings, such as "pass" for "passes", comes first.
    """
    own = [phrase for phrase in phrases if phrase.kind in (kind, ANY)]
    inflected = next((phrase for phrase in own if _has_words_of(phrase, text)), None)
    return inflected or _most_alike(text, own) or _most_alike(text, phrases)


def _most_alike(text: str, phrases: Sequence[Phrase]) -> Phrase | None:
    bare = _bare(text)
    alike = [(difflib.SequenceMatcher(None, bare, _bare(phrase.pattern)).ratio(), phrase) for phrase in phrases]
    best = max(alike, key=lambda one: one[0], default=(0.0, None))
    return best[1] if best[0] >= _NEAR else None


def _has_words_of(phrase: Phrase, text: str) -> bool:
    """Say whether a text has the words of a phrase with any endings, and fitting values."""
    parts = GAP.split(phrase.pattern)[:: GAP.groups + 1]
    words = [re.sub(r"[A-Za-z]{3,}", lambda one: f"{_stem(one[0])}{_ENDINGS}", re.escape(part)) for part in parts]
    found = re.fullmatch("(.+?)".join(words), text)
    return found is not None and all(
        one.takes(value) for one, value in zip(phrase.parameters, found.groups(), strict=True)
    )


def _stem(word: str) -> str:
    return re.sub("(?:ed|s)$", "", word) if not word.endswith("ss") else word


def _in_capitals(phrase: Phrase, text: str) -> str:
    """Return the text with its values in capitals if the phrase takes them so, else ""."""
    written = GAP.sub("{}", phrase.pattern)
    values = [
        value if one.takes(value) else value.upper()
        for one, value in phrase.values(text) or ()
        if not _QUOTED.search(value)
    ]
    if len(values) != len(phrase.parameters):
        return ""
    whole = written.format(*values)
    return whole if whole != text and phrase.matches(whole) else ""


def _in_quotes(text: str, phrases: Sequence[Phrase]) -> Iterator[str]:
    """Yield the text with quotes around each name that lacks them, for each phrase that then says it."""
    for phrase in phrases:
        gaps = [f'"{found[0]}"' in phrase.pattern for found in GAP.finditer(phrase.pattern)]
        if not any(gaps):
            continue
        # Each quoted gap may stand without its quotes; such a name is one word.
        open_pattern = re.sub(r'"(\{[^}]*\})"', r"\1", phrase.pattern)
        words = [re.escape(part) for part in GAP.split(open_pattern)[:: GAP.groups + 1]]
        holes = [r'("?[^\s"]+"?)' if quoted else "(.+?)" for quoted in gaps]
        found = re.fullmatch("".join(part + hole for part, hole in zip(words, [*holes, ""], strict=True)), text)
        if found is None:
            continue
        values = [
            f'"{value.strip(chr(34))}"' if quoted else value for quoted, value in zip(gaps, found.groups(), strict=True)
        ]
        whole = GAP.sub("{}", open_pattern).format(*values)
        if phrase.matches(whole):
            yield whole


def _worded_alike(text: str, phrases: Sequence[Phrase]) -> Phrase | None:
    """Return the phrase whose words a text has, though not the right values; the one with most words, if several."""
    own = [phrase for phrase in phrases if phrase.values(text) is not None]
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
