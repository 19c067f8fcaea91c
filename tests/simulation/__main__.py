"""`python -m tests.simulation`: random bad days, and the systematic ones."""

from __future__ import annotations

import itertools
import json
import sys
from datetime import UTC, datetime
from pathlib import Path

import click

from tests.simulation import batches, generator, narrative
from tests.simulation import crashes as killing
from tests.simulation import fault_table as table
from tests.simulation.cases import Day
from tests.simulation.shrinking import shrunk

CRASHES_HELP = "Kill the three-tier drill's function at each of its calls, or at a sample of 500 pairs of them, or all."
KEPT = Path("reports") / "simulation"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--seeds", type=click.IntRange(min=1), default=200, show_default=True, help="How many days to live.")
@click.option("--first", type=click.IntRange(min=0), default=1, show_default=True, help="The first seed.")
@click.option(
    "--seconds",
    type=click.FloatRange(min=0, min_open=True),
    help="Live as many days as fit into this time, instead of --seeds.",
)
@click.option(
    "--at-least",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="With --seconds: never fewer days than this.",
)
@click.option(
    "--processes", type=click.IntRange(min=1), default=2, show_default=True, help="How many processes share the days."
)
@click.option("--until", type=click.DateTime(["%H:%M"]), help="Stop at this time of today (UTC), HH:MM.")
@click.option(
    "--results", type=click.Path(path_type=Path), help="Keep a line a day here; days in it are not lived again."
)
@click.option("--day", "day_file", type=click.Path(exists=True, path_type=Path), help="Live this one day (JSON).")
@click.option(
    "--shrink",
    "shrinks",
    type=click.IntRange(min=0),
    default=2,
    show_default=True,
    help="How many failing days to shrink and tell.",
)
@click.option("--crashes", type=click.Choice(["all", "each", "pairs"]), help=CRASHES_HELP)
@click.option("--fault-table", is_flag=True, help="Write docs/faults.md anew: operation by fault, from real runs.")
def main(
    seeds: int,
    first: int,
    seconds: float | None,
    at_least: int,
    processes: int,
    until: datetime | None,
    results: Path | None,
    day_file: Path | None,
    shrinks: int,
    crashes: str | None,
    fault_table: bool,
) -> None:
    """Live random bad days: a plan, a world and a day of faults each, judged by invariants and a reference model.

    The same seed always gives the same day and the same run. A day that goes wrong is made small and told.
    """
    if fault_table:
        sys.exit(write_fault_table(processes))
    if crashes is not None:
        sys.exit(sweep(crashes, processes))
    if day_file is not None:
        sys.exit(live_one(Day.read(day_file), f"python -m tests.simulation --day {day_file}"))
    if seeds == 1:
        sys.exit(live_one(generator.draw(first), f"make simulate SEEDS=1 FIRST={first}"))
    lived = {result["seed"] for result in batches.already_lived(results)}
    wanted = itertools.count(first) if seconds is not None else iter(range(first, first + seeds))
    end = until and datetime.now(UTC).replace(hour=until.hour, minute=until.minute, second=0)
    summary = batches.run(
        (seed for seed in wanted if seed not in lived),
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
        click.echo("\n" + tell_small(failed["seed"]))
    click.echo(_told(summary))
    sys.exit(bool(summary.failed))


def sweep(which: str, processes: int) -> int:
    """The systematic kills; the exit code."""
    calls = killing.calls_of_the_drill()
    kills = [
        *(killing.single_kills(calls) if which != "pairs" else []),
        *(killing.pairs(calls) if which != "each" else []),
    ]
    wrong: list[str] = []
    show = batches.progress()
    with batches.workers(processes) as pool:
        for done, found in enumerate(pool.imap(killing.problems, kills), start=1):
            wrong += found
            show(f"{done} of {len(kills)} drills with a killed function, {len(wrong)} problems")
    click.echo("\n".join(wrong))
    click.echo(f"Crashes: {len(kills)} drills of {calls} calls each, {len(wrong)} problems")
    return bool(wrong)


def write_fault_table(processes: int) -> int:
    """docs/faults.md, each cell from a run of its own; the exit code."""
    shown = table.rows()
    tasks = [(row, name) for row in shown for name in table.FAULTS]
    cells: dict[tuple[table.Row, str], str] = {}
    show = batches.progress()
    with batches.workers(processes) as pool:
        for task, words in zip(tasks, pool.imap(table.told, tasks), strict=True):
            cells[task] = words
            show(f"{len(cells)} of {len(tasks)} cells")
    table.PAGE.write_text(table.page(lambda row, name: cells[row, name], shown), encoding="utf-8")
    click.echo(f"{table.PAGE}: {len(shown)} operations, {len(tasks)} cells")
    return 0


def live_one(day: Day, replay: str) -> int:
    """Live one day and tell it; the exit code."""
    life, problems = batches.lived(day)
    if life is None:
        click.echo("\n".join(problems))
    elif problems:
        click.echo(narrative.told(life, problems, replay))
    else:
        click.echo(f"The day of seed {day.seed} went well: {dict(batches.fault_counts(life))}")
        click.echo("\n".join(narrative.timeline(life)))
    return bool(problems)


def tell_small(seed: int) -> str:
    """Shrink the failing day of the seed, keep it, and tell it."""
    click.echo(f"making the day of seed {seed} small ...", err=True)
    whole = generator.draw(seed)
    wrong = batches.kinds(batches.lived(whole)[1])
    small = shrunk(whole, lambda day: bool(wrong & batches.kinds(batches.lived(day)[1])))
    KEPT.mkdir(parents=True, exist_ok=True)
    kept = KEPT / f"day-{seed}.json"
    kept.write_text(json.dumps(small.to_dict(), indent=1) + "\n", encoding="utf-8")
    life, problems = batches.lived(small)
    replay = f"python -m tests.simulation --day {kept}\n  the whole day: make simulate SEEDS=1 FIRST={seed}"
    return narrative.told(life, problems, replay) if life is not None else "\n".join([*problems, replay])


def _told(summary: batches.Summary) -> str:
    kinds = ", ".join(f"{kind} {count:,}" for kind, count in summary.faults.most_common())
    ends = ", ".join(f"{count:,} {status}" for status, count in sorted(summary.outcomes.items()))
    return f"Simulation: {summary.line()}\n  executions: {ends}\n  met: {kinds}"


if __name__ == "__main__":
    main()
