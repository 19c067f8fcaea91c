"""Commands for engineers: run the suite, and prove that it can fail."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console

from traceability.bundle import integrity, last_run
from traceability.cli import earlier_runs
from traceability.cli.group import GREEN, RED, accept_loss_option, features_option, main, root_option
from traceability.evaluation import proof_changes
from traceability.evaluation.coverage import rows_of, sections
from traceability.model import catalogue, proofs, settings, tree
from traceability.model.feature_files import Scenario, for_target
from traceability.model.paths import Places
from traceability.model.states import NO_SCENARIO, REHEARSAL
from traceability.model.verdict import SUITE_DEFECT, VIOLATED
from traceability.mutation import defects, prove
from traceability.recording import failure_story
from traceability.reporting import console, outputs, proof_summary, provenance
from traceability.running import keeping, shards
from traceability.running.run import BadInput, RunResult, checked_scenarios, run, write_report
from traceability.running.sharing import Shard


class _ShardType(click.ParamType[Shard]):
    name = "n/count"

    def convert(self, value: str | Shard, param: click.Parameter | None, ctx: click.Context | None) -> Shard:
        try:
            return value if isinstance(value, Shard) else Shard.parse(value)
        except ValueError as problem:
            self.fail(str(problem), param, ctx)


@main.command("run")
@features_option
@root_option
@click.option("--target", type=click.Choice(["moto", "aws", "rehearsal"]), default="moto", show_default=True)
@click.option(
    "--processes", type=click.IntRange(min=1), metavar="N", help="Number of behave processes; by default one a core."
)
@click.option(
    "--shard", type=_ShardType(), metavar="N/COUNT", help="Run one part of the suite, such as 1/4; see `merge`."
)
@accept_loss_option
@click.argument("behave_arguments", nargs=-1, type=click.UNPROCESSED)
def run_command(
    features: str,
    root: Path,
    target: str,
    processes: int | None,
    shard: Shard | None,
    accept_loss: tuple[str, ...],
    behave_arguments: tuple[str, ...],
) -> None:
    """Run the features with behave, evaluate each criterion, and write the report.

    Fails if fewer scenarios prove a criterion than features/proven.yaml says.

    Arguments after -- go to behave: files, FILE:LINE, --tags, --name. The outputs call such a run partial, with the
    number of its scenarios, and the history does not keep it.
    """
    if target == "aws" and (shard or (processes or 1) > 1):
        raise BadInput(["--target aws: its scenarios share one account, so one process runs all; omit the option"])
    if shard and (behave_arguments or accept_loss):
        raise BadInput(["--shard runs its part of all scenarios; omit --accept-loss and the arguments after --"])
    out, started = Console(), time.perf_counter()
    known, places = catalogue.load(), Places(root.resolve(), features, rehearsal=target == "rehearsal")
    scenarios, reasons = checked_scenarios(places, known), proofs.parse_accepted(accept_loss)
    if shard:
        _run_shard(out, replace(places, shard=shards.folder(shard)), known, scenarios, target, shard, processes)
    listed = proofs.load(places.root / features)
    with console.progress(out) as progress:
        judged = run(places, known, scenarios, target, behave_arguments, progress, reasons, processes)
    _show(out, places, known, judged, listed)
    rest = time.perf_counter() - started - judged.behave_seconds
    out.print(
        f"{_ran(judged, len(scenarios))} in {judged.behave_seconds:.1f} s, evaluated and reported in {rest:.1f} s",
        highlight=False,
    )
    sys.exit(exit_code(judged, scenarios, strict=settings.load(places.root).no_scenario == "fail"))


@main.command("merge")
@features_option
@root_option
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FOLDER...")
def merge_command(features: str, root: Path, folders: tuple[Path, ...]) -> None:
    """Merge all shards of a run (`run --shard 1/4` and so on), evaluate each criterion, and write the report.

    Each FOLDER is the one that a shard has left, such as reports/shard-1-of-4. Fails if a shard is missing, or if a
    scenario is in two of them.
    """
    out, known, places = Console(), catalogue.load(), Places(root.resolve(), features)
    scenarios = checked_scenarios(places, known)
    listed = proofs.load(places.root / features)
    judged, target = shards.merge(places, known, scenarios, folders)
    _show(out, replace(places, rehearsal=target == "rehearsal"), known, judged, listed)
    out.print(f"{len(scenarios)} scenarios of {len(folders)} shards", highlight=False)
    sys.exit(exit_code(judged, scenarios, strict=settings.load(places.root).no_scenario == "fail"))


def _ran(judged: RunResult, count: int) -> str:
    """Return the number of scenarios, of a partial run the number that ran: "1 of 243 scenarios ran"."""
    counts = judged.coverage.get("partial")
    if counts:
        return f"{counts['run']} of {counts['scenarios']} scenarios ran"
    return "1 scenario" if count == 1 else f"{count} scenarios"


def _show(out: Console, places: Places, known: catalogue.Catalogue, judged: RunResult, listed: proofs.Proofs) -> None:
    """Print the result of a run, and write its report."""
    console.summary(out, judged.coverage, known)
    console.stories(out, judged.coverage, failure_story.load(places.notes))
    console.differences(out, judged.differences, judged.log)
    gained = proofs.gains(listed, judged.coverage["target"], proof_changes.passed(judged.coverage))
    console.problems(out, proof_summary.lines(judged.coverage, gained))
    page = write_report(places, known, judged)
    out.print(f"Report: {console.relative_path(page, places.root)}", highlight=False)


def _run_shard(
    out: Console,
    places: Places,
    known: catalogue.Catalogue,
    scenarios: Sequence[Scenario],
    target: str,
    shard: Shard,
    processes: int | None,
) -> NoReturn:
    with console.progress(out) as progress:
        found = shards.run_shard(places, known, scenarios, target, shard, progress, processes)
    console.shard(out, found.outcomes, failure_story.load(places.notes))
    console.differences(out, found.differences, places.log)
    out.print(
        f"Shard {shard}: {len(found.outcomes)} of {len(scenarios)} scenarios in {found.seconds:.1f} s. Records: "
        f"{console.relative_path(places.reports, places.root)}; `python -m traceability merge` evaluates all shards.",
        highlight=False,
        soft_wrap=True,
    )
    red = any(one.verdict in (VIOLATED, SUITE_DEFECT) for one in found.outcomes)
    sys.exit(RED if red or found.differences else GREEN)


@main.command("prove")
@features_option
@root_option
@click.option(
    "--only",
    default="",
    metavar="TEXT",
    help="Only defects with TEXT in the file name; reports each scenario's outcome.",
)
def prove_command(features: str, root: Path, only: str) -> None:
    """Seed each defect into a copy of the tree, and check that a scenario of its criterion notices it."""
    out, started = Console(), time.perf_counter()
    known, places = catalogue.load(), Places(root.resolve(), features)
    strict = settings.load(places.root).no_defect == "fail"
    scenarios = checked_scenarios(places, known)
    chosen = [one for one in defects.load(places.root, features, known) if only in one.name]
    if only and not chosen:
        raise BadInput([f"--only {only}: no file in {features}/defects has this text in its name"])
    out.print(f"Seeding {len(chosen)} defects, one at a time, into copies of the tree ...", highlight=False)
    last_runs = earlier_runs.unchanged(places, known)
    passed = {key for _, run in last_runs for key in run.passed}
    scratch = places.reports / ".prove"
    results = prove.prove(
        places.root, features, chosen, scratch, lambda one: console.defect_result(out, one), passed, each=bool(only)
    )
    proof = prove.document(results, known, tree.digest(places.root))
    provable = prove.provable(scenarios)
    lacking = [] if only else sorted(provable - set(proof["can_fail"]), key=list(known.criteria).index)
    if not only:
        outputs.write_proof(places, known, proof, last_runs)
    console.proof_summary(out, proof, known, provable, lacking)
    out.print(f"in {time.perf_counter() - started:.1f} s", highlight=False)
    sys.exit(RED if (strict and lacking) or not all(one.noticed for one in results) else GREEN)


@main.command("keep")
@features_option
@root_option
@accept_loss_option
@click.option("--rehearsal", is_flag=True, help="Keep the proofs of the last rehearsal instead of the last run.")
def keep_command(features: str, root: Path, accept_loss: tuple[str, ...], rehearsal: bool) -> None:
    """Write the proofs of the last run to features/proven.yaml; later runs fail if they prove less."""
    known, places = catalogue.load(), Places(root.resolve(), features, rehearsal=rehearsal)
    reasons = proofs.parse_accepted(accept_loss)
    last = integrity.recall(places, known)
    if last is None:
        command = "make rehearsal" if rehearsal else "make acceptance"
        raise BadInput([f"{console.relative_path(places.coverage, places.root)}: no run of this tree; run `{command}`"])
    if last.differences:
        raise BadInput([f"the records of the last run disagree, so it proves no criterion: {last.differences[0]}"])
    partial = last_run.memory(places)["partial"]
    gained = keeping.keep(places, known, last.coverage, reasons, partial=partial)
    outputs.rewrite(places, known, last.coverage, last.differences, provenance.gather(places, known, last.coverage))
    named = ", ".join(map(catalogue.tag_of, gained)) or "no criterion"
    click.echo(f"{features}/{proofs.FILE}: more proofs for {named}")
    console.problems(Console(), proof_summary.lines(last.coverage, []))
    sys.exit(RED if last.coverage["losses"] else GREEN)


def exit_code(judged: RunResult, scenarios: Sequence[Scenario], *, strict: bool) -> int:
    counts = [VIOLATED, SUITE_DEFECT, "expired", *([NO_SCENARIO] if strict else [])]
    red = bool(judged.differences or judged.coverage["losses"])
    red = red or any(section["totals"][one] for _, section in sections(judged.coverage) for one in counts)
    if judged.coverage["target"] == REHEARSAL:
        # A rehearsal passes only if all scenarios for AWS were run.
        wanted = {criterion for one in scenarios if for_target(one, "aws") for criterion in one.criteria}
        red = red or bool(wanted - {row["id"] for row in rows_of(judged.coverage) if row["rehearsed"]})
    return RED if red else GREEN
