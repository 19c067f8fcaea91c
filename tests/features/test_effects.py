"""A scenario with a step without effect is no proof: it is a suite defect, even if its Then passes."""

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
  Scenario: a launch outside the plan
    Given the "single-wave" plan
    And the launch of server "web-1" fails with "no capacity"
    When a drill of the plan is run
    Then the execution is COMPLETED

  @AC-6.4 @moto
  Scenario: the absence of a wave that the plan lacks
    Given the "single-wave" plan
    When a drill of the plan is run
    Then DRS launched no server of wave 3

  @AC-6.4 @moto
  Scenario: a state that never comes
    Given the "single-wave" plan
    When a drill of the plan is started
    And wave 1 waits for approval
    Then the execution is COMPLETED

  @AC-6.4 @moto
  Scenario: a refusal that no Then judges
    Given the bad plan "unknown-server-id"
    When a drill of the plan is started
    Then DRS launched no server

  @AC-6.4 @moto
  Scenario: a command without an execution
    Given the "single-wave" plan
    When the execution is paused
    Then DRS launched no server

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


def test_a_step_without_effect_makes_its_scenario_a_defect(tmp_path: Path) -> None:
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
        "a launch outside the plan": "hook_error",
        "the absence of a wave that the plan lacks": "failed",
        "a state that never comes": "hook_error",
        "a refusal that no Then judges": "hook_error",
        "a command without an execution": "failed",
        "red before it could be met": "failed",
    }
    assert said.count(f"Idle:      {LINE}\n") == 2
    assert f"WithoutEffect: {LINE}" in said
    for line in (
        'the launch of server "web-1" had no effect: no started plan recovers it; name a server of the plan',
        "no plan of this scenario has a wave 3; there are 1",
        "the scenario waits for wave 1 to wait for approval, but the execution ended COMPLETED before that",
        "the engine refused a start: ",
        "; no Then judges it",
        "no execution was started; put a When before it",
    ):
        assert line in said, line
