"""For who writes scenarios."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from traceability import catalogue, revisions, sign_offs
from traceability.cli.group import RED, features_option, main, root_option
from traceability.places import Places
from traceability.run import checked_scenarios


@main.command()
@features_option
@root_option
def check(features: str, root: Path) -> None:
    """Check the features against the catalogue, without running anything."""
    known = catalogue.load()
    scenarios = checked_scenarios(Places(root.resolve(), features), known)
    covered = {one for scenario in scenarios for one in scenario.criteria}
    folder = root.resolve() / features
    sign_offs.load(folder, known)
    suspects = revisions.suspects(known, revisions.load(folder))
    for one in sorted(covered & set(suspects), key=list(known.criteria).index):
        click.echo(f"{features}/{revisions.FILE}: {suspects[one]}", err=True)
    if covered & set(suspects):
        sys.exit(RED)
    click.echo(f"{len(scenarios)} scenarios cover {len(covered)} of {len(known.criteria)} criteria; no problem found.")
