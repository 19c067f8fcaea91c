"""The simulation itself: the days that once went wrong, and whether its judges can notice what they are for."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from engine.core.plan import resolve_target
from engine.core.validation import plan_problems
from tests.simulation import batches, generator, state_machine_loop
from tests.simulation.cases import GROUP, OWN_ACCOUNT, REGION, Day, group_document, plan_document
from tests.simulation.oracle import judge
from tests.simulation.runner import live
from tests.simulation.shrinking import reduced, shrunk
from tests.simulation.trace import course, parting

FOUND = sorted((Path(__file__).parent / "found").glob("*.json"))
ROOT = Path(__file__).parents[2]
# A day of two waves in another account, with a second start and answers that get lost; and one of many small faults.
SAMPLE = (9, 23)
# Days of long outages that the reference model once took for the engine's fault: pauses of the state machine, a pause
# that was not over yet, a launch whose every look for its job failed, a drill that could not even begin before it was
# needed for real, the place that a cancelled execution had in the queue for quota (6367); and one whose engine took the
# pauses before one call for those before another (1037).
OUTAGES = (1037, 1671, 2112, 2439, 2678, 3306, 3332, 3529, 3849, 5693, 6183, 6367, 8767, 8871, 9219, 10179, 13250)


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
def test_a_day_that_once_went_wrong_goes_well(path):
    found = json.loads(path.read_text(encoding="utf-8"))
    assert len(found["reason"]) > 50
    assert judge(live(Day.from_dict(found["day"]))) == []


@pytest.mark.parametrize("seed", OUTAGES)
def test_an_outage_is_not_taken_for_the_engines_delay(seed):
    assert batches.live_seed(seed)["problems"] == []


@pytest.mark.parametrize("seed", SAMPLE)
def test_the_same_seed_lives_the_same_day_to_the_byte_in_any_process(seed):
    program = (
        "import hashlib; from tests.simulation import generator, runner;"
        f"life = runner.live(generator.draw({seed}), keep_journal=True);"
        "print(hashlib.sha256(life.journal.encode()).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    life = live(generator.draw(seed), keep_journal=True)
    assert hashlib.sha256(life.journal.encode()).hexdigest() == other.stdout.strip()


@pytest.mark.parametrize("seed", SAMPLE)
def test_the_thin_loop_and_the_interpreter_live_the_same_day(seed):
    day = generator.draw(seed)
    thin, interpreted = (live(replace(day, interpreter=interpreter)) for interpreter in (False, True))
    assert parting(thin, interpreted) is None
    assert len(list(course(thin))) > 40


def test_a_day_that_the_interpreter_lives_is_compared_with_the_thin_loop(monkeypatch):
    """One in twenty: a loop that waited a second less than the state machine would be told."""
    monkeypatch.setattr(state_machine_loop, "HALF_A_CALL", state_machine_loop.HALF_A_CALL + 1)
    day = replace(generator.draw(SAMPLE[0]), interpreter=True)
    (problem,) = batches.lived(day)[1]
    assert problem.startswith("the thin loop and the interpreter live it differently")


def test_every_drawn_plan_is_valid():
    for seed in range(1, 400):
        day = generator.draw(seed)
        assert generator.draw(seed) == day
        for index in range(len(day.plans)):
            document = plan_document(day, index, "arn:aws:sns:us-east-1:111122223333:topic")
            target = resolve_target(document, account_id=OWN_ACCOUNT, region=REGION)
            assert plan_problems(document, {GROUP: group_document(day)}, target) == []


def test_the_drawn_days_reach_every_corner():
    days = [generator.draw(seed) for seed in range(1, 400)]
    plans = [plan for day in days for plan in day.plans]
    assert {len(plan["waves"]) for plan in plans} >= set(range(1, 11))
    assert max(len(day.servers) for day in days) > 25
    assert {fault["kind"] for day in days for fault in day.faults} >= set(generator.KINDS) - {
        "storm",
        "sns_down",
        "conflict",
    }
    assert {doing["do"] for day in days for doing in day.people} == {"start", "cancel", "abort", "foreign_job"}
    assert {day.other_account for day in days} == {True, False}


def test_a_failing_day_is_made_small():
    whole = generator.draw(14)
    small = shrunk(whole, lambda day: any(one["order"] == "SEQUENTIAL" for one in day.plans[0]["waves"]))
    (plan,) = small.plans
    (wave,) = plan["waves"]
    assert (wave["order"], len(wave["servers"]), small.faults, len(small.people)) == ("SEQUENTIAL", 1, [], 1)


def test_a_reduced_day_can_be_lived():
    whole = generator.draw(5)
    gone = {("wave", "0", "0"), ("plan", "1"), ("fault", "0")}
    assert judge(live(reduced(whole, gone))) == []
