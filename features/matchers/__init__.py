"""Matchers of the suite, in terms of recovery: each mismatch shows the expected, the actual and the source of it.

Start with `asserting.py`: `assert_that` records each comparison as evidence.
"""

from features.matchers.asserting import assert_that
from features.matchers.documents import follows_schema, has_no_null, has_only_pascal_case
from features.matchers.durations import at_most, is_between, lasted, no_later_than, started_after
from features.matchers.engine_calls import came_apart, were_made
from features.matchers.records import describe, has_status, is_skipped_because_of, mentions

__all__ = [
    "assert_that",
    "at_most",
    "came_apart",
    "describe",
    "follows_schema",
    "has_no_null",
    "has_only_pascal_case",
    "has_status",
    "is_between",
    "is_skipped_because_of",
    "lasted",
    "mentions",
    "no_later_than",
    "started_after",
    "were_made",
]
