"""The command for engineers that measures how much the scenarios notice."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.markup import escape

from traceability.bundle import git
from traceability.cli.group import GREEN, RED, features_option, main, root_option
from traceability.model import catalogue, mutation_score, tree
from traceability.model.catalogue import tag_of
from traceability.model.paths import Places
from traceability.mutation import mutants, mutate, score, survivors, tracing
from traceability.mutation.mutate import SURVIVED, MutantResult
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
@click.option("--sample", "limit", default=600, show_default=True, help="Try at most so many mutants.")
@click.option("--seed", default="", help="Decides the sample; by default the tree does.")
@click.option("--keep", is_flag=True, help="Keep the result in features/mutation.yaml, for the matrix and the pages.")
@click.option("--page", type=click.Path(path_type=Path), help="With --keep: a page that shows the table.")
@click.option("--measure", is_flag=True, help="Only measure: a low score does not fail the command.")
def mutate_command(
    features: str, root: Path, seconds: float, limit: int, seed: str, keep: bool, page: Path | None, measure: bool
) -> None:
    """Mutate the engine in copies of the tree, and count the mutants that the scenarios notice.

    The sample depends on the tree alone: a shorter run tries the first of the same mutants. Fails below a score of
    80 %, and if features/survivors.yaml explains a mutant of code that is gone.
    """
    out, begun = Console(), time.perf_counter()
    today = datetime.now(UTC).date().isoformat()
    known, places = catalogue.load(), Places(root.resolve(), features)
    explained = survivors.load(places.root, features)
    if keep and git.has_changes(places.root):
        raise BadInput(["--keep: the tree differs from its commit, which the kept result names; commit first"])
    checked_scenarios(places, known)
    scratch, digest = places.reports / ".mutate", tree.digest(places.root)
    out.print("Tracing which code each scenario executes ...", highlight=False)
    workers = mutate.Workers(places.root, scratch, mutate.scenarios_of(places.root, features))
    try:
        traced = _traced(workers, places.reports / "trace.json", digest)
        sample = mutants.sample(places.root, tracing.executed(traced.lines), seed or digest)
        tracing_seconds = time.perf_counter() - begun
        out.print(f"{len(sample)} mutants of executed code; traced in {tracing_seconds:.0f} s", highlight=False)
        results = mutate.run(workers, sample[:limit], traced, seconds, lambda one: _print_result(out, one))
    finally:
        workers.close()
    facts = {
        "tree": digest,
        "commit": git.commit(places.root),
        "date": today,
        "seed": seed or digest,
        "mutants": len(sample),
        "seconds": round(time.perf_counter() - begun),
    }
    proof = json.loads(places.proof.read_text(encoding="utf-8")) if places.proof.exists() else {}
    content = score.document(results, workers.scenarios, known, explained, facts, proof)
    places.mutation.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _print_summary(out, content, known)
    if keep:
        result = score.kept(content)
        out.print(f"Kept in {mutation_score.write(places.root / features, result, known)}", highlight=False)
        if page is not None and not mutation_score.write_table(page, result, known):
            raise BadInput([f"--page {page}: it has no line {mutation_score.BEGIN!r}"])
    low = content["score"] is None or content["score"] < score.AIM
    sys.exit(RED if low and not measure else GREEN)


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
    out.print(f"Criteria whose own scenarios missed some: {', '.join(low) or 'none'}", highlight=False, soft_wrap=True)
    out.print(
        f"{len(unexplained)} of {len(content['survivors'])} survivors are not explained in features/{survivors.FILE}; "
        f"{len(content['never_red'])} Thens were never red: see reports/mutation.json",
        highlight=False,
        soft_wrap=True,
    )
