"""`python -m tests.least_privilege`: evaluate each mutation of each policy, run the trials, write the page."""

from __future__ import annotations

import sys

import click

from features.targets import granted_accesses
from tests.least_privilege import page, replay, trials
from tests.least_privilege.page import ROOT

NOTES = ROOT / "reports" / ".run"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--check", is_flag=True, help="Skip the trials; only check that docs/least-privilege.md is up to date.")
def main(check: bool) -> None:
    """Prove least privilege from the accesses recorded by the last acceptance run; write docs/least-privilege.md."""
    try:
        grants = granted_accesses.read(NOTES)
        with replay.deployed(grants) as policies:
            replay.require_reproduced(grants)
            findings = replay.findings(policies, grants)
        unnoticed = [one.mutation.title for one in findings if not one.noticed]
        click.echo(f"{len(findings)} mutations evaluated, {len(unnoticed)} unnoticed")
        if unnoticed:
            sys.exit("\n".join(f"allowed, but not needed: {one}" for one in unnoticed))
        if check:
            page.require_current(findings)
            click.echo("docs/least-privilege.md is up to date")
            return
        page.rows(findings)  # Fails before the trials, which take minutes, when a reason is missing.
        tried = trials.trials(list(trials.in_own_account(findings)), _print_trial)
        passed = [one.finding.mutation.title for one in tried if one.red is None]
        if passed:
            sys.exit("\n".join(f"no scenario failed: {one}" for one in passed))
        page.PAGE.write_text(page.text(page.rows(findings, tried), findings), encoding="utf-8")
        click.echo(
            f"{len(tried)} scenarios run with one right removed, all failed; wrote {page.PAGE.relative_to(ROOT)}"
        )
    except (LookupError, replay.NotReproduced) as error:
        sys.exit(f"privileges: {error}")
    except page.OutdatedPage as error:
        sys.exit("\n".join(error.problems))


def _print_trial(trial: trials.Trial) -> None:
    verdict = f"fails: {trial.red.scenario.strip()}" if trial.red else "NO SCENARIO FAILS"
    click.echo(f"{trial.finding.mutation.title}: {verdict}")


if __name__ == "__main__":
    main()
