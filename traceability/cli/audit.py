"""Commands for auditors: confirm the scenarios of criteria, bundle a run, verify a bundle."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from traceability.bundle import archive, bundle, integrity, last_run, manifest, run_loader
from traceability.bundle.attestation import Maker
from traceability.cli.group import GREEN, RED, features_option, main, root_option
from traceability.model import catalogue, revisions
from traceability.model.catalogue import Catalogue, Criterion, id_of, tag_of
from traceability.model.feature_files import Scenario
from traceability.model.paths import Places
from traceability.model.revisions import Confirmed
from traceability.reporting import console, outputs
from traceability.reporting.allure_report import scope
from traceability.running.run import BadInput, checked_scenarios


@main.command("confirm")
@features_option
@root_option
@click.option("--all", "every", is_flag=True, help="Confirm all criteria whose current text is not confirmed.")
@click.option("--yes", is_flag=True, help="Skip the question.")
@click.argument("criteria", nargs=-1, metavar="[CRITERION]...")
def confirm_command(features: str, root: Path, every: bool, yes: bool, criteria: tuple[str, ...]) -> None:
    """Confirm that the scenarios of criteria, such as AC-4.2 or EX-1.1, match their current text.

    Shows the confirmed text, the current text and the scenarios, then asks.
    """
    out, known, places = Console(), catalogue.load(), Places(root.resolve(), features)
    folder = places.root / features
    scenarios, confirmed = checked_scenarios(places, known), revisions.load(folder)
    suspects = revisions.suspects(known, confirmed)
    wanted = list(suspects) if every else _named(criteria, known, suspects)
    unconfirmed = [one for one in wanted if one in suspects]
    if not unconfirmed:
        out.print("already confirmed", highlight=False)
        return
    for one in unconfirmed:
        _show(out, known.criteria[one], confirmed.get(one), scenarios)
    if not yes:
        click.confirm("Do these scenarios test the current text?", abort=True)
    revisions.confirm(folder, known, unconfirmed, datetime.now(UTC).date())
    out.print(f"{_tags(unconfirmed)} confirmed in {features}/{revisions.FILE}", highlight=False, soft_wrap=True)


@main.command("bundle")
@root_option
@click.option("--rehearsal", is_flag=True, help="Bundle the last rehearsal instead of the last run.")
@click.option(
    "--key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Sign with this Ed25519 private key, of OpenSSH or PEM; without it the bundle is unsigned.",
)
def bundle_command(root: Path, rehearsal: bool, key: Path | None) -> None:
    """Pack the last run into one archive: report, results, features, criteria, test data, manifest, signature."""
    # A key that cannot be used ends the command before any work.
    maker = Maker(key, lambda: str(click.prompt("Passphrase", hide_input=True))) if key else None
    places = Places(root.resolve(), rehearsal=rehearsal)
    out, known = Console(), catalogue.load()
    if places.manifest.exists():
        integrity.require_unchanged(places, known, "bundled")
        coverage, differences = run_loader.read(places.coverage), last_run.memory(places)["differences"]
        if outputs.refresh(places, known, coverage, differences):
            out.print("Matrix and report were out of date and have been rewritten.", highlight=False)
    path = bundle.write(places, known, maker)
    _print_signing(out, maker)
    content = manifest.read(places)
    if content is not None:
        out.print(scope(content), highlight=False, soft_wrap=True)
    out.print(
        f"{console.relative_path(path, places.root)}  {path.stat().st_size / 1e6:.1f} MB",
        highlight=False,
        soft_wrap=True,
    )
    out.print(f"SHA-256: {archive.digest(path)}", highlight=False, soft_wrap=True)
    for line in (
        "Send this number separately from the archive: a forged archive has another one.",
        f"Verify with: python -m traceability verify {_shell_path(path)} --digest <number>"
        f"{' --key <public key>' if maker else ''}",
    ):
        out.print(line, highlight=False, soft_wrap=True)


@main.command("verify")
@click.option("--digest", help="The expected SHA-256 of the archive, as printed by `make bundle`.")
@click.option(
    "--key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Demand a signature of the owner of this Ed25519 public key, of OpenSSH (.pub) or PEM.",
)
@click.option(
    "--checkout",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    default=Path,
    help="A trusted clone of the project that has the commit of the bundle; by default the current folder.",
)
@click.option(
    "--commit",
    metavar="REV",
    help="The commit that the bundle must be of: a tag, a branch or a hash of the checkout.",
)
@click.argument("path", metavar="ARCHIVE", type=click.Path(path_type=Path))
def verify_command(digest: str | None, key: Path | None, checkout: Path, commit: str | None, path: Path) -> None:
    """Verify a bundle: its signature, its files, its coverage by its own records, its inputs by the commit.

    Exits with 0 if all hold. The records are unpacked into a temporary folder and evaluated again; no other file is
    unpacked.
    """
    wanted = digest.strip().lower() if digest is not None else None
    if wanted is not None and not re.fullmatch(r"[0-9a-f]{64}", wanted):
        raise BadInput([f"--digest {digest}: a SHA-256 has 64 hexadecimal digits; `make bundle` prints it"])
    found = bundle.verify(path, checkout, key, commit)
    console.verification(Console(), found, wanted)
    sys.exit(GREEN if found.good and wanted in (None, found.digest) else RED)


def _print_signing(out: Console, maker: Maker | None) -> None:
    """Say whether the bundle is signed: it comes before all results."""
    if maker:
        out.print(f"Signed with the key {maker.fingerprint}", highlight=False, soft_wrap=True)
    else:
        out.print("[bold]Unsigned[/]: name your key with `make bundle KEY=FILE`", highlight=False, soft_wrap=True)


def _named(criteria: Iterable[str], known: Catalogue, suspects: Iterable[str]) -> list[str]:
    """Return the ids of criteria given as 4.2, AC-4.2 or @EX-1.1. Raises BadInput for an unknown one, and for none."""
    wanted = [id_of(one) for one in criteria]
    unknown = [one for one in wanted if one not in known.criteria]
    if unknown or not wanted:
        names = ", ".join(map(tag_of, unknown)) or "no criterion named"
        raise BadInput([f"{names}: name criteria of the catalogue, such as AC-4.2; suspect now: {_tags(suspects)}"])
    return wanted


def _show(out: Console, criterion: Criterion, before: Confirmed | None, scenarios: Iterable[Scenario]) -> None:
    """Print the confirmed text of a criterion, its current text, and its scenarios."""
    out.print(f"[bold]{criterion.tag}[/]", highlight=False)
    out.print(f"  before: {escape(before.text) if before else '(never confirmed)'}", highlight=False)
    out.print(f"  now:    {escape(criterion.text)}", highlight=False)
    for scenario in scenarios:
        if criterion.id in scenario.criteria:
            out.print(f"  {scenario.place}  {escape(scenario.name)}", highlight=False, soft_wrap=True)


def _shell_path(path: Path) -> str:
    """Return a path for the shell: relative to the current folder if possible, and quoted if necessary."""
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


def _tags(ids: Iterable[str]) -> str:
    return ", ".join(map(tag_of, ids)) or "none"
