"""Small suites of their own in a folder of their own, run by the real behave."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from textwrap import dedent

import pytest
from behave.matchers import ParseMatcher

from traceability.model import catalogue, feature_files, revisions
from traceability.model.feature_files import Scenario
from traceability.model.paths import Places
from traceability.running import run as runs

KNOWN = catalogue.load()
EXTENSIONS = len(KNOWN.documents[1].criteria)
"""The number of built extension criteria."""


@pytest.fixture(autouse=True)
def keep_types():
    """Small suites register types under names that the real suite has too, in the same process."""
    before = dict(ParseMatcher.TYPE_REGISTRY)
    yield
    ParseMatcher.TYPE_REGISTRY.update(before)


ENVIRONMENT = """
from traceability.model import run_notes
from traceability.recording import evidence

def after_scenario(context, scenario):
    if "without_evidence" not in scenario.tags:
        evidence.attach_text("what was seen", "nothing but text")
    run_notes.record_endpoint("drs.us-east-1.amazonaws.com", connected=False)
    if "hook_after" in scenario.tags:
        raise RuntimeError("the hook broke")

def before_scenario(context, scenario):
    if "moto" not in scenario.effective_tags:
        scenario.skip("needs AWS or rehearsal")
    if "hook_before" in scenario.tags:
        raise RuntimeError("the hook broke")
"""
# A scenario for both targets and one for the simulator alone.
ON_BOTH_AND_SIMULATED = """
Feature: Small
  @AC-1.1 @moto @aws
  Scenario: on both
    Then nothing is wrong

  @AC-1.2 @moto
  Scenario: simulated only
    Then nothing is wrong
"""
STEPS = """
from behave import step
from traceability.recording import evidence

@step("nothing is wrong")
def nothing(context):
    if "without_evidence" not in context.scenario.tags:
        evidence.record_judgement("nothing wrong", "nothing wrong", "Looked at nothing")

@step("the expectation fails")
def fails(context):
    evidence.record_judgement("3 waves", "2 waves", "Looked at the execution record")
    assert False, "expected 3 waves, but there were 2"

@step("something breaks")
def breaks(context):
    raise ValueError("a broken step")

@step("the clean-up will break")
def cleanup(context):
    def broken():
        raise RuntimeError("the clean-up broke")
    context.add_cleanup(broken)

@step("within it {what}")
def within(context, what):
    context.execute_steps("Then " + what)

@step("the step gives up: {why}")
def gives_up(context, why):
    context.scenario.skip(why)
"""


def with_planned(known: catalogue.Catalogue, criterion_id: str) -> catalogue.Catalogue:
    """The catalogue as if this criterion, the last of its requirement, were only planned."""
    whole = known.criteria[criterion_id]

    def announce(one: catalogue.Requirement) -> catalogue.Requirement:
        if one.id != whole.requirement:
            return one
        assert one.criteria[-1] == whole
        return replace(one, criteria=one.criteria[:-1], planned=(whole,))

    return replace(
        known,
        documents=tuple(replace(one, requirements=tuple(map(announce, one.requirements))) for one in known.documents),
    )


@dataclass
class Suite:
    """A project with features. `run` judges it as `make acceptance` does, but without the report."""

    root: Path
    catalogue: catalogue.Catalogue = field(default_factory=catalogue.load)

    def feature(self, text: str, name: str = "r01.feature") -> Suite:
        (self.root / "features" / name).write_text(dedent(text), encoding="utf-8")
        return self

    def scenario(self, *steps: str, tags: str = "@AC-1.1 @moto") -> Suite:
        """Write a feature of one scenario, whose name is "only"."""
        body = "\n".join(f"    {step}" for step in steps)
        return self.feature(f"Feature: Small\n  {tags}\n  Scenario: only\n{body}\n")

    def environment(self, extra: str) -> Suite:
        (self.root / "features" / "environment.py").write_text(ENVIRONMENT + dedent(extra), encoding="utf-8")
        return self

    def steps(self, text: str) -> Suite:
        (self.root / "features" / "steps" / "small.py").write_text(dedent(text), encoding="utf-8")
        return self

    def copy(self, root: Path) -> Suite:
        """Copy the project with all that a run left in it: a run and its report take seconds, a copy does not."""
        shutil.copytree(self.root, root, symlinks=True)
        return replace(self, root=root)

    @property
    def places(self) -> Places:
        return Places(self.root)

    @property
    def scenarios(self) -> list[Scenario]:
        return feature_files.read(self.root / "features", self.root)[0]

    def run(self, *arguments: str, selected: str = "moto", processes: int | None = None) -> runs.RunResult:
        return runs.run(
            self.places,
            self.catalogue,
            self.scenarios,
            selected,
            arguments,
            lambda done, total: None,
            processes=processes,
        )

    def judge_again(self) -> runs.RunResult:
        """Judge the files on disk as they are now, for example after the loss of a result."""
        return runs.judge(self.places, self.catalogue, self.scenarios, 0, "moto", "2026-01-01T00:00:00.000Z")

    def state(self, judged: runs.RunResult, criterion: str = "1.1") -> str:
        return next(str(row["state"]) for row in judged.coverage["criteria"] if row["id"] == criterion)

    def reasons(self, judged: runs.RunResult, criterion: str = "1.1") -> Sequence[str]:
        row = next(row for row in judged.coverage["criteria"] if row["id"] == criterion)
        return [one["reason"] for one in row["scenarios"]]


def small_suite(root: Path) -> Suite:
    """Return a project whose criteria are all confirmed, with steps and hooks and no feature yet."""
    (root / "features" / "steps").mkdir(parents=True)
    known = catalogue.load()
    revisions.confirm(root / "features", known, known.criteria, date(2026, 1, 1))
    return Suite(root).environment("").steps(STEPS)


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    return small_suite(tmp_path)
