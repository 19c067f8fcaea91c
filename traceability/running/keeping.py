"""Writes what a run proves into the committed list of proofs, and accepts losses with a reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from traceability.evaluation import proof_changes
from traceability.model import proofs
from traceability.model.catalogue import Catalogue
from traceability.model.paths import Places
from traceability.model.proofs import Proofs


def accept(
    places: Places, catalogue: Catalogue, run: dict[str, Any], reasons: Mapping[str, str], *, partial: bool
) -> None:
    """Write accepted losses into the list, and into the coverage document `run`. Raises proofs.BadProofs."""
    known = proofs.load(places.root / places.features)
    lost = proof_changes.losses(run, known, partial=partial)
    accepted = proofs.accept(lost, reasons, datetime.now(UTC).date().isoformat())
    _write(places, catalogue, run, known.with_run(run["target"], {}, accepted), partial=partial)


def keep(
    places: Places, catalogue: Catalogue, run: dict[str, Any], reasons: Mapping[str, str], *, partial: bool
) -> list[str]:
    """Write gains and accepted losses of the last run into the list; return the criteria that are new in it.

    A loss without a reason stays as it is. Raises proofs.BadProofs.
    """
    known = proofs.load(places.root / places.features)
    counts = proof_changes.passed(run)
    accepted = proofs.accept(
        proof_changes.losses(run, known, partial=partial), reasons, datetime.now(UTC).date().isoformat()
    )
    gained = proofs.gains(known, run["target"], counts)
    _write(places, catalogue, run, known.with_run(run["target"], counts, accepted), partial=partial)
    return gained


def _write(places: Places, catalogue: Catalogue, run: dict[str, Any], now: Proofs, *, partial: bool) -> None:
    proofs.write(places.root / places.features, now, catalogue)
    run |= proof_changes.entries(run, now, partial=partial)
