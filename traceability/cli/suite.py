"""Commands for authors of scenarios: check the features, list the phrases, start a scenario."""

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
from traceability.running.run import BadInput, feature_folder
from traceability.steps import (
    editor,
    judgements,
    phrase_book,
    phrase_search,
    scaffold,
    step_definitions,
    step_lint,
    step_tables,
)
from traceability.steps.phrase_book import Entry

PAGE = Path("docs") / "phrases.md"
_STYLES = {"kind": "bold underline", "subject": "bold", "phrase": "cyan", "note": "italic", "use": "dim"}


@main.command()
@features_option
@root_option
def check(features: str, root: Path) -> None:
    """Check the features against the criteria and the step definitions, without a run."""
    known, places = catalogue.load(), Places(root.resolve(), features)
    scenarios, broken = feature_files.read(feature_folder(places), places.root)
    available, unusable = step_definitions.load(places)
    set_up = settings.load(places.root)
    problems = [*broken, *feature_files.check(scenarios, known, set_up.tags), *unusable]
    if available:
        problems += step_lint.check(scenarios, available)
        problems += step_lint.check_values(scenarios, available, set_up.values)
        problems += step_tables.check(scenarios, available)
        problems += step_lint.check_tags(scenarios, available, set_up.required_tags)
        limited = step_definitions.simulator_only(available, places.root, set_up)
        problems += step_lint.check_targets(scenarios, limited)
    # A phrase may seem unused only because a step is misspelt.
    problems = problems or step_lint.unused(scenarios, available)
    if problems:
        raise BadInput(sorted(set(problems)))
    covered = {one for scenario in scenarios for one in scenario.criteria}
    sign_offs.load(feature_folder(places), known)
    suspects = revisions.suspects(known, revisions.load(feature_folder(places)))
    for one in sorted(covered & set(suspects), key=list(known.criteria).index):
        click.echo(f"{features}/{revisions.FILE}: {suspects[one]}", err=True)
    if covered & set(suspects):
        sys.exit(RED)
    documents = [(one.kind.key, len(covered & set(one.criteria)), len(one.criteria)) for one in known.documents]
    click.echo(
        f"{len(scenarios)} scenarios cover {' and '.join(f'{mine} of {all_} {key}' for key, mine, all_ in documents)} "
        f"in the words of {len(available)} phrases; no problem found."
    )


@main.command("phrases")
@features_option
@root_option
@click.option("--search", default="", metavar="WORD", help="The same as WORD.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with all facts about each phrase.")
@click.option("--write", is_flag=True, help="Also write docs/phrases.md and the editor settings.")
@click.option("--check", "compare", is_flag=True, help="Only check that the files of --write are up to date.")
@click.argument("sought", nargs=-1, metavar="[WORD]...")
def phrases_command(
    features: str, root: Path, search: str, as_json: bool, write: bool, compare: bool, sought: tuple[str, ...]
) -> None:
    """Print the phrase book, or the phrases for WORDs, the best first.

    A WORD may be yours: features/synonyms.yaml says that "poll" means job queries and health checks.
    """
    places = Places(root.resolve(), features)
    book = phrases_of(places)
    types = step_definitions.types()
    written = {
        PAGE: phrase_book.page(book, types),
        Path(editor.SETTINGS): editor.settings((one.phrase for one in book), features),
    }
    if compare:
        stale = [place for place, text in written.items() if not _is_up_to_date(places.root / place, text)]
        if stale:
            raise BadInput([f"{place}: out of date; run `make phrases`" for place in stale])
        click.echo(f"{PAGE} is up to date: {len(book)} phrases")
        return
    if write:
        for place, text in written.items():
            (places.root / place).parent.mkdir(exist_ok=True)
            (places.root / place).write_text(text, encoding="utf-8")
    query = " ".join([search, *sought]).strip()
    known = phrase_search.load(places.root / features)
    found = phrase_search.search(book, query, types, known)
    if as_json:
        click.echo(json.dumps(phrase_book.document(found.entries, types), indent=1, ensure_ascii=False))
        return
    if not found.entries:
        near = phrase_search.nearest(book, query, known)
        hint = f"did you mean {' or '.join(near)}?" if near else "try another word;"
        click.echo(f"no phrase for {query!r}: {hint} without a word the command lists all {len(book)}", err=True)
        sys.exit(RED)
    out = Console()
    for style, line in phrase_search.lines(query, found) if query else phrase_book.lines(book, types):
        out.print(f"[{_STYLES[style]}]{escape(line)}[/]", highlight=False, soft_wrap=True)
    if write:
        out.print(f"\nWritten to {PAGE}: all {len(book)} phrases", highlight=False)


@main.command()
@features_option
@root_option
@click.option("--name", default="", help="The scenario's name; if omitted, the skeleton contains a placeholder.")
@click.argument("criterion", metavar="CRITERION")
def new(features: str, root: Path, name: str, criterion: str) -> None:
    """Add a scenario skeleton for a criterion, such as AC-4.2 or EX-1.1, to its feature file."""
    places, known = Places(root.resolve(), features), catalogue.load()
    scenarios, broken = feature_files.read(feature_folder(places), places.root)
    if broken:
        raise BadInput(broken)
    try:
        wanted = scaffold.find(criterion, known)
        written = scaffold.write(wanted, known, " ".join(name.split()), feature_folder(places), places.root, scenarios)
    except (scaffold.UnknownCriterion, scaffold.NoFeature, scaffold.NameTaken) as problem:
        raise BadInput([str(problem)]) from problem
    place = f"{written.file}:{written.line}"
    console.problems(
        Console(),
        [
            place,
            f"{wanted.tag}: {wanted.text}",
            "Next:",
            "  1. replace each <placeholder>; find phrases with: python -m traceability phrases WORD",
            "  2. python -m traceability check   lists missing parts and unknown steps",
            f"  3. behave {place}",
            f"  4. prove that it can fail: {features}/defects/{wanted.tag}_<mistake>.yaml, then",
            f"     python -m traceability prove --only {wanted.tag}_",
            "See docs/qa.md for the complete guide with an example.",
        ],
    )


def phrases_of(places: Places) -> list[Entry]:
    """Return the phrase book of the features. Raises BadInput."""
    scenarios, broken = feature_files.read(feature_folder(places), places.root)
    available, unusable = step_definitions.load(places)
    if broken or unusable:
        raise BadInput([*broken, *unusable])
    return phrase_book.entries(
        step_definitions.uses(available, scenarios),
        step_definitions.subjects(available, places.root),
        judgements.of_phrases(available, places.root),
        step_definitions.simulator_only(available, places.root, settings.load(places.root)),
    )


def _is_up_to_date(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text
