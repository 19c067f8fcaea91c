"""The matrix: requirements by criteria on one static page, for a reader with two minutes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from traceability import sign_offs
from traceability.catalogue import Catalogue
from traceability.coverage import STATES, first_reason
from traceability.pages import render
from traceability.report import STATE_SIGNS, STATE_WORDS, headline


def write(coverage: Mapping[str, Any], catalogue: Catalogue, path: Path) -> None:
    """Write the page: no script, no request; states by colour, by sign and by word."""
    rows = {row["id"]: row for row in coverage["criteria"]}
    requirements = [
        (one, [(criterion, rows[criterion.id], first_reason(rows[criterion.id])) for criterion in one.criteria])
        for one in catalogue.requirements
    ]
    page = render(
        "matrix.html",
        coverage=coverage,
        headline=headline(coverage),
        requirements=requirements,
        states=STATES,
        words=STATE_WORDS,
        signs=STATE_SIGNS,
        signed_off=sign_offs.told,
    )
    path.write_text(page, encoding="utf-8")
