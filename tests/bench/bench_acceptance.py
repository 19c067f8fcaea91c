"""How long an acceptance run takes in all, outside behave and Allure, and how much memory the suite needs at most."""

from __future__ import annotations

import json
import re
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def bench_acceptance() -> None:
    begun = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-m", "traceability", "run"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    whole = time.perf_counter() - begun
    said = re.search(r"(\d+) scenarios in ([\d.]+) s, evaluated and reported in ([\d.]+) s", ended.stdout)
    assert said, ended.stdout + ended.stderr
    behave = float(said[2])
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    scenarios = [one for row in coverage()["criteria"] for one in row["scenarios"]]
    slowest = sorted(scenarios, key=lambda one: -one["seconds"])[:5]
    print(f"\nacceptance: {whole:.1f} s in all, {behave:.1f} s of them behave with {said[1]} scenarios")
    seconds = [one["seconds"] for one in scenarios if one["seconds"]]
    print(f"a scenario: {statistics.median(seconds):.2f} s (median), {sum(s > 1 for s in seconds)} take more than 1 s")
    print(f"outside behave: {whole - behave:.1f} s (start, reading, reconciling, Allure)")
    print(f"peak memory of the largest process: {peak:.0f} MB")
    for one in slowest:
        print(f"  {one['seconds']:6.2f} s  {one['file']}:{one['line']}  {one['name']}")


def coverage() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / "reports" / "coverage.json").read_text(encoding="utf-8"))
    return content
