"""`python -m tests.simulation`: random cases (fuzzing) and systematic ones."""

from __future__ import annotations

import itertools
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from tests.simulation import batches, generator, narrative
from tests.simulation import crashes as kills
from tests.simulation import fault_table as table
from tests.simulation.cases import Case
from tests.simulation.shrinking import shrink

CRASHES_HELP = (
    "Kill the function at each call of a drill, a resumption and starts over other executions, "
    "at 500 pairs of calls of the drill, or both (all)."
)
KEPT = Path("reports") / "simulation"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seeds", type=click.IntRange(min=1), default=200, show_default=True, help="The number of cases.")
@click.option("--first", type=click.IntRange(min=0), default=1, show_default=True, help="The first seed.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Run for this time instead of --seeds cases.",
)
@click.option(
    "--at-least",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="The least number of cases with --seconds.",
)
@click.option(
    "--processes", type=click.IntRange(min=1), default=2, show_default=True, help="The number of worker processes."
)
@click.option("--until", type=click.DateTime(["%H:%M"]), help="Stop at this time of the present day (UTC), HH:MM.")
@click.option(
    "--results",
    type=click.Path(path_type=Path),
    help="Append a line for each case to this file; skip the cases that it contains.",
)
@click.option(
    "--case", "case_file", type=click.Path(exists=True, path_type=Path), help="Run the case in this JSON file."
)
@click.option(
    "--shrink",
    "shrinks",
    type=click.IntRange(min=0),
    default=2,
    show_default=True,
    help="The number of failing cases to reduce and describe.",
)
@click.option("--crashes", type=click.Choice(["all", "each", "pairs"]), help=CRASHES_HELP)
@click.option(
    "--fault-table", is_flag=True, help="Write docs/faults.md: the engine's reaction to each fault at each operation."
)
def main(
    seeds: int,
    first: int,
    seconds: float | None,
    at_least: int,
    processes: int,
    until: datetime | None,
    results: Path | None,
    case_file: Path | None,
    shrinks: int,
    crashes: str | None,
    fault_table: bool,
) -> None:
    """Fuzz the deployed engine in virtual time.

    Each case has random plans, servers, operator actions and faults. Invariants and a reference model check the run.
    The same seed always gives the same case and the same run. Failing cases are reduced and described.
    """
    if fault_table:
        sys.exit(write_fault_table(processes))
    if crashes is not None:
        sys.exit(run_kills(crashes, processes))
    if case_file is not None:
        sys.exit(run_one(read_case(case_file), f"python -m tests.simulation --case {case_file}"))
    if seeds == 1:
        sys.exit(run_one(generator.generate(first), f"make fuzz SEEDS=1 FIRST={first}"))
    done = {result["seed"] for result in batches.earlier_results(results)}
    wanted = itertools.count(first) if seconds is not None else iter(range(first, first + seeds))
    end = until and datetime.now(UTC).replace(hour=until.hour, minute=until.minute, second=0)
    summary = batches.run(
        (seed for seed in wanted if seed not in done),
        processes=processes,
        seconds=seconds,
        at_least=at_least,
        results=results,
        until=end,
        show=batches.progress(),
    )
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)
    for failed in summary.failed:
        click.echo(f"seed {failed['seed']}: {failed['problems'][0]}")
    for failed in summary.failed[:shrinks]:
        click.echo("\n" + reduce_and_describe(failed["seed"]))
    click.echo(_totals(summary))
    sys.exit(bool(summary.failed))


def read_case(path: Path) -> Case:
    """The case in a JSON file. Raises click.BadParameter if the file contains no case."""
    try:
        return Case.read(path)
    except (ValueError, TypeError) as error:
        raise click.BadParameter(f"{path} contains no case: {error}", param_hint="'--case'") from error


def run_kills(which: str, processes: int) -> int:
    """Run the systematic kills; returns the exit code."""
    calls = {name: kills.calls_of(name) for name in kills.SITUATIONS}
    chosen = [
        *((name, one) for name in calls if which != "pairs" for one in kills.single_kills(calls[name])),
        *(("drill", one) for one in (kills.pairs(calls["drill"]) if which != "each" else [])),
    ]
    problems: list[str] = []
    show = batches.progress()
    with batches.workers(processes) as pool:
        for done, found in enumerate(pool.imap(kills.problems_in, chosen), start=1):
            problems += found
            show(f"{done} of {len(chosen)} cases with a killed function, {len(problems)} problems")
    click.echo("\n".join(problems))
    sizes = ", ".join(f"{name} {count} calls" for name, count in calls.items())
    click.echo(f"Crashes: {len(chosen)} cases ({sizes}), {len(problems)} problems")
    return bool(problems)


def write_fault_table(processes: int) -> int:
    """Write docs/faults.md, each cell from a separate run; returns the exit code."""
    shown = table.rows()
    tasks = [(row, name) for row in shown for name in table.FAULTS]
    cells: dict[tuple[table.TableRow, str], str] = {}
    show = batches.progress()
    with batches.workers(processes) as pool:
        for task, text in zip(tasks, pool.imap(table.cell_of, tasks), strict=True):
            cells[task] = text
            show(f"{len(cells)} of {len(tasks)} cells")
    table.PAGE.write_text(table.page(lambda row, name: cells[row, name], shown), encoding="utf-8")
    click.echo(f"{table.PAGE}: {len(shown)} operations, {len(tasks)} cells")
    return 0


def run_one(case: Case, replay: str) -> int:
    """Run one case and describe it; returns the exit code."""
    observed, problems = batches.check_case(case)
    if observed is None:
        click.echo("\n".join(problems))
    elif problems:
        click.echo(narrative.describe(observed, problems, replay))
    else:
        click.echo(f"The case of seed {case.seed} passed: {dict(batches.fault_counts(observed))}")
        click.echo("\n".join(narrative.timeline(observed)))
    return bool(problems)


def reduce_and_describe(seed: int) -> str:
    """Reduce the failing case of the seed, write it below reports/simulation, and describe it."""
    click.echo(f"reducing the case of seed {seed} ...", err=True)
    whole = generator.generate(seed)
    violations = batches.without_ids(batches.check_case(whole)[1])
    small = shrink(whole, lambda case: bool(violations & batches.without_ids(batches.check_case(case)[1])))
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = KEPT / f"case-{seed}.json"
    kept.write_text(json.dumps(small.to_dict(), indent=1) + "\n", encoding="utf-8")
    observed, problems = batches.check_case(small)
    replay = f"python -m tests.simulation --case {kept}\n  the whole case: make fuzz SEEDS=1 FIRST={seed}"
    return narrative.describe(observed, problems, replay) if observed is not None else "\n".join([*problems, replay])


def _totals(summary: batches.Summary) -> str:
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in summary.faults.most_common())
    ends = ", ".join(f"{count:,} {status}" for status, count in sorted(summary.outcomes.items()))
    return f"Fuzzing: {summary.line()}\n  executions: {ends}\n  faults: {kinds}"


if __name__ == "__main__":
    main()
