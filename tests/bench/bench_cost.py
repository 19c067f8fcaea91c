"""The costs of the engine itself: time added to the critical path, and dollars a drill, compared with a plain loop."""

from __future__ import annotations

import math
import os
import statistics

from rich.console import Console
from rich.table import Table

from tests.bench import drills
from tests.bench.drills import Drill

# The mark is the median over 100; fewer by default, since each drill takes a second and more.
SEEDS = int(os.environ.get("SEEDS", "20"))

# us-east-1, on-demand list prices in dollars, November 2026; free tiers left out. DRS's and EC2's API calls are free.
TRANSITION = 0.025 / 1000
INVOCATION = 0.20 / 1_000_000
GIGABYTE_SECOND = 0.0000166667
READ_UNIT = 0.125 / 1_000_000
WRITE_UNIT = 0.625 / 1_000_000
MEMORY_GIGABYTES = 0.5
PLAIN_POLL_SECONDS = 30


def bench_time_over_the_critical_path() -> None:
    print()
    for title, waves, size in (("three tiers of 2 servers", 3, 2), ("20 servers in 5 waves", 5, 4)):
        runs = [drills.run(waves, size, seed) for seed in range(SEEDS)]
        shares = [drill.share for drill in runs]
        polls = statistics.median(drill.count("DescribeJobs") for drill in runs)
        print(
            f"{title}: the engine adds {statistics.median(shares):.1f} % (worst {max(shares):.1f} %) to the critical "
            f"path, with {polls:.0f} DescribeJobs; median of {SEEDS} seeds"
        )


def bench_dollars_of_a_drill() -> None:
    drill = drills.run(3, 2, kind="DRILL")
    table = Table(title="One three-tier drill, six servers", title_justify="left")
    for column in ("", "engine", f"plain loop, every {PLAIN_POLL_SECONDS} s"):
        table.add_column(column, justify="left" if not column else "right")
    plain = _plain(drill)
    for name, own, other in zip(plain, _engine(drill).values(), plain.values(), strict=True):
        table.add_row(name, _shown(own), _shown(other))
    print()
    Console(width=100).print(table)


def _engine(drill: Drill) -> dict[str, float]:
    return _bill(
        transitions=drill.transitions,
        invocations=drill.count("Invoke"),
        seconds=drill.lambda_seconds,
        reads=drill.units("read_units"),
        writes=drill.units("write_units"),
        calls=drill.count("DescribeJobs"),
    )


def _plain(drill: Drill) -> dict[str, float]:
    """Wait, Task, Choice; one DescribeJobs for each job in flight; the record read and written whole at each poll."""
    polls = math.ceil(drill.seconds / PLAIN_POLL_SECONDS)
    units = math.ceil(drill.largest_item / 1024)
    return _bill(
        transitions=3 * polls,
        invocations=polls,
        seconds=polls * 3 * 0.08,
        reads=polls * math.ceil(units / 4),
        writes=polls * units,
        calls=polls,
    )


def _bill(
    *, transitions: float, invocations: float, seconds: float, reads: float, writes: float, calls: float
) -> dict[str, float]:
    return {
        "state transitions": transitions,
        "Lambda invocations": invocations,
        "Lambda milliseconds (API latency)": seconds * 1000,
        "DynamoDB read units": reads,
        "DynamoDB write units": writes,
        "DescribeJobs": calls,
        "dollars": transitions * TRANSITION
        + invocations * INVOCATION
        + seconds * MEMORY_GIGABYTES * GIGABYTE_SECOND
        + reads * READ_UNIT
        + writes * WRITE_UNIT,
    }


def _shown(value: float) -> str:
    return f"{value:,.0f}" if value >= 1 else f"{value:.4f}"
