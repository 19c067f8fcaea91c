"""The suite's one way to expect something: PyHamcrest's, and what was judged is kept as the step's evidence."""

from __future__ import annotations

from typing import Any

import hamcrest
from hamcrest.core.matcher import Matcher
from hamcrest.core.string_description import StringDescription

from traceability.recording import evidence


def assert_that(actual: Any, matcher: Matcher[Any] | str | None = None, reason: str = "") -> None:
    """Expect `actual` to match; or, with a text in place of a matcher, to be true, where the text says what is not.

    Raises AssertionError with what was expected, what was there, and `reason`: where it was looked.
    """
    if isinstance(matcher, Matcher):
        evidence.record_judgement(str(StringDescription().append_description_of(matcher)), actual, reason)
        hamcrest.assert_that(actual, matcher, reason)
        return
    evidence.record_judgement(f"that this is not so: {matcher}", "it is not so" if actual else "it is so")
    hamcrest.assert_that(actual, matcher)
