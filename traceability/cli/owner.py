"""Commands for product owners: the matrix of criteria by target, and the difference between two runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from traceability.bundle import archive, bundle, integrity, last_run, run_history, run_loader
from traceability.bundle.bundle import Verification
from traceability.cli.group import GREEN, RED, main, root_option
from traceability.evaluation import diff
from traceability.evaluation.coverage import rows_of, sections
from traceability.model import catalogue
from traceability.model.paths import Places
from traceability.reporting import console, matrix, outputs, provenance
from traceability.running.run import BadInput

_run_path = click.Path(path_type=Path)


@main.command("matrix")
@root_option
@click.option("--merge", is_flag=True, help="Add the BUNDLEs to the history and show them beside the last run.")
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="FILE",
    type=_run_path,
    help="With --merge: take only BUNDLEs that the owner of this Ed25519 public key signed; repeat it for more owners.",
)
@click.argument("runs", nargs=-1, type=_run_path, metavar="[BUNDLE]...")
def matrix_command(root: Path, merge: bool, keys: tuple[Path, ...], runs: tuple[Path, ...]) -> None:
    """Rewrite matrix and report, and print the criteria proven on each target. Fails if the last run was changed.

    With --merge, the BUNDLEs of runs from other machines or days appear beside the last run, now and in later runs,
    each with its date and digest. The records of a bundle are evaluated again. A coverage.json without records is
    refused, as is a bundle whose inputs are not those of its commit, which this clone must have. With --key a bundle
    without the signature of its owner is refused. If one bundle is refused, none is added.
    """
    places, known = Places(root.resolve()), catalogue.load()
    if runs and not merge:
        raise BadInput([f"{runs[0]}: use --merge to show other runs beside the last one"])
    if keys and not runs:
        raise BadInput([f"--key {keys[0]}: name the bundles that must be signed, with --merge BUNDLE"])
    if not places.coverage.exists():
        raise BadInput(["reports/coverage.json: no run to show; run `make acceptance` first"])
    integrity.require_unchanged(places, known, "shown")
    content = run_loader.read(places.coverage)
    history = run_history.known(places, content)
    verified = [(path, *_verified(path, places.root, content, history, keys)) for path in runs]
    for path, one, found in verified:
        console.signature(Console(), found.signature, f"{path}: ")
        run_history.keep_bundle(places, path, one)
    gathered = provenance.gather(places, known, content)
    outputs.rewrite(places, known, content, last_run.memory(places)["differences"], gathered)
    for document, (kind, section) in zip(known.documents, sections(content), strict=True):
        click.echo(matrix.summary(kind, section, content["target"], gathered.found))
        click.echo(matrix.not_proven_on_aws(document, gathered.found))
    for source in gathered.sources:
        click.echo(f"Other run: {archive.printable(matrix.describe_source(source))}")
    for line in gathered.ignored:
        click.echo(f"Ignored: {archive.printable(line)}")
    if gathered.bare:
        click.echo(matrix.describe_bare_runs(gathered))
    click.echo(console.relative_path(places.matrix, places.root))


@main.command("diff")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("run_a", type=_run_path)
@click.argument("run_b", type=_run_path)
def diff_command(as_json: bool, run_a: Path, run_b: Path) -> None:
    """Compare RUN_A with RUN_B: criteria newly proven, regressed, lost, reworded. Exits with 1 if RUN_B is worse.

    A RUN is a coverage.json, a folder that contains one, a bundle, or a file below reports/history/.
    """
    found = diff.between(run_loader.read(run_a), run_loader.read(run_b))
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
    else:
        console.difference(Console(), found)
    sys.exit(RED if diff.is_worse(found) else GREEN)


def _verified(
    path: Path, root: Path, current: run_loader.CoverageDocument, history: run_history.KnownRuns, keys: Sequence[Path]
) -> tuple[run_loader.CoverageDocument, Verification]:
    """Return the run in a bundle that passes verification, and the verification.

    With keys, the owner of one of them must have signed it. Raises run_loader.BadRun, archive.BadBundle, BadKey.
    """
    if path.exists() and not archive.is_archive(path):
        raise run_loader.BadRun(
            f"{path}: has no records, so it cannot be verified; merge the bundle that `make bundle` writes for that run"
        )
    tried = [bundle.verify(path, root, key) for key in keys or (None,)]
    found = next((one for one in tried if not one.signature.problem), tried[0])
    if not found.consistent:
        files = [f"{name} is not the file of the manifest" for name in found.changed + found.missing + found.added]
        first = archive.printable("; ".join([*found.contradicting[:1], *files[:1]]))
        raise run_loader.BadRun(f"{path}: verification failed: {first}; `python -m traceability verify` prints details")
    if found.signature.problem:
        raise run_loader.BadRun(
            f"{path}: not merged: {archive.printable(found.signature.problem)}; ask its maker for a bundle that is "
            "signed with one of these keys, or name the maker's key with --key"
        )
    if found.compared is not None and not found.compared.good:
        raise run_loader.BadRun(
            f"{path}: not merged: {archive.printable(found.compared.objection)}; `python -m traceability verify` "
            "prints details"
        )
    run = run_loader.read(path)
    for other in history.runs:
        key = run_loader.key_of(other)
        has_records = other is current or history.files[key].suffix == ".zip"
        if key == run_loader.key_of(run) and has_records and _states(other) != _states(run):
            raise run_loader.BadRun(
                f"{path}: another run of {run['started']} on {run['target']} is known, with different results"
            )
    return run, found


def _states(run: run_loader.CoverageDocument) -> dict[str, str]:
    return {row["id"]: row["state"] for row in rows_of(run)}
