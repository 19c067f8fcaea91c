"""For who asks what is covered, where it was proven, and what changed since the last time."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import click
from rich.console import Console

from traceability import bundle, catalogue, console, difference, intact, last_run, matrix, outputs, recorded
from traceability.cli.group import GREEN, RED, main, root_option
from traceability.places import Places
from traceability.run import BadInput

_run_path = click.Path(path_type=Path)


@main.command("matrix")
@root_option
@click.option("--merge", is_flag=True, help="Show the RUNs beside the last run, now and later.")
@click.argument("runs", nargs=-1, type=_run_path, metavar="[RUN]...")
def matrix_command(root: Path, merge: bool, runs: tuple[Path, ...]) -> None:
    """Say what is proven where, and write matrix and report anew. Refuses if anything has changed since the run.

    With --merge, RUNs made elsewhere or on other days (a coverage.json, a folder that holds one, a bundle) stand beside
    the last run: what was proven on moto, rehearsed, and proven on AWS, each with its date.
    """
    places, known = Places(root.resolve()), catalogue.load()
    if runs and not merge:
        raise BadInput([f"{runs[0]}: to show other runs beside the last one, say --merge"])
    if not places.coverage.exists():
        raise BadInput(["reports/coverage.json: there is no run to show; `make acceptance` makes one"])
    intact.require(places, known, "written")
    content = recorded.read(places.coverage)
    for one in [_from_elsewhere(path) for path in runs]:
        recorded.keep(places, one)
    outputs.rewrite(places, known, content, last_run.memory(places)["differences"])
    proofs = recorded.side_by_side(
        recorded.known(places, content), {one.id: one.revision for one in known.criteria.values()}
    )
    click.echo(matrix.sentence(content, proofs))
    click.echo(matrix.on_aws(proofs))
    click.echo(console.place(places.matrix, places.root))


@main.command("diff")
@click.option("--json", "as_json", is_flag=True, help="For other programs.")
@click.argument("run_a", type=_run_path)
@click.argument("run_b", type=_run_path)
def diff_command(as_json: bool, run_a: Path, run_b: Path) -> None:
    """Say what changed from RUN_A to RUN_B: newly proven, regressed, lost, reworded. Ends with 1 if it got worse.

    A RUN is a coverage.json (such as those below reports/history/), a folder that holds one, or a bundle.
    """
    found = difference.between(recorded.read(run_a), recorded.read(run_b))
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        console.difference(Console(), found)
    sys.exit(RED if difference.is_worse(found) else GREEN)


def _from_elsewhere(path: Path) -> recorded.Run:
    """Read a run that was made elsewhere; a bundle only as it was bundled. Raises recorded.BadRun, bundle.BadBundle."""
    if path.is_file() and zipfile.is_zipfile(path):
        found = bundle.verify(path)
        if not found.good:
            name = next(iter([*found.changed, *found.missing, *found.added]))
            raise recorded.BadRun(f"{path}: not what was bundled: {name}; `python -m traceability verify` says more")
    return recorded.read(path)
