"""What the suite expects, in the words of recovery: each mismatch says what was expected, what was there, and where."""

from features.matchers.asserting import assert_that
from features.matchers.calls import came_apart, were_made
from features.matchers.documents import follows_schema, has_no_null, has_only_pascal_case
from features.matchers.records import has_status, is_skipped_because_of, mentions, story
from features.matchers.times import lasted, started_after, within

__all__ = [
    "assert_that",
    "came_apart",
    "follows_schema",
    "has_no_null",
    "has_only_pascal_case",
    "has_status",
    "is_skipped_because_of",
    "lasted",
    "mentions",
    "started_after",
    "story",
    "were_made",
    "within",
]
