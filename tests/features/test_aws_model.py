"""The judge of AWS's answers accepts what real accounts send, and refuses what no account sends."""

from __future__ import annotations

import pytest

from features.aws_model import answer_problems

JOB = "drsjob-0123456789abcdef0"


@pytest.mark.parametrize("time", ["2024-09-16T01:35:52.887333+00:00", "2024-09-16T01:35:52.887Z"])
def test_both_forms_of_a_time_are_answers_of_drs(time: str) -> None:
    assert answer_problems("drs", "DescribeJobs", {"items": [{"jobID": JOB, "creationDateTime": time}]}) == []


@pytest.mark.parametrize(
    "time", ["2024-09-16T01:35:52.887333+02:00", "2024-09-16 01:35:52", "Mon, 16 Sep 2024 01:35:52"]
)
def test_any_other_form_is_none(time: str) -> None:
    (problem,) = answer_problems("drs", "DescribeJobs", {"items": [{"jobID": JOB, "creationDateTime": time}]})
    assert "creationDateTime does not match" in problem
    assert time in problem
