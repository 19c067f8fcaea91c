"""The small words of the features: what each type takes, what it makes of it, and what it leaves alone."""

from __future__ import annotations

import re
from typing import Any

import pytest

from features import parameter_types
from features.parameter_types import REQUESTS


@pytest.mark.parametrize(
    ("convert", "text", "value"),
    [
        (parameter_types.duration, "90 seconds", 90),
        (parameter_types.duration, "1 minute", 60),
        (parameter_types.duration, "2 hours", 7200),
        (parameter_types.numbers, "3", [3]),
        (parameter_types.numbers, "2, 4 and 8", [2, 4, 8]),
        (parameter_types.names, '"web-1"', ["web-1"]),
        (parameter_types.names, '"web-1, web-2"', ["web-1", "web-2"]),
        (parameter_types.status, "IN_PROGRESS", "IN_PROGRESS"),
        (parameter_types.run_type, "drill", "DRILL"),
        (parameter_types.kind, "instance", "instance"),
    ],
)
def test_a_word_is_read(convert: Any, text: str, value: Any) -> None:
    assert re.fullmatch(convert.pattern, text)
    assert convert(text) == value


@pytest.mark.parametrize(
    ("convert", "text"),
    [
        (parameter_types.duration, "90 secs"),
        (parameter_types.duration, "two minutes"),
        (parameter_types.duration, "1.5 hours"),
        (parameter_types.numbers, "2 or 3"),
        (parameter_types.names, "web-1"),
        (parameter_types.status, "completed"),
        (parameter_types.status, "A"),
        (parameter_types.run_type, "DRILL"),
        (parameter_types.request, "recovery requestss"),
        (parameter_types.request, "job queryies"),
    ],
)
def test_what_is_no_such_word_is_left_alone(convert: Any, text: str) -> None:
    assert not re.fullmatch(convert.pattern, text)


@pytest.mark.parametrize("words", REQUESTS)
def test_a_request_is_known_in_singular_and_plural_and_explained(words: str) -> None:
    plural = f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"
    for text in (words, plural):
        assert re.fullmatch(parameter_types.request.pattern, text)
        assert parameter_types.request(text) is REQUESTS[words]
    assert repr(words) in (parameter_types.request.__doc__ or "")
