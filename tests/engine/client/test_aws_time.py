"""The time of AWS's answers, where this machine's clock is wrong or the AWS is a simulated one that runs ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from engine.client.aws_time import AwsTime, latest_moment


def answer(**headers):
    return {"ResponseMetadata": {"HTTPHeaders": headers}}


def ahead(time: AwsTime) -> float:
    return (time.now() - datetime.now(UTC)).total_seconds()


@pytest.mark.parametrize(("seconds", "told"), [(3600, 3600), (-86_400, -86_400), (6, 6), (3, 0), (-2, 0), (0, 0)])
def test_a_clock_that_is_wrong_by_more_than_the_way_takes_is_put_right(seconds, told):
    time = AwsTime()
    time.observe(answer(date=format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)))
    assert ahead(time) == pytest.approx(told, abs=1.1)


@pytest.mark.parametrize("headers", [{}, {"date": ""}, {"date": "yesterday"}])
def test_an_answer_that_tells_no_time_changes_nothing(headers):
    time = AwsTime()
    time.observe(answer(**headers))
    assert ahead(time) == pytest.approx(0, abs=1)
    time.observe(answer(date="Mon, 05 Jan 2026 09:00:00 GMT"))
    before = ahead(time)
    time.observe(answer(**headers))
    assert ahead(time) == pytest.approx(before, abs=1)


@pytest.mark.parametrize(("seconds", "told"), [(3600, 3600), (6, 6), (3, 0), (-86_400, 0)])
def test_it_is_never_earlier_than_the_latest_time_of_a_record(seconds, told):
    time = AwsTime()
    time.observe(answer(date=format_datetime(datetime.now(UTC), usegmt=True)))
    time.at_least(datetime.now(UTC) + timedelta(seconds=seconds))
    assert ahead(time) == pytest.approx(told, abs=1.1)


def test_the_latest_time_of_a_record_is_found_at_any_depth():
    waves = [{"Servers": [{"EndTime": "2026-01-05T09:20:00+00:00"}]}, {"StartTime": None}]
    record = {"StartTime": "2026-01-05T09:00:00+00:00", "Waves": waves, "ResumeAt": "2026-01-05T10:00:00+00:00"}
    assert latest_moment(record) == datetime(2026, 1, 5, 9, 20, tzinfo=UTC)
    assert latest_moment({"Status": "RUNNING"}) is None
