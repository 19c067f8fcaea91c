"""A run on AWS keeps the answers of DRS with the criteria of their scenario, and the comparison can read them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from features import evidence_hooks
from features.targets.call_log import SeenCall
from simulator.comparison import answers
from traceability.model import run_notes

MOMENT = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SCENARIO = SimpleNamespace(name="A drill", effective_tags=["AC-10.2", "EX-1.1", "aws", "costs-instances"])


def call(service="drs", answer=None, error=None):
    facts = {"account": "", "region": "us-east-1", "principal": "", "source": "suite"}
    return SeenCall(service, "DescribeJobs", {"filters": {}}, answer, error, None, MOMENT, MOMENT, **facts)


def test_answers_and_errors_are_kept_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(run_notes.RUN_DIRECTORY, str(tmp_path))
    calls = [
        call(answer={"items": [{"arn": "arn:aws:drs:us-east-1:210987654321:job/drsjob-1"}]}),
        call(error="ThrottlingException"),
        call(),  # the engine's log shortened the answer
        call(service="ec2", answer={}),
    ]
    for _ in range(2):
        run_notes.record_answers(evidence_hooks.drs_answers(calls, SCENARIO))
    kept = answers.read(tmp_path)
    assert len(kept) == 4
    assert kept[0].criteria == ("AC-10.2", "EX-1.1")
    assert {one.error for one in kept} == {None, "ThrottlingException"}
    assert kept[0].answer == {"items": [{"arn": "arn:aws:drs:us-east-1:********4321:job/drsjob-1"}]}


def test_nothing_is_kept_outside_of_a_run_that_is_evaluated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv(run_notes.RUN_DIRECTORY, raising=False)
    monkeypatch.chdir(tmp_path)
    run_notes.record_answers([{"service": "drs"}])
    assert not list(tmp_path.iterdir())


def test_a_line_is_one_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(run_notes.RUN_DIRECTORY, str(tmp_path))
    run_notes.record_answers([{"service": "drs", "answer": {"text": "two\nlines \udc80", "at": MOMENT}}])
    (path,) = tmp_path.glob("answers-*.jsonl")
    (line,) = path.read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["answer"]["at"] == str(MOMENT)
