"""The last run and the last rehearsal, for commands that start from them and write later results into them."""

from __future__ import annotations

import click

from traceability.bundle import integrity, last_run, manifest, run_loader
from traceability.bundle.last_run import LastRun
from traceability.model.catalogue import Catalogue
from traceability.model.paths import Places
from traceability.reporting import console


def unchanged(places: Places, known: Catalogue) -> list[tuple[Places, LastRun]]:
    """Return the last run and the last rehearsal on this tree; leave out one that was changed, and say so."""
    return [(one, run) for one in (places, places.of_rehearsal) if (run := _last_run(one, known))]


def _last_run(places: Places, known: Catalogue) -> last_run.LastRun | None:
    try:
        return integrity.recall(places, known)
    except (integrity.StaleRun, manifest.BadManifest, run_loader.BadRun) as problem:
        reason = problem.changes[0] if isinstance(problem, integrity.StaleRun) else str(problem)
        where = console.relative_path(places.reports, places.root)
        click.echo(f"Ignoring the last run in {where}/: {reason}", err=True)
        return None
