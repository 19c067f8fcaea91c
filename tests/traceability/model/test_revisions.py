"""A reworded criterion makes its scenarios suspect in all outputs until a person confirms them."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from tests.traceability.conftest import Suite
from traceability.cli.audit import confirm_command
from traceability.model import catalogue, revisions
from traceability.model.catalogue import Catalogue, Criterion, Document
from traceability.reporting import console
from traceability.running.run import BadInput


def reworded(known: Catalogue, criterion: str, text: str) -> Catalogue:
    def change(document: Document) -> Document:
        requirements = tuple(
            replace(one, criteria=tuple(replace(c, text=text) if c.id == criterion else c for c in one.criteria))
            for one in document.requirements
        )
        return replace(document, requirements=requirements)

    return Catalogue(tuple(map(change, known.documents)))


def old_words(suite: Suite) -> Path:
    path = suite.root / "features" / revisions.FILE
    current = catalogue.load()
    revisions.confirm(path.parent, reworded(current, "1.1", "the words of last year"), ["1.1"], date(2025, 1, 1))
    return path


def test_a_reworded_criterion_makes_its_scenarios_suspect_until_confirmed(suite: Suite) -> None:
    suite.scenario("Given nothing is wrong", "When nothing is wrong", "Then nothing is wrong")
    assert suite.state(suite.run()) == "proven"
    old_words(suite)
    judged = suite.run()
    assert suite.state(judged) == "suite_defect"
    assert suite.reasons(judged)[0].startswith("suspect: AC-1.1 was reworded after its scenarios were confirmed")
    out = Console(file=io.StringIO(), width=200)
    console.summary(out, judged.coverage, suite.catalogue)
    assert "suspect: AC-1.1 was reworded" in out.file.getvalue()
    assert "suspect: AC-1.1 was reworded" in suite.places.matrix.read_text(encoding="utf-8")
    assert "suspect: AC-1.1 was reworded" in (suite.places.reports / "coverage.csv").read_text(encoding="utf-8")


def test_a_violation_stays_a_violation_while_the_scenario_is_suspect(suite: Suite) -> None:
    suite.scenario("Then the expectation fails")
    old_words(suite)
    assert suite.state(suite.run()) == "violated"


def test_without_the_file_nothing_is_confirmed(suite: Suite) -> None:
    (suite.root / "features" / revisions.FILE).unlink()
    judged = suite.scenario("Then nothing is wrong").run()
    assert suite.state(judged) == "suite_defect"
    assert "are not confirmed" in suite.reasons(judged)[0]


def test_line_breaks_are_no_new_words() -> None:
    assert Criterion("1.1", "1", "a b\n c").revision == Criterion("1.1", "1", "a  b c").revision
    assert Criterion("1.1", "1", "a b").revision != Criterion("1.1", "1", "a B").revision


def confirm(suite: Suite, *arguments: str, answer: str = "y\n") -> tuple[str, int]:
    ended = CliRunner().invoke(confirm_command, ["--root", str(suite.root), *arguments], input=answer)
    if ended.exception and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return ended.output, ended.exit_code


def test_confirming_shows_the_old_words_and_the_new_and_asks(suite: Suite) -> None:
    path = old_words(suite.scenario("Given nothing is wrong", "When nothing is wrong", "Then nothing is wrong"))
    before = path.read_text(encoding="utf-8")
    said, code = confirm(suite, "AC-1.1", answer="n\n")
    assert code == 1
    assert path.read_text(encoding="utf-8") == before
    for words in ("the words of last year", catalogue.load().criteria["1.1"].text[:40], "features/r01.feature:3"):
        assert words in " ".join(said.split())
    said, code = confirm(suite, "AC-1.1")
    assert code == 0
    assert revisions.suspects(catalogue.load(), revisions.load(path.parent)) == {}
    assert "already confirmed" in confirm(suite, "AC-1.1")[0]


def test_only_criteria_of_the_catalogue_are_confirmed(suite: Suite) -> None:
    suite.scenario("Given nothing is wrong", "When nothing is wrong", "Then nothing is wrong")
    with pytest.raises(BadInput) as refused:
        confirm(suite, "AC-99.1")
    assert refused.value.problems == ["AC-99.1: name criteria of the catalogue, such as AC-4.2; suspect now: none"]


@pytest.mark.parametrize("content", ["- a\n", "AC-1.1: {}\n", "a: [\n"])
def test_a_file_that_is_none_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / revisions.FILE).write_text(content, encoding="utf-8")
    with pytest.raises(revisions.BadRevisions, match="take it back from git"):
        revisions.load(tmp_path)
