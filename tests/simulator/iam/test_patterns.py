"""Wildcards, row by row."""

from __future__ import annotations

import pytest

from simulator.iam.patterns import arn_like, like


@pytest.mark.parametrize(
    ("pattern", "value", "matches"),
    [
        ("abc", "abc", True),
        ("abc", "abcd", False),
        ("abc", "ABC", False),
        ("*", "", True),
        ("*", "anything:at/all", True),
        ("a*c", "abbbc", True),
        ("a*c", "ac", True),
        ("a*c", "acd", False),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a?c", "abbc", False),
        ("a.c", "abc", False),
        ("a[b]c", "abc", False),
        ("a[b]c", "a[b]c", True),
        ("a*c", "a\nc", True),
    ],
)
def test_like(pattern: str, value: str, matches: bool) -> None:
    assert like(pattern, value) is matches


def test_actions_ignore_case() -> None:
    assert like("drs:describe*", "drs:DescribeJobs", ignore_case=True)
    assert not like("drs:describe*", "drs:StartRecovery", ignore_case=True)


TABLE = "arn:aws:dynamodb:us-east-1:111122223333:table/Plans"


@pytest.mark.parametrize(
    ("pattern", "arn", "matches"),
    [
        ("*", TABLE, True),
        (TABLE, TABLE, True),
        (TABLE, TABLE + "/index/ByTime", False),
        (TABLE + "/index/*", TABLE + "/index/ByTime", True),
        (TABLE + "*", TABLE + "/index/ByTime", True),
        ("arn:aws:dynamodb:*:111122223333:table/*", TABLE, True),
        ("arn:aws:dynamodb:*:444455556666:table/*", TABLE, False),
        ("arn:aws:dynamodb:eu-*:*:table/*", TABLE, False),
        ("arn:*:dynamodb:us-east-?:*:table/P*s", TABLE, True),
        # A wildcard stays in its part: it does not swallow colons.
        ("arn:aws:dynamodb:*:table/Plans", TABLE, False),
        ("arn:aws:*", TABLE, False),
        # In the last part it does.
        ("arn:aws:states:*:*:execution:*", "arn:aws:states:us-east-1:111122223333:execution:machine:run-1", True),
        ("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket/folder/key", True),
        ("arn:aws:s3:::bucket/*", "arn:aws:s3:::bucket", False),
    ],
)
def test_arn_like(pattern: str, arn: str, matches: bool) -> None:
    assert arn_like(pattern, arn) is matches
