"""The command line: `python -m traceability check|run|report`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from traceability import catalogue, console, defects, last_run, matrix, prove, settings
from traceability.catalogue import BadCatalogue
from traceability.coverage import NO_SCENARIO, REHEARSAL
from traceability.features import Scenario, for_target
from traceability.places import Places
from traceability.report import ReportFailed
from traceability.results import UnreadableResult
from traceability.run import BadInput, Judged, checked_scenarios, run, write_report
from traceability.verdict import SUITE_DEFECT, VIOLATED

GREEN, RED, BAD_INPUT = 0, 1, 2
_features = click.option("--features", default="features", show_default=True, help="Folder with the feature files.")
_root = click.option("--root", type=click.Path(path_type=Path), default=Path, hidden=True)


@click.group()
def main() -> None:
    """From requirement to proof: check the features, run them, report what is proven."""


@main.command()
@_features
@_root
def check(features: str, root: Path) -> None:
    """Check the features against the catalogue, without running anything."""
    known = catalogue.load()
    scenarios = checked_scenarios(Places(root.resolve(), features), known)
    covered = {one for scenario in scenarios for one in scenario.criteria}
    click.echo(f"{len(scenarios)} scenarios cover {len(covered)} of {len(known.criteria)} criteria; no problem found.")


@main.command("run")
@_features
@_root
@click.option("--target", type=click.Choice(["moto", "aws", "rehearsal"]), default="moto", show_default=True)
@click.argument("behave_arguments", nargs=-1, type=click.UNPROCESSED)
def run_command(features: str, root: Path, target: str, behave_arguments: tuple[str, ...]) -> None:
    """Run the features with behave, judge each criterion, write the report. Extra arguments go to behave, after --."""
    out, begun = Console(), time.perf_counter()
    known, places = catalogue.load(), Places(root.resolve(), features, rehearsal=target == "rehearsal")
    strict = settings.load(places.root).no_scenario == "fail"
    scenarios = checked_scenarios(places, known)
    with console.progress(out) as progress:
        judged = run(places, known, scenarios, target, behave_arguments, progress)
    console.summary(out, judged.coverage, known)
    console.differences(out, judged.differences, judged.log)
    page = write_report(places, known, judged)
    out.print(f"Report: {console.place(page, places.root)}", highlight=False)
    rest = time.perf_counter() - begun - judged.behave_seconds
    out.print(
        f"{len(scenarios)} scenarios in {judged.behave_seconds:.1f} s, judged and reported in {rest:.1f} s",
        highlight=False,
    )
    sys.exit(_exit_code(judged, scenarios, strict=strict))


@main.command("matrix")
@_root
def matrix_command(root: Path) -> None:
    """Write reports/matrix.html anew from the last run's coverage.json."""
    places = Places(root.resolve())
    if not places.coverage.exists():
        raise BadInput(["reports/coverage.json: there is no run to show; `make acceptance` makes one"])
    matrix.write(json.loads(places.coverage.read_text(encoding="utf-8")), catalogue.load(), places.matrix)
    click.echo(console.place(places.matrix, places.root))


@main.command("prove")
@_features
@_root
@click.option("--only", default="", help="Only the defects whose file name contains this text.")
def prove_command(features: str, root: Path, only: str) -> None:
    """Seed each defect into a copy of the tree and see whether its criterion's scenarios notice."""
    out, begun = Console(), time.perf_counter()
    known, places = catalogue.load(), Places(root.resolve(), features)
    strict = settings.load(places.root).no_defect == "fail"
    scenarios = checked_scenarios(places, known)
    chosen = [one for one in defects.load(places.root, features, known) if only in one.name]
    out.print(f"Seeding {len(chosen)} defects, one at a time, into copies of the tree ...", highlight=False)
    scratch = places.reports / ".prove"
    last = last_run.recall(places)
    rehearsal = last_run.recall(places.of_rehearsal)
    passed = {key for run in (last, rehearsal) if run for key in run.passed}
    findings = prove.prove(places.root, features, chosen, scratch, lambda one: console.finding(out, one), passed)
    proof = prove.document(findings, known, defects.digest(places.root))
    lacking = sorted(prove.provable(scenarios) - set(proof["can_fail"]), key=list(known.criteria).index)
    if not only:
        places.proof.write_text(json.dumps(proof, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        if last:
            last_run.add_proof(last, proof["can_fail"], places, known)
        if rehearsal:
            last_run.add_proof(rehearsal, proof["can_fail"], places.of_rehearsal, known)
    console.proof(out, proof, prove.provable(scenarios), [] if only else lacking)
    out.print(f"in {time.perf_counter() - begun:.1f} s", highlight=False)
    sys.exit(RED if (strict and lacking and not only) or not all(one.noticed for one in findings) else GREEN)


def _exit_code(judged: Judged, scenarios: Sequence[Scenario], *, strict: bool) -> int:
    totals = judged.coverage["totals"]
    red = judged.differences or totals[VIOLATED] or totals[SUITE_DEFECT] or (strict and totals[NO_SCENARIO])
    if judged.coverage["target"] == REHEARSAL:
        # A rehearsal is good when all that AWS would run was gone through.
        wanted = {criterion for one in scenarios if for_target(one, "aws") for criterion in one.criteria}
        red = red or wanted - {row["id"] for row in judged.coverage["criteria"] if row["rehearsed"]}
    return RED if red else GREEN


def entry() -> None:
    """Run the command; what a user can mend is one line without a traceback."""
    try:
        main()
    except BadInput as problem:
        console.problems(Console(stderr=True), problem.problems)
        sys.exit(BAD_INPUT)
    except prove.NotGreen as problem:
        console.problems(Console(stderr=True), [f"red without any defect: {line}" for line in problem.problems])
        sys.exit(RED)
    except (BadCatalogue, defects.BadDefect, settings.BadSettings, UnreadableResult, ReportFailed) as problem:
        console.problems(Console(stderr=True), [str(problem)])
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    entry()
