"""The phrase book: the phrases for authors of scenarios, as lines for a terminal, as a page, as JSON.

Grouped by Given, When and Then, and by subject, which is the step file; each with one or two real uses.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from traceability.steps import judgements
from traceability.steps.step_definitions import KINDS, SIMULATED, Phrase, Use

EXAMPLES = 2
_DUTIES = {
    "given": "Given states facts: the plan, and what AWS, its servers and other people do to it.",
    "when": "When is one event, or what is done one thing after the other.",
    "then": "Then is what can be seen outside the engine. Assert the absence, too.",
    "step": "These may stand behind any keyword.",
}


@dataclass(frozen=True)
class Entry:
    """One phrase, its subject and its uses."""

    phrase: Phrase
    subject: str
    uses: Sequence[Use]
    judges: Sequence[str] = ()
    """The sources of the values that a Then compares."""
    simulated: bool = False
    """Whether real AWS cannot serve it."""

    @property
    def notes(self) -> Sequence[str]:
        """What a reader has to know about the phrase, unless its subject says so."""
        limited = SIMULATED if self.simulated and SIMULATED not in self.subject else ""
        return [one for one in (self.phrase.note, limited) if one]

    @property
    def examples(self) -> Sequence[Use]:
        return self.uses[:EXAMPLES]


def entries(
    uses: Mapping[Phrase, Sequence[Use]],
    subjects: Mapping[str, str],
    judged: Mapping[Phrase, Sequence[str]] | None = None,
    simulated: Collection[Phrase] = (),
) -> list[Entry]:
    """Return the book's entries in its order: Given, When, Then, and below them the step files by name."""
    order = [*KINDS, "step"]
    judged = judged or {}
    book = [
        Entry(phrase, subjects[phrase.file], said, judged.get(phrase, ()), phrase in simulated)
        for phrase, said in uses.items()
    ]
    return sorted(book, key=lambda one: (order.index(one.phrase.kind), one.phrase.file, one.phrase.line))


def lines(book: Sequence[Entry], types: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the book for a terminal as (style, line); the style is kind, subject, phrase, note or use."""
    for kind, of_kind in groupby(book, lambda one: one.phrase.kind):
        yield "kind", f"{kind.capitalize()}"
        for subject, of_subject in groupby(of_kind, lambda one: one.subject):
            yield "subject", f"  {subject}"
            for one in of_subject:
                yield "phrase", f"    {one.phrase.shown}"
                yield from (("note", f"        {note}") for note in one.notes)
                for use in one.examples:
                    yield "use", f"        {use.text}   {use.place}"
    named = [(name, told) for name, told in types.items() if any(f"<{name}>" in one.phrase.sentence for one in book)]
    if named:
        yield "kind", "What stands in the gaps"
        yield from (("note", f"  <{name}>  {told}") for name, told in named)
    if book:
        yield (
            "note",
            "  A gap in small letters takes any text where it stands in quotes, else a whole number or a word.",
        )


def page(book: Sequence[Entry], types: Mapping[str, str]) -> str:
    """Return the book as a Markdown page. Examples name their scenario, not its line, which moves with every edit."""
    return "\n".join(_page(book, types)) + "\n"


def document(book: Sequence[Entry], types: Mapping[str, str]) -> dict[str, Any]:
    """Return the book for other tools."""
    return {
        "types": dict(types),
        "phrases": [
            {
                "kind": one.phrase.kind,
                "phrase": one.phrase.sentence,
                "pattern": one.phrase.pattern,
                "subject": one.subject,
                "note": one.phrase.note,
                "simulated_only": one.simulated,
                "file": one.phrase.file,
                "line": one.phrase.line,
                "parameters": [
                    {"name": gap.name, "type": gap.type, "accepts": accepts(gap.type, types)}
                    for gap in one.phrase.parameters
                ],
                "judges": list(one.judges),
                "uses": len(one.uses),
                "examples": [
                    {"text": use.text, "file": use.file, "line": use.line, "scenario": use.scenario}
                    for use in one.examples
                ],
            }
            for one in book
        ],
    }


def accepts(kind: str, types: Mapping[str, str]) -> str:
    """Describe the texts that a gap of this type accepts."""
    return {"": "any text", "d": "a whole number"}.get(kind) or types.get(kind, kind)


def _page(book: Sequence[Entry], types: Mapping[str, str]) -> Iterator[str]:
    yield "# Phrase book"
    yield ""
    yield "Every sentence that a scenario can be written from, with real uses. `make phrases` writes this page."
    yield "To find one in a terminal, by your own words: `python -m traceability phrases WORD`."
    yield "How a scenario is made of them: [Writing scenarios](qa.md)."
    yield ""
    yield "| in the gap | write |"
    yield "|---|---|"
    yield from (f"| `<{name}>` | {_cell(told)} |" for name, told in types.items())
    yield '| `"<name>"`, `"<text>"`: small letters in quotes | any text; servers, plans by their names in `testdata/` |'
    yield "| `<number>`, `<count>`: small letters without quotes | a whole number, or a word as the uses show it |"
    for kind, of_kind in groupby(book, lambda one: one.phrase.kind):
        yield from ("", f"## {kind.capitalize()}", "", _DUTIES[kind])
        for subject, of_subject in groupby(of_kind, lambda one: one.subject):
            yield from ("", f"### {subject.rstrip('.')}", "", "| phrase | used as |", "|---|---|")
            yield from (_row(one) for one in of_subject)


def _row(one: Entry) -> str:
    note = "".join(f"<br>{_cell(note)}" for note in one.notes)
    note += f"<br>Judges: {_cell(judgements.told(one.judges))}" if one.judges else ""
    said = "<br>".join(f"`{_cell(use.text)}` in [{_short(use.file)}](../{use.file})" for use in one.examples)
    return f"| `{_cell(one.phrase.shown)}`{note} | {said} |"


def _short(file: str) -> str:
    return file.rpartition("/")[2].partition("_")[0]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
