"""For who writes scenarios."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from traceability.cli.group import RED, features_option, main, root_option
from traceability.model import catalogue, feature_files, revisions, settings, sign_offs
from traceability.model.paths import Places
from traceability.reporting import console
from traceability.running.run import BadInput
from traceability.steps import editor, phrase_book, scaffold, step_definitions, step_lint
from traceability.steps.phrase_book import Entry

PAGE = Path("docs") / "phrases.md"
_STYLES = {"kind": "bold underline", "subject": "bold", "phrase": "cyan", "note": "italic", "use": "dim"}


@main.command()
@features_option
@root_option
def check(features: str, root: Path) -> None:
    """Check the features against catalogue and step definitions, without running anything."""
    known, places = catalogue.load(), Places(root.resolve(), features)
    scenarios, broken = feature_files.read(_folder(places), places.root)
    available, unusable = step_definitions.load(places)
    tags = settings.load(places.root).tags
    problems = [*broken, *feature_files.check(scenarios, known, tags), *unusable]
    if available:
        problems += step_lint.check(scenarios, available)
    # A phrase may seem unused only because the step that means it is misspelt.
    problems = problems or step_lint.unused(scenarios, available)
    if problems:
        raise BadInput(sorted(set(problems)))
    covered = {one for scenario in scenarios for one in scenario.criteria}
    sign_offs.load(_folder(places), known)
    suspects = revisions.suspects(known, revisions.load(_folder(places)))
    for one in sorted(covered & set(suspects), key=list(known.criteria).index):
        click.echo(f"{features}/{revisions.FILE}: {suspects[one]}", err=True)
    if covered & set(suspects):
        sys.exit(RED)
    click.echo(
        f"{len(scenarios)} scenarios cover {len(covered)} of {len(known.criteria)} criteria "
        f"in the words of {len(available)} phrases; no problem found."
    )


@main.command("phrases")
@features_option
@root_option
@click.option("--search", default="", metavar="WORD", help="Only phrases that say WORD, themselves or in a use.")
@click.option("--json", "as_json", is_flag=True, help="For other tools: all that is known of each phrase.")
@click.option("--write", is_flag=True, help="Write docs/phrases.md and the editor's settings as well.")
@click.option("--check", "compare", is_flag=True, help="Only say whether what --write writes is current.")
def phrases_command(features: str, root: Path, search: str, as_json: bool, write: bool, compare: bool) -> None:
    """Print the phrase book: every sentence a scenario can be written from, with real uses."""
    places = Places(root.resolve(), features)
    book = _book(places)
    types = step_definitions.types()
    written = {
        PAGE: phrase_book.page(book, types),
        Path(editor.SETTINGS): editor.settings((one.phrase for one in book), features),
    }
    if compare:
        stale = [place for place, text in written.items() if not _reads(places.root / place, text)]
        if stale:
            cure = "not what step definitions and features say now; `make phrases` writes it anew"
            raise BadInput([f"{place}: {cure}" for place in stale])
        click.echo(f"{PAGE} is current: {len(book)} phrases")
        return
    if write:
        for place, text in written.items():
            (places.root / place).parent.mkdir(exist_ok=True)
            (places.root / place).write_text(text, encoding="utf-8")
    found = [one for one in book if one.mentions(search)]
    if as_json:
        click.echo(json.dumps(phrase_book.document(found, types), indent=1, ensure_ascii=False))
        return
    if not found:
        click.echo(
            f"no phrase says {search!r}; try a shorter word, or leave --search out to see all {len(book)}", err=True
        )
        sys.exit(RED)
    out = Console()
    for style, line in phrase_book.lines(found, types):
        out.print(f"[{_STYLES[style]}]{escape(line)}[/]", highlight=False, soft_wrap=True)
    if write:
        out.print(f"\nWritten to {PAGE}: all {len(book)} phrases", highlight=False)


@main.command()
@features_option
@root_option
@click.option("--name", default="", help="The scenario's name; without it the skeleton says that one is missing.")
@click.argument("criterion", metavar="AC-R.C")
def new(features: str, root: Path, name: str, criterion: str) -> None:
    """Begin a scenario for a criterion, such as AC-4.2: a skeleton in the right feature file."""
    places, known = Places(root.resolve(), features), catalogue.load()
    scenarios, broken = feature_files.read(_folder(places), places.root)
    if broken:
        raise BadInput(broken)
    try:
        wanted = scaffold.find(criterion, known)
        written = scaffold.write(wanted, " ".join(name.split()), _folder(places), places.root, scenarios)
    except (scaffold.UnknownCriterion, scaffold.NoFeature, scaffold.NameTaken) as problem:
        raise BadInput([str(problem)]) from problem
    place = f"{written.file}:{written.line}"
    console.problems(
        Console(),
        [
            place,
            f"{wanted.tag}: {wanted.text}",
            "Next:",
            "  1. replace what stands in <angle brackets>; for phrases: python -m traceability phrases --search WORD",
            "  2. python -m traceability check   says what is left to write, and what no phrase says",
            f"  3. behave {place}",
            f"  4. prove that it can fail: {features}/defects/{wanted.tag}_<mistake>.yaml, then",
            f"     python -m traceability prove --only {wanted.tag}_",
            "docs/qa.md has the whole way, with an example.",
        ],
    )


def _book(places: Places) -> list[Entry]:
    scenarios, broken = feature_files.read(_folder(places), places.root)
    available, unusable = step_definitions.load(places)
    if broken or unusable:
        raise BadInput([*broken, *unusable])
    return phrase_book.entries(
        step_definitions.uses(available, scenarios), step_definitions.subjects(available, places.root)
    )


def _reads(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def _folder(places: Places) -> Path:
    folder = places.root / places.features
    if not folder.is_dir():
        raise BadInput([f"{places.features}/: no such folder; run from the project's root, or name it with --features"])
    return folder
