"""`python -m tests.least_privilege`: judge every change of every policy, run the trials, write the page."""

from __future__ import annotations

import sys

import click

from features.targets import granted_accesses
from tests.least_privilege import page, replay, trials
from tests.least_privilege.page import ROOT

NOTES = ROOT / "reports" / ".run"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--check", is_flag=True, help="Only judge, and say whether docs/least-privilege.md is current.")
def main(check: bool) -> None:
    """Prove least privilege from the notes of the last acceptance run; see docs/least-privilege.md."""
    try:
        grants = granted_accesses.read(NOTES)
        with replay.deployed(grants) as policies:
            replay.require_reproduced(grants)
            findings = replay.findings(policies, grants)
        unnoticed = [one.mutation.title for one in findings if not one.noticed]
        click.echo(f"{len(findings)} changes judged, {len(unnoticed)} unnoticed")
        if unnoticed:
            sys.exit("\n".join(f"allowed, but nobody needs it: {one}" for one in unnoticed))
        if check:
            page.require_current(findings)
            click.echo("docs/least-privilege.md is current")
            return
        table = page.rows(findings)
        tried = trials.trials(list(trials.in_own_account(findings)), _tell)
        passed = [one.finding.mutation.title for one in tried if one.red is None]
        if passed:
            sys.exit("\n".join(f"no scenario failed: {one}" for one in passed))
        table = page.rows(findings, tried)
        page.PAGE.write_text(page.text(table, findings), encoding="utf-8")
        click.echo(f"{len(tried)} scenarios run without a right, all failed; wrote {page.PAGE.relative_to(ROOT)}")
    except (LookupError, replay.NotReproduced) as error:
        sys.exit(f"privileges: {error}")
    except page.OutdatedPage as error:
        sys.exit("\n".join(error.problems))


def _tell(trial: trials.Trial) -> None:
    verdict = f"fails: {trial.red.scenario.strip()}" if trial.red else "NO SCENARIO FAILS"
    click.echo(f"{trial.finding.mutation.title}: {verdict}")


if __name__ == "__main__":
    main()
