"""The command that writes the last run in the formats of other tools."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import click

from traceability.bundle import integrity, last_run, manifest, run_loader
from traceability.cli.group import main, root_option
from traceability.model import catalogue
from traceability.model.paths import Places
from traceability.reporting import console, matrix, matrix_table, oscal, pdf, provenance
from traceability.running.run import BadInput

FORMATS = ("oscal", "csv", "pdf")
_FOLDER = Path("reports") / "exports"


@main.command("export")
@root_option
@click.option(
    "--output",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"Folder of the files; by default {_FOLDER}.",
)
@click.argument("formats", nargs=-1, type=click.Choice(FORMATS), metavar="[oscal|csv|pdf]...")
def export_command(root: Path, output: Path | None, formats: tuple[str, ...]) -> None:
    """Write the last run for other tools: OSCAL assessment results, the matrix as CSV and as PDF; by default all.

    Fails if a file of the run was changed. An export is a copy without signature: the evidence is in the bundle. The
    PDF needs Chromium or Chrome on this machine.
    """
    places, known = Places(root.resolve()), catalogue.load()
    wanted = formats or FORMATS
    if "pdf" in wanted:
        pdf.required_browser()  # Before any file is written.
    if not places.coverage.exists():
        raise BadInput(["reports/coverage.json: no run to export; run `make acceptance` first"])
    integrity.require_unchanged(places, known, "exported")
    content, described = run_loader.read(places.coverage), manifest.read(places)
    assert described is not None
    folder = output.resolve() if output else places.root / _FOLDER
    gathered = provenance.gather(places, known, content)

    def href(path: str) -> str:
        name, _, fragment = path.partition("#")
        place = Path(os.path.relpath(places.root / name, folder)).as_posix()
        return f"{place}#{fragment}" if fragment else place

    def in_oscal() -> bytes:
        return oscal.encode(oscal.document(content, described, known, href, last_run.memory(places)["differences"]))

    files: dict[str, tuple[str, Callable[[], bytes]]] = {
        "oscal": ("assessment-results.json", in_oscal),
        "csv": ("matrix.csv", lambda: matrix_table.encode(content, known, gathered)),
        "pdf": ("matrix.pdf", lambda: pdf.encode(matrix.page(content, known, gathered, links=False))),
    }
    bodies = {name: write() for one, (name, write) in files.items() if one in wanted}
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in bodies.items():
        (folder / name).write_bytes(body)
        click.echo(f"{console.relative_path(folder / name, places.root)}  {len(body) / 1e3:.0f} kB")
