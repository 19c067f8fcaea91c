"""For who runs the suite and proves that it can fail."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from traceability.bundle import integrity, last_run, manifest, run_loader
from traceability.cli.group import BAD_INPUT, GREEN, RED, features_option, main, root_option
from traceability.model import catalogue, settings, tree
from traceability.model.feature_files import Scenario, for_target
from traceability.model.paths import Places
from traceability.model.states import NO_SCENARIO, REHEARSAL
from traceability.model.verdict import SUITE_DEFECT, VIOLATED
from traceability.mutation import defects, prove
from traceability.recording import failure_story
from traceability.reporting import console, outputs
from traceability.running.run import RunResult, checked_scenarios, run, write_report


@main.command("run")
@features_option
@root_option
@click.option("--target", type=click.Choice(["moto", "aws", "rehearsal"]), default="moto", show_default=True)
@click.argument("behave_arguments", nargs=-1, type=click.UNPROCESSED)
def run_command(features: str, root: Path, target: str, behave_arguments: tuple[str, ...]) -> None:
    """Run the features with behave, judge each criterion, write the report.

    Extra arguments go to behave, after --: files, FILE:LINE, --tags, --name. Such a run of part of the suite says so
    wherever it is shown, and stays out of the history.
    """
    out, begun = Console(), time.perf_counter()
    known, places = catalogue.load(), Places(root.resolve(), features, rehearsal=target == "rehearsal")
    strict = settings.load(places.root).no_scenario == "fail"
    scenarios = checked_scenarios(places, known)
    with console.progress(out) as progress:
        judged = run(places, known, scenarios, target, behave_arguments, progress)
    console.summary(out, judged.coverage, known)
    console.stories(out, judged.coverage, failure_story.load(places.notes))
    console.differences(out, judged.differences, judged.log)
    page = write_report(places, known, judged)
    out.print(f"Report: {console.relative_path(page, places.root)}", highlight=False)
    rest = time.perf_counter() - begun - judged.behave_seconds
    out.print(
        f"{len(scenarios)} scenarios in {judged.behave_seconds:.1f} s, judged and reported in {rest:.1f} s",
        highlight=False,
    )
    sys.exit(exit_code(judged, scenarios, strict=strict))


@main.command("prove")
@features_option
@root_option
@click.option(
    "--only",
    default="",
    help="Only defects with this in their file name; tells of each scenario of the criterion whether it notices.",
)
def prove_command(features: str, root: Path, only: str) -> None:
    """Seed each defect into a copy of the tree and see whether its criterion's scenarios notice."""
    out, begun = Console(), time.perf_counter()
    known, places = catalogue.load(), Places(root.resolve(), features)
    strict = settings.load(places.root).no_defect == "fail"
    scenarios = checked_scenarios(places, known)
    chosen = [one for one in defects.load(places.root, features, known) if only in one.name]
    if only and not chosen:
        click.echo(f"--only {only}: no file in {features}/defects has that in its name", err=True)
        sys.exit(BAD_INPUT)
    out.print(f"Seeding {len(chosen)} defects, one at a time, into copies of the tree ...", highlight=False)
    scratch = places.reports / ".prove"
    last, rehearsal = _last(places, known), _last(places.of_rehearsal, known)
    passed = {key for run in (last, rehearsal) if run for key in run.passed}
    findings = prove.prove(
        places.root, features, chosen, scratch, lambda one: console.defect_result(out, one), passed, each=bool(only)
    )
    proof = prove.document(findings, known, tree.digest(places.root))
    lacking = sorted(prove.provable(scenarios) - set(proof["can_fail"]), key=list(known.criteria).index)
    if not only:
        places.proof.write_text(json.dumps(proof, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        if last:
            outputs.add_proof(places, known, last, proof["can_fail"])
        if rehearsal:
            outputs.add_proof(places.of_rehearsal, known, rehearsal, proof["can_fail"])
    console.proof_summary(out, proof, prove.provable(scenarios), [] if only else lacking)
    out.print(f"in {time.perf_counter() - begun:.1f} s", highlight=False)
    sys.exit(RED if (strict and lacking and not only) or not all(one.noticed for one in findings) else GREEN)


def _last(places: Places, known: catalogue.Catalogue) -> last_run.LastRun | None:
    """Return the last run for the proof to start from and to be written into; one that was changed is left alone."""
    try:
        return integrity.recall(places, known)
    except (integrity.StaleRun, manifest.BadManifest, run_loader.BadRun) as problem:
        told = problem.changes[0] if isinstance(problem, integrity.StaleRun) else str(problem)
        where = console.relative_path(places.reports, places.root)
        click.echo(f"The run in {where}/ is no help and stays as it is: {told}", err=True)
        return None


def exit_code(judged: RunResult, scenarios: Sequence[Scenario], *, strict: bool) -> int:
    totals = judged.coverage["totals"]
    red = judged.differences or totals[VIOLATED] or totals[SUITE_DEFECT] or totals["expired"]
    red = red or (strict and totals[NO_SCENARIO])
    if judged.coverage["target"] == REHEARSAL:
        # A rehearsal is good when all that AWS would run was gone through.
        wanted = {criterion for one in scenarios if for_target(one, "aws") for criterion in one.criteria}
        red = red or wanted - {row["id"] for row in judged.coverage["criteria"] if row["rehearsed"]}
    return RED if red else GREEN
