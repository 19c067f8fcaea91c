"""For who asks what is covered."""

from __future__ import annotations

import json
from pathlib import Path

import click

from traceability import catalogue, console, matrix
from traceability.cli.group import main, root_option
from traceability.places import Places
from traceability.run import BadInput


@main.command("matrix")
@root_option
def matrix_command(root: Path) -> None:
    """Write reports/matrix.html anew from the last run's coverage.json."""
    places = Places(root.resolve())
    if not places.coverage.exists():
        raise BadInput(["reports/coverage.json: there is no run to show; `make acceptance` makes one"])
    matrix.write(json.loads(places.coverage.read_text(encoding="utf-8")), catalogue.load(), places.matrix)
    click.echo(console.place(places.matrix, places.root))
