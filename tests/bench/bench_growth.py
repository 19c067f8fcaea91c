"""How the engine's work grows with the plan: 6, 60, 600 and 1,000 servers, each drill to the end of its clean-up."""

from __future__ import annotations

import resource
import time

from rich.console import Console
from rich.table import Table

from tests.bench import drills

# waves by servers a wave
SIZES = ((3, 2), (3, 20), (6, 100), (10, 100))
OPERATIONS = {
    "StartRecovery": ("StartRecovery",),
    "DescribeJobs": ("DescribeJobs",),
    "other DRS": ("DescribeSourceServers", "DescribeRecoveryInstances", "TerminateRecoveryInstances"),
    "EC2": ("DescribeInstanceStatus",),
    "DynamoDB": ("GetItem", "BatchGetItem", "Query", "PutItem", "TransactWriteItems", "DeleteItem", "UpdateItem"),
    "Invoke": ("Invoke",),
}


def bench_growth() -> None:
    table = Table(title="Growth with the plan (drill, DRS-like times)", title_justify="left")
    columns = [
        "servers",
        "waves",
        "virtual min",
        *OPERATIONS,
        "transitions",
        "payload B",
        "item KB",
        "CPU s",
        "peak MB",
    ]
    for column in columns:
        table.add_column(column, justify="right")
    for waves, size in SIZES:
        begun = time.process_time()
        drill = drills.run(waves, size, kind="DRILL")
        spent = time.process_time() - begun
        assert drill.status == "COMPLETED"
        table.add_row(
            str(waves * size),
            str(waves),
            f"{drill.seconds / 60:.1f}",
            *(str(drill.count(*names)) for names in OPERATIONS.values()),
            str(drill.transitions),
            str(drill.largest_payload),
            f"{drill.largest_item / 1024:.1f}",
            f"{spent:.1f}",
            # the highest so far: sizes run from small to large
            f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}",
        )
    print()
    Console(width=170).print(table)
