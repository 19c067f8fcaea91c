"""The fuzzer itself: cases that once failed, repeatable runs, valid generated cases, reduction of failing cases."""

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
from tests.simulation.cases import GROUP, OWN_ACCOUNT, REGION, Case, group_document, plan_document
from tests.simulation.oracle import violations
from tests.simulation.runner import run_case
from tests.simulation.shrinking import shrink, without
from tests.simulation.trace import first_difference, trace

FOUND = sorted((Path(__file__).parent / "found").glob("*.json"))
ROOT = Path(__file__).parents[2]
# A case of two waves in another account, with a second start and lost answers; and a case of many small faults.
SAMPLE = (9, 23)
# Cases of long outages that the reference model once blamed on the engine: pauses of the state machine, a pause that
# had not ended, a launch with no successful search for its job, a drill that could not start before a recovery of its
# plan was needed, the place of a cancelled execution in the launch queue (6367); and a case whose engine confused the
# pauses before one call with those before another (1037).
OUTAGES = (1037, 1671, 2112, 2439, 2678, 3306, 3332, 3529, 3849, 5693, 6183, 6367, 8767, 8871, 9219, 10179, 13250)


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
def test_a_case_that_once_failed_passes(path):
    found = json.loads(path.read_text(encoding="utf-8"))
    assert len(found["reason"]) > 50
    assert violations(run_case(Case.from_dict(found["case"]))) == []


@pytest.mark.parametrize("seed", OUTAGES)
def test_an_outage_is_not_blamed_on_the_engine(seed):
    assert batches.check_seed(seed)["problems"] == []


@pytest.mark.parametrize("seed", SAMPLE)
def test_the_same_seed_gives_the_same_journal_in_any_process(seed):
    program = (
        "import hashlib; from tests.simulation import generator, runner;"
        f"observed = runner.run_case(generator.generate({seed}), keep_journal=True);"
        "print(hashlib.sha256(observed.journal.encode()).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": str(seed)},
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    observed = run_case(generator.generate(seed), keep_journal=True)
    assert hashlib.sha256(observed.journal.encode()).hexdigest() == other.stdout.strip()


@pytest.mark.parametrize("seed", SAMPLE)
def test_the_thin_loop_and_the_interpreter_give_the_same_trace(seed):
    case = generator.generate(seed)
    thin, interpreted = (run_case(replace(case, interpreter=interpreter)) for interpreter in (False, True))
    assert first_difference(thin, interpreted) is None
    assert len(list(trace(thin))) > 40


def test_a_case_with_the_interpreter_is_compared_with_the_thin_loop(monkeypatch):
    """One case in twenty: a loop with other waits than the state machine would be reported."""
    monkeypatch.setattr(state_machine_loop, "HALF_A_CALL", state_machine_loop.HALF_A_CALL + 1)
    case = replace(generator.generate(SAMPLE[0]), interpreter=True)
    (problem,) = batches.check_case(case)[1]
    assert problem.startswith("the thin loop and the interpreter differ")


def test_every_generated_plan_is_valid():
    for seed in range(1, 400):
        case = generator.generate(seed)
        assert generator.generate(seed) == case
        for index in range(len(case.plans)):
            document = plan_document(case, index, "arn:aws:sns:us-east-1:111122223333:topic")
            target = resolve_target(document, account_id=OWN_ACCOUNT, region=REGION)
            assert plan_problems(document, {GROUP: group_document(case)}, target) == []


def test_the_generated_cases_cover_all_faults_and_actions():
    cases = [generator.generate(seed) for seed in range(1, 400)]
    plans = [plan for case in cases for plan in case.plans]
    assert {len(plan["waves"]) for plan in plans} >= set(range(1, 11))
    assert max(len(case.servers) for case in cases) > 25
    assert {fault["kind"] for case in cases for fault in case.faults} >= set(generator.KINDS) - {
        "storm",
        "sns_down",
        "conflict",
    }
    actions = [action for case in cases for action in case.actions]
    assert {action["do"] for action in actions} == {"start", "cancel", "abort", "foreign_job", "resume"}
    assert {"keep", "cancel_drills", "take_over", "patient", "heal"} <= {name for action in actions for name in action}
    assert {case.other_account for case in cases} == {True, False}


def test_a_failing_case_is_reduced():
    whole = generator.generate(14)
    small = shrink(whole, lambda case: any(one["order"] == "SEQUENTIAL" for one in case.plans[0]["waves"]))
    (plan,) = small.plans
    (wave,) = plan["waves"]
    assert (wave["order"], len(wave["servers"]), small.faults, len(small.actions)) == ("SEQUENTIAL", 1, [], 1)


def test_a_reduced_case_is_valid():
    whole = generator.generate(5)
    gone = {("wave", "0", "0"), ("plan", "1"), ("fault", "0")}
    assert violations(run_case(without(whole, gone))) == []
