"""The command for engineers that measures how much the scenarios notice."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from traceability.bundle import git
from traceability.cli import earlier_runs
from traceability.cli.group import GREEN, RED, features_option, main, root_option
from traceability.model import catalogue, mutation_score, tree
from traceability.model.catalogue import tag_of
from traceability.model.feature_files import Scenario
from traceability.model.mutation_score import KeptScore
from traceability.model.paths import Places
from traceability.mutation import mutants, mutate, score, survivors, tracing, unit_tests
from traceability.mutation.mutate import SURVIVED, MutantResult
from traceability.reporting import outputs, provenance
from traceability.running.run import BadInput, checked_scenarios

_WORDS = {
    "noticed": "noticed",
    "by_error": "noticed by an error",
    "timed_out": "noticed by its time",
    SURVIVED: "SURVIVED",
}


@main.command("mutate")
@features_option
@root_option
@click.option("--seconds", default=3000.0, show_default=True, help="Begin no mutant after so many seconds.")
@click.option("--sample", "limit", default=2000, show_default=True, help="Try at most so many mutants.")
@click.option("--seed", default="", help="Decides the sample; by default the tree does.")
@click.option("--keep", is_flag=True, help="Keep the result in features/mutation.yaml, for the matrix and the pages.")
@click.option("--page", type=click.Path(path_type=Path), help="With --keep: a page that shows the table.")
@click.option("--measure", is_flag=True, help="Only measure: a low score does not fail the command.")
def mutate_command(
    features: str, root: Path, seconds: float, limit: int, seed: str, keep: bool, page: Path | None, measure: bool
) -> None:
    """Mutate the engine in copies of the tree, and count the mutants that the scenarios notice.

    The sample depends on the tree alone: a shorter run tries the first of the same mutants. Fails below a score of
    80 %, if features/survivors.yaml explains a mutant of code that is gone, and if a unit test that it names does not
    notice its mutant.
    """
    out, begun = Console(), time.perf_counter()
    today = datetime.now(UTC).date().isoformat()
    known, places = catalogue.load(), Places(root.resolve(), features)
    explained = survivors.load(places.root, features)
    if keep and git.changed_names(places.root):
        raise BadInput(["--keep: the tree differs from its commit, which the kept result names; commit first"])
    checked_scenarios(places, known)
    digest, found = tree.digest(places.root), mutants.of_tree(places.root)
    out.print("Tracing which code each scenario executes ...", highlight=False)
    with _workers(places, mutate.scenarios_of(places.root, features)) as workers:
        traced = _traced(workers, places.reports / "trace.json", digest)
        sample = mutants.sample(found, tracing.Reach(traced.lines, places.root).executed(), seed or digest)
        tracing_seconds = time.perf_counter() - begun
        out.print(f"{len(sample)} mutants of executed code; traced in {tracing_seconds:.0f} s", highlight=False)
        results = mutate.run(workers, sample[:limit], traced, seconds, lambda one: _print_result(out, one))
    problems = unit_tests.unnoticed(results, explained, places.root, places.reports / ".survivors", out.print)
    facts = {
        "tree": digest,
        "commit": git.commit(places.root),
        "date": today,
        "seed": seed or digest,
        "mutants": len(sample),
        "not_executed": score.not_executed(found, sample),
        "seconds": round(time.perf_counter() - begun),
    }
    proof = json.loads(places.proof.read_text(encoding="utf-8")) if places.proof.exists() else {}
    content = score.document(results, workers.scenarios, known, explained, facts, proof)
    places.mutation.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _print_summary(out, content, known)
    for one in problems:
        out.print(f"[bold red]✗[/] {escape(one)}", highlight=False, soft_wrap=True)
    if keep:
        keep_score(out, places, known, score.kept(content), page)
    low = content["score"] is None or content["score"] < score.AIM
    sys.exit(RED if problems or (low and not measure) else GREEN)


@main.command("mutant")
@features_option
@root_option
@click.option(
    "--scenario", "chosen", multiple=True, metavar="FILE[:LINE]", help="Run these scenarios only; repeatable."
)
@click.argument("lines", nargs=-1, required=True, metavar="FILE[:LINE]...")
def mutant_command(features: str, root: Path, chosen: tuple[str, ...], lines: tuple[str, ...]) -> None:
    """Try all mutants of single lines, each with every scenario that executes it.

    For work on one survivor: with --scenario the command traces these scenarios alone, which takes seconds.
    """
    out, known, places = Console(), catalogue.load(), Places(root.resolve(), features)
    checked_scenarios(places, known)
    files = sorted({line.partition(":")[0] for line in lines})
    found = [one for one in mutants.of_tree(places.root, files) if one.file in lines or one.place in lines]
    scenarios = mutate.scenarios_of(places.root, features)
    if chosen:
        scenarios = [one for one in scenarios if one.file in chosen or one.place in chosen]
    if not found or not scenarios:
        raise BadInput([f"no mutant in {', '.join(lines)}" if scenarios else f"no scenario at {', '.join(chosen)}"])
    with _workers(places, scenarios) as workers:
        kept = places.reports / "trace.json"
        traced = mutate.trace(workers) if chosen else _traced(workers, kept, tree.digest(places.root))
        mutate.run(workers, found, traced, math.inf, lambda one: _print_result(out, one), every=True)


@contextmanager
def _workers(places: Places, scenarios: Sequence[Scenario]) -> Iterator[mutate.Workers]:
    workers = mutate.Workers(places.root, places.reports / ".mutate", scenarios)
    try:
        yield workers
    finally:
        workers.close()


def keep_score(out: Console, places: Places, known: catalogue.Catalogue, result: KeptScore, page: Path | None) -> None:
    """Write the result beside the features, into the page, and into the outputs of the last runs on this tree."""
    last_runs = earlier_runs.unchanged(places, known)
    out.print(f"Kept in {mutation_score.write(places.root / places.features, result, known)}", highlight=False)
    if page is not None and not mutation_score.write_table(page, result, known):
        raise BadInput([f"--page {page}: it has no line {mutation_score.BEGIN!r}"])
    for of_run, last in last_runs:
        gathered = provenance.gather(of_run, known, last.coverage)
        outputs.rewrite(of_run, known, last.coverage, last.differences, gathered)


def _traced(workers: mutate.Workers, kept: Path, digest: str) -> mutate.Traced:
    """Return the trace of this tree; the last one is kept, because it takes longer than a minute."""
    if kept.exists():
        content = json.loads(kept.read_text(encoding="utf-8"))
        if content.pop("tree") == digest:
            return mutate.Traced(**content)
    found = mutate.trace(workers)
    kept.write_text(json.dumps({"tree": digest, **asdict(found)}), encoding="utf-8")
    return found


def _print_result(out: Console, one: MutantResult) -> None:
    who = f", {one.red[0][0]} {one.red[0][1]}" if one.red else f", {len(one.met)} scenarios met it"
    line = f"{one.mutant.place}  {one.before}  ->  {one.after}: {_WORDS[one.outcome]}{who}"
    sign = "[bold red]✗[/]" if one.outcome == SURVIVED else "[green]✓[/]"
    out.print(f"{sign} {escape(line)}", highlight=False, soft_wrap=True)


def _print_summary(out: Console, content: dict[str, Any], known: catalogue.Catalogue) -> None:
    low = [
        f"{tag_of(one)} {row['noticed']} of {row['tried']}"
        for one, row in content["criteria"].items()
        if row["tried"] and row["noticed"] < row["tried"]
    ]
    unexplained = [one for one in content["survivors"] if not one["reason"]]
    noticed = content["tried"] - content[SURVIVED]
    low_end, high_end = mutation_score.interval(noticed, content["tried"])
    out.print(
        f"[bold]{noticed} of {content['tried']} mutants noticed[/] ({content['by_error']} by an error, "
        f"{content['timed_out']} by their time): {noticed / max(content['tried'], 1):.1%}. A random sample of "
        f"{content['mutants']} mutants, seed {content['seed'][:12]}; 95 % confidence interval "
        f"{low_end:.1%} to {high_end:.1%}",
        highlight=False,
    )
    if without_equal := score.kept(content).without_equal:
        out.print(without_equal, highlight=False)
    out.print(f"Criteria whose own scenarios missed some: {', '.join(low) or 'none'}", highlight=False, soft_wrap=True)
    out.print(
        f"{len(unexplained)} of {len(content['survivors'])} survivors are not explained in features/{survivors.FILE}; "
        f"{mutation_score.count(content['never_red'])} Thens were never red; no scenario executes some or all lines of "
        f"{len(content['not_executed'])} files: see reports/mutation.json",
        highlight=False,
        soft_wrap=True,
    )
