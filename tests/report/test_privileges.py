"""Least privilege of the last run: each right is used, and the removal of each right has an effect."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.targets import granted_accesses
from features.targets.granted_accesses import Grant
from tests.least_privilege import page, replay
from tests.least_privilege.replay import MutationResult

REPORTS = Path(__file__).resolve().parents[2] / "reports"
NOTES = REPORTS / ".run"


def _whole_run() -> bool:
    """Only a run of all scenarios on the simulator shows which rights are unused."""
    coverage = REPORTS / "coverage.json"
    if not coverage.exists() or not list(NOTES.glob("accesses-*.jsonl")):
        return False
    content = json.loads(coverage.read_text(encoding="utf-8"))
    return bool(content["target"] == "moto" and content["totals"]["not_run"] <= 5)


pytestmark = pytest.mark.skipif(not _whole_run(), reason="no complete run found; run `make acceptance`")


@pytest.fixture(scope="module")
def grants() -> list[Grant]:
    return granted_accesses.read(NOTES)


@pytest.fixture(scope="module")
def findings(grants: list[Grant]) -> Iterator[list[MutationResult]]:
    with replay.deployed(grants) as policies:
        replay.require_reproduced(grants)
        yield replay.findings(policies, grants)


def test_every_mutation_has_an_effect(findings: list[MutationResult]) -> None:
    assert [one.mutation.title for one in findings if not one.noticed] == []
    kinds = {one.mutation.kind for one in findings}
    assert kinds == {"action", "resource", "principal", "condition"}


def test_the_conditions_that_carry_weight_are_there(findings: list[MutationResult]) -> None:
    conditions = {
        (one.mutation.place.role, one.mutation.subject) for one in findings if one.mutation.kind == "condition"
    }
    assert {
        ("function", "aws:ViaAWSService"),
        ("function", "aws:TagKeys"),
        ("function", "iam:PassedToService"),
        ("state machine", "aws:SourceAccount"),
        ("target account", "aws:PrincipalArn"),
        ("target account", "sts:ExternalId"),
        ("target account", "aws:ViaAWSService"),
    } <= conditions


def test_the_page_is_up_to_date(findings: list[MutationResult]) -> None:
    page.require_current(findings)
