"""For who asks what is covered, where it was proven, and what changed since the last time."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from rich.console import Console

from traceability.bundle import archive, bundle, integrity, last_run, run_history, run_loader
from traceability.cli.group import GREEN, RED, main, root_option
from traceability.evaluation import diff
from traceability.model import catalogue
from traceability.model.paths import Places
from traceability.reporting import console, matrix, outputs, provenance
from traceability.running.run import BadInput

_run_path = click.Path(path_type=Path)


@main.command("matrix")
@root_option
@click.option("--merge", is_flag=True, help="Show the BUNDLEs beside the last run, now and later.")
@click.argument("runs", nargs=-1, type=_run_path, metavar="[BUNDLE]...")
def matrix_command(root: Path, merge: bool, runs: tuple[Path, ...]) -> None:
    """Say what is proven where, and write matrix and report anew. Refuses if anything has changed since the run.

    With --merge, BUNDLEs of runs made elsewhere or on other days stand beside the last run, now and later: what was
    proven on moto, rehearsed, and proven on AWS, each with its date and its archive's digest. The records in a bundle
    are judged anew; what has no records, such as a coverage.json alone, is refused.
    """
    places, known = Places(root.resolve()), catalogue.load()
    if runs and not merge:
        raise BadInput([f"{runs[0]}: to show other runs beside the last one, say --merge"])
    if not places.coverage.exists():
        raise BadInput(["reports/coverage.json: there is no run to show; `make acceptance` makes one"])
    integrity.require_unchanged(places, known, "written")
    content = run_loader.read(places.coverage)
    for path, one in [(path, _from_elsewhere(path, places, content)) for path in runs]:
        run_history.keep_bundle(places, path, one)
    gathered = provenance.gather(places, known, content)
    outputs.rewrite(places, known, content, last_run.memory(places)["differences"], gathered)
    click.echo(matrix.summary(content, gathered.found))
    click.echo(matrix.not_proven_on_aws(gathered.found))
    for source in gathered.sources:
        click.echo(f"Beside it: {archive.printable(matrix.describe_source(source))}")
    for line in gathered.left_out:
        click.echo(f"Left out: {archive.printable(line)}")
    if gathered.bare:
        click.echo(matrix.describe_bare_runs(gathered))
    click.echo(console.relative_path(places.matrix, places.root))


@main.command("diff")
@click.option("--json", "as_json", is_flag=True, help="For other programs.")
@click.argument("run_a", type=_run_path)
@click.argument("run_b", type=_run_path)
def diff_command(as_json: bool, run_a: Path, run_b: Path) -> None:
    """Say what changed from RUN_A to RUN_B: newly proven, regressed, lost, reworded. Ends with 1 if it got worse.

    A RUN is a coverage.json, a folder that holds one, a bundle, or a file below reports/history/.
    """
    found = diff.between(run_loader.read(run_a), run_loader.read(run_b))
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        console.difference(Console(), found)
    sys.exit(RED if diff.is_worse(found) else GREEN)


def _from_elsewhere(path: Path, places: Places, current: run_loader.CoverageDocument) -> run_loader.CoverageDocument:
    """Return the run in a bundle that can be believed. Raises run_loader.BadRun, archive.BadBundle."""
    if path.exists() and not archive.is_archive(path):
        raise run_loader.BadRun(
            f"{path}: its records are not with it, so it proves nothing; merge the bundle that `make bundle` writes "
            "where the run was made"
        )
    found = bundle.verify(path)
    if not found.good:
        first = next(iter([*found.contradicting, *found.changed, *found.missing, *found.added]))
        raise run_loader.BadRun(
            f"{path}: not to be believed: {archive.printable(first)}; `python -m traceability verify` says more"
        )
    run = run_loader.read(path)
    known = run_history.known(places, current)
    for other in known.runs:
        key = run_loader.key_of(other)
        judged = other is current or known.files[key].suffix == ".zip"
        if key == run_loader.key_of(run) and judged and _states(other) != _states(run):
            raise run_loader.BadRun(
                f"{path}: another run of {run['started']} on {run['target']} is known, with other results"
            )
    return run


def _states(run: run_loader.CoverageDocument) -> dict[str, str]:
    return {row["id"]: row["state"] for row in run["criteria"]}
