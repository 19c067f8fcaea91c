"""The mutation score in the matrix: a number a tile, with the commit it holds for; no number without a kept result."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.traceability.conftest import ON_BOTH_AND_SIMULATED, small_suite
from traceability.model import mutation_score
from traceability.model.mutation_score import KeptScore
from traceability.reporting import matrix, provenance

KEPT = KeptScore("c" * 40, "2026-01-02", "seed", 2000, 100, 90, 1, 0, {"1.2": (3, 4)}, {}, {})


def test_a_tile_shows_the_number_of_its_criterion(tmp_path: Path) -> None:
    suite = small_suite(tmp_path).feature(ON_BOTH_AND_SIMULATED)
    judged = suite.run()
    mutation_score.write(suite.places.root / "features", KEPT, suite.catalogue)
    known = provenance.gather(suite.places, suite.catalogue, judged.coverage)
    page = matrix.page(judged.coverage, suite.catalogue, known)
    tiles = {part.split('"')[0]: part for part in page.split('" id="')[1:]}
    assert "noticed 3 of 4 mutants" in tiles["AC-1.2"]
    assert "mutant" not in tiles["AC-1.1"]
    assert "noticed 90 of 100 mutants (small changes of the code), 90.0% (a random sample of 2000;" in page
    assert "mutants" not in matrix.page(judged.coverage, suite.catalogue, replace(known, score=None))
