"""Every number the engine's behaviour depends on, and the arithmetic on them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

# API back-off (design: at most 3 retries, 2, 4 and 8 seconds apart).
MAX_RETRIES = 3
BACKOFF_SECONDS = 2

# DRS's quota of servers in one job, where the stack does not say another: sources disagree between 100 and 200.
SERVERS_PER_JOB = 100

# A cancellation must be noticed within 60 seconds, so no wait is longer than this.
LONGEST_WAIT_SECONDS = 50
# Servers that are in another job, or quota in use by others: asked again after this long.
BUSY_WAIT_SECONDS = 30
# A place in the queue for quota counts until it has not been renewed for this long: three askings.
TICKET_SECONDS = 3 * BUSY_WAIT_SECONDS
# ... and holds others back for two long jobs at most: by then, what fits has had its turn.
PRECEDENCE_SECONDS = 30 * 60
# A recovery instance that DRS does not list yet, or still lists while it is being terminated: asked again after this.
LISTING_WAIT_SECONDS = 15
# A launched instance that DRS never lists is a failed launch after this long.
LISTING_LIMIT_SECONDS = 300
# A termination's job may fail: an instance that DRS still lists so long after it was asked to terminate it is asked for
# again. A job takes a few minutes; one that is still at work answers with a conflict.
TERMINATION_LIMIT_SECONDS = 15 * 60
# So many instances at most are asked for one by one in a step, where DRS refused them together.
TERMINATIONS_ALONE = 10
# Drill clean-up (jobs in flight, then their instances' termination) gives up after this long.
CLEAN_UP_LIMIT_SECONDS = 2 * 3600
# The function's time limit (infra/template.yaml): an invocation whose state machine was stopped from outside may still
# be at work for so long, and launch what it had been about to.
LONGEST_INVOCATION_SECONDS = 300
# Step Functions resumes at whole seconds: what is due within this second is due now.
DUE_TOLERANCE_SECONDS = 1.0

# AWS's reasons may be thousands of characters long; a hundred servers share an item of the record. The whole text
# stays in DRS's job log and in the engine's own log.
LONGEST_MESSAGE = 400

# A Step Functions execution holds 25,000 history events; a loop costs nine. A successor takes over well before.
TICKS_PER_RUN = 2000

# DRS's patience: two DescribeJobs of one execution are never closer together.
POLL_GAP_SECONDS = 10
# (age of a job in seconds, seconds to its next poll): jobs take about 10 minutes.
_POLL_SCHEDULE = ((240, 50), (1500, 20), (3600, 30))


def backoff(retry: int) -> int:
    """Seconds before the given retry (1, 2, 3): 2, 4, 8."""
    return BACKOFF_SECONDS << (retry - 1)


def poll_interval(age_seconds: float) -> int:
    """Seconds until a job of this age is asked again: closely when it is likely to end, rarely otherwise."""
    for until, interval in _POLL_SCHEDULE:
        if age_seconds < until:
            return interval
    return LONGEST_WAIT_SECONDS


def polled_recently(polled_at: datetime | None, now: datetime) -> bool:
    """Whether the last DescribeJobs is too young for another one."""
    return polled_at is not None and now < polled_at + timedelta(seconds=POLL_GAP_SECONDS)


def shortened(message: str) -> str:
    """`message` as the record keeps it: cut, visibly, where it is too long."""
    return message if len(message) <= LONGEST_MESSAGE else message[: LONGEST_MESSAGE - 1] + "…"


def is_due(when: datetime, now: datetime) -> bool:
    return now >= when - timedelta(seconds=DUE_TOLERANCE_SECONDS)


def whole_second_before(when: datetime) -> datetime:
    """Step Functions cuts a timestamp's fraction off; a poll may come that much early."""
    return when.replace(microsecond=0)


def whole_second_after(when: datetime) -> datetime:
    """For what must never come early: a wave's wait, a Retry-After, a deadline."""
    return when if when.microsecond == 0 else when.replace(microsecond=0) + timedelta(seconds=1)


def resume_time(now: datetime, seconds: float) -> datetime:
    """About `seconds` after `now`, at a whole second."""
    return whole_second_before(now + timedelta(seconds=seconds))


def next_wake_up(now: datetime, wake_ups: Iterable[datetime], deadline: datetime | None = None) -> datetime:
    """The earliest of `wake_ups`, the deadline and the longest wait after which a cancellation must be noticed."""
    limits = [resume_time(now, LONGEST_WAIT_SECONDS)]
    if deadline is not None:
        limits.append(whole_second_after(deadline))
    return min([*wake_ups, *limits])


def elapsed_seconds(start: datetime, end: datetime) -> int:
    """Whole seconds between two instants, rounded down."""
    return math.floor((end - start).total_seconds())
