"""The numbers of the engine's behaviour."""

from __future__ import annotations

from datetime import timedelta

from engine.core import policy
from tests.engine.core.simulated_aws import START


def test_backoff_is_two_four_eight_seconds():
    assert [policy.backoff(retry) for retry in range(1, 1 + policy.MAX_RETRIES)] == [2, 4, 8]


def test_jobs_are_asked_closely_when_they_are_likely_to_end_and_never_below_ten_seconds():
    intervals = [policy.poll_interval(age) for age in range(0, 8 * 3600, 5)]
    assert min(intervals) >= 10
    assert max(intervals) <= policy.LONGEST_WAIT_SECONDS
    assert policy.poll_interval(600) < policy.poll_interval(30)


def test_a_cancellation_is_noticed_within_a_minute():
    assert policy.LONGEST_WAIT_SECONDS < 60


def test_whole_seconds_never_come_early_where_they_must_not():
    when = START.replace(microsecond=1)
    assert policy.whole_second_after(when) - when < timedelta(seconds=1)
    assert policy.whole_second_after(when) >= when
    assert policy.whole_second_after(START.replace(microsecond=0)) == START.replace(microsecond=0)
    assert when - policy.whole_second_before(when) < timedelta(seconds=1)


def test_durations_are_whole_seconds_rounded_down():
    assert policy.elapsed_seconds(START, START + timedelta(seconds=59.999)) == 59
