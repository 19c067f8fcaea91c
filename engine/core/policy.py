"""The numbers that control the engine's behaviour, and the arithmetic on them."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import datetime, timedelta

# API back-off: at most 3 retries, 2, 4 and 8 seconds apart.
MAX_RETRIES = 3
BACKOFF_SECONDS = 2

# Default for the DRS quota of servers in one job: sources disagree between 100 and 200.
SERVERS_PER_JOB = 100

# A cancellation must take effect within 60 seconds, so no wait is longer than this.
LONGEST_WAIT_SECONDS = 50
# Time until the next request if servers are in another job or a quota is in use.
BUSY_WAIT_SECONDS = 30
# A ticket in the launch queue expires after this time without renewal: three requests.
TICKET_SECONDS = 3 * BUSY_WAIT_SECONDS
# A ticket holds other launches back for at most this time (two long jobs); a launch that fits has started by then.
PRECEDENCE_SECONDS = 30 * 60
# Time until the next request for an instance that DRS does not list yet, or still lists during its termination.
LISTING_WAIT_SECONDS = 15
# A launch has failed if DRS does not list its instance after this time.
LISTING_LIMIT_SECONDS = 300
# The final check looks again at an instance that it has not seen: EC2 and DRS are eventually consistent.
FINAL_CHECK_WAIT_SECONDS = 15
# An instance that a health check has seen within this time counts as seen by the final check.
FRESH_SECONDS = 10
# A termination job may fail. If DRS still lists the instance after this time, the engine repeats the termination.
# A job takes a few minutes; while it still runs, DRS refuses the new request with a conflict.
TERMINATION_LIMIT_SECONDS = 15 * 60
# After DRS has refused to terminate instances together, one step requests at most this many one by one.
TERMINATIONS_ALONE = 10
# The drill clean-up (jobs in flight, then the termination of their instances) fails after this time.
CLEAN_UP_LIMIT_SECONDS = 2 * 3600
# The time limit of the function (infra/template.yaml): after its state machine was stopped from outside, an invocation
# may still run for this time and launch servers.
LONGEST_INVOCATION_SECONDS = 300
# Step Functions resumes at whole seconds: an event that is due within this second is due now.
DUE_TOLERANCE_SECONDS = 1.0

# Messages of AWS may have thousands of characters, and 50 servers share an item of the record. The DRS job log and the
# engine's log keep the whole text.
LONGEST_MESSAGE = 400

# Lists that can be as long as the plan: the header of the record and the notification name only the first entries.
NAMED_IN_HEADER = 20

# Step Functions allows 25,000 history events in an execution, and a tick adds nine. A successor takes over before that.
TICKS_PER_RUN = 2000

# The shortest time between two DescribeJobs requests of one execution, to keep the request rate low.
POLL_GAP_SECONDS = 10
# (age of a job in seconds, seconds to its next poll): jobs take about 10 minutes.
_POLL_SCHEDULE = ((240, 50), (1500, 20), (3600, 30))


def backoff(retry: int) -> int:
    """Seconds before the given retry (1, 2, 3): 2, 4, 8."""
    return BACKOFF_SECONDS << (retry - 1)


def poll_interval(age_seconds: float) -> int:
    """Seconds until the next poll of a job of this age: short when its end is likely, long otherwise."""
    for until, interval in _POLL_SCHEDULE:
        if age_seconds < until:
            return interval
    return LONGEST_WAIT_SECONDS


def polled_recently(polled_at: datetime | None, now: datetime) -> bool:
    """Whether the last DescribeJobs request is too recent for another one."""
    return polled_at is not None and now < polled_at + timedelta(seconds=POLL_GAP_SECONDS)


def shortened(message: str, limit: int = LONGEST_MESSAGE) -> str:
    """`message` for the record: a message longer than `limit` characters is cut and ends with an ellipsis."""
    return message if len(message) <= limit else message[: limit - 1] + "…"


def is_due(when: datetime, now: datetime) -> bool:
    return now >= when - timedelta(seconds=DUE_TOLERANCE_SECONDS)


def whole_second_before(when: datetime) -> datetime:
    """For polls, which may come up to a second early: Step Functions ignores the fraction of a timestamp."""
    return when.replace(microsecond=0)


def whole_second_after(when: datetime) -> datetime:
    """For times that must not come early: the wait of a wave, a Retry-After, a deadline."""
    return when if when.microsecond == 0 else when.replace(microsecond=0) + timedelta(seconds=1)


def resume_time(now: datetime, seconds: float) -> datetime:
    """About `seconds` after `now`, at a whole second."""
    return whole_second_before(now + timedelta(seconds=seconds))


def next_wake_up(now: datetime, wake_ups: Iterable[datetime], deadline: datetime | None = None) -> datetime:
    """The earliest of `wake_ups`, the deadline and the end of the longest wait."""
    limits = [resume_time(now, LONGEST_WAIT_SECONDS)]
    if deadline is not None:
        limits.append(whole_second_after(deadline))
    return min([*wake_ups, *limits])


def elapsed_seconds(start: datetime, end: datetime) -> int:
    """Whole seconds between two instants, rounded down."""
    return math.floor((end - start).total_seconds())
