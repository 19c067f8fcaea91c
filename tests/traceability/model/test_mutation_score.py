"""The kept mutation score: its interval, its file, what pages show of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from traceability.model import catalogue, mutation_score
from traceability.model.mutation_score import BEGIN, END, KeptScore
from traceability.model.tree import digest

KNOWN = catalogue.load()
THENS = {"r01.feature": {"Waves launch": ["Then the execution is COMPLETED"]}}
SCORE = KeptScore(
    "a" * 40, "2026-01-02", "seed", 2000, 400, 340, 12, 3, {"1.1": (9, 10), "12.5": (1, 2)}, {"a.py": "3, 7-9"}, THENS
)


@pytest.mark.parametrize(
    ("noticed", "tried", "low", "high"),
    [(340, 400, 0.8117, 0.8817), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (0, 0, 0.0, 1.0)],
)
def test_the_interval_is_wilsons(noticed: int, tried: int, low: float, high: float) -> None:
    assert mutation_score.interval(noticed, tried) == pytest.approx((low, high), abs=0.0001)


def test_a_written_score_is_read_again_and_changes_no_digest(tmp_path: Path) -> None:
    (tmp_path / "features").mkdir()
    before = digest(tmp_path)
    mutation_score.write(tmp_path / "features", SCORE, KNOWN)
    assert mutation_score.load(tmp_path / "features") == SCORE
    assert digest(tmp_path) == before


def test_a_file_without_equal_mutants_is_read(tmp_path: Path) -> None:
    path = mutation_score.write(tmp_path, replace(SCORE, equal=20), KNOWN)
    path.write_text(path.read_text().replace("equal: 20\n", ""))
    assert mutation_score.load(tmp_path) == SCORE


def test_a_folder_without_the_file_has_no_score(tmp_path: Path) -> None:
    assert mutation_score.load(tmp_path) is None


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [("aaa", "xyz", "commit: "), ("tried: 400", "tried: -1", "tried: "), (":", "]", "not valid YAML")],
)
def test_a_broken_file_is_named_with_its_mistake(tmp_path: Path, old: str, new: str, problem: str) -> None:
    path = mutation_score.write(tmp_path, SCORE, KNOWN)
    path.write_text(path.read_text().replace(old, new, 3))
    with pytest.raises(mutation_score.BadScore, match=f"mutation.yaml: {problem}"):
        mutation_score.load(tmp_path)


def test_the_score_says_its_commit_and_a_criterion_its_own_number() -> None:
    assert SCORE.sentence == (
        "The scenarios noticed 340 of 400 mutants (small changes of the code), 85.0% (a random sample of 2000; "
        "95 % confidence interval 81.2% to 88.2%), as of commit aaaaaaa, 2026-01-02."
    )
    assert SCORE.without_equal == ""
    assert replace(SCORE, equal=20).without_equal == "Without 20 that no run can notice: 340 of 380, 89.5%."
    assert SCORE.of("1.1") == "noticed 9 of 10 mutants"
    assert replace(SCORE, criteria={"1.1": (0, 1)}).of("1.1") == "noticed 0 of 1 mutant"
    assert SCORE.of("1.2") == ""


def test_the_table_replaces_what_stood_between_its_lines(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"Before\n{BEGIN}\nold\n{END}\nafter\n")
    assert mutation_score.write_table(page, replace(SCORE, tried=500), KNOWN)
    assert mutation_score.write_table(page, SCORE, KNOWN)
    text = page.read_text()
    assert text.startswith(f"Before\n{BEGIN}\n\nThe scenarios noticed 340 of 400")
    assert text.endswith(f"\n\n{END}\nafter\n")
    assert "| 9/10 | AC-1.1 9/10; AC-1.2 –;" in text
    assert "old" not in text
    page.write_text("no place")
    assert not mutation_score.write_table(page, SCORE, KNOWN)
