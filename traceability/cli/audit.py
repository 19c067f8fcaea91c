"""For who must believe the report: what scenarios are bound to, what a run is made of, whether it is intact."""

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
from traceability.cli.group import GREEN, RED, features_option, main, root_option
from traceability.model import catalogue, revisions
from traceability.model.catalogue import TAG_PREFIX
from traceability.model.paths import Places
from traceability.reporting import console, outputs
from traceability.reporting.allure_report import scope
from traceability.running.run import BadInput, checked_scenarios


@main.command("confirm")
@features_option
@root_option
@click.option(
    "--all", "everything", is_flag=True, help="Confirm every criterion that is not confirmed as it reads now."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.argument("criteria", nargs=-1, metavar="AC-4.2 ...")
def confirm_command(features: str, root: Path, everything: bool, yes: bool, criteria: tuple[str, ...]) -> None:
    """Confirm that the scenarios of a criterion fit its words as they are now.

    Shows the words that were confirmed before, the words now and the scenarios, and asks.
    """
    out, known, places = Console(), catalogue.load(), Places(root.resolve(), features)
    folder = places.root / features
    scenarios, confirmed = checked_scenarios(places, known), revisions.load(folder)
    suspects = revisions.suspects(known, confirmed)
    wanted = list(suspects) if everything else [one.removeprefix("@").removeprefix(TAG_PREFIX) for one in criteria]
    unknown = [one for one in wanted if one not in known.criteria]
    if unknown or not (criteria or everything):
        names = ", ".join(f"AC-{one}" for one in unknown) or "no criterion named"
        raise BadInput([f"{names}: name criteria of the catalogue, such as AC-4.2; suspect now: {_tags(suspects)}"])
    open_ones = [one for one in wanted if one in suspects]
    for one in open_ones:
        before = confirmed.get(one)
        out.print(f"[bold]AC-{one}[/]", highlight=False)
        out.print(f"  before: {escape(before.text) if before else '(never confirmed)'}", highlight=False)
        out.print(f"  now:    {escape(known.criteria[one].text)}", highlight=False)
        for scenario in scenarios:
            if one in scenario.criteria:
                out.print(f"  {scenario.place}  {escape(scenario.name)}", highlight=False, soft_wrap=True)
    if open_ones and not yes:
        click.confirm("Do these scenarios test the words as they are now?", abort=True)
    if open_ones:
        revisions.confirm(folder, known, open_ones, datetime.now(UTC).date())
    done = f"{_tags(open_ones)} confirmed in {features}/{revisions.FILE}" if open_ones else "confirmed already"
    out.print(done, highlight=False, soft_wrap=True)


@main.command("bundle")
@root_option
@click.option("--rehearsal", is_flag=True, help="Bundle the last rehearsal instead.")
def bundle_command(root: Path, rehearsal: bool) -> None:
    """Put the last run into one archive: report, results, features, catalogue, test data, manifest."""
    places = Places(root.resolve(), rehearsal=rehearsal)
    out, known = Console(), catalogue.load()
    if places.manifest.exists():
        integrity.require_unchanged(places, known, "bundled")
        coverage, differences = run_loader.read(places.coverage), last_run.memory(places)["differences"]
        if outputs.refresh(places, known, coverage, differences):
            out.print("Matrix and report were written anew: they did not show what is known now.", highlight=False)
    path = bundle.write(places, known)
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
        "Hand the number over by another way than the archive: it is what shows a forgery.",
        f"Check it with: python -m traceability verify {_typed(path)} --digest <number>",
    ):
        out.print(line, highlight=False, soft_wrap=True)


@main.command("verify")
@click.option("--digest", help="The SHA-256 that `make bundle` printed.")
@click.argument("path", metavar="ARCHIVE", type=click.Path(path_type=Path))
def verify_command(digest: str | None, path: Path) -> None:
    """Say whether a bundle is to be believed: all files intact, and its coverage what its own records say.

    Ends with 0 only then. Its records are judged anew in a temporary folder; nothing else is unpacked.
    """
    wanted = digest.strip().lower() if digest is not None else None
    if wanted is not None and not re.fullmatch(r"[0-9a-f]{64}", wanted):
        raise BadInput([f"--digest {digest}: a SHA-256 has 64 hexadecimal digits; `make bundle` printed it"])
    found = bundle.verify(path)
    console.verification(Console(), found, wanted)
    sys.exit(GREEN if found.good and wanted in (None, found.digest) else RED)


def _typed(path: Path) -> str:
    """Return a path as it can be typed where the command was: relative, quoted where the shell wants it."""
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


def _tags(ids: Iterable[str]) -> str:
    return ", ".join(f"AC-{one}" for one in ids) or "none"
