"""For who must believe the report: what scenarios are bound to, what a run is made of, whether it is intact."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape

from traceability import catalogue, revisions
from traceability.catalogue import TAG_PREFIX
from traceability.cli.group import features_option, main, root_option
from traceability.places import Places
from traceability.run import BadInput, checked_scenarios


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


def _tags(ids: Iterable[str]) -> str:
    return ", ".join(f"AC-{one}" for one in ids) or "none"
