"""A run without a scenario says why; the step that misses a fact of its scenario names it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from features.selection import why_not_here, why_nothing_ran
from features.world import NoPlanYet, NothingStarted, World

ROOT = Path(__file__).resolve().parents[2]


def scenario(*tags: str, status: str = "skipped", reason: str | None = None) -> Any:
    return SimpleNamespace(
        filename="features/r01.feature",
        line=12,
        effective_tags=tags,
        status=SimpleNamespace(name=status),
        skip_reason=reason,
    )


@pytest.mark.parametrize(
    ("tags", "why"),
    [
        (("AC-1.1", "moto", "aws"), None),
        (("AC-10.1", "aws"), "runs on real AWS only, this run was on simulated AWS"),
        (("AC-1.1", "mto"), "its tags (@AC-1.1 @mto) do not say where it runs; tag it @moto, @aws or both"),
        ((), "its tags (none) do not say where it runs; tag it @moto, @aws or both"),
    ],
)
def test_it_is_known_why_a_scenario_does_not_run_here(tags: tuple[str, ...], why: str | None) -> None:
    assert why_not_here(scenario(*tags), "moto") == why


def test_only_a_run_of_nothing_is_explained() -> None:
    skipped = scenario(reason="runs on real AWS only, this run was on simulated AWS")
    assert why_nothing_ran([skipped]) == [
        "features/r01.feature:12: skipped: runs on real AWS only, this run was on simulated AWS",
    ]
    assert why_nothing_ran([skipped, scenario(status="passed")]) == []
    assert why_nothing_ran([]) == ["no scenario fits these files, lines, tags or names"]


def test_behave_says_why_the_line_that_was_asked_for_did_not_run() -> None:
    file = "features/r10_real_drs_environment.feature"
    text = (ROOT / file).read_text(encoding="utf-8").splitlines()
    lines = [number for number, line in enumerate(text, 1) if line.startswith("  Scenario")]
    ended = subprocess.run(
        [sys.executable, "-m", "behave", "--no-color", f"{file}:{lines[1]}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    told = [line for line in ended.stdout.splitlines() if ": skipped: " in line]
    assert told == [f"{file}:{lines[1]}: skipped: runs on real AWS only, this run was on simulated AWS"]


def test_a_step_without_a_plan_asks_for_the_given() -> None:
    world: World = World.__new__(World)
    world.plan, world.executions, world.refusal, world.timed_out = {}, [], None, []
    for step in (lambda: world.start("DRILL"), lambda: world.draft_wave(1)):
        with pytest.raises(NoPlanYet, match='no plan yet; begin with a Given that names one, such as: Given the "'):
            step()


def test_a_then_without_an_execution_asks_for_the_when() -> None:
    world: World = World.__new__(World)
    world.executions, world.refusal, world.timed_out = [], None, []
    with pytest.raises(NothingStarted, match="no execution was started; put a When before it, such as: When a"):
        world.record()
    world.timed_out = ["The engine could not start the plan: it is ill"]
    with pytest.raises(AssertionError, match="The engine said: The engine could not start the plan: it is ill"):
        world.record()
