"""The output of a run: one line for each requirement, each red scenario with its place, the reasons for not run."""

from __future__ import annotations

import io

from rich.console import Console

from tests.traceability.bundle.archives import commit
from tests.traceability.command_line import run_command
from tests.traceability.conftest import EXTENSIONS, Suite
from traceability.bundle import bundle, manifest
from traceability.reporting import console


def printed(suite: Suite) -> list[str]:
    out = Console(file=io.StringIO(), width=100)
    console.summary(out, suite.run().coverage, suite.catalogue)
    assert isinstance(out.file, io.StringIO)
    return out.file.getvalue().splitlines()


def test_each_requirement_has_its_line_and_each_failure_its_place(suite: Suite) -> None:
    suite.feature("""
        Feature: One
          @AC-1.1 @moto
          Scenario: passes
            Then nothing is wrong
          @AC-1.2 @moto
          Scenario: is violated
            Then the expectation fails
        """)
    suite.feature(
        "Feature: Ten\n" + "".join(f"  @AC-10.{n} @aws\n  Scenario: {n}\n    Then nothing is wrong\n" for n in (1, 2)),
        "r10.feature",
    )
    lines = printed(suite)
    assert " ".join(lines[0].split()) == "1 Wave Orchestration Testing ✓ ✗ · · · 1 proven, 1 violated, 3 no scenario"
    assert lines[9].endswith("– – · · ·  2 not run, 3 no scenario")
    assert "1 of 60 criteria proven on simulated AWS: 1 proven, 1 violated, 2 not run, 56 no scenario" in lines
    expected = "✗ AC-1.2  features/r01.feature:7  is violated: AssertionError: expected 3 waves, but there were 2"
    assert expected in lines
    assert lines[-1] == "– not run, needs AWS or rehearsal: AC-10.1, AC-10.2"


def test_a_partial_run_counts_deselected_criteria_also_in_its_bundle(suite: Suite) -> None:
    suite.feature("""
        Feature: One
          @AC-1.1 @moto
          Scenario: passes
            Then nothing is wrong
          @AC-1.2 @moto
          Scenario: is left out
            Then nothing is wrong
          @AC-1.3 @moto
          Scenario: is left out, too
            Then nothing is wrong
        """)
    commit(suite.root)
    judged = suite.run("--tags", "@AC-1.1")
    out = Console(file=io.StringIO(), width=100)
    console.summary(out, judged.coverage, suite.catalogue)
    assert isinstance(out.file, io.StringIO)
    assert out.file.getvalue().splitlines()[-1] == "– 2 deselected by this run's tags or files"
    manifest.write(suite.places, judged.coverage)
    said = (
        "1 of 60 criteria proven on simulated AWS, 2 not run, 57 no scenario; partial run, 2 deselected"
        f" · 0 of {EXTENSIONS} extensions proven on simulated AWS, {EXTENSIONS} no scenario"
    )
    ended = run_command("bundle", "--root", suite.root)
    assert ended.returncode == 0
    assert ended.stdout.splitlines()[0].startswith("Unsigned")
    assert ended.stdout.splitlines()[1] == said
    out = Console(file=io.StringIO(), width=200)
    console.verification(out, bundle.verify(bundle.write(suite.places, suite.catalogue), suite.root), None)
    assert isinstance(out.file, io.StringIO)
    assert said in out.file.getvalue().splitlines()
