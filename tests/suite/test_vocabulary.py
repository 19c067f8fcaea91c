"""The small words of the features: what each type takes, what it makes of it, and what it leaves alone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from features import vocabulary
from features.vocabulary import REQUESTS


@pytest.mark.parametrize(
    ("convert", "text", "value"),
    [
        (vocabulary.duration, "90 seconds", 90),
        (vocabulary.duration, "1 minute", 60),
        (vocabulary.duration, "2 hours", 7200),
        (vocabulary.numbers, "3", [3]),
        (vocabulary.numbers, "2, 4 and 8", [2, 4, 8]),
        (vocabulary.names, '"web-1"', ["web-1"]),
        (vocabulary.names, '"web-1, web-2"', ["web-1", "web-2"]),
        (vocabulary.status, "IN_PROGRESS", "IN_PROGRESS"),
        (vocabulary.run_type, "drill", "DRILL"),
        (vocabulary.kind, "instance", "instance"),
    ],
)
def test_a_word_is_read(convert: Any, text: str, value: Any) -> None:
    assert re.fullmatch(convert.pattern, text)
    assert convert(text) == value


@pytest.mark.parametrize(
    ("convert", "text"),
    [
        (vocabulary.duration, "90 secs"),
        (vocabulary.duration, "two minutes"),
        (vocabulary.duration, "1.5 hours"),
        (vocabulary.numbers, "2 or 3"),
        (vocabulary.names, "web-1"),
        (vocabulary.status, "completed"),
        (vocabulary.status, "A"),
        (vocabulary.run_type, "DRILL"),
        (vocabulary.request, "recovery requestss"),
        (vocabulary.request, "job queryies"),
    ],
)
def test_what_is_no_such_word_is_left_alone(convert: Any, text: str) -> None:
    assert not re.fullmatch(convert.pattern, text)


@pytest.mark.parametrize("words", REQUESTS)
def test_a_request_is_known_in_singular_and_plural_and_explained(words: str) -> None:
    plural = f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"
    for text in (words, plural):
        assert re.fullmatch(vocabulary.request.pattern, text)
        assert vocabulary.request(text) is REQUESTS[words]
    assert repr(words) in (vocabulary.request.__doc__ or "")
