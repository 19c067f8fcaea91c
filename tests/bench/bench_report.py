"""The time after behave, from results to bundle: once for a first run, once with a history of twenty runs."""

from __future__ import annotations

import resource
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from traceability.bundle import bundle, run_history, run_loader
from traceability.evaluation import coverage
from traceability.model import catalogue, feature_files
from traceability.model.paths import Places
from traceability.running import run

ROOT = Path(__file__).resolve().parents[2]
RUNS = 20


def bench_from_results_to_bundle(tmp_path: Path) -> None:
    if not (ROOT / "reports" / "coverage.json").exists():
        pytest.skip("no run to report; `make acceptance` makes one")
    for name in ("features", "testdata", "engine", "infra", "simulator", "reports"):
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("history", "bundle-*", "__pycache__")
        )
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    places = Places(tmp_path)
    print()
    for kept in (0, RUNS):
        content = run_loader.read(places.coverage)
        for number in range(kept):
            earlier = content | {"started": f"2026-01-{number + 1:02}T00:00:00.000Z"}
            coverage.write(earlier, catalogue.load(), places.reports)
            run_history.keep(places, earlier)
        whole = measured(lambda: after_behave(places))
        size = (places.allure_report / "index.html").stat().st_size
        print(f"results to bundle, history of {kept:2} runs: {whole}; report {size / 1e6:.1f} MB")


def after_behave(places: Places) -> None:
    known = catalogue.load()
    scenarios, _ = feature_files.read(places.root / "features", places.root)
    judged = run.judge(places, known, scenarios, 0, "moto", "2026-02-01T00:00:00.000Z")
    run.write_report(places, known, judged)
    bundle.write(places, catalogue.load())


def measured(work: Callable[[], Any]) -> str:
    begun, used = time.perf_counter(), _processor_seconds()
    work()
    return f"{time.perf_counter() - begun:.1f} s, {_processor_seconds() - used:.1f} s of a processor"


def _processor_seconds() -> float:
    return sum(resource.getrusage(who).ru_utime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
