"""A fault that a scenario arms and nothing meets shows nothing: the scenario is no proof, whatever its Then says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from traceability.mutation import defects

ROOT = Path(__file__).resolve().parents[2]
FEATURE = """Feature: Idle
  @AC-6.4 @moto
  Scenario: met
    Given the "single-wave" plan
    And AWS throttles the first recovery request
    When a drill of the plan is run
    Then the execution is COMPLETED

  @AC-6.4 @moto
  Scenario: never met
    Given the "single-wave" plan
    And AWS throttles the first 9 role assumptions
    When a drill of the plan is run
    Then the execution is COMPLETED

  @AC-6.4 @moto
  Scenario: never met and violated
    Given the "single-wave" plan
    And AWS throttles the first 9 role assumptions
    When a drill of the plan is run
    Then the execution is FAILED

  @AC-6.4 @moto
  Scenario: red before it could be met
    Given AWS throttles the first 9 role assumptions
    When a drill of the plan is run
    Then the execution is COMPLETED
"""
LINE = (
    '"And AWS throttles the first 9 role assumptions" had no effect: the engine made no such call, sts AssumeRole; '
    "change the scenario so that it does, or remove the step"
)


def test_a_fault_that_nothing_met_makes_its_scenario_a_defect(tmp_path: Path) -> None:
    defects.overlay(None, ROOT, tmp_path)
    (tmp_path / "features" / "idle.feature").write_text(FEATURE, encoding="utf-8")
    command = [sys.executable, "-m", "behave", "--no-color", "--junit", "--junit-directory", "junit"]
    said = subprocess.run(
        [*command, "features/idle.feature"],
        cwd=tmp_path,
        # The copy's own packages come before those of the project, which has the judge that is no part of a copy.
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    (record,) = (tmp_path / "junit").glob("*.xml")
    # Our own file, written a moment ago.
    ends = {one.get("name"): one.get("status") for one in ElementTree.parse(record).iter("testcase")}
    assert ends == {
        "met": "passed",
        "never met": "hook_error",
        "never met and violated": "failed",
        "red before it could be met": "failed",
    }
    assert [line for line in said.splitlines() if line.startswith("Idle:")] == [f"Idle:      {LINE}"] * 2
    assert f"FaultNeverMet: {LINE}" in said
